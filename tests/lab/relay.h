// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_RELAY_H_
#define TESTS_LAB_RELAY_H_

#include <stdint.h>

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/lab/relay_flow.h"

namespace rehai::lab {

// The one thread that serves all links of a lab; see Link, which is how to use
// it. Outlives its links. Thread-safe.
class Relay {
 public:
  static absl::StatusOr<std::unique_ptr<Relay>> Start();
  ~Relay();

  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 private:
  friend class Link;

  enum class Mood { kPassing, kBlackHole, kRefusing };

  struct Line {
    int listener;
    int target_port;  // of 127.0.0.1
    absl::Duration delay = absl::ZeroDuration();
    Mood mood = Mood::kPassing;
    int filler = -1;  // what fills a black hole's queue
    std::set<uint64_t> flows = {};
  };

  struct Flow {
    uint64_t line;
    std::unique_ptr<RelayFlow> ends;
    uint32_t watched[2] = {0, 0};  // by side: what epoll was asked for
  };

  Relay(int epoll, int wake);

  // What a Link does, by its id.
  absl::StatusOr<uint64_t> Open(int listener, int target_port);
  void Close(uint64_t line);
  void SetDelay(uint64_t line, absl::Duration delay);
  void BlackHole(uint64_t line);
  void Cut(uint64_t line);
  void Refuse(uint64_t line);
  void Heal(uint64_t line);

  void Loop();
  void Serve(uint64_t key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Accept(uint64_t id, Line& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Pump(uint64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StopListening(Line& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Watch(uint64_t id, Flow& flow, int operation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropFlows(Line& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Milliseconds until a byte falls due; -1 if none is under way.
  int Timeout() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wake() const;

  const int epoll_;
  const int wake_;  // eventfd

  // Held across system calls, of which none waits.
  Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;  // of lines and flows
  std::map<uint64_t, Line> lines_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, Flow> flows_ ABSL_GUARDED_BY(mu_);
  // When which flow has something to write.
  std::set<std::pair<absl::Duration, uint64_t>> due_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_RELAY_H_
