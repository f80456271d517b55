// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/faulty_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/clock.h"

namespace rehai::fault {
namespace {

using Fault = FaultyProxy::Fault;

constexpr int kMostConnections = 256;
constexpr size_t kLargestRequest = 64 << 20;
// Between two looks whether the proxy ends.
constexpr int kPollMilliseconds = 100;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void WithoutDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// The other side sees a reset, not an end.
void CloseWithReset(int fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

bool SendAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(sent);
  }
  return true;
}

// What comes next; nullopt at the end of the connection.
std::optional<std::string> ReceiveSome(int fd) {
  char buffer[16384];
  const ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
  if (received <= 0) return std::nullopt;
  return std::string(buffer, received);
}

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

std::string HeaderOf(const std::string& head, const std::string& name) {
  for (const absl::string_view line : absl::StrSplit(View(head), "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (absl::EqualsIgnoreCase(parts.first, View(name))) {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

// The head without its line "Connection: ...", and with another one if that is
// not empty.
std::string WithConnection(const std::string& head, const std::string& value) {
  std::string result;
  for (const absl::string_view line : absl::StrSplit(View(head), "\r\n")) {
    if (line.empty() || absl::StartsWithIgnoreCase(line, "connection:")) {
      continue;
    }
    absl::StrAppend(&result, line, "\r\n");
  }
  if (!value.empty()) absl::StrAppend(&result, "Connection: ", value, "\r\n");
  return result + "\r\n";
}

}  // namespace

struct FaultyProxy::Request {
  std::string head;  // with its last empty line
  std::string body;
  std::string method;
  std::string target;

  // Takes the next request from the front of `bytes`, if it is all there.
  // kInvalidArgument: it is none.
  static absl::StatusOr<bool> Take(std::string& bytes, Request& request);
};

absl::StatusOr<bool> FaultyProxy::Request::Take(std::string& bytes,
                                                Request& request) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  request.head = bytes.substr(0, end + 4);
  size_t length = 0;
  const std::string said = HeaderOf(request.head, "Content-Length");
  if (!said.empty() && !absl::SimpleAtoi(View(said), &length)) {
    return absl::InvalidArgumentError("Content-Length is no number");
  }
  if (length > kLargestRequest ||
      !HeaderOf(request.head, "Transfer-Encoding").empty()) {
    return absl::InvalidArgumentError("a request too large or in chunks");
  }
  if (bytes.size() < request.head.size() + length) return false;
  request.body = bytes.substr(request.head.size(), length);
  bytes.erase(0, request.head.size() + length);
  const std::vector<std::string> words = absl::StrSplit(
      View(request.head).substr(0, request.head.find('\r')), ' ');
  if (words.size() != 3) return absl::InvalidArgumentError("no request line");
  request.method = words[0];
  request.target = words[1];
  return true;
}

std::string NameOf(FaultyProxy::Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "none";
    case Fault::kLate:
      return "late";
    case Fault::kResetBefore:
      return "reset_before";
    case Fault::kResetAfter:
      return "reset_after";
    case Fault::kRefused:
      return "refused";
    case Fault::kErrorAfter:
      return "error_after";
    case Fault::kTruncated:
      return "truncated";
  }
  return "unknown";
}

absl::StatusOr<std::unique_ptr<FaultyProxy>> FaultyProxy::Start(
    Options options, std::function<void(const Exchange&)> on_exchange) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, generic, size) != 0 ||
      listen(listener, kMostConnections) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    if (listener >= 0) close(listener);
    return absl::UnavailableError("faulty proxy: cannot listen on 127.0.0.1");
  }
  std::unique_ptr<FaultyProxy> proxy(
      new FaultyProxy(std::move(options), std::move(on_exchange), listener,
                      ntohs(address.sin_port)));
  proxy->acceptor_ = std::thread([&proxy = *proxy] { proxy.Accept(); });
  return proxy;
}

FaultyProxy::FaultyProxy(Options options,
                         std::function<void(const Exchange&)> on_exchange,
                         int listener, int port)
    : options_(std::move(options)),
      listener_(listener),
      url_(absl::StrCat("http://127.0.0.1:", port)),
      on_exchange_(std::move(on_exchange)),
      random_(options_.seed) {}

FaultyProxy::~FaultyProxy() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    changed_.NotifyAll();
  }
  if (acceptor_.joinable()) acceptor_.join();
  close(listener_);
  MutexLock lock(mu_);
  while (!open_.empty()) changed_.Wait(mu_);
}

void FaultyProxy::Heal() {
  MutexLock lock(mu_);
  healed_ = true;
}

int64_t FaultyProxy::requests() const {
  MutexLock lock(mu_);
  return requests_;
}

std::map<Fault, int64_t> FaultyProxy::injected() const {
  MutexLock lock(mu_);
  return injected_;
}

void FaultyProxy::Accept() {
  while (true) {
    pollfd listens = {.fd = listener_, .events = POLLIN, .revents = 0};
    const bool comes = poll(&listens, 1, kPollMilliseconds) > 0;
    const int client =
        comes ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
    MutexLock lock(mu_);
    if (stopping_ || (client >= 0 && open_.size() >= kMostConnections)) {
      if (client >= 0) close(client);
      if (stopping_) return;
      continue;
    }
    if (client < 0) continue;
    WithoutDelay(client);
    open_.insert(client);
    // It is waited for by the destructor, through open_.
    std::thread([this, client] { Serve(client); }).detach();
  }
}

void FaultyProxy::Serve(int client) {
  std::string bytes;
  while (true) {
    Request request;
    const absl::StatusOr<bool> is_whole = Request::Take(bytes, request);
    if (!is_whole.ok()) break;
    if (*is_whole) {
      if (!Answer(client, request)) break;
      continue;
    }
    const std::optional<std::string> more = ReceiveSome(client);
    if (!more.has_value()) break;
    bytes += *more;
  }
  MutexLock lock(mu_);
  open_.erase(client);
  close(client);
  changed_.NotifyAll();
}

bool FaultyProxy::Answer(int client, const Request& request) {
  const Fate fate = Draw();
  if (!Wait(fate.delay)) return false;
  const auto refuse = [client](int status) {
    const std::string body = R"({"error":["a fault of the test's"]})";
    return SendAll(client,
                   absl::StrCat("HTTP/1.1 ", status,
                                " Fault\r\nContent-Type: application/json\r\n"
                                "Content-Length: ",
                                body.size(), "\r\n\r\n", body));
  };
  if (fate.fault == Fault::kResetBefore) {
    CloseWithReset(client);
    return false;
  }
  if (fate.fault == Fault::kRefused) return refuse(fate.status);

  const std::string answer = Ask(request);
  if (answer.empty() || fate.fault == Fault::kResetAfter) {
    CloseWithReset(client);
    return false;
  }
  if (fate.fault == Fault::kErrorAfter) return refuse(500);
  if (fate.fault == Fault::kTruncated) {
    SendAll(client, View(answer).substr(0, answer.size() / 2));
    return false;
  }
  return SendAll(client, answer);
}

FaultyProxy::Fate FaultyProxy::Draw() {
  constexpr int kRefusals[] = {429, 500, 502, 503, 504};
  MutexLock lock(mu_);
  ++requests_;
  // Always as many, so that a request's fate depends on its number only.
  const auto fraction = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return static_cast<double>(random_() >> 11) / 9007199254740992.0;
  };
  double which = fraction();
  const double delay = fraction();
  const int status = kRefusals[random_() % std::size(kRefusals)];
  if (healed_) return {};
  for (const auto& [fault, share] : options_.shares) {
    which -= share;
    if (which >= 0) continue;
    ++injected_[fault];
    return {.fault = fault,
            .delay = fault == Fault::kLate ? delay * options_.longest_delay
                                           : absl::ZeroDuration(),
            .status = status};
  }
  return {};
}

bool FaultyProxy::Wait(absl::Duration delay) {
  const absl::Duration until = Clock::Real().Uptime() + delay;
  MutexLock lock(mu_);
  while (!stopping_ && Clock::Real().Uptime() < until) {
    Clock::Real().WaitUntil(until, mu_, changed_);
  }
  return !stopping_;
}

std::string FaultyProxy::Ask(const Request& request) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0) return "";
  const timeval patience = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  WithoutDelay(server);
  const sockaddr_in address = Loopback(options_.server_port);
  Exchange exchange = {.method = request.method,
                       .target = request.target,
                       .request_body = request.body,
                       .status = 0,
                       .forwarded_at = Clock::Real().Now(),
                       .answered_at = {}};
  std::string answer;
  // A connection of its own, which the server ends with its answer: so that is
  // whole, however it is framed.
  if (connect(server, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 &&
      SendAll(server, WithConnection(request.head, "close")) &&
      SendAll(server, request.body)) {
    while (const auto more = ReceiveSome(server)) answer += *more;
  }
  close(server);
  exchange.answered_at = Clock::Real().Now();
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return "";
  const std::string head = answer.substr(0, end + 4);
  if (!absl::SimpleAtoi(View(head).substr(head.find(' ') + 1, 3),
                        &exchange.status)) {
    return "";
  }
  if (on_exchange_ != nullptr) {
    MutexLock lock(telling_);
    on_exchange_(exchange);
  }
  return WithConnection(head, "") + answer.substr(end + 4);
}

}  // namespace rehai::fault
