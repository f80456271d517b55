// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/governor.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "base/proto_time.h"

namespace rehai {
namespace {

// A node that is read and written, before any was.
constexpr double kFirstBytes = 1 << 16;
constexpr double kFirstBusySeconds = 0.1;
constexpr double kShareOfNew = 0.2;

double BytesOf(const chef::RequestCost& cost) {
  return static_cast<double>(cost.bytes_sent + cost.bytes_received);
}

// Nodes that the server may have under way for us, in the mean.
double ShareOf(const ServerLimits& limits) {
  return limits.server_share * limits.max_in_flight;
}

double ShareBurstOf(const ServerLimits& limits) {
  return ShareOf(limits) * absl::ToDoubleSeconds(Governor::kShareBurst);
}

}  // namespace

Governor::Governor(const ServerLimits& limits, const Clock& clock)
    : clock_(clock),
      limits_(limits),
      // Two at any time, however few the last ones took: the server never sees
      // more than the burst plus the rate.
      requests_(limits.requests_per_second, limits.request_burst,
                {.price = kRequestsPerWrite, .share_of_new = 0},
                clock.Uptime()),
      bytes_(static_cast<double>(limits.bytes_per_second),
             static_cast<double>(limits.byte_burst),
             {.price = kFirstBytes, .share_of_new = kShareOfNew},
             clock.Uptime()),
      share_(ShareOf(limits), ShareBurstOf(limits),
             {.price = kFirstBusySeconds, .share_of_new = kShareOfNew},
             clock.Uptime()),
      concurrency_(limits.max_in_flight),
      not_before_(clock.Uptime()) {}

const char* Governor::NameOf(Limit limit) {
  switch (limit) {
    case Limit::kRequests:
      return "requests";
    case Limit::kBytes:
      return "bytes";
    case Limit::kShare:
      return "share";
    case Limit::kConcurrency:
      return "concurrency";
    case Limit::kServer:
      return "server";
  }
  return "";
}

absl::Duration Governor::Wait() {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  CountHeld(now);
  held_ = FindHeld(now);
  return held_.wait;
}

Governor::Held Governor::FindHeld(absl::Duration now) const {
  if (in_flight_ >= concurrency_.limit()) {
    return {Limit::kConcurrency, absl::InfiniteDuration()};
  }
  Held longest;
  for (const Held& held : {Held{Limit::kRequests, requests_.Wait(now)},
                           Held{Limit::kBytes, bytes_.Wait(now)},
                           Held{Limit::kShare, share_.Wait(now)},
                           Held{Limit::kServer, not_before_ - now}}) {
    if (held.wait > longest.wait) longest = held;
  }
  return longest;
}

void Governor::CountHeld(absl::Duration now) {
  held_back_[static_cast<size_t>(held_.by)] +=
      std::min(now - held_since_, held_.wait);
  held_since_ = now;
}

void Governor::Begin() {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  CountHeld(now);
  held_ = Held();
  ++in_flight_;
  requests_.Begin(now);
  bytes_.Begin(now);
  share_.Begin(now);
}

void Governor::End(const chef::RequestCost& cost, Pressure pressure) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  // A place has become free; what holds the next write back now is found out
  // when it is asked for.
  CountHeld(now);
  held_ = Held();
  --in_flight_;
  requests_.End(cost.requests, now);
  bytes_.End(BytesOf(cost), now);
  share_.End(absl::ToDoubleSeconds(cost.busy), now);
  LearnPressure(cost, pressure, now);
  Learn(cost, now);
}

void Governor::LearnPressure(const chef::RequestCost& cost, Pressure pressure,
                             absl::Duration now) {
  switch (pressure) {
    case Pressure::kOverloaded:
      return concurrency_.OnOverload(in_flight_);
    case Pressure::kUnclear:
      return concurrency_.OnUnclearAnswer();
    case Pressure::kNone:
      break;
  }
  std::optional<absl::Duration> latency;
  if (cost.requests > 0 && cost.busy > absl::ZeroDuration()) {
    latency = cost.busy / cost.requests;
  }
  concurrency_.OnGoodAnswer(cost.requests > 1
                                ? AdaptiveConcurrency::Kind::kWrite
                                : AdaptiveConcurrency::Kind::kCheck,
                            latency, in_flight_, now);
}

void Governor::Charge(const chef::RequestCost& cost) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  requests_.Charge(cost.requests, now);
  bytes_.Charge(BytesOf(cost), now);
  share_.Charge(absl::ToDoubleSeconds(cost.busy), now);
  Learn(cost, now);
}

void Governor::Learn(const chef::RequestCost& cost, absl::Duration now) {
  not_before_ = std::max(not_before_,
                         now + std::min(cost.retry_after, kLongestRetryAfter));
  requests_sent_ += cost.requests;
  bytes_sent_ += cost.bytes_sent;
  bytes_received_ += cost.bytes_received;
}

void Governor::StartOver() {
  MutexLock lock(mu_);
  concurrency_.StartOver();
}

void Governor::SetLimits(const ServerLimits& limits) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  limits_ = limits;
  requests_.SetRate(limits.requests_per_second, limits.request_burst, now);
  bytes_.SetRate(static_cast<double>(limits.bytes_per_second),
                 static_cast<double>(limits.byte_burst), now);
  share_.SetRate(ShareOf(limits), ShareBurstOf(limits), now);
  concurrency_.SetMax(limits.max_in_flight);
}

ServerLimits Governor::limits() const {
  MutexLock lock(mu_);
  return limits_;
}

int Governor::in_flight() const {
  MutexLock lock(mu_);
  return in_flight_;
}

void Governor::FillStatus(v1::ChefStatus& status) const {
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  MutexLock lock(mu_);
  *status.mutable_limits() = ToProto(limits_);
  status.set_in_flight(in_flight_);
  status.set_concurrency(concurrency_.limit());
  *status.mutable_latency() = ToProto(concurrency_.latency());
  *status.mutable_best_latency() = ToProto(concurrency_.best_latency());
  if (not_before_ > now) {
    *status.mutable_not_before() = ToProto(wall_now + (not_before_ - now));
  }
  for (size_t i = 0; i < kLimitCount; ++i) {
    (*status.mutable_held_back_seconds())[NameOf(static_cast<Limit>(i))] =
        absl::ToDoubleSeconds(held_back_[i]);
  }
  status.set_requests(requests_sent_);
  status.set_bytes_sent(bytes_sent_);
  status.set_bytes_received(bytes_received_);
}

}  // namespace rehai
