// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_SOURCE_METRICS_H_
#define CONTROLLER_API_SOURCE_METRICS_H_

#include "controller/api/metric_page.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// Adds what the sources tell of themselves: how hosts are reached and read, and
// where they are found. Pure.
void AddSource(const v1::SourceStatus& source, MetricPage& page);

}  // namespace rehai

#endif  // CONTROLLER_API_SOURCE_METRICS_H_
