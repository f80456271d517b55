// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LINK_H_
#define TESTS_LAB_LINK_H_

#include <stdint.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/lab/loopback.h"
#include "tests/lab/relay.h"

namespace rehai::lab {

// The network between a host and the rest of the world, to be hurt on command:
// a TCP relay in our own process, which copies from one connection to another.
// That costs a little CPU, and is all that works in any container: kernels
// often lack tc's netem.
//
// What it cannot do: lose, reorder or damage single packets, nor delay the
// handshake of TCP itself, which the kernel answers at once. Thread-safe.
class Link {
 public:
  // Connections to port() of 127.0.0.1 go to that port of it.
  static absl::StatusOr<std::unique_ptr<Link>> Open(Relay& relay,
                                                    int target_port);
  // Resets its connections.
  ~Link();

  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int port() const { return port_.number(); }

  // Every byte takes so much longer, in each direction.
  void SetDelay(absl::Duration delay);

  // Nothing passes any more. Connections stay open and mute; who connects now
  // gets no answer, not even a refusal.
  void BlackHole();

  // Resets all connections, once. New ones pass.
  void Cut();

  // Resets all connections, and refuses new ones.
  void Refuse();

  // Undoes all of the above: what was under way into a black hole arrives.
  void Heal();

 private:
  Link(Relay& relay, uint64_t id, ReservedPort port)
      : relay_(relay), id_(id), port_(std::move(port)) {}

  Relay& relay_;
  const uint64_t id_;
  const ReservedPort port_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_LINK_H_
