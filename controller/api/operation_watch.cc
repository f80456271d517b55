// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/operation_watch.h"

#include <google/protobuf/util/message_differencer.h>

#include <utility>

#include "base/status_macros.h"

namespace rehai {

using google::protobuf::util::MessageDifferencer;

std::optional<v1::Operation> OperationChange(const v1::Operation& before,
                                             const v1::Operation& now) {
  v1::Operation change = now;
  change.clear_hosts();
  // An operation's hosts are fixed when it begins, and so is their order.
  for (int i = 0; i < now.hosts_size(); ++i) {
    if (i >= before.hosts_size() ||
        !MessageDifferencer::Equals(before.hosts(i), now.hosts(i))) {
      *change.add_hosts() = now.hosts(i);
    }
  }
  const bool changed = change.hosts_size() > 0 || before.done() != now.done() ||
                       before.canceled() != now.canceled() ||
                       before.has_ended_at() != now.has_ended_at();
  if (!changed) return std::nullopt;
  return change;
}

absl::StatusOr<std::optional<v1::ResyncWatchResponse>> OperationWatch::Next() {
  if (ended()) return std::nullopt;
  ASSIGN_OR_RETURN(v1::Operation now, operations_.Get(id_));
  v1::ResyncWatchResponse response;
  if (!sent_) {
    *response.mutable_operation() = now;
  } else {
    std::optional<v1::Operation> change = OperationChange(*sent_, now);
    if (!change) return std::nullopt;
    *response.mutable_operation() = *std::move(change);
  }
  sent_ = std::move(now);
  return response;
}

}  // namespace rehai
