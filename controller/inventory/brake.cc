// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/brake.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

bool IsCorroborated(const Absentee& guest) {
  return guest.is_moving || guest.is_removed || guest.is_active_elsewhere;
}

Absence Judge(const Absentee& guest, bool braked) {
  if (guest.is_active_elsewhere) return Absence::kGone;
  // That it is said to move ends no hold: it would be let go by the next list.
  if (guest.was_held && !guest.is_removed) return Absence::kHeld;
  // A guest that has moved is often undefined where it was.
  if (guest.is_moving) return Absence::kMoving;
  if (guest.is_removed) return Absence::kGone;
  return braked ? Absence::kHeld : Absence::kGone;
}

}  // namespace

std::vector<Absence> JudgeAbsent(const std::vector<Absentee>& absent,
                                 size_t known, const BrakeOptions& options) {
  const auto corroborated =
      std::count_if(absent.begin(), absent.end(), IsCorroborated);
  const double unexplained =
      static_cast<double>(absent.size()) - static_cast<double>(corroborated);
  const bool braked = unexplained > options.count &&
                      unexplained > options.share * static_cast<double>(known);
  std::vector<Absence> verdicts;
  verdicts.reserve(absent.size());
  for (const Absentee& guest : absent) {
    verdicts.push_back(Judge(guest, braked));
  }
  return verdicts;
}

size_t CountHeld(const Missing& missing) {
  return static_cast<size_t>(std::count_if(
      missing.begin(), missing.end(),
      [](const auto& guest) { return guest.second == Absence::kHeld; }));
}

std::string MassDisappearanceMessage(const std::string& node, size_t held,
                                     size_t known, absl::Time since) {
  return absl::StrCat(
      "host ", node, ": since ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", since, absl::UTCTimeZone()),
      " it does not list ", held, " of its ", known,
      " guests, and nothing else tells that they are gone, so they are kept as "
      "they were; look at the host, and if they are gone, `rehaictl source "
      "confirm ",
      node, "`");
}

}  // namespace rehai
