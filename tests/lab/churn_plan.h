// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_CHURN_PLAN_H_
#define TESTS_LAB_CHURN_PLAN_H_

#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/lab/guest_xml.h"
#include "tests/lab/libvirt_client.h"

namespace rehai::lab {

enum class ChangeKind {
  kDefine,
  kStart,
  kSuspend,
  kResume,
  kDestroy,
  kUndefine,
  kMigrate,
};

// "define", ...
const char* NameOf(ChangeKind kind);

// What a guest is after such a change; nullopt: it is nowhere.
std::optional<GuestState> StateAfter(ChangeKind kind);

// A change to be made.
struct PlannedChange {
  ChangeKind kind;
  int host;  // where it is made, by index
  std::string guest;
  std::string uuid;
  int destination = -1;  // kMigrate: the host that it moves to
};

// Which change comes next in a fleet, and what the fleet is after it. Guests
// come and go, but there are never more than a tenth (or 10) more or fewer than
// at first. The same seed and hosts give the same plan, if the same changes are
// applied. Pure: touches no host. Not thread-safe.
class ChurnPlan {
 public:
  struct Guest {
    std::string name;
    std::string uuid;
    int host;
    GuestState state;
  };

  // The guests of each host at first.
  ChurnPlan(uint64_t seed, const std::vector<std::vector<ShownGuest>>& hosts);

  // Always one that is possible. At least one host.
  PlannedChange Next();
  // It was made. Of those that Next() returned, only the last.
  void Apply(const PlannedChange& change);

  // In no order.
  const std::vector<Guest>& guests() const { return guests_; }

 private:
  // A number in [0, count).
  size_t Random(size_t count) { return random_() % count; }

  PlannedChange Birth();
  ChangeKind KindFor(GuestState state);

  const uint64_t seed_;
  const int hosts_;
  std::mt19937_64 random_;
  std::vector<Guest> guests_;
  size_t min_guests_ = 0;
  size_t max_guests_ = 0;
  uint64_t born_ = 0;
  size_t chosen_ = 0;  // in guests_: whom Next() was about
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_CHURN_PLAN_H_
