// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_SOURCE_ANSWERS_H_
#define TESTS_FAKES_FAKE_SOURCE_ANSWERS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "controller/api/source_service.h"
#include "proto/ids.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// The sources of a controller under test: they say what the test sets, and
// commands change it as a real source's would. Thread-safe.
class FakeSourceAnswers {
 public:
  void SetStatus(v1::SourceStatus status);
  // In any order.
  void SetConnections(const std::vector<v1::Connection>& connections);
  // In any order.
  void SetAgents(const std::vector<v1::AgentState>& agents);
  // Guests of a host that the brake holds.
  void HoldGuests(const std::string& node, std::vector<GuestId> guests);
  // The UUID that a host answers with and that is not its own yet.
  void OfferIdentity(const std::string& node, std::string uuid);

  // Must not outlive this.
  SourceAnswers Answers();

 private:
  int Retry(const std::vector<HostId>& hosts);
  absl::StatusOr<std::vector<std::string>> ConfirmDiscovery(int expected);
  absl::StatusOr<std::vector<GuestId>> ConfirmDisappearance(const HostId& host);
  absl::StatusOr<std::string> AcceptIdentity(const HostId& host);

  Mutex mu_;
  v1::SourceStatus status_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::Connection> connections_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::AgentState> agents_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<GuestId>> held_guests_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> identities_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // TESTS_FAKES_FAKE_SOURCE_ANSWERS_H_
