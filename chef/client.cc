// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client.h"

#include <curl/curl.h>
#include <pthread.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "chef/curl_transfer.h"
#include "chef/server_url.h"
#include "chef/trust.h"

namespace rehai::chef {
namespace {

using Callback = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

// With nothing to do curl's thread looks around this often; a wake-up comes at
// once all the same.
constexpr absl::Duration kIdlePoll = absl::Minutes(1);

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using MultiPtr = std::unique_ptr<CURLM, MultiDeleter>;

// A request with what becomes of it. Always in one queue, or in one thread's
// hands.
struct Call {
  Request request;
  Callback done;
  absl::Duration deadline;  // by Clock::Uptime()
  bool has_connection = false;
  std::shared_ptr<const RequestSigner> signer;  // who signed it
  bool signed_again = false;                    // with a newer key
  std::unique_ptr<CurlTransfer> transfer;       // from signing on
  CURLcode code = CURLE_OK;                     // curl's ending
  absl::Status failure;                         // ended otherwise
};
using CallPtr = std::unique_ptr<Call>;

// A call goes around: waiting_ (or urgent_) -> a worker signs it -> signed_ ->
// curl's thread sends it and receives the answer -> ended_ -> a worker calls
// back. Signing takes longer than all the rest together, and callbacks read
// whole nodes, so curl's thread does neither. A call has a connection from
// before it is signed, so that no signature grows old in a queue, until its
// callback has returned, so that what the callback sends finds it free.
class CurlClient final : public Client {
 public:
  CurlClient(Options options, const ServerUrl& url, std::string trusted_pem,
             std::unique_ptr<SignerSource> signers, const Clock& clock,
             MultiPtr multi);
  ~CurlClient() override;

  void Send(Request request, Callback done) override;

  const std::string& server_url() const override {
    return settings_.server_url;
  }
  const std::string& client_name() const override { return client_name_; }

 private:
  // The workers' part.
  void Work();
  CallPtr AwaitWork();
  CallPtr PickWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration NextDeadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Prepare(Call& call);
  void SignAndDispatch(CallPtr call);
  void Dispatch(CallPtr call);
  bool HasNewKeyFor(Call& call, const absl::StatusOr<Response>& result);
  void Finish(CallPtr call);
  CurlEasyPtr TakeEasy();
  absl::Status NotSent(const Call& call) const;
  absl::Status ShuttingDown() const;

  // Curl's thread's part.
  void Transfer();
  bool StartSigned();
  bool MayWait();
  void CollectEnded();
  void CancelAll();

  // Set at construction.
  const Options options_;
  const ServerUrl url_;
  const CurlTransfer::Settings settings_;
  const std::unique_ptr<SignerSource> signers_;
  const std::string client_name_;
  const Clock& clock_;

  Mutex mu_;
  CondVar changed_;  // there may be work
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // Curl's thread polls, or is about to: signed_ is empty.
  bool curl_waits_ ABSL_GUARDED_BY(mu_) = false;
  bool curl_ended_ ABSL_GUARDED_BY(mu_) = false;  // takes no more
  int free_connections_ ABSL_GUARDED_BY(mu_);
  std::deque<CallPtr> urgent_ ABSL_GUARDED_BY(mu_);   // sent by callbacks
  std::deque<CallPtr> waiting_ ABSL_GUARDED_BY(mu_);  // sent by others
  std::deque<CallPtr> signed_ ABSL_GUARDED_BY(mu_);
  std::deque<CallPtr> ended_ ABSL_GUARDED_BY(mu_);
  std::vector<CurlEasyPtr> idle_ ABSL_GUARDED_BY(mu_);

  // Curl's thread's own, but for curl_multi_wakeup(). Transfers go before the
  // multi handle that they are in.
  const MultiPtr multi_;
  absl::flat_hash_map<CURL*, CallPtr> transfers_;

  // Last: they use all of the above.
  std::thread curl_thread_;
  std::vector<std::thread> workers_;
};

// Whose worker this thread is.
thread_local const CurlClient* worker_of = nullptr;

CallPtr PopFront(std::deque<CallPtr>& queue) {
  CallPtr call = std::move(queue.front());
  queue.pop_front();
  return call;
}

CurlClient::CurlClient(Options options, const ServerUrl& url,
                       std::string trusted_pem,
                       std::unique_ptr<SignerSource> signers,
                       const Clock& clock, MultiPtr multi)
    : options_(std::move(options)),
      url_(url),
      settings_({.server_url = url.ToString(),
                 .trusted_pem = std::move(trusted_pem),
                 .pinned_keys = absl::StrJoin(options_.pinned_public_keys, ";"),
                 .max_response_bytes = options_.max_response_bytes}),
      signers_(std::move(signers)),
      client_name_(signers_->Current()->client_name()),
      clock_(clock),
      free_connections_(options_.max_connections),
      multi_(std::move(multi)),
      curl_thread_([this] { Transfer(); }) {
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this] { Work(); });
  }
}

CurlClient::~CurlClient() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  curl_multi_wakeup(multi_.get());
  curl_thread_.join();
  for (std::thread& worker : workers_) worker.join();
}

void CurlClient::Send(Request request, Callback done) {
  auto call = std::make_unique<Call>();
  call->request = std::move(request);
  call->done = std::move(done);
  call->deadline = clock_.Uptime() + options_.request_timeout;
  MutexLock lock(mu_);
  if (worker_of == this) {
    urgent_.push_back(std::move(call));  // looked at when the callback returns
  } else {
    waiting_.push_back(std::move(call));
    changed_.NotifyOne();
  }
}

void CurlClient::Work() {
  pthread_setname_np(pthread_self(), "chef-worker");
  worker_of = this;
  while (CallPtr call = AwaitWork()) {
    const bool ended = call->transfer != nullptr || !call->failure.ok();
    if (ended) {
      Finish(std::move(call));
    } else {
      SignAndDispatch(std::move(call));
    }
  }
}

void CurlClient::SignAndDispatch(CallPtr call) {
  call->failure = Prepare(*call);
  if (!call->failure.ok()) return Finish(std::move(call));
  Dispatch(std::move(call));
}

// Null: the client stops, and nothing is left to do.
CallPtr CurlClient::AwaitWork() {
  MutexLock lock(mu_);
  for (;;) {
    if (CallPtr call = PickWork()) {
      if (HasWork()) changed_.NotifyOne();
      return call;
    }
    if (curl_ended_) return nullptr;
    if (const absl::Duration deadline = NextDeadline();
        deadline == absl::InfiniteDuration()) {
      changed_.Wait(mu_);
    } else {
      clock_.WaitUntil(deadline, mu_, changed_);
    }
  }
}

// What a callback sent goes first: a GET's PUT is to follow it at once.
CallPtr CurlClient::PickWork() {
  for (std::deque<CallPtr>* const queue : {&urgent_, &waiting_}) {
    if (queue == &waiting_ && !ended_.empty()) return PopFront(ended_);
    if (queue->empty()) continue;
    if (stopping_) {
      CallPtr call = PopFront(*queue);
      call->failure = ShuttingDown();
      return call;
    }
    if (queue->front()->deadline <= clock_.Uptime()) {
      CallPtr call = PopFront(*queue);
      call->failure = NotSent(*call);
      return call;
    }
    if (free_connections_ > 0) {
      --free_connections_;
      CallPtr call = PopFront(*queue);
      call->has_connection = true;
      return call;
    }
  }
  return nullptr;
}

bool CurlClient::HasWork() const {
  const bool unsent = !urgent_.empty() || !waiting_.empty();
  return !ended_.empty() || (unsent && (free_connections_ > 0 || stopping_));
}

// Of the calls without a connection; they wait in the order of their deadlines.
absl::Duration CurlClient::NextDeadline() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const std::deque<CallPtr>* const queue : {&urgent_, &waiting_}) {
    if (!queue->empty()) next = std::min(next, queue->front()->deadline);
  }
  return next;
}

absl::Status CurlClient::Prepare(Call& call) {
  const Request& request = call.request;
  if (!IsPlainPath(request.path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(server_url(), ": path \"", absl::CHexEscape(request.path),
                     "\" has characters that Chef does not allow in names"));
  }
  call.signer = call.signed_again ? call.signer : signers_->Current();
  const std::string path =
      CanonicalPath(absl::StrCat(url_.prefix, request.path));
  ASSIGN_OR_RETURN(
      const auto signed_headers,
      call.signer->Sign(request.method, path, request.body, clock_.Now()));
  std::string url = absl::StrCat(
      url_.origin, path, request.query.empty() ? "" : "?", request.query);
  call.transfer = std::make_unique<CurlTransfer>(
      settings_, TakeEasy(), request, std::move(url), signed_headers,
      call.deadline - clock_.Uptime());
  return absl::OkStatus();
}

CurlEasyPtr CurlClient::TakeEasy() {
  {
    MutexLock lock(mu_);
    if (!idle_.empty()) {
      CurlEasyPtr easy = std::move(idle_.back());
      idle_.pop_back();
      return easy;
    }
  }
  return CurlEasyPtr(curl_easy_init());
}

void CurlClient::Dispatch(CallPtr call) {
  {
    MutexLock lock(mu_);
    if (curl_ended_) {
      call->failure = ShuttingDown();
      ended_.push_back(std::move(call));  // this worker comes by itself
      return;
    }
    signed_.push_back(std::move(call));
    if (!std::exchange(curl_waits_, false)) return;  // it looks by itself
  }
  curl_multi_wakeup(multi_.get());
}

void CurlClient::Finish(CallPtr call) {
  absl::StatusOr<Response> result =
      call->failure.ok() ? call->transfer->TakeResult(call->code, clock_.Now())
                         : call->failure;
  CurlEasyPtr easy;
  if (call->transfer != nullptr) easy = call->transfer->TakeEasy();
  if (HasNewKeyFor(*call, result)) return SignAndDispatch(std::move(call));
  const bool had_connection = call->has_connection;
  call->done(std::move(result));
  call.reset();  // the callback's own belongings, too, outside the lock
  MutexLock lock(mu_);
  if (had_connection) ++free_connections_;
  if (easy != nullptr) idle_.push_back(std::move(easy));
}

// True if the answer is that the signature is no good, and there is another key
// to try.
bool CurlClient::HasNewKeyFor(Call& call,
                              const absl::StatusOr<Response>& result) {
  if (!result.ok() || result->status != 401 || call.signed_again) return false;
  const std::shared_ptr<const RequestSigner> used = std::move(call.signer);
  call.signer = signers_->Renewed();
  call.signed_again = true;
  return call.signer != used;
}

absl::Status CurlClient::NotSent(const Call& call) const {
  return absl::DeadlineExceededError(
      absl::StrCat(server_url(), ": ", call.request.method, " ",
                   call.request.path, " was not sent: all ",
                   options_.max_connections, " connections were busy for ",
                   absl::FormatDuration(options_.request_timeout)));
}

absl::Status CurlClient::ShuttingDown() const {
  return absl::CancelledError(
      absl::StrCat(server_url(), ": the client is shutting down"));
}

void CurlClient::Transfer() {
  pthread_setname_np(pthread_self(), "chef-curl");
  while (StartSigned()) {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    CollectEnded();
    if (!MayWait()) continue;
    curl_multi_poll(multi_.get(), nullptr, 0,
                    static_cast<int>(absl::ToInt64Milliseconds(kIdlePoll)),
                    nullptr);
  }
  CancelAll();
}

// False if the client stops.
bool CurlClient::StartSigned() {
  std::deque<CallPtr> calls;
  {
    MutexLock lock(mu_);
    curl_waits_ = false;
    if (stopping_) return false;
    calls.swap(signed_);
  }
  for (CallPtr& call : calls) {
    CURL* const easy = call->transfer->easy();
    curl_multi_add_handle(multi_.get(), easy);
    transfers_.emplace(easy, std::move(call));
  }
  return true;
}

// From now on curl's thread is woken up for what is signed.
bool CurlClient::MayWait() {
  MutexLock lock(mu_);
  curl_waits_ = signed_.empty() && !stopping_;
  return curl_waits_;
}

void CurlClient::CollectEnded() {
  int left = 0;
  while (const CURLMsg* const message =
             curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* const easy = message->easy_handle;  // removing it ends the message
    curl_multi_remove_handle(multi_.get(), easy);
    const auto found = transfers_.find(easy);
    CallPtr call = std::move(found->second);
    transfers_.erase(found);
    call->code = code;
    MutexLock lock(mu_);
    ended_.push_back(std::move(call));
    changed_.NotifyOne();
  }
}

void CurlClient::CancelAll() {
  for (const auto& [easy, call] : transfers_) {
    curl_multi_remove_handle(multi_.get(), easy);
  }
  MutexLock lock(mu_);
  for (auto& [easy, call] : transfers_) signed_.push_back(std::move(call));
  transfers_.clear();
  for (CallPtr& call : signed_) {
    call->failure = ShuttingDown();
    ended_.push_back(std::move(call));
  }
  signed_.clear();
  curl_ended_ = true;
  changed_.NotifyAll();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(
    Options options, std::unique_ptr<SignerSource> signers,
    const Clock& clock) {
  static std::once_flag curl_ready;
  std::call_once(curl_ready, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });

  ASSIGN_OR_RETURN(const ServerUrl url, ParseServerUrl(options.server_url));
  ASSIGN_OR_RETURN(
      std::string trusted_pem,
      LoadTrustedCertificates(options.ca_file, options.trusted_certs_dir));
  RETURN_IF_ERROR(CheckPins(options.pinned_public_keys));
  if (options.max_connections < 1 || options.workers < 1 ||
      options.request_timeout < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        url.ToString(),
        ": needs at least one connection, one worker and a request timeout "
        "of a millisecond"));
  }
  MultiPtr multi(curl_multi_init());
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(options.max_connections));
  return std::make_unique<CurlClient>(
      std::move(options), url, std::move(trusted_pem), std::move(signers),
      clock, std::move(multi));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(Options options,
                                                       RequestSigner signer,
                                                       const Clock& clock) {
  return Create(std::move(options),
                std::make_unique<FixedSigner>(std::move(signer)), clock);
}

}  // namespace rehai::chef
