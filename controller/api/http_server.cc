// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/http_server.h"

#include <httplib.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "controller/api/http_connection.h"
#include "controller/api/listen_address.h"
#include "controller/api/tcp_listener.h"
#include "controller/api/tls_context.h"

namespace rehai {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kMetricsText[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr char kTokenHeader[] = "X-Data-Collector-Token";
// chef-client posts to exactly the path of data_collector.server_url.
constexpr char kMessagesPath[] = "/data-collector";
constexpr char kMessagesPathWithSlash[] = "/data-collector/";

// A request's line and headers, and what TLS or chunks add to a body.
constexpr int64_t kOverheadBytes = 64 << 10;

using Handled = httplib::Server::HandlerResponse;

// httplib's parser and router, without its sockets and threads.
class Router final : public httplib::Server {
 public:
  Router(HttpServer::MetricsText metrics, HttpServer::Ailments ailments,
         RunListener* runs, int64_t max_body_bytes)
      : metrics_(std::move(metrics)),
        ailments_(std::move(ailments)),
        runs_(runs),
        max_body_bytes_(max_body_bytes) {
    set_payload_max_length(static_cast<size_t>(max_body_bytes));
    set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          return Gate(request, response);
        });
    Get("/healthz", [this](const auto&, httplib::Response& response) {
      response.set_content(
          absl::StrCat("ok\n", ailments_ == nullptr ? "" : ailments_()), kText);
    });
    Get("/readyz", [this](const auto&, httplib::Response& response) {
      response.status = ready_ ? 200 : 503;
      response.set_content(ready_ ? "ready\n" : "not ready\n", kText);
    });
    Get("/metrics", [this](const auto&, httplib::Response& response) {
      response.set_content(metrics_(), kMetricsText);
    });
    const auto take = [this](const httplib::Request&,
                             httplib::Response& response,
                             const httplib::ContentReader& read) {
      TakeMessage(response, read);
    };
    Post(kMessagesPath, take);
    Post(kMessagesPathWithSlash, take);
  }

  // Reads the one request of a connection, and answers it.
  void Serve(HttpConnection& connection) {
    bool closed = false;
    process_request(connection, /*close_connection=*/true, closed,
                    [](httplib::Request& request) {
                      // A client could ask for the same bytes a thousand times.
                      request.ranges.clear();
                    });
  }

  void SetReady(bool ready) { ready_ = ready; }

 private:
  // Answers what needs no body, so that none is read. What goes on to a route
  // has either no body or one of a message.
  Handled Gate(const httplib::Request& request, httplib::Response& response) {
    if (request.method == "GET" || request.method == "HEAD") {
      return Handled::Unhandled;
    }
    if (runs_ == nullptr || request.method != "POST" ||
        (request.path != kMessagesPath &&
         request.path != kMessagesPathWithSlash)) {
      response.status = 404;
    } else if (!runs_->Admits(request.get_header_value(kTokenHeader))) {
      response.status = 401;
    } else if (request.has_header("Content-Encoding") ||
               request.is_multipart_form_data()) {
      // A few bytes can be made to unfold into any number, and chef-client
      // sends neither.
      response.status = 415;
    } else {
      return Handled::Unhandled;
    }
    return Handled::Handled;
  }

  void TakeMessage(httplib::Response& response,
                   const httplib::ContentReader& read) {
    std::string body;
    bool fits = true;
    const bool whole = read([&](const char* bytes, size_t count) {
      fits = static_cast<int64_t>(body.size() + count) <= max_body_bytes_;
      if (fits) body.append(bytes, count);
      return fits;
    });
    if (!fits || response.status == 413) {
      runs_->CountTooLarge();
      response.status = 413;
    } else if (whole) {
      runs_->Take(std::move(body));
      response.status = 200;
      response.set_content("{}\n", "application/json");
    } else {
      response.status = 400;  // it broke off; nobody is there to read this
    }
  }

  // Set at construction.
  const HttpServer::MetricsText metrics_;
  const HttpServer::Ailments ailments_;
  RunListener* const runs_;
  const int64_t max_body_bytes_;

  std::atomic<bool> ready_ = false;
};

}  // namespace

// Members are destroyed in reverse order: first the threads' places, then what
// the threads use.
struct HttpServer::Parts {
  Parts(Options o, MetricsText metrics, Ailments ailments, RunListener* runs,
        const Clock& c)
      : options(std::move(o)),
        clock(c),
        router(std::move(metrics), std::move(ailments), runs,
               options.max_body_bytes) {}

  void AcceptAll();
  void WorkOn();
  void Serve(int socket);
  std::shared_ptr<const ServerTls> Tls() const;
  std::optional<OwnedFd> NextConnection();

  const Options options;
  const Clock& clock;
  ListenAddress address;
  Router router;
  std::unique_ptr<TcpListener> listener;
  int port = 0;

  mutable Mutex mu;
  CondVar news;
  // Null without TLS. Connections keep the one that they began with.
  std::shared_ptr<const ServerTls> tls ABSL_GUARDED_BY(mu);
  bool stopping ABSL_GUARDED_BY(mu) = false;
  std::deque<OwnedFd> waiting ABSL_GUARDED_BY(mu);
  // Sockets of the connections that are worked on.
  std::set<int> under_way ABSL_GUARDED_BY(mu);

  std::thread acceptor;
  std::vector<std::thread> workers;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(
    Options options, MetricsText metrics, RunListener* runs, const Clock& clock,
    Ailments ailments) {
  auto parts = std::make_unique<Parts>(std::move(options), std::move(metrics),
                                       std::move(ailments), runs, clock);
  const Options& o = parts->options;
  ASSIGN_OR_RETURN(parts->address, ParseListenAddress("http.listen", o.listen));
  if (parts->address.unix_socket) {
    return absl::InvalidArgumentError(
        absl::StrCat("http.listen: \"", o.listen,
                     "\": HTTP is not spoken on unix sockets; write HOST:PORT "
                     "or [IPV6]:PORT, as 127.0.0.1:7421"));
  }
  RETURN_IF_ERROR(CheckNotOpenToEveryone("http", parts->address, !o.tls.empty(),
                                         o.allow_plaintext_from_anywhere));
  if (!o.tls.empty()) {
    ASSIGN_OR_RETURN(auto tls, MakeServerTls("http", o.tls));
    MutexLock lock(parts->mu);
    parts->tls = std::move(tls);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(parts)));
}

HttpServer::HttpServer(std::unique_ptr<Parts> parts)
    : parts_(std::move(parts)) {}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

absl::Status HttpServer::Start() {
  ASSIGN_OR_RETURN(parts_->listener,
                   TcpListener::Open("http.listen", parts_->address));
  parts_->port = parts_->listener->port();
  for (int i = 0; i < parts_->options.threads; ++i) {
    std::thread& worker = parts_->workers.emplace_back(
        [parts = parts_.get()] { parts->WorkOn(); });
    pthread_setname_np(worker.native_handle(), "http-worker");
  }
  parts_->acceptor =
      std::thread([parts = parts_.get()] { parts->AcceptAll(); });
  pthread_setname_np(parts_->acceptor.native_handle(), "http-accept");
  const TlsFiles& tls = parts_->options.tls;
  log::Info("http listening", {{"address", parts_->address.text},
                               {"port", parts_->port},
                               {"tls", tls.empty()             ? "off"
                                       : tls.client_ca.empty() ? "on"
                                                               : "mutual"}});
  return absl::OkStatus();
}

int HttpServer::port() const { return parts_->port; }

std::optional<absl::Time> HttpServer::certificate_expires_at() const {
  const std::shared_ptr<const ServerTls> tls = parts_->Tls();
  if (tls == nullptr) return std::nullopt;
  return tls->expires_at;
}

absl::StatusOr<std::function<void()>> HttpServer::PrepareReload(
    const TlsFiles& tls) {
  std::shared_ptr<const ServerTls> made;
  if (parts_->Tls() != nullptr && !tls.empty()) {
    ASSIGN_OR_RETURN(made, MakeServerTls("http", tls));
  }
  return [this, made = std::move(made)] {
    if (made == nullptr) return;
    MutexLock lock(parts_->mu);
    parts_->tls = made;
  };
}

void HttpServer::SetReady(bool ready) { parts_->router.SetReady(ready); }

void HttpServer::Stop(absl::Duration grace) {
  if (parts_->listener == nullptr) return;
  parts_->listener->Stop();
  if (parts_->acceptor.joinable()) parts_->acceptor.join();
  {
    MutexLock lock(parts_->mu);
    parts_->stopping = true;
    parts_->waiting.clear();
    parts_->news.NotifyAll();
    const absl::Duration deadline = parts_->clock.Uptime() + grace;
    while (!parts_->under_way.empty() && parts_->clock.Uptime() < deadline) {
      parts_->clock.WaitUntil(deadline, parts_->mu, parts_->news);
    }
    // Their workers see the end of the connection at once.
    for (const int socket : parts_->under_way) shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& worker : parts_->workers) worker.join();
  parts_->workers.clear();
  parts_->listener.reset();
}

void HttpServer::Parts::AcceptAll() {
  while (OwnedFd connection = listener->Accept()) {
    MutexLock lock(mu);
    // Closed at once, which costs a chef-client nothing: better than an answer
    // that comes when nobody waits for it any more.
    if (waiting.size() >= static_cast<size_t>(options.max_waiting)) continue;
    waiting.push_back(std::move(connection));
    news.NotifyAll();
  }
}

// The next connection to serve; none if it is time to end.
std::optional<OwnedFd> HttpServer::Parts::NextConnection() {
  MutexLock lock(mu);
  while (waiting.empty() && !stopping) news.Wait(mu);
  if (stopping) return std::nullopt;
  OwnedFd connection = std::move(waiting.front());
  waiting.pop_front();
  under_way.insert(connection.get());
  return connection;
}

void HttpServer::Parts::WorkOn() {
  while (const std::optional<OwnedFd> connection = NextConnection()) {
    Serve(connection->get());
    MutexLock lock(mu);
    under_way.erase(connection->get());
    news.NotifyAll();
  }
}

std::shared_ptr<const ServerTls> HttpServer::Parts::Tls() const {
  MutexLock lock(mu);
  return tls;
}

void HttpServer::Parts::Serve(int socket) {
  const std::shared_ptr<const ServerTls> tls = Tls();
  HttpConnection connection(
      socket, tls == nullptr ? nullptr : tls->context.get(),
      {.deadline = clock.Uptime() + options.deadline,
       .max_bytes = options.max_body_bytes + kOverheadBytes},
      clock);
  if (!connection.Handshake()) return;
  router.Serve(connection);
  connection.SayGoodbye();
}

}  // namespace rehai
