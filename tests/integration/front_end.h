// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_FRONT_END_H_
#define TESTS_INTEGRATION_FRONT_END_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai::integration {

// A watch of the whole fleet. Ends, with an error, a minute after it was begun
// or with the controller. Not thread-safe.
class FleetWatch {
 public:
  virtual ~FleetWatch() = default;

  // Blocks for the next step.
  virtual absl::StatusOr<v1::FleetWatchResponse> Next() = 0;
};

// What a front end and an operator are to the controller: someone who asks and
// commands over gRPC. Blocks for each answer, at most some seconds. Not
// thread-safe.
class FrontEnd {
 public:
  // "127.0.0.1:PORT", in clear.
  explicit FrontEnd(const std::string& address);
  ~FrontEnd();

  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  absl::StatusOr<v1::Host> GetHost(const std::string& node);
  absl::StatusOr<v1::LocatedGuest> GetGuest(const std::string& name);
  absl::StatusOr<std::vector<v1::LocatedGuest>> ListGuests(
      const std::string& node);
  std::unique_ptr<FleetWatch> Watch();

  // Rereads and rewrites these hosts, all if none is named, and waits for the
  // operation's end.
  absl::StatusOr<v1::Operation> Resync(const std::vector<std::string>& nodes);
  // The same with modes of one's own.
  absl::StatusOr<v1::Operation> Resync(
      const std::vector<std::string>& nodes,
      const std::vector<v1::ResyncMode>& modes);
  absl::StatusOr<std::vector<v1::Difference>> Diff(const std::string& node);
  absl::StatusOr<v1::ChefStatus> ChefStatus();
  absl::StatusOr<v1::SourceStatus> SourceStatus();

  // The host's part of GetHost(). Where that fails: no state but the error, and
  // PRESENCE_UNSPECIFIED.
  v1::SyncStatus SyncStatusOf(const std::string& node);
  v1::Presence PresenceOf(const std::string& node);
  // Of the host's agent and connection; without a node where there is none.
  v1::AgentState AgentOf(const std::string& node);
  v1::Connection ConnectionOf(const std::string& node);
  // "GUEST_STATE_RUNNING", ... or "NOT_FOUND".
  std::string StateOf(const std::string& guest);

 private:
  struct Stubs;
  const std::unique_ptr<Stubs> stubs_;
};

}  // namespace rehai::integration

#endif  // TESTS_INTEGRATION_FRONT_END_H_
