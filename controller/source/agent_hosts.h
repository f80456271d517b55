// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_HOSTS_H_
#define CONTROLLER_SOURCE_AGENT_HOSTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// How a host is asked through its agent. Called outside every lock, on any
// thread, several at once, also after the session is over; must return at once.
class Agent {
 public:
  virtual ~Agent() = default;

  // The host is to be read anew, everything, and reported in full. The report
  // that answers brings this number.
  virtual void AskReread(int64_t request_id) = 0;
  // The agent is not to speak for the host any more: its session is to end so.
  // kPermissionDenied: the host left the fleet; kAborted: another session of it
  // has come.
  virtual void Dismiss(const absl::Status& why) = 0;
};

// What an agent's session does for its host: FleetSource decides, by the order
// of sessions, who speaks for a host, judges what it says, and leaves a host
// alone while its agent speaks.
//
// A session speaks from its first report that is taken in. While it does, what
// others say of the host is not taken in. It speaks until Went(), or until a
// newer session of the same host comes, which dismisses it.
//
// Thread-safe. Nothing blocks. The calls of one session come one at a time.
class AgentHosts {
 public:
  struct Admission {
    // Of this session; each is greater than all before, of pull too. 0: not
    // now.
    int64_t session = 0;
    // Nothing was taken in of the host that `last_session` did not say, so what
    // was acknowledged then is believed still.
    bool resumes = false;
    // Where session is 0: the host's agent has come and gone too often, and is
    // not to come back before.
    absl::Duration come_back_after = absl::ZeroDuration();
  };

  virtual ~AgentHosts() = default;

  // The host's agent has come. `last_session` is the one whose reports it knows
  // to be taken in; 0 if none. kNotFound: the host is not in the fleet, or left
  // it.
  virtual absl::StatusOr<Admission> Came(const HostId& host,
                                         int64_t last_session,
                                         std::shared_ptr<Agent> agent) = 0;

  // What the agent says: `seen` as a source fills it in, without node, session
  // and sequence. `answers` are the numbers of AskReread() that it answers. Ok
  // also if the host's identity is in doubt, and nothing was taken in: it will
  // be asked for anew. kInvalidArgument: it contradicts itself; kAborted: this
  // session does not speak for the host any more; kNotFound: the host has left.
  virtual absl::Status Saw(const HostId& host, int64_t session,
                           v1::Observation seen,
                           const std::vector<int64_t>& answers) = 0;

  // The agent is there, and cannot read its hypervisor.
  virtual void CannotRead(const HostId& host, int64_t session,
                          const absl::Status& why) = 0;

  // The session is over.
  virtual void Went(const HostId& host, int64_t session,
                    const absl::Status& why) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_HOSTS_H_
