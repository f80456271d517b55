// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/write_result.h"

#include <algorithm>
#include <utility>

namespace rehai::chef {
namespace {

void Add(const RequestCost& more, RequestCost& cost) {
  cost.requests += more.requests;
  cost.bytes_sent += more.bytes_sent;
  cost.bytes_received += more.bytes_received;
  cost.busy += more.busy;
  cost.slowest = std::max(cost.slowest, more.slowest);
  cost.retry_after = std::max(cost.retry_after, more.retry_after);
}

}  // namespace

void AddAnswer(size_t bytes_sent, const absl::StatusOr<Response>& answer,
               absl::Time now, WriteResult& result) {
  RequestCost cost = {.requests = 1,
                      .bytes_sent = static_cast<int64_t>(bytes_sent)};
  if (answer.ok()) {
    result.http_status = answer->status;
    cost.bytes_received = static_cast<int64_t>(answer->body.size());
    cost.busy = answer->took;
    cost.slowest = answer->took;
    cost.retry_after = answer->retry_after;
    if (answer->date != absl::InfinitePast()) {
      result.clock_offset = answer->date - now;
    }
  }
  Add(cost, result.cost);
}

WriteResult Merged(WriteResult first, WriteResult second) {
  if (!second.status.ok() || first.outcome == v1::WRITE_OUTCOME_UNCHANGED) {
    first.outcome = second.outcome;
  }
  first.status = std::move(second.status);
  if (second.http_status != 0) first.http_status = second.http_status;
  first.finished_at = second.finished_at;
  first.differences.insert(first.differences.end(), second.differences.begin(),
                           second.differences.end());
  Add(second.cost, first.cost);
  if (second.clock_offset != absl::InfiniteDuration()) {
    first.clock_offset = second.clock_offset;
  }
  return first;
}

}  // namespace rehai::chef
