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
#include "base/mutex.h"
#include "base/status_macros.h"
#include "chef/server_url.h"
#include "chef/trust.h"

namespace rehai::chef {
namespace {

using Callback = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

// Chef's front door closes a connection that is idle for 65 seconds. Staying
// clear of that, a request seldom meets a connection that is just being closed.
constexpr long kMaxIdleSeconds = 50;

// With nothing to do the thread looks around this often; a wake-up comes at
// once all the same.
constexpr absl::Duration kIdlePoll = absl::Minutes(1);

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using MultiPtr = std::unique_ptr<CURLM, MultiDeleter>;
using EasyPtr = std::unique_ptr<CURL, EasyDeleter>;
using HeaderListPtr = std::unique_ptr<curl_slist, HeaderListDeleter>;

// What curl's failure means to a caller of Send(). `detail` is curl's own text.
absl::Status FromCurl(CURLcode code, absl::string_view detail,
                      absl::string_view server_url) {
  if (detail.empty()) detail = curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat(
          server_url, ": did not answer in time (", detail,
          "); what was asked may have been done; see whether the server is up "
          "and not overloaded"));
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": its host name cannot be resolved (", detail,
          "); check chef.server_url and this machine's "
          "DNS"));
    case CURLE_COULDNT_CONNECT:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": cannot connect (", detail,
          "); see whether the server is running and reachable from here"));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::UnauthenticatedError(absl::StrCat(
          server_url, ": its certificate is not trusted (", detail,
          "); set chef.ca_file or chef.trusted_certs_dir to the certificate of "
          "the server or of its authority, and use the name that is in it"));
    case CURLE_SSL_CONNECT_ERROR:
      return absl::UnavailableError(absl::StrCat(
          server_url, ": no TLS connection (", detail,
          "); see whether this is an https port that speaks TLS 1.2 or later"));
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
      return absl::UnavailableError(
          absl::StrCat(server_url, ": the connection broke (", detail,
                       "); what was asked may have been done"));
    default:
      return absl::UnavailableError(absl::StrCat(server_url, ": ", detail,
                                                 " (curl error ",
                                                 static_cast<int>(code), ")"));
  }
}

// A request with what becomes of it.
struct Call {
  Request request;
  Callback done;
  absl::Duration deadline;  // by Clock::Uptime()
};

// A call under way. Curl holds pointers into it, so it stays where it is.
struct Transfer {
  Call call;
  std::string url;
  HeaderListPtr headers;
  size_t body_sent = 0;
  size_t max_response_bytes = 0;
  std::string response_body;
  bool response_too_large = false;
  char error[CURL_ERROR_SIZE] = "";
  EasyPtr easy;  // last: it points to the above
};

size_t ReadBody(char* buffer, size_t size, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const std::string& body = transfer.call.request.body;
  const size_t n = std::min(size * count, body.size() - transfer.body_sent);
  body.copy(buffer, n, transfer.body_sent);
  transfer.body_sent += n;
  return n;
}

size_t WriteResponse(char* bytes, size_t size, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const size_t n = size * count;
  if (n > transfer.max_response_bytes - transfer.response_body.size()) {
    transfer.response_too_large = true;
    return 0;  // gives up the transfer
  }
  transfer.response_body.append(bytes, n);
  return n;
}

std::string HeaderValue(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return "";
  }
  return header->value;
}

Response TakeResponse(Transfer& transfer) {
  Response response;
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  response.content_type = HeaderValue(transfer.easy.get(), "Content-Type");
  const time_t date =
      curl_getdate(HeaderValue(transfer.easy.get(), "Date").c_str(), nullptr);
  if (date != -1) response.date = absl::FromTimeT(date);
  response.body = std::move(transfer.response_body);
  return response;
}

class CurlClient final : public Client {
 public:
  CurlClient(Options options, const ServerUrl& url, std::string trust,
             RequestSigner signer, const Clock& clock, MultiPtr multi)
      : options_(std::move(options)),
        url_(url),
        server_url_(url.ToString()),
        trust_(std::move(trust)),
        signer_(std::move(signer)),
        clock_(clock),
        multi_(std::move(multi)),
        thread_([this] { Run(); }) {}

  ~CurlClient() override {
    {
      MutexLock lock(mu_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    thread_.join();
  }

  void Send(Request request, Callback done) override;

  const std::string& server_url() const override { return server_url_; }
  const std::string& client_name() const override {
    return signer_.client_name();
  }

 private:
  void Run();
  bool Stopping();
  std::optional<Call> TakeWaiting();
  void ExpireWaiting();
  void StartWaiting();
  void Start(Call call);
  absl::Status Prepare(Transfer& transfer);
  void SetOptions(Transfer& transfer);
  absl::Status SetHeaders(Transfer& transfer);
  bool FinishTransfers();
  absl::StatusOr<Response> Result(Transfer& transfer, CURLcode code);
  void CancelAll();
  absl::Duration PollTimeout();

  // Set at construction.
  const Options options_;
  const ServerUrl url_;
  const std::string server_url_;
  const std::string trust_;
  const RequestSigner signer_;
  const Clock& clock_;

  Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Call> waiting_ ABSL_GUARDED_BY(mu_);

  // The thread's own, but for curl_multi_wakeup(). Transfers go before the
  // multi handle that they are in.
  const MultiPtr multi_;
  absl::flat_hash_map<CURL*, std::unique_ptr<Transfer>> transfers_;
  std::vector<EasyPtr> idle_;

  // Last: it uses all of the above.
  std::thread thread_;
};

void CurlClient::Send(Request request, Callback done) {
  Call call = {std::move(request), std::move(done),
               clock_.Uptime() + options_.request_timeout};
  const bool from_callback = std::this_thread::get_id() == thread_.get_id();
  {
    MutexLock lock(mu_);
    if (from_callback) {
      waiting_.push_front(std::move(call));
    } else {
      waiting_.push_back(std::move(call));
    }
  }
  // The thread itself looks at waiting_ before it polls again.
  if (!from_callback) curl_multi_wakeup(multi_.get());
}

void CurlClient::Run() {
  pthread_setname_np(pthread_self(), "chef-client");
  while (!Stopping()) {
    ExpireWaiting();
    StartWaiting();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    if (FinishTransfers()) continue;
    curl_multi_poll(
        multi_.get(), nullptr, 0,
        static_cast<int>(absl::ToInt64Milliseconds(PollTimeout()) + 1),
        nullptr);
  }
  CancelAll();
}

bool CurlClient::Stopping() {
  MutexLock lock(mu_);
  return stopping_;
}

std::optional<Call> CurlClient::TakeWaiting() {
  MutexLock lock(mu_);
  if (waiting_.empty()) return std::nullopt;
  Call call = std::move(waiting_.front());
  waiting_.pop_front();
  return call;
}

void CurlClient::ExpireWaiting() {
  const absl::Duration now = clock_.Uptime();
  std::vector<Call> expired;
  {
    MutexLock lock(mu_);
    const auto first_expired = std::stable_partition(
        waiting_.begin(), waiting_.end(),
        [now](const Call& call) { return call.deadline > now; });
    std::move(first_expired, waiting_.end(), std::back_inserter(expired));
    waiting_.erase(first_expired, waiting_.end());
  }
  for (Call& call : expired) {
    call.done(absl::DeadlineExceededError(
        absl::StrCat(server_url_, ": ", call.request.method, " ",
                     call.request.path, " was not sent: all ",
                     options_.max_connections, " connections were busy for ",
                     absl::FormatDuration(options_.request_timeout))));
  }
}

void CurlClient::StartWaiting() {
  while (transfers_.size() < static_cast<size_t>(options_.max_connections)) {
    std::optional<Call> call = TakeWaiting();
    if (!call.has_value()) return;
    Start(*std::move(call));
  }
}

void CurlClient::Start(Call call) {
  auto transfer = std::make_unique<Transfer>();
  transfer->call = std::move(call);
  if (absl::Status status = Prepare(*transfer); !status.ok()) {
    transfer->call.done(std::move(status));
    return;
  }
  CURL* const easy = transfer->easy.get();
  curl_multi_add_handle(multi_.get(), easy);
  transfers_.emplace(easy, std::move(transfer));
}

absl::Status CurlClient::Prepare(Transfer& transfer) {
  const Request& request = transfer.call.request;
  if (!IsPlainPath(request.path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(server_url_, ": path \"", absl::CHexEscape(request.path),
                     "\" has characters that Chef does not allow in names"));
  }
  if (idle_.empty()) {
    transfer.easy.reset(curl_easy_init());
  } else {
    transfer.easy = std::move(idle_.back());
    idle_.pop_back();
  }
  RETURN_IF_ERROR(SetHeaders(transfer));
  SetOptions(transfer);
  return absl::OkStatus();
}

absl::Status CurlClient::SetHeaders(Transfer& transfer) {
  const Request& request = transfer.call.request;
  const std::string path =
      CanonicalPath(absl::StrCat(url_.prefix, request.path));
  transfer.url = absl::StrCat(url_.origin, path,
                              request.query.empty() ? "" : "?", request.query);
  ASSIGN_OR_RETURN(
      const auto signed_headers,
      signer_.Sign(request.method, path, request.body, clock_.Now()));

  curl_slist* list = nullptr;
  const auto add = [&list](const std::string& line) {
    list = curl_slist_append(list, line.c_str());
  };
  add("Accept: application/json");
  if (!request.body.empty()) add("Content-Type: application/json");
  // Large bodies would otherwise wait for a "100 Continue" that some servers
  // never send.
  add("Expect:");
  for (const auto& [name, value] : signed_headers) {
    add(absl::StrCat(name, ": ", value));
  }
  transfer.headers.reset(list);
  return absl::OkStatus();
}

void CurlClient::SetOptions(Transfer& transfer) {
  CURL* const easy = transfer.easy.get();
  const Request& request = transfer.call.request;
  const absl::Duration remaining = transfer.call.deadline - clock_.Uptime();
  transfer.max_response_bytes = options_.max_response_bytes;

  curl_easy_setopt(easy, CURLOPT_URL, transfer.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers.get());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "rehai");
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  if (request.method != "GET") {
    // The body comes from a function that cannot rewind, on purpose: of a
    // connection that dies unanswered, curl repeats the request on another if
    // it can, and a PUT that was carried out must not be carried out again,
    // over what others have written since.
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, ReadBody);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, WriteResponse);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);

  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(
                       1, absl::ToInt64Milliseconds(remaining))));
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs must not hold up this thread at the deadline.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);

  curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                   static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!trust_.empty()) {
    curl_blob blob = {const_cast<char*>(trust_.data()), trust_.size(),
                      CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    // Otherwise the system's authorities would be trusted too.
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
}

// True if any had finished.
bool CurlClient::FinishTransfers() {
  bool any = false;
  int left = 0;
  while (const CURLMsg* const message =
             curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    any = true;
    const CURLcode code = message->data.result;
    CURL* const easy = message->easy_handle;  // removing it ends the message
    curl_multi_remove_handle(multi_.get(), easy);
    const auto found = transfers_.find(easy);
    const std::unique_ptr<Transfer> transfer = std::move(found->second);
    transfers_.erase(found);
    absl::StatusOr<Response> result = Result(*transfer, code);
    curl_easy_reset(easy);  // forgets its pointers into the transfer
    idle_.push_back(std::move(transfer->easy));
    transfer->call.done(std::move(result));
  }
  return any;
}

absl::StatusOr<Response> CurlClient::Result(Transfer& transfer, CURLcode code) {
  if (transfer.response_too_large) {
    return absl::ResourceExhaustedError(absl::StrCat(
        server_url_, ": the answer to ", transfer.call.request.method, " ",
        transfer.call.request.path, " is larger than ",
        options_.max_response_bytes, " bytes"));
  }
  if (code != CURLE_OK) return FromCurl(code, transfer.error, server_url_);
  return TakeResponse(transfer);
}

void CurlClient::CancelAll() {
  const auto cancelled = [this] {
    return absl::CancelledError(
        absl::StrCat(server_url_, ": the client is shutting down"));
  };
  while (!transfers_.empty()) {
    const auto first = transfers_.begin();
    const std::unique_ptr<Transfer> transfer = std::move(first->second);
    curl_multi_remove_handle(multi_.get(), first->first);
    transfers_.erase(first);
    transfer->call.done(cancelled());
  }
  while (std::optional<Call> call = TakeWaiting()) call->done(cancelled());
}

// Until a waiting call's deadline; curl itself knows those under way.
absl::Duration CurlClient::PollTimeout() {
  const absl::Duration now = clock_.Uptime();
  absl::Duration timeout = kIdlePoll;
  MutexLock lock(mu_);
  for (const Call& call : waiting_) {
    timeout = std::min(timeout, call.deadline - now);
  }
  return std::max(timeout, absl::ZeroDuration());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(Options options,
                                                       RequestSigner signer,
                                                       const Clock& clock) {
  static std::once_flag curl_ready;
  std::call_once(curl_ready, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });

  ASSIGN_OR_RETURN(const ServerUrl url, ParseServerUrl(options.server_url));
  ASSIGN_OR_RETURN(
      std::string trust,
      LoadTrustedCertificates(options.ca_file, options.trusted_certs_dir));
  if (options.max_connections < 1 ||
      options.request_timeout < absl::Milliseconds(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat(url.ToString(),
                     ": needs at least one connection and a request timeout "
                     "of a millisecond"));
  }
  MultiPtr multi(curl_multi_init());
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(options.max_connections));
  return std::make_unique<CurlClient>(std::move(options), url, std::move(trust),
                                      std::move(signer), clock,
                                      std::move(multi));
}

}  // namespace rehai::chef
