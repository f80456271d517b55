// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/relay_flow.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace rehai::lab {
namespace {

// More is not read before some of it is written: memory is bounded, and the
// sender feels a receiver that does not read.
constexpr size_t kMaxQueued = 256 << 10;

RelayFlow::Side Other(RelayFlow::Side side) {
  return side == RelayFlow::kClient ? RelayFlow::kServer : RelayFlow::kClient;
}

// A connection that is still being made is as one without room.
bool WouldBlock(int error) {
  return error == EAGAIN || error == ENOTCONN || error == EINTR;
}

}  // namespace

RelayFlow::RelayFlow(int client, int server) : fds_{client, server} {}

RelayFlow::~RelayFlow() {
  const bool complete = streams_[kClient].ended && streams_[kServer].ended;
  for (const int fd : fds_) {
    if (!complete) {
      const linger reset = {.l_onoff = 1, .l_linger = 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    close(fd);
  }
}

bool RelayFlow::Pump(absl::Duration now, absl::Duration delay) {
  for (const Side side : {kClient, kServer}) {
    Stream& stream = streams_[side];
    do {
      if (!Read(side, now + delay) || !Write(side, now)) return false;
    } while (!stream.drained && stream.queued < kMaxQueued);
  }
  return !streams_[kClient].ended || !streams_[kServer].ended;
}

bool RelayFlow::Read(Side from, absl::Duration due) {
  Stream& stream = streams_[from];
  char buffer[16384];
  stream.drained = stream.read_all;
  while (!stream.drained && stream.queued < kMaxQueued) {
    const ssize_t got = recv(fds_[from], buffer, sizeof(buffer), 0);
    if (got <= 0) stream.drained = true;
    if (got < 0) return WouldBlock(errno);
    if (got == 0) {
      stream.read_all = true;
      stream.end_due = due;
      break;
    }
    stream.chunks.push_back({due, std::string(buffer, got)});
    stream.queued += got;
  }
  return true;
}

bool RelayFlow::Write(Side from, absl::Duration now) {
  Stream& stream = streams_[from];
  const int to = fds_[Other(from)];
  while (!stream.chunks.empty() && stream.chunks.front().due <= now) {
    Chunk& chunk = stream.chunks.front();
    const ssize_t sent = send(to, chunk.bytes.data() + chunk.written,
                              chunk.bytes.size() - chunk.written, MSG_NOSIGNAL);
    if (sent < 0) return WouldBlock(errno);
    stream.queued -= sent;
    chunk.written += sent;
    if (chunk.written == chunk.bytes.size()) stream.chunks.pop_front();
  }
  if (stream.chunks.empty() && stream.read_all && !stream.ended &&
      stream.end_due <= now) {
    stream.ended = true;
    shutdown(to, SHUT_WR);
  }
  return true;
}

uint32_t RelayFlow::Interest(Side side, absl::Duration now) const {
  const Stream& in = streams_[side];
  const Stream& out = streams_[Other(side)];
  const bool reads = !in.read_all && in.queued < kMaxQueued;
  const bool writes = !out.chunks.empty() && out.chunks.front().due <= now;
  return (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
}

std::optional<absl::Duration> RelayFlow::NextDue(absl::Duration now) const {
  std::optional<absl::Duration> next;
  for (const Stream& stream : streams_) {
    if (stream.chunks.empty() && (!stream.read_all || stream.ended)) continue;
    const absl::Duration due =
        stream.chunks.empty() ? stream.end_due : stream.chunks.front().due;
    if (due > now) next = std::min(due, next.value_or(due));
  }
  return next;
}

}  // namespace rehai::lab
