// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/yaml.h"
#include "controller/options.h"
#include "rehai/v1/config.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

constexpr char kFile[] = "/etc/rehai/controller.yaml";

std::string BrokenRefusal(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) {
    return "an error of another code";
  }
  if (!absl::StartsWith(status.message(), kFile)) {
    return absl::StrCat("an error that does not name the file: ",
                        status.message());
  }
  return CanBeSent(status.message()) ? "" : "an error that is not UTF-8";
}

bool IsRate(double rate) { return std::isfinite(rate) && rate > 0; }

bool IsWait(absl::Duration wait) {
  return wait > absl::ZeroDuration() && wait < absl::InfiniteDuration();
}

std::string BrokenOptions(const ControllerOptions& options) {
  const auto& limits = options.sync.limits;
  if (!IsRate(limits.requests_per_second) || !IsRate(limits.request_burst) ||
      !IsRate(limits.bytes_per_second) || !IsRate(limits.byte_burst) ||
      !IsRate(limits.server_share) || limits.max_in_flight <= 0) {
    return "a limit of the server that is none";
  }
  const FleetSource::Options& pull = options.pull;
  if (pull.workers <= 0 || !IsRate(pull.dials_per_second)) {
    return "nothing is ever dialled, or everything at once";
  }
  if (!IsWait(pull.reconnect.min) || pull.reconnect.max < pull.reconnect.min ||
      !IsWait(options.sync.retry.min) ||
      options.sync.retry.max < options.sync.retry.min) {
    return "waits that shrink, or are none";
  }
  if (!IsWait(pull.relist_interval) || !IsWait(pull.dial.connect_timeout) ||
      !IsWait(options.chef_request_timeout)) {
    return "an interval or a deadline that is none";
  }
  if (!IsRate(options.brake.share) || options.brake.share > 1) {
    return "a share that is none";
  }
  if (options.agents.has_value() &&
      (!IsRate(options.agents->sessions.sessions_per_second) ||
       options.agents->sessions.max_sessions <= 0)) {
    return "agents that never come in, or all at once";
  }
  return "";
}

}  // namespace

// The input is a controller's configuration file.
//   - A problem names the file.
//   - What is taken can be sent over the API, and has rates, waits and
//     deadlines with which a controller can run.
//   - It is taken again the same.
std::string BrokenProperty(absl::string_view input) {
  v1::ControllerConfig config;
  const absl::Status parsed = ParseYaml(kFile, std::string(input), config);
  if (!parsed.ok()) return BrokenRefusal(parsed);
  v1::ControllerConfig received;
  if (!received.ParseFromString(config.SerializeAsString())) {
    return "text that is not UTF-8";
  }
  const auto options = MakeOptions(kFile, config);
  if (!options.ok()) return BrokenRefusal(options.status());
  if (!MakeOptions(kFile, received).ok()) return "refused the second time";
  return BrokenOptions(*options);
}

}  // namespace rehai
