// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/call_gate.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "controller/access/retry_after.h"

namespace rehai {
namespace {

// Until somebody has probably left: calls are short, streams are not.
constexpr absl::Duration kCallWait = absl::Seconds(1);
constexpr absl::Duration kStreamWait = absl::Seconds(10);
constexpr absl::Duration kForgetInterval = absl::Seconds(1);

}  // namespace

absl::StatusOr<CallGate::Place> CallGate::Enter(Kind kind,
                                                const std::string& client) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  if (absl::Status open = Check(kind, client, now); !open.ok()) {
    ++refused_;
    return open;
  }
  ++calls_;
  if (kind == kStream) ++streams_;
  Place place;
  place.gate_ = this;
  place.kind_ = kind;
  place.client_ = client;
  return place;
}

absl::Status CallGate::Check(Kind kind, const std::string& name,
                             absl::Duration now) {
  if (limits_.max_calls > 0 && calls_ >= limits_.max_calls) {
    return Refused(absl::StrCat("the controller has ", calls_,
                                " calls under way, as many as "
                                "api.limits.max_calls allows; try again later"),
                   kCallWait);
  }
  if (kind == kStream && limits_.max_streams > 0 &&
      streams_ >= limits_.max_streams) {
    return Refused(
        absl::StrCat("the controller has ", streams_,
                     " streams open, as many as api.limits.max_streams allows; "
                     "close some, or try again later"),
        kStreamWait);
  }
  if (name.empty()) return absl::OkStatus();
  Client* const client = Remembered(name, now);
  if (client == nullptr) {
    return Refused(absl::StrCat("more than ", kMaxClients,
                                " clients have called within seconds; try "
                                "again later"),
                   kCallWait);
  }
  if (kind == kStream && limits_.max_streams_per_client > 0 &&
      client->streams >= limits_.max_streams_per_client) {
    return Refused(
        absl::StrCat("\"", name, "\" has ", client->streams,
                     " streams open, as many as "
                     "api.limits.max_streams_per_client allows; close some"),
        kStreamWait);
  }
  if (limits_.calls_per_second > 0) {
    if (client->tokens < 1) {
      return Refused(
          absl::StrCat("\"", name,
                       "\" calls more often than "
                       "api.limits.calls_per_second allows, ",
                       limits_.calls_per_second, " times; call less often"),
          absl::Seconds((1 - client->tokens) / limits_.calls_per_second));
    }
    client->tokens -= 1;
  }
  if (kind == kStream) ++client->streams;
  return absl::OkStatus();
}

CallGate::Client* CallGate::Remembered(const std::string& name,
                                       absl::Duration now) {
  if (const auto found = clients_.find(name); found != clients_.end()) {
    Refill(found->second, now);
    return &found->second;
  }
  if (clients_.size() >= kMaxClients) ForgetIdle(now);
  if (clients_.size() >= kMaxClients) return nullptr;
  Client& client = clients_[name];
  client.tokens = limits_.call_burst;
  client.counted_at = now;
  return &client;
}

void CallGate::Refill(Client& client, absl::Duration now) const {
  const double gained =
      absl::ToDoubleSeconds(now - client.counted_at) * limits_.calls_per_second;
  client.tokens = std::min<double>(limits_.call_burst, client.tokens + gained);
  client.counted_at = now;
}

void CallGate::ForgetIdle(absl::Duration now) {
  if (now < forget_at_) return;
  forget_at_ = now + kForgetInterval;
  absl::erase_if(clients_, [&](auto& named) {
    Client& client = named.second;
    if (client.streams > 0) return false;
    Refill(client, now);
    // One that could not be told from a new one.
    return limits_.calls_per_second <= 0 || client.tokens >= limits_.call_burst;
  });
}

absl::Status CallGate::Refused(absl::string_view message, absl::Duration wait) {
  // Half as long again at most, and a millisecond at least: "now" is no answer.
  wait =
      std::max(wait, absl::Milliseconds(1)) * absl::Uniform(random_, 1.0, 1.5);
  return WithRetryAfter(absl::ResourceExhaustedError(message), wait);
}

void CallGate::Leave(Kind kind, const std::string& client) {
  MutexLock lock(mu_);
  --calls_;
  if (kind != kStream) return;
  --streams_;
  if (const auto found = clients_.find(client); found != clients_.end()) {
    --found->second.streams;
  }
}

CallGate::Counts CallGate::counts() const {
  MutexLock lock(mu_);
  return {.calls = calls_,
          .streams = streams_,
          .refused = refused_,
          .clients = clients_.size()};
}

}  // namespace rehai
