// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_OHAI_RUNS_H_
#define CONTROLLER_SOURCE_OHAI_RUNS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// OhaiRuns is who waits for Ohai on one host, in what order.
//
// - One run is under way at a time; Ohai loads a host.
// - Who asks for the same plugins before their run has begun shares it. A run
//   under way is never shared: it may have read what the caller knows to have
//   changed since.
// - At most kMostWaiting wait.
//
// Calls nobody: what is to be called is handed out, so that no lock is held.
// Times are Clock::Uptime() values. Not thread-safe.
class OhaiRuns {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::OhaiResult>)>;
  static constexpr size_t kMostWaiting = 8;

  // False, and `done` is left alone, if too many wait.
  bool Add(std::vector<std::string> plugins, Done& done);

  // What the agent is to be told now, to run under that id until `deadline`;
  // nullopt if a run is under way, or nobody waits.
  struct Begun {
    int64_t request_id = 0;
    std::vector<std::string> plugins;
  };
  std::optional<Begun> Begin(int64_t request_id, absl::Duration deadline);

  // Who waited for the run of that id; empty if it is not under way.
  std::vector<Done> Ended(int64_t request_id);
  // Who waited for the run that has not ended by now; empty if there is none.
  std::vector<Done> Expired(absl::Duration now);
  // Everybody.
  std::vector<Done> TakeAll();

  // When the run under way expires; infinite if there is none.
  absl::Duration deadline() const { return deadline_; }

 private:
  struct Run {
    std::vector<std::string> plugins;
    std::vector<Done> waiting;
  };

  std::vector<Done> TakeFirst();

  std::deque<Run> runs_;
  int64_t under_way_ = 0;  // the first's id, or 0
  absl::Duration deadline_ = absl::InfiniteDuration();
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_OHAI_RUNS_H_
