// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_session_protocol.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/source/agent_observation.h"

namespace rehai {
namespace {

// A node's name, a host's name, a version.
constexpr size_t kLongestName = 255;

absl::Status Refused(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

absl::Status CheckHello(const v1::AgentHello& hello) {
  if (hello.node().empty()) return Refused("a hello without a node's name");
  for (const std::string* text :
       {&hello.node(), &hello.hostname(), &hello.agent_version(),
        &hello.libvirt_version()}) {
    if (text->size() <= kLongestName) continue;
    return Refused(absl::StrCat("a hello with a name of ", text->size(),
                                " bytes; ", kLongestName, " is the most"));
  }
  if (!hello.host_uuid().empty() && !IsCanonicalUuid(hello.host_uuid())) {
    return Refused("a hello with a host UUID that is none");
  }
  if (hello.last_epoch() < 0 || hello.last_acknowledged() < 0) {
    return Refused("a hello with a negative epoch or sequence");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AgentSessionProtocol::Step> AgentSessionProtocol::Take(
    const v1::SessionRequest& message) {
  if (message.has_hello()) return TakeHello(message.hello());
  if (epoch_ == 0) return Refused("a message before its hello was answered");
  switch (message.message_case()) {
    case v1::SessionRequest::kReport:
      return TakeReport(message.report());
    case v1::SessionRequest::kOhaiResult:
      if (message.ohai_result().json().empty() &&
          message.ohai_result().error().empty()) {
        return Refused("a result of Ohai that is neither JSON nor an error");
      }
      return Step{Duty::kOhaiResult, ""};
    default:
      // A heartbeat, or what a newer agent may say.
      return Step{Duty::kNothing, ""};
  }
}

absl::StatusOr<AgentSessionProtocol::Step> AgentSessionProtocol::TakeHello(
    const v1::AgentHello& hello) {
  if (greeted_) return Refused("a second hello");
  greeted_ = true;
  RETURN_IF_ERROR(CheckHello(hello));
  return Step{Duty::kGreet, ""};
}

absl::StatusOr<AgentSessionProtocol::Step> AgentSessionProtocol::TakeReport(
    const v1::AgentReport& report) {
  RETURN_IF_ERROR(CheckReport(report));
  const int64_t sequence = report.sequence();
  if (report.epoch() != epoch_) {
    return Demand(absl::StrCat("report ", sequence, " is of epoch ",
                               report.epoch(), ", and this is epoch ", epoch_));
  }
  const int64_t last = last_sequence_;
  if (sequence <= last) {
    return Refused(absl::StrCat("report ", sequence, " after report ", last));
  }
  last_sequence_ = sequence;
  if (sequence - 1 != last) {
    return Demand(absl::StrCat("report ", sequence, " after report ", last));
  }
  if (!report.source_error().empty()) return Step{Duty::kCannotRead, ""};
  if (!report.full() && wants_full_) {
    return Demand(absl::StrCat("report ", sequence,
                               " is partial, and a full one is wanted"));
  }
  if (!report.full() && !report.answers().empty()) {
    // Who asked doubts more than what changed since.
    return Demand(
        absl::StrCat("report ", sequence, " answers a Reread and is partial"));
  }
  return Step{Duty::kMerge, ""};
}

absl::StatusOr<AgentSessionProtocol::Step> AgentSessionProtocol::Demand(
    std::string reason) {
  wants_full_ = true;
  if (++demands_ > kMostDemands) {
    return Refused(absl::StrCat(reason, "; a full one was asked for ",
                                kMostDemands, " times"));
  }
  return Step{Duty::kDemandFull, std::move(reason)};
}

void AgentSessionProtocol::Welcomed(int64_t epoch, bool need_full) {
  epoch_ = epoch;
  wants_full_ = need_full;
}

void AgentSessionProtocol::Merged(bool full) {
  demands_ = 0;
  if (full) wants_full_ = false;
}

}  // namespace rehai
