// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_OBSERVATION_H_
#define CONTROLLER_SOURCE_AGENT_OBSERVATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/model.pb.h"

// What an agent's report says of its host, and whether it can be meant. Pure.
//
// Text need not be looked at: protobuf refuses a message whose strings are not
// UTF-8, so such a stream ends before it is read here
// (AgentObservationTest.TextThatIsNotUtf8IsNoMessage).
namespace rehai {

// The most guests, or UUIDs in any of its lists, that a report may have.
inline constexpr int kMostGuestsOfReport = 20'000;
// The most requests that it may answer.
inline constexpr int kMostAnswersOfReport = 1'000;
// No reading is held to be older. An agent that was away for longer has read
// its host again before it reports.
inline constexpr absl::Duration kOldestReading = absl::Hours(24);

// True if it is a UUID as libvirt writes them: 8-4-4-4-12 hexadecimal digits,
// in lower case.
bool IsCanonicalUuid(absl::string_view text);

// kInvalidArgument: the report contradicts itself, or is larger than any host.
// The message says how, without its subject.
absl::Status CheckReport(const v1::AgentReport& report);

// How old the reading is: never negative, at most kOldestReading.
absl::Duration AgeOf(const v1::AgentReport& report);

// Why nothing could be read, cut to a length that people read; whole
// characters.
std::string SourceErrorOf(const v1::AgentReport& report);

// The report, which CheckReport() has passed, as AgentHosts::Saw() wants it.
// `agent` is how people know the agent. `now` is the controller's wall clock,
// so that the hypervisor's may be wrong.
v1::Observation ToObservation(v1::AgentReport report, absl::string_view agent,
                              absl::Time now);

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_OBSERVATION_H_
