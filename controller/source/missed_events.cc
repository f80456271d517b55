// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/missed_events.h"

namespace rehai {

void MissedEvents::Told(const GuestId& guest, absl::Duration now) {
  Settle(now);
  suspects_.erase(guest);
  if (told_.size() < kMostTold || told_.contains(guest)) {
    told_[guest] = now;
    return;
  }
  told_all_ = now;
  suspects_.clear();
}

bool MissedEvents::IsTold(const GuestId& guest) const {
  return told_all_.has_value() || told_.contains(guest);
}

void MissedEvents::ReadEnded(const std::vector<GuestId>& eventful,
                             absl::Duration begun, absl::Duration now) {
  Settle(now);
  if (read_begun_.has_value()) {
    for (const GuestId& guest : eventful) {
      if (!IsTold(guest)) suspects_.emplace(guest, now);
    }
  }
  // What was told before this read began is no excuse for the next one.
  read_begun_ = begun;
  std::erase_if(told_, [&](const auto& told) { return told.second < begun; });
  if (told_all_.has_value() && *told_all_ < begun) told_all_.reset();
}

void MissedEvents::Lost(absl::Duration now) {
  Settle(now);
  read_begun_.reset();
  told_.clear();
  told_all_.reset();
  suspects_.clear();
}

void MissedEvents::Settle(absl::Duration now) {
  settled_ +=
      static_cast<int64_t>(std::erase_if(suspects_, [&](const auto& suspect) {
        return suspect.second + kGrace <= now;
      }));
}

int64_t MissedEvents::Count(absl::Duration now) const {
  int64_t count = settled_;
  for (const auto& [guest, found] : suspects_) {
    if (found + kGrace <= now) ++count;
  }
  return count;
}

std::optional<int64_t> MissedEvents::TakeReport(absl::Duration now) {
  const int64_t news = Count(now) - reported_;
  if (news == 0 || now < report_at_) return std::nullopt;
  reported_ += news;
  report_at_ = now + kReportInterval;
  return news;
}

}  // namespace rehai
