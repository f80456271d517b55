// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_AGENT_FLEET_H_
#define TESTS_LAB_AGENT_FLEET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/runner.h"
#include "base/backoff.h"
#include "rehai/v1/model.pb.h"
#include "tests/fakes/certificates.h"

namespace rehai::lab {

// A guest of a simulated agent was changed, and the controller has said that it
// knows. Times are Clock::Real().Uptime().
struct AcknowledgedChange {
  int agent = 0;
  std::string uuid;
  v1::GuestState state = v1::GUEST_STATE_UNSPECIFIED;
  absl::Duration changed;
  absl::Duration acknowledged;
};

// Agents by the thousand in one process: each has the session of the real
// agent, a TCP and TLS connection of its own with a certificate of its own, and
// a host that is made up. They share one thread; gRPC brings its own.
//
// Thread-safe but for Start() and Stop(), which are for one thread.
class AgentFleet {
 public:
  struct Options {
    std::string controller = {};  // host:port
    int agents = 100;
    int guests = 25;  // of each
    // Before the numbers in the names of hosts and nodes.
    std::string prefix = "agent";
    // PEM: who signed the controller's certificate. Empty: it is spoken to in
    // clear, and nobody has a certificate.
    std::string controller_ca_pem = {};
    // Signs the agents' certificates.
    TestAuthority authority = {};
    BackoffOptions reconnect = {.min = absl::Seconds(1),
                                .max = absl::Minutes(1)};
  };

  // How many there are, and were since the begin.
  struct Counts {
    int open = 0;    // sessions
    int synced = 0;  // of these: all that there is to report is acknowledged
    int64_t attempts = 0;  // to connect
    int64_t opened = 0;    // sessions
    int64_t reports = 0;   // acknowledged

    friend bool operator==(const Counts&, const Counts&) = default;
  };

  // Nobody connects yet. kResourceExhausted: this process may not have as many
  // descriptors.
  static absl::StatusOr<std::unique_ptr<AgentFleet>> Create(Options options);
  // Ends all sessions.
  ~AgentFleet();

  AgentFleet(const AgentFleet&) = delete;
  AgentFleet& operator=(const AgentFleet&) = delete;

  int size() const;
  // "agent0007", and its guests.
  std::string node(int agent) const;
  std::vector<v1::Guest> guests(int agent) const;

  // The agent's program starts, and ends: it knows nothing of the controller at
  // its start. Nothing if it has.
  void Start(int agent);
  void Stop(int agent);
  void StartAll();
  void StopAll();

  // Changes the state of a guest of that host, whether its agent runs or not.
  void Change(int agent);

  Counts counts() const;
  // Waits for `condition`. kDeadlineExceeded with the counts if it does not
  // come about.
  absl::Status Await(absl::Duration timeout,
                     absl::FunctionRef<bool(const Counts&)> condition) const;
  // Every agent has a session, and nothing to say in it.
  absl::Status AwaitSynced(absl::Duration timeout) const;

  // When sessions began, and changes that were acknowledged, since the last
  // call, in their order.
  std::vector<absl::Duration> TakeOpenings();
  std::vector<AcknowledgedChange> TakeChanges();

 private:
  class Tally;
  class Feed;
  class Channels;
  struct Agent;

  explicit AgentFleet(Options options);

  // Set at construction.
  const Options options_;
  const std::unique_ptr<Tally> tally_;
  const std::unique_ptr<agent::Runner> runner_;

  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_AGENT_FLEET_H_
