// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/clock.h"

namespace rehai::lab {
namespace {

constexpr int kBacklog = 128;

// What an epoll event is about: the low bits of its data, above them an id.
enum Kind : uint64_t { kWake, kListener, kClientEnd, kServerEnd };

uint64_t Key(uint64_t id, Kind kind) { return id << 2 | kind; }

void Control(int epoll, int operation, int fd, uint32_t events, uint64_t key) {
  epoll_event event = {.events = events, .data = {.u64 = key}};
  epoll_ctl(epoll, operation, fd, &event);
}

int PortOf(int socket) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Begins to connect to a port of 127.0.0.1; what comes of it shows when it is
// read or written. -1 if nothing can.
int ConnectTo(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 ||
      errno == EINPROGRESS) {
    return fd;
  }
  close(fd);
  return -1;
}

void Reset(int fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Relay>> Relay::Start() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::unique_ptr<Relay> relay(new Relay(epoll, wake));
  if (epoll < 0 || wake < 0) return absl::ErrnoToStatus(errno, "relay");
  Control(epoll, EPOLL_CTL_ADD, wake, EPOLLIN, Key(0, kWake));
  relay->thread_ = std::thread(&Relay::Loop, relay.get());
  return relay;
}

Relay::Relay(int epoll, int wake) : epoll_(epoll), wake_(wake) {}

Relay::~Relay() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
  close(wake_);
  close(epoll_);
}

absl::StatusOr<uint64_t> Relay::Open(int listener, int target_port) {
  MutexLock lock(mu_);
  if (listen(listener, kBacklog) != 0) {
    return absl::ErrnoToStatus(errno, "relay: listen");
  }
  const uint64_t id = ++last_id_;
  lines_[id] = {.listener = listener, .target_port = target_port};
  Control(epoll_, EPOLL_CTL_ADD, listener, EPOLLIN, Key(id, kListener));
  return id;
}

void Relay::Close(uint64_t line) {
  MutexLock lock(mu_);
  const auto it = lines_.find(line);
  DropFlows(it->second);
  if (it->second.filler >= 0) close(it->second.filler);
  close(it->second.listener);
  lines_.erase(it);
}

void Relay::SetDelay(uint64_t line, absl::Duration delay) {
  MutexLock lock(mu_);
  lines_.at(line).delay = delay;
}

// Linux takes one connection more into a listener's queue than its backlog
// says, and drops without an answer the SYNs that come when it is full.
void Relay::BlackHole(uint64_t id) {
  MutexLock lock(mu_);
  Line& line = lines_.at(id);
  if (line.mood == Mood::kBlackHole) return;
  if (line.mood == Mood::kPassing) Accept(id, line);
  StopListening(line);
  line.mood = Mood::kBlackHole;
  // Not only without interest: epoll tells of an end even then.
  for (uint64_t flow : line.flows) {
    Watch(flow, flows_.at(flow), EPOLL_CTL_DEL);
  }
  listen(line.listener, 0);
  line.filler = ConnectTo(PortOf(line.listener));
}

void Relay::Cut(uint64_t line) {
  MutexLock lock(mu_);
  DropFlows(lines_.at(line));
}

void Relay::Refuse(uint64_t id) {
  MutexLock lock(mu_);
  Line& line = lines_.at(id);
  StopListening(line);
  line.mood = Mood::kRefusing;
  DropFlows(line);
}

// A listening socket that is shut down keeps its port, and can listen again. To
// shut it down twice would have it accept nothing but ended connections.
void Relay::StopListening(Line& line) {
  if (line.mood == Mood::kRefusing) return;
  if (line.mood == Mood::kPassing) {
    Control(epoll_, EPOLL_CTL_DEL, line.listener, 0, 0);
  }
  if (line.filler >= 0) close(line.filler);
  line.filler = -1;
  shutdown(line.listener, SHUT_RD);
}

void Relay::Heal(uint64_t id) {
  {
    MutexLock lock(mu_);
    Line& line = lines_.at(id);
    line.delay = absl::ZeroDuration();
    if (line.mood == Mood::kPassing) return;
    listen(line.listener, kBacklog);
    Accept(id, line);
    if (line.filler >= 0) close(line.filler);
    line.filler = -1;
    Control(epoll_, EPOLL_CTL_ADD, line.listener, EPOLLIN, Key(id, kListener));
    if (line.mood == Mood::kBlackHole) {
      for (uint64_t flow : line.flows) {
        Watch(flow, flows_.at(flow), EPOLL_CTL_ADD);
        due_.insert({absl::ZeroDuration(), flow});
      }
    }
    line.mood = Mood::kPassing;
  }
  Wake();
}

void Relay::Loop() {
  pthread_setname_np(pthread_self(), "lab-relay");
  int timeout = -1;
  while (true) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, std::size(events), timeout);
    MutexLock lock(mu_);
    if (stopping_) return;
    for (int i = 0; i < count; ++i) Serve(events[i].data.u64);
    const absl::Duration now = Clock::Real().Uptime();
    while (!due_.empty() && due_.begin()->first <= now) {
      const uint64_t flow = due_.begin()->second;
      due_.erase(due_.begin());
      Pump(flow);
    }
    timeout = Timeout();
  }
}

void Relay::Serve(uint64_t key) {
  const uint64_t id = key >> 2;
  switch (static_cast<Kind>(key & 3)) {
    case kWake: {
      uint64_t count;
      [[maybe_unused]] const ssize_t got = read(wake_, &count, sizeof(count));
      return;
    }
    case kListener:
      if (const auto it = lines_.find(id); it != lines_.end()) {
        Accept(id, it->second);
      }
      return;
    case kClientEnd:
    case kServerEnd:
      Pump(id);
  }
}

void Relay::Accept(uint64_t id, Line& line) {
  const int filler = line.filler < 0 ? 0 : PortOf(line.filler);
  sockaddr_in peer = {};
  socklen_t size = sizeof(peer);
  int client;
  while ((client = accept4(line.listener, reinterpret_cast<sockaddr*>(&peer),
                           &size, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
    if (ntohs(peer.sin_port) == filler) {
      close(client);
      continue;
    }
    const int server = ConnectTo(line.target_port);
    if (server < 0) {
      Reset(client);
      continue;
    }
    SendAtOnce(client);
    SendAtOnce(server);
    const uint64_t flow = ++last_id_;
    flows_[flow] = {.line = id,
                    .ends = std::make_unique<RelayFlow>(client, server)};
    line.flows.insert(flow);
    Watch(flow, flows_[flow], EPOLL_CTL_ADD);
  }
}

void Relay::Pump(uint64_t id) {
  const auto it = flows_.find(id);
  if (it == flows_.end()) return;
  Line& line = lines_.at(it->second.line);
  if (line.mood == Mood::kBlackHole) return;
  RelayFlow& ends = *it->second.ends;
  const absl::Duration now = Clock::Real().Uptime();
  if (!ends.Pump(now, line.delay)) {
    line.flows.erase(id);
    flows_.erase(it);
    return;
  }
  Watch(id, it->second, EPOLL_CTL_MOD);
  if (const auto due = ends.NextDue(now)) due_.insert({*due, id});
}

// By edges: epoll tells of an end again and again otherwise, even to who asks
// for nothing, and an end may have to wait for its delay.
void Relay::Watch(uint64_t id, Flow& flow, int operation) {
  const absl::Duration now = Clock::Real().Uptime();
  for (const auto side : {RelayFlow::kClient, RelayFlow::kServer}) {
    const uint32_t wanted = flow.ends->Interest(side, now);
    if (operation == EPOLL_CTL_MOD && wanted == flow.watched[side]) continue;
    Control(epoll_, operation, flow.ends->fd(side), wanted | EPOLLET,
            Key(id, side == RelayFlow::kClient ? kClientEnd : kServerEnd));
    flow.watched[side] = wanted;
  }
}

void Relay::DropFlows(Line& line) {
  for (uint64_t flow : line.flows) flows_.erase(flow);
  line.flows.clear();
}

int Relay::Timeout() {
  if (due_.empty()) return -1;
  const absl::Duration left = due_.begin()->first - Clock::Real().Uptime();
  return static_cast<int>(std::max<int64_t>(
      0, absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)))));
}

void Relay::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t sent = write(wake_, &one, sizeof(one));
}

}  // namespace rehai::lab
