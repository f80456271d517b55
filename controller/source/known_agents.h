// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_KNOWN_AGENTS_H_
#define CONTROLLER_SOURCE_KNOWN_AGENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// KnownAgents is what is remembered of each host's agent: what it says of
// itself, and what was acknowledged, so that it may go on where it was after a
// broken stream. It outlives sessions by kKeep. Hosts that are not in the fleet
// never get here, which bounds it.
//
// Where sessions of one host overlap, it is about the newest.
//
// A plain value, not thread-safe.
class KnownAgents {
 public:
  static constexpr absl::Duration kKeep = absl::Hours(24);

  // True if the agent knows all that was acknowledged, and none of it is in
  // doubt.
  bool MayResume(const HostId& host, const v1::AgentHello& hello) const;

  // A session has begun, of `state.epoch`.
  void Came(const HostId& host, v1::AgentState state, bool need_full);
  // A report is merged, or says why nothing could be read, and is acknowledged.
  void Reported(const HostId& host, int64_t epoch, int64_t sequence, bool full,
                absl::string_view source_error, absl::Time now);
  // A full report was asked for: partial ones have been lost.
  void Doubt(const HostId& host);
  void Went(const HostId& host, int64_t epoch, absl::string_view why,
            absl::Time now);

  void Forget(const HostId& host) { agents_.erase(host); }
  // Those that are gone since before then.
  void ForgetOlderThan(absl::Time then);

  // In the order of their nodes.
  std::vector<v1::AgentState> All() const;

 private:
  struct Agent {
    v1::AgentState state;
    // Acknowledged last.
    int64_t epoch = 0;
    int64_t sequence = 0;
    // A full report, and every report after it, was merged.
    bool whole = false;
  };

  std::map<HostId, Agent> agents_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_KNOWN_AGENTS_H_
