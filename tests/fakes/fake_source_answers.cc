// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_source_answers.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rehai {

void FakeSourceAnswers::SetStatus(v1::SourceStatus status) {
  MutexLock lock(mu_);
  status_ = std::move(status);
}

void FakeSourceAnswers::SetConnections(
    const std::vector<v1::Connection>& connections) {
  MutexLock lock(mu_);
  connections_.clear();
  for (const v1::Connection& connection : connections) {
    connections_[connection.node()] = connection;
  }
}

void FakeSourceAnswers::SetAgents(const std::vector<v1::AgentState>& agents) {
  MutexLock lock(mu_);
  agents_.clear();
  for (const v1::AgentState& agent : agents) agents_[agent.node()] = agent;
}

void FakeSourceAnswers::HoldGuests(const std::string& node,
                                   std::vector<GuestId> guests) {
  MutexLock lock(mu_);
  held_guests_[node] = std::move(guests);
}

void FakeSourceAnswers::OfferIdentity(const std::string& node,
                                      std::string uuid) {
  MutexLock lock(mu_);
  identities_[node] = std::move(uuid);
}

SourceAnswers FakeSourceAnswers::Answers() {
  SourceAnswers answers;
  answers.status = [this] {
    MutexLock lock(mu_);
    return status_;
  };
  answers.connections = [this] {
    MutexLock lock(mu_);
    std::vector<v1::Connection> sorted;
    for (const auto& [node, connection] : connections_) {
      sorted.push_back(connection);
    }
    return sorted;
  };
  answers.agents = [this] {
    MutexLock lock(mu_);
    std::vector<v1::AgentState> sorted;
    for (const auto& [node, agent] : agents_) sorted.push_back(agent);
    return sorted;
  };
  answers.retry = [this](const std::vector<HostId>& hosts) {
    return Retry(hosts);
  };
  answers.confirm_discovery = [this](int expected) {
    return ConfirmDiscovery(expected);
  };
  answers.confirm_disappearance = [this](const HostId& host) {
    return ConfirmDisappearance(host);
  };
  answers.accept_identity = [this](const HostId& host) {
    return AcceptIdentity(host);
  };
  return answers;
}

int FakeSourceAnswers::Retry(const std::vector<HostId>& hosts) {
  MutexLock lock(mu_);
  int released = 0;
  for (const HostId& host : hosts) {
    const auto found = connections_.find(host.node);
    if (found == connections_.end()) continue;
    v1::Connection& connection = found->second;
    if (connection.state() != v1::CONNECTION_STATE_WAITING &&
        connection.state() != v1::CONNECTION_STATE_QUARANTINED) {
      continue;
    }
    connection.set_state(v1::CONNECTION_STATE_DIALING);
    connection.clear_next_dial_at();
    ++released;
  }
  return released;
}

absl::StatusOr<std::vector<std::string>> FakeSourceAnswers::ConfirmDiscovery(
    int expected) {
  MutexLock lock(mu_);
  v1::DiscoveryStatus& discovery = *status_.mutable_discovery();
  if (discovery.held_size() == 0 || discovery.held_size() != expected) {
    return absl::FailedPreconditionError(
        absl::StrCat("discovery: ", discovery.held_size(),
                     " hosts are held, not ", expected, "; look again"));
  }
  const std::vector<std::string> departed(discovery.held().begin(),
                                          discovery.held().end());
  discovery.clear_held();
  discovery.clear_held_since();
  return departed;
}

absl::StatusOr<std::vector<GuestId>> FakeSourceAnswers::ConfirmDisappearance(
    const HostId& host) {
  MutexLock lock(mu_);
  const auto held = held_guests_.find(host.node);
  if (held == held_guests_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("host ", host.node, ": none of its guests is held"));
  }
  std::vector<GuestId> gone = std::move(held->second);
  held_guests_.erase(held);
  return gone;
}

absl::StatusOr<std::string> FakeSourceAnswers::AcceptIdentity(
    const HostId& host) {
  MutexLock lock(mu_);
  const auto offered = identities_.find(host.node);
  if (offered == identities_.end()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "host ", host.node, ": answers with its own UUID; nothing to accept"));
  }
  std::string uuid = std::move(offered->second);
  identities_.erase(offered);
  return uuid;
}

}  // namespace rehai
