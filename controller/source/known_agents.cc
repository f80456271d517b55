// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/known_agents.h"

#include <utility>

#include "base/proto_time.h"

namespace rehai {

bool KnownAgents::MayResume(const HostId& host,
                            const v1::AgentHello& hello) const {
  const auto found = agents_.find(host);
  if (found == agents_.end()) return false;
  const Agent& agent = found->second;
  return agent.whole && agent.epoch == hello.last_epoch() &&
         agent.sequence == hello.last_acknowledged();
}

void KnownAgents::Came(const HostId& host, v1::AgentState state,
                       bool need_full) {
  Agent& agent = agents_[host];
  if (state.epoch() <= agent.state.epoch()) return;  // a newer one overtook it
  state.set_sessions(agent.state.sessions() + 1);
  // Until the agent says otherwise.
  state.set_source_error(agent.state.source_error());
  state.set_last_end(agent.state.last_end());
  agent.state = std::move(state);
  if (need_full) agent.whole = false;
}

void KnownAgents::Reported(const HostId& host, int64_t epoch, int64_t sequence,
                           bool full, absl::string_view source_error,
                           absl::Time now) {
  const auto found = agents_.find(host);
  if (found == agents_.end()) return;
  Agent& agent = found->second;
  if (epoch < agent.state.epoch()) {
    // A newer session began without it.
    agent.whole = false;
    return;
  }
  agent.epoch = epoch;
  agent.sequence = sequence;
  if (full) agent.whole = true;
  agent.state.set_reports(agent.state.reports() + 1);
  *agent.state.mutable_last_report_at() = ToProto(now);
  agent.state.set_source_error(std::string(source_error));
}

void KnownAgents::Doubt(const HostId& host) {
  const auto found = agents_.find(host);
  if (found != agents_.end()) found->second.whole = false;
}

void KnownAgents::Went(const HostId& host, int64_t epoch, absl::string_view why,
                       absl::Time now) {
  const auto found = agents_.find(host);
  if (found == agents_.end()) return;
  v1::AgentState& state = found->second.state;
  if (epoch != state.epoch()) return;
  state.set_connected(false);
  *state.mutable_since() = ToProto(now);
  state.set_last_end(std::string(why));
}

void KnownAgents::ForgetOlderThan(absl::Time then) {
  std::erase_if(agents_, [then](const auto& agent) {
    const v1::AgentState& state = agent.second.state;
    return !state.connected() && FromProto(state.since()) < then;
  });
}

std::vector<v1::AgentState> KnownAgents::All() const {
  std::vector<v1::AgentState> all;
  all.reserve(agents_.size());
  for (const auto& [host, agent] : agents_) all.push_back(agent.state);
  return all;
}

}  // namespace rehai
