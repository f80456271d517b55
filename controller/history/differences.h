// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_HISTORY_DIFFERENCES_H_
#define CONTROLLER_HISTORY_DIFFERENCES_H_

#include <optional>
#include <string>
#include <vector>

#include "rehai/v1/history.pb.h"

// How a guest at one moment differs from itself at another. Pure.
namespace rehai {

// `before` and `after` are its newest events on the hosts that had it then, in
// the order of their nodes. If several did, that counts on which it was active,
// else where something last happened to it. Nullopt: there is no difference.
std::optional<v1::GuestDifference> DifferenceOf(
    const std::string& uuid, const std::vector<v1::HistoryEvent>& before,
    const std::vector<v1::HistoryEvent>& after);

}  // namespace rehai

#endif  // CONTROLLER_HISTORY_DIFFERENCES_H_
