// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/slow_proxy.h"

#include <httplib.h>

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace rehai::lab {
namespace {

// What belongs to one connection and not to the request.
bool IsOfTheConnection(const std::string& header) {
  static const std::set<std::string> names = {
      "connection",     "keep-alive",  "host",
      "content-length", "remote_addr", "local_addr",
      "remote_port",    "local_port",  "transfer-encoding"};
  return names.count(absl::AsciiStrToLower(
             absl::string_view(header.data(), header.size()))) > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SlowProxy>> SlowProxy::Start(
    const std::string& server_url, Delay delay) {
  std::unique_ptr<SlowProxy> proxy(new SlowProxy(server_url, std::move(delay)));
  httplib::Server& server = *proxy->server_;
  server.new_task_queue = [] { return new httplib::ThreadPool(32); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  server.set_keep_alive_timeout(60);
  server.set_payload_max_length(64 << 20);
  const auto handle = [proxy = proxy.get()](const httplib::Request& request,
                                            httplib::Response& response) {
    proxy->Handle(request, response);
  };
  server.Get(".*", handle);
  server.Put(".*", handle);
  server.Post(".*", handle);
  server.Delete(".*", handle);
  const int port = server.bind_to_any_port("127.0.0.1");
  if (port < 0) {
    return absl::UnavailableError("slow proxy: cannot listen on 127.0.0.1");
  }
  proxy->url_ = absl::StrCat("http://127.0.0.1:", port);
  proxy->thread_ = std::thread([&server] { server.listen_after_bind(); });
  return proxy;
}

SlowProxy::SlowProxy(std::string server_url, Delay delay)
    : server_url_(std::move(server_url)),
      delay_(std::move(delay)),
      server_(std::make_unique<httplib::Server>()) {}

SlowProxy::~SlowProxy() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

void SlowProxy::Hold(const std::string& method, const std::string& path) {
  MutexLock lock(mu_);
  holding_ = true;
  held_method_ = method;
  held_path_ = path;
}

void SlowProxy::Release() {
  MutexLock lock(mu_);
  holding_ = false;
  changed_.NotifyAll();
}

int SlowProxy::held() const {
  MutexLock lock(mu_);
  return held_;
}

std::vector<SlowProxy::Exchange> SlowProxy::Exchanges() const {
  MutexLock lock(mu_);
  const int64_t last = last_asked_;
  while (!asked_.empty() && *asked_.begin() <= last) changed_.Wait(mu_);
  return exchanges_;
}

bool SlowProxy::Wait(const Exchange& exchange) {
  const absl::Duration delay = delay_ == nullptr
                                   ? absl::ZeroDuration()
                                   : delay_(exchange.method, exchange.path);
  const absl::Duration until = Clock::Real().Uptime() + delay;
  MutexLock lock(mu_);
  while (!stopping_ && Clock::Real().Uptime() < until) {
    Clock::Real().WaitUntil(until, mu_, changed_);
  }
  if (holding_ && exchange.method == held_method_ &&
      exchange.path == held_path_) {
    ++held_;
    while (!stopping_ && holding_) changed_.Wait(mu_);
    --held_;
  }
  return !stopping_;
}

void SlowProxy::Handle(const httplib::Request& request,
                       httplib::Response& response) {
  Exchange exchange;
  exchange.received_at = Clock::Real().Now();
  exchange.method = request.method;
  exchange.path = request.path;
  exchange.request_body = request.body;
  if (!Wait(exchange)) {
    response.status = 503;
    return;
  }

  httplib::Request onward;
  onward.method = request.method;
  onward.path = request.target;
  onward.body = request.body;
  for (const auto& [name, value] : request.headers) {
    if (!IsOfTheConnection(name)) onward.headers.emplace(name, value);
  }
  // To the server a new connection each: the delay is what matters here.
  httplib::Client client(server_url_);
  client.set_tcp_nodelay(true);
  client.set_decompress(false);
  client.set_read_timeout(30);
  int64_t number = 0;
  {
    MutexLock lock(mu_);
    number = ++last_asked_;
    asked_.insert(number);
  }
  exchange.forwarded_at = Clock::Real().Now();
  const httplib::Result answer = client.send(onward);
  exchange.answered_at = Clock::Real().Now();
  if (!answer) {
    response.status = 502;
    Ended(number, std::nullopt);
    return;
  }
  response.status = answer->status;
  for (const auto& [name, value] : answer->headers) {
    if (!IsOfTheConnection(name) &&
        !absl::EqualsIgnoreCase(absl::string_view(name.data(), name.size()),
                                "content-type")) {
      response.headers.emplace(name, value);
    }
  }
  response.set_content(answer->body, answer->get_header_value("Content-Type"));
  exchange.status = answer->status;
  exchange.response_body = answer->body;
  Ended(number, std::move(exchange));
}

void SlowProxy::Ended(int64_t number, std::optional<Exchange> exchange) {
  MutexLock lock(mu_);
  asked_.erase(number);
  if (exchange.has_value()) exchanges_.push_back(*std::move(exchange));
  changed_.NotifyAll();
}

}  // namespace rehai::lab
