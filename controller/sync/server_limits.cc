// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/server_limits.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rehai {
namespace {

// Values beyond these are slips of the pen, and some would overflow sums.
constexpr double kMostRequests = 1e6;
constexpr int64_t kMostBytes = int64_t{1} << 40;
constexpr int kMostInFlight = 1000;

template <typename T>
absl::Status CheckRange(absl::string_view field, T value, T least, T most) {
  // So written that NaN fails too.
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, ": ", value, " is out of range; set it to ", least, " to ", most));
}

}  // namespace

absl::Status Validate(const ServerLimits& limits) {
  const absl::Status checks[] = {
      CheckRange("requests_per_second", limits.requests_per_second, 0.01,
                 kMostRequests),
      CheckRange("request_burst", limits.request_burst, 1,
                 static_cast<int>(kMostRequests)),
      CheckRange<int64_t>("bytes_per_second", limits.bytes_per_second, 1000,
                          kMostBytes),
      CheckRange<int64_t>("byte_burst", limits.byte_burst, 1000, kMostBytes),
      CheckRange("max_in_flight", limits.max_in_flight, 1, kMostInFlight),
      CheckRange("server_share", limits.server_share, 0.01, 1.0),
  };
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

ServerLimits Changed(ServerLimits limits, const v1::ChefLimits& change) {
  if (change.has_requests_per_second()) {
    limits.requests_per_second = change.requests_per_second();
  }
  if (change.has_request_burst()) limits.request_burst = change.request_burst();
  if (change.has_bytes_per_second()) {
    limits.bytes_per_second = change.bytes_per_second();
  }
  if (change.has_byte_burst()) limits.byte_burst = change.byte_burst();
  if (change.has_max_in_flight()) limits.max_in_flight = change.max_in_flight();
  if (change.has_server_share()) limits.server_share = change.server_share();
  return limits;
}

v1::ChefLimits ToProto(const ServerLimits& limits) {
  v1::ChefLimits proto;
  proto.set_requests_per_second(limits.requests_per_second);
  proto.set_request_burst(limits.request_burst);
  proto.set_bytes_per_second(limits.bytes_per_second);
  proto.set_byte_burst(limits.byte_burst);
  proto.set_max_in_flight(limits.max_in_flight);
  proto.set_server_share(limits.server_share);
  return proto;
}

}  // namespace rehai
