// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_MOMENT_H_
#define CLI_MOMENT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::cli {

// A time as people write it, given to `flag`:
//   now                         14:05, 14:05:30 (of today)
//   10m, 2h, 3d, "10m ago"      yesterday 14:05
//   2026-11-26 [14:05[:30]]     2026-11-26T14:05:30.5Z (RFC 3339)
// What has no zone is in `zone`; today is the day of `now` there. Pure.
// kInvalidArgument says how to write it.
absl::StatusOr<absl::Time> ParseMoment(absl::string_view flag,
                                       absl::string_view text, absl::Time now,
                                       absl::TimeZone zone);

// 90s, 2h30m, 3d, 1w. kInvalidArgument unless it is above zero.
absl::StatusOr<absl::Duration> ParseSpan(absl::string_view flag,
                                         absl::string_view text);

}  // namespace rehai::cli

#endif  // CLI_MOMENT_H_
