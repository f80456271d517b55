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

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "chef/curl_connection.h"
#include "chef/curl_transfer.h"
#include "chef/server_url.h"
#include "chef/trust.h"

namespace rehai::chef {
namespace {

using Callback = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

// A request with what becomes of it. Always in one queue, or in one worker's
// hands.
struct Call {
  Request request;
  Callback done;
  absl::Duration deadline;  // by Clock::Uptime()
  // A place among the connections; the connection itself may yet be to make.
  bool has_place = false;
  CurlConnection* connection = nullptr;
  absl::Status failure = absl::OkStatus();  // not to be sent
};
using CallPtr = std::unique_ptr<Call>;

// A worker that has had nothing to do for this ends, but for one: a burst
// leaves no threads and connections behind.
constexpr absl::Duration kIdleFor = absl::Seconds(10);

// What a worker takes with it when it ends.
struct Retirement {
  std::unique_ptr<CurlConnection> connection;
  std::thread before;  // who retired before it

  ~Retirement() {
    if (before.joinable()) before.join();
  }
};

// A worker carries a call from its signature to the end of its callback, and
// blocks on its connection in between: a call changes hands once, and no thread
// is there for all others to wait for.
//
// A call has a place among the connections from before it is signed, so that no
// signature grows old in a queue, until its callback has returned, so that what
// the callback sends finds it free. The connection itself is given back before:
// whoever hears of the answer and sends the next request finds it warm.
class CurlClient final : public Client {
 public:
  CurlClient(Options options, const ServerUrl& url, std::string trusted_pem,
             std::unique_ptr<SignerSource> signers, const Clock& clock);
  ~CurlClient() override;

  void Send(Request request, Callback done) override;

  const std::string& server_url() const override {
    return settings_.server_url;
  }
  const std::string& client_name() const override { return client_name_; }

 private:
  // The queues.
  bool NeedsWorker() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CallWorker() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  CallPtr PickWork(const CurlConnection* preferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GivePlace(Call& call, const CurlConnection* preferred)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration NextDeadline() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // A worker's part.
  void Work();
  CallPtr AwaitWork(const CurlConnection* used);
  void Retire(Retirement& retirement) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const CurlConnection* Finish(CallPtr call);
  absl::StatusOr<Response> Exchange(Call& call);
  absl::StatusOr<Response> SendAs(const RequestSigner& signer, Call& call);
  absl::Status Connect(Call& call);
  void GiveBack(CurlConnection* connection);
  absl::Status NotSent(const Call& call) const;
  absl::Status ShuttingDown() const;

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
  std::deque<CallPtr> urgent_ ABSL_GUARDED_BY(mu_);   // sent by callbacks
  std::deque<CallPtr> waiting_ ABSL_GUARDED_BY(mu_);  // sent by others
  int free_places_ ABSL_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<CurlConnection>> connections_
      ABSL_GUARDED_BY(mu_);
  // Those that no call has. The last used is the first to be used again: it is
  // the least likely to have been idle for too long.
  std::vector<CurlConnection*> idle_connections_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mu_);
  std::thread retired_ ABSL_GUARDED_BY(mu_);  // the last; may have ended
  int idle_workers_ ABSL_GUARDED_BY(mu_) = 0;
  // Of those, who wait for a deadline: the first, or one before it.
  int watchers_ ABSL_GUARDED_BY(mu_) = 0;
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
                       const Clock& clock)
    : options_(std::move(options)),
      url_(url),
      settings_({.server_url = url.ToString(),
                 .trusted_pem = std::move(trusted_pem),
                 .pinned_keys = absl::StrJoin(options_.pinned_public_keys, ";"),
                 .max_response_bytes = options_.max_response_bytes}),
      signers_(std::move(signers)),
      client_name_(signers_->Current()->client_name()),
      clock_(clock),
      free_places_(options_.max_connections) {}

CurlClient::~CurlClient() {
  std::vector<std::thread> workers;
  std::thread retired;
  {
    MutexLock lock(mu_);
    stopping_ = true;  // from now on no worker is added, and none retires
    for (const auto& connection : connections_) connection->Interrupt();
    workers.swap(workers_);
    retired.swap(retired_);
    changed_.NotifyAll();
  }
  for (std::thread& worker : workers) worker.join();
  if (retired.joinable()) retired.join();
}

void CurlClient::Send(Request request, Callback done) {
  auto call = std::make_unique<Call>();
  call->request = std::move(request);
  call->done = std::move(done);
  call->deadline = clock_.Uptime() + options_.request_timeout;
  MutexLock lock(mu_);
  if (worker_of == this) {
    urgent_.push_back(std::move(call));  // looked at when the callback returns
    return;
  }
  waiting_.push_back(std::move(call));
  if (NeedsWorker()) CallWorker();
}

// True if there is a call to take, or one whose deadline nobody waits for. All
// calls have the same time, so none is due before those that came earlier.
bool CurlClient::NeedsWorker() const {
  return (!urgent_.empty() || !waiting_.empty()) &&
         (free_places_ > 0 || stopping_ || watchers_ == 0);
}

// One more worker than connections, so that while all are in use somebody ends
// the calls that have waited too long.
void CurlClient::CallWorker() {
  if (idle_workers_ > 0 || stopping_) {
    changed_.NotifyOne();
  } else if (static_cast<int>(workers_.size()) <= options_.max_connections) {
    workers_.emplace_back([this] { Work(); });
  }
}

// What a callback sent goes first: a GET's PUT is to follow it at once.
CallPtr CurlClient::PickWork(const CurlConnection* preferred) {
  for (std::deque<CallPtr>* const queue : {&urgent_, &waiting_}) {
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
    if (free_places_ > 0) {
      CallPtr call = PopFront(*queue);
      GivePlace(*call, preferred);
      return call;
    }
  }
  return nullptr;
}

void CurlClient::GivePlace(Call& call, const CurlConnection* preferred) {
  --free_places_;
  call.has_place = true;
  if (idle_connections_.empty()) return;
  auto chosen =
      std::find(idle_connections_.begin(), idle_connections_.end(), preferred);
  if (chosen == idle_connections_.end()) --chosen;
  call.connection = *chosen;
  idle_connections_.erase(chosen);
}

// Of the calls without a connection; they wait in the order of their deadlines.
absl::Duration CurlClient::NextDeadline() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const std::deque<CallPtr>* const queue : {&urgent_, &waiting_}) {
    if (!queue->empty()) next = std::min(next, queue->front()->deadline);
  }
  return next;
}

void CurlClient::Work() {
  pthread_setname_np(pthread_self(), "chef-worker");
  worker_of = this;
  const CurlConnection* used = nullptr;
  while (CallPtr call = AwaitWork(used)) used = Finish(std::move(call));
}

// Null: the worker is to end. The client stops, and nothing is left to do but
// by who is at it; or there was nothing to do for long. Who need not wait goes
// on with the connection that it used: what that takes to encrypt is in its
// core's cache.
CallPtr CurlClient::AwaitWork(const CurlConnection* used) {
  Retirement retirement;  // ends outside the lock
  MutexLock lock(mu_);
  const absl::Duration patience = clock_.Uptime() + kIdleFor;
  for (;;) {
    if (CallPtr call = PickWork(std::exchange(used, nullptr))) {
      if (NeedsWorker()) CallWorker();
      return call;
    }
    if (stopping_) return nullptr;
    const absl::Duration deadline = NextDeadline();
    const bool watches = deadline < absl::InfiniteDuration();
    if (!watches && idle_workers_ > 0 && clock_.Uptime() >= patience) {
      Retire(retirement);
      return nullptr;
    }
    ++idle_workers_;
    if (watches) ++watchers_;
    // The last of the idle ones stays, however long that is.
    clock_.WaitUntil(
        std::min(deadline,
                 idle_workers_ > 1 ? patience : absl::InfiniteDuration()),
        mu_, changed_);
    if (watches) --watchers_;
    --idle_workers_;
  }
}

// This worker ends, and with it the connection that was idle for longest.
void CurlClient::Retire(Retirement& retirement) {
  const auto own = std::find_if(
      workers_.begin(), workers_.end(), [](const std::thread& worker) {
        return worker.get_id() == std::this_thread::get_id();
      });
  // Who retires waits for the one before, so that there is never more than one
  // to be waited for.
  retirement.before = std::exchange(retired_, std::move(*own));
  workers_.erase(own);
  if (idle_connections_.empty()) return;
  const CurlConnection* const longest_idle = idle_connections_.front();
  const auto oldest = std::find_if(
      connections_.begin(), connections_.end(),
      [longest_idle](const std::unique_ptr<CurlConnection>& connection) {
        return connection.get() == longest_idle;
      });
  retirement.connection = std::move(*oldest);
  connections_.erase(oldest);
  idle_connections_.erase(idle_connections_.begin());
}

// The connection that it used, if any.
const CurlConnection* CurlClient::Finish(CallPtr call) {
  absl::StatusOr<Response> result =
      call->failure.ok() ? Exchange(*call) : call->failure;
  if (call->connection != nullptr) GiveBack(call->connection);
  call->done(std::move(result));
  const bool had_place = call->has_place;
  const CurlConnection* const used = call->connection;
  call.reset();  // the callback's own belongings, too, outside the lock
  MutexLock lock(mu_);
  if (had_place) ++free_places_;
  return used;
}

void CurlClient::GiveBack(CurlConnection* connection) {
  MutexLock lock(mu_);
  idle_connections_.push_back(connection);
}

// Once more if the answer is that the signature is no good, and there is
// another key to try.
absl::StatusOr<Response> CurlClient::Exchange(Call& call) {
  if (!IsPlainPath(call.request.path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        server_url(), ": path \"", absl::CHexEscape(call.request.path),
        "\" has characters that Chef does not allow in names"));
  }
  if (call.connection == nullptr) RETURN_IF_ERROR(Connect(call));
  const std::shared_ptr<const RequestSigner> signer = signers_->Current();
  absl::StatusOr<Response> result = SendAs(*signer, call);
  if (!result.ok() || result->status != 401) return result;
  const std::shared_ptr<const RequestSigner> renewed = signers_->Renewed();
  return renewed == signer ? std::move(result) : SendAs(*renewed, call);
}

absl::StatusOr<Response> CurlClient::SendAs(const RequestSigner& signer,
                                            Call& call) {
  const Request& request = call.request;
  const std::string path =
      CanonicalPath(absl::StrCat(url_.prefix, request.path));
  ASSIGN_OR_RETURN(
      const auto signed_headers,
      signer.Sign(request.method, path, request.body, clock_.Now()));
  std::string url = absl::StrCat(
      url_.origin, path, request.query.empty() ? "" : "?", request.query);
  CurlTransfer transfer(settings_, call.connection->TakeEasy(), request,
                        std::move(url), signed_headers,
                        call.deadline - clock_.Uptime());
  const std::optional<CURLcode> code =
      call.connection->Perform(transfer.easy());
  absl::StatusOr<Response> result =
      code.has_value() ? transfer.TakeResult(*code, clock_.Now())
                       : ShuttingDown();
  call.connection->GiveBack(transfer.TakeEasy());
  return result;
}

absl::Status CurlClient::Connect(Call& call) {
  std::unique_ptr<CurlConnection> connection = CurlConnection::Create();
  if (connection == nullptr) {
    return absl::UnavailableError(
        absl::StrCat(server_url(),
                     ": this process has no descriptors left to connect with; "
                     "raise its limit of open files"));
  }
  call.connection = connection.get();
  MutexLock lock(mu_);
  if (stopping_) connection->Interrupt();
  connections_.push_back(std::move(connection));
  return absl::OkStatus();
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
  if (options.max_connections < 1 ||
      options.request_timeout < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        url.ToString(),
        ": needs at least one connection and a request timeout of a "
        "millisecond"));
  }
  return std::make_unique<CurlClient>(std::move(options), url,
                                      std::move(trusted_pem),
                                      std::move(signers), clock);
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(Options options,
                                                       RequestSigner signer,
                                                       const Clock& clock) {
  return Create(std::move(options),
                std::make_unique<FixedSigner>(std::move(signer)), clock);
}

}  // namespace rehai::chef
