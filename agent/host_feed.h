// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_HOST_FEED_H_
#define AGENT_HOST_FEED_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// What a session reports of: one host, as HostWatch sees it, or a made-up one.
// See ReportBuffer for what each call does to the reports.
//
// Called by one session, on its runner's thread, one call at a time. Nothing
// blocks. Whoever feeds it wakes the session when there may be something to
// report.
class HostFeed {
 public:
  virtual ~HostFeed() = default;

  // What is known of the host: its UUID, its name, libvirt's version; and what
  // the controller has acknowledged.
  virtual void FillHello(v1::AgentHello& hello) const = 0;

  virtual void Begin(int64_t epoch, bool need_full) = 0;
  // Requests of the session that has ended are forgotten.
  virtual void End() = 0;

  // The next report, if there is something to say and none is under way.
  virtual std::optional<v1::AgentReport> Next(absl::Duration now) = 0;
  virtual void Acknowledged(int64_t sequence) = 0;
  virtual void NeedFull() = 0;

  // Everything is to be read from now on; the report of it is full and answers
  // the request.
  virtual void Reread(int64_t request_id) = 0;
  // What is not set stays as it is.
  virtual void SetSettings(const v1::AgentSettings& settings) = 0;
};

}  // namespace rehai::agent

#endif  // AGENT_HOST_FEED_H_
