// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/differences.h"

#include <tuple>

#include "controller/history/differing_fields.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// Orders the places where one guest was: the greater is where it was.
auto Likelihood(const v1::HistoryEvent& event) {
  const bool active = IsActive(event.guest());
  return std::tuple(active && !event.missing(), active, !event.missing(),
                    event.sequence());
}

const v1::HistoryEvent* Place(const std::vector<v1::HistoryEvent>& events) {
  const v1::HistoryEvent* best = nullptr;
  for (const v1::HistoryEvent& event : events) {
    if (best == nullptr || Likelihood(*best) < Likelihood(event)) {
      best = &event;
    }
  }
  return best;
}

void Show(const v1::HistoryEvent& event, v1::GuestAsOf& place) {
  place.set_node(event.node());
  *place.mutable_guest() = event.guest();
  place.set_missing(event.missing());
}

}  // namespace

std::optional<v1::GuestDifference> DifferenceOf(
    const std::string& uuid, const std::vector<v1::HistoryEvent>& before,
    const std::vector<v1::HistoryEvent>& after) {
  const v1::HistoryEvent* const was = Place(before);
  const v1::HistoryEvent* const is = Place(after);
  if (was == nullptr && is == nullptr) return std::nullopt;
  v1::GuestDifference difference;
  difference.set_guest_uuid(uuid);
  if (was != nullptr) Show(*was, *difference.mutable_before());
  if (is != nullptr) Show(*is, *difference.mutable_after());
  if (was == nullptr || is == nullptr) {
    difference.set_kind(was == nullptr ? v1::DIFFERENCE_KIND_APPEARED
                                       : v1::DIFFERENCE_KIND_GONE);
    return difference;
  }
  for (const std::string& field : DifferingFields(was->guest(), is->guest())) {
    difference.add_changed_fields(field);
  }
  if (was->node() != is->node()) {
    difference.set_kind(v1::DIFFERENCE_KIND_MOVED);
    return difference;
  }
  if (difference.changed_fields().empty() && was->missing() == is->missing()) {
    return std::nullopt;
  }
  difference.set_kind(v1::DIFFERENCE_KIND_CHANGED);
  return difference;
}

}  // namespace rehai
