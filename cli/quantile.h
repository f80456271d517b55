// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_QUANTILE_H_
#define CLI_QUANTILE_H_

#include <optional>

#include "absl/time/time.h"
#include "rehai/v1/source.pb.h"

namespace rehai::cli {

// What a share of the values, 0 to 1, is at most: interpolated within its
// bucket as Prometheus' histogram_quantile does, so as exact as the bucket is
// narrow. Infinite if the value is above the last bound; nullopt without
// values. Pure.
std::optional<absl::Duration> Quantile(const v1::Histogram& histogram,
                                       double share);

}  // namespace rehai::cli

#endif  // CLI_QUANTILE_H_
