// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_HISTORY_HISTORY_OF_H_
#define CONTROLLER_HISTORY_HISTORY_OF_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "proto/ids.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/model.pb.h"

// What happened, by two beliefs about one host. Pure: no clock, no lock, no
// I/O.
namespace rehai {

// The node of another host that has the guest, or had it a moment ago; empty if
// none is known.
using ElsewhereQuestion = absl::FunctionRef<std::string(const GuestId&)>;

// What made `after` of `before`, in an order in which it may have happened:
// first of the host, then of its guests in the order of their UUIDs; if it
// left, the host last. Null: the host is not in the fleet. Not both may be.
//
// - Each event shows the guest or host as it is after the last of them, so the
//   last one of each is what to show it by from then on.
// - Records that agree make none.
// - Guests of a host that was never seen before were found, not created.
// - A guest that comes while another host has it, or had it a moment ago, moved
//   here. One that goes, or was stopped by its migration, moved to that which
//   has it.
//
// They are without `sequence`, `at` and `shown_at`.
std::vector<v1::HistoryEvent> HistoryOf(const v1::Record* before,
                                        const v1::Record* after,
                                        ElsewhereQuestion elsewhere);

// The record as history takes it: a restart of the controller is nothing that
// happened to a host. While `record` is as of before the restart, it has the
// presence and the conditions of `before`, unless something new is known.
v1::Record WithoutRestart(const v1::Record* before, v1::Record record);

}  // namespace rehai

#endif  // CONTROLLER_HISTORY_HISTORY_OF_H_
