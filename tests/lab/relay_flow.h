// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_RELAY_FLOW_H_
#define TESTS_LAB_RELAY_FLOW_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace rehai::lab {

// One relayed connection: two non-blocking sockets, and in each direction the
// bytes that are under way. A byte that was read is written `delay` later,
// never before one that was read earlier. An end of stream passes like a byte.
//
// Not thread-safe.
class RelayFlow {
 public:
  enum Side { kClient = 0, kServer = 1 };

  // Owns both sockets, of which the server's may be connecting still.
  RelayFlow(int client, int server);
  // Resets both connections, unless both streams have come to their ends.
  ~RelayFlow();

  RelayFlow(const RelayFlow&) = delete;
  RelayFlow& operator=(const RelayFlow&) = delete;

  int fd(Side side) const { return fds_[side]; }

  // Reads and writes what can be without waiting. False once there is nothing
  // left to do, because both streams have ended or a connection broke.
  bool Pump(absl::Duration now, absl::Duration delay);

  // What to ask epoll for on that side: EPOLLIN, EPOLLOUT, both or none. Edges
  // are enough, as long as Pump() is called at each.
  uint32_t Interest(Side side, absl::Duration now) const;

  // When a byte falls due that cannot be written yet.
  std::optional<absl::Duration> NextDue(absl::Duration now) const;

 private:
  struct Chunk {
    absl::Duration due;
    std::string bytes;
    size_t written = 0;
  };

  // From one side to the other.
  struct Stream {
    std::deque<Chunk> chunks;
    size_t queued = 0;     // bytes
    bool drained = false;  // nothing is there to be read at the moment
    bool read_all = false;
    // When the end may be told, once read_all; and whether it was.
    absl::Duration end_due;
    bool ended = false;
  };

  // False if the connection broke.
  bool Read(Side from, absl::Duration due);
  bool Write(Side from, absl::Duration now);

  const int fds_[2];
  Stream streams_[2];  // by the side that is read
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_RELAY_FLOW_H_
