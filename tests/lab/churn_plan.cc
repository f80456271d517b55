// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/churn_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rehai::lab {

const char* NameOf(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kDefine:
      return "define";
    case ChangeKind::kStart:
      return "start";
    case ChangeKind::kSuspend:
      return "suspend";
    case ChangeKind::kResume:
      return "resume";
    case ChangeKind::kDestroy:
      return "destroy";
    case ChangeKind::kUndefine:
      return "undefine";
    case ChangeKind::kMigrate:
      return "migrate";
  }
  return "unknown";
}

std::optional<GuestState> StateAfter(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kDefine:
    case ChangeKind::kDestroy:
      return GuestState::kShutOff;
    case ChangeKind::kStart:
    case ChangeKind::kResume:
    case ChangeKind::kMigrate:
      return GuestState::kRunning;
    case ChangeKind::kSuspend:
      return GuestState::kPaused;
    case ChangeKind::kUndefine:
      return std::nullopt;
  }
  return std::nullopt;
}

ChurnPlan::ChurnPlan(uint64_t seed,
                     const std::vector<std::vector<ShownGuest>>& hosts)
    : seed_(seed), hosts_(static_cast<int>(hosts.size())), random_(seed) {
  for (int i = 0; i < hosts_; ++i) {
    for (const ShownGuest& guest : hosts[i]) {
      guests_.push_back({guest.name, guest.uuid, i, guest.state});
    }
  }
  const size_t spread = std::max<size_t>(10, guests_.size() / 10);
  min_guests_ = guests_.size() - std::min(spread, guests_.size());
  max_guests_ = guests_.size() + spread;
}

PlannedChange ChurnPlan::Next() {
  const bool birth = Random(10) == 0 && guests_.size() < max_guests_;
  if (birth || guests_.empty()) return Birth();
  chosen_ = Random(guests_.size());
  const Guest& guest = guests_[chosen_];
  PlannedChange change = {KindFor(guest.state), guest.host, guest.name,
                          guest.uuid};
  if (change.kind == ChangeKind::kMigrate) {
    change.destination =
        (guest.host + 1 + static_cast<int>(Random(hosts_ - 1))) % hosts_;
  }
  return change;
}

PlannedChange ChurnPlan::Birth() {
  return {ChangeKind::kDefine, static_cast<int>(Random(hosts_)),
          absl::StrCat("born", seed_, "-", born_ + 1),
          absl::StrFormat("%08x-b042-4000-8000-%012x",
                          static_cast<uint32_t>(seed_), born_ + 1)};
}

ChangeKind ChurnPlan::KindFor(GuestState state) {
  const size_t dice = Random(10);
  switch (state) {
    case GuestState::kRunning:
      if (dice < 3 && hosts_ > 1) return ChangeKind::kMigrate;
      return dice < 7 ? ChangeKind::kSuspend : ChangeKind::kDestroy;
    case GuestState::kPaused:
      return dice < 8 ? ChangeKind::kResume : ChangeKind::kDestroy;
    case GuestState::kShutOff:
      break;
  }
  return dice < 4 && guests_.size() > min_guests_ ? ChangeKind::kUndefine
                                                  : ChangeKind::kStart;
}

void ChurnPlan::Apply(const PlannedChange& change) {
  const std::optional<GuestState> after = StateAfter(change.kind);
  if (change.kind == ChangeKind::kDefine) {
    ++born_;
    guests_.push_back({change.guest, change.uuid, change.host, *after});
  } else if (!after.has_value()) {
    std::swap(guests_[chosen_], guests_.back());
    guests_.pop_back();
  } else {
    Guest& guest = guests_[chosen_];
    guest.state = *after;
    if (change.kind == ChangeKind::kMigrate) guest.host = change.destination;
  }
}

}  // namespace rehai::lab
