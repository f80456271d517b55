// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/operation_watch.h"

#include "base/status_macros.h"

namespace rehai {

absl::StatusOr<std::optional<v1::ResyncWatchResponse>> OperationWatch::Next() {
  if (ended_) return std::nullopt;
  ASSIGN_OR_RETURN(std::optional<v1::Operation> change,
                   operations_.TakeChange(id_, sent_version_));
  if (!change.has_value()) return std::nullopt;
  ended_ = change->has_ended_at();
  v1::ResyncWatchResponse response;
  *response.mutable_operation() = *std::move(change);
  return response;
}

}  // namespace rehai
