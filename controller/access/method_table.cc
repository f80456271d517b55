// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/method_table.h"

#include <algorithm>
#include <iterator>

namespace rehai {
namespace {

struct Row {
  absl::string_view method;
  MethodNeeds needs;
};

constexpr MethodNeeds kRead = {Role::kReader, false};
// Waits as long as it is told to, within bounds of its own.
constexpr MethodNeeds kWait = {Role::kReader, false, true};
// Reads that cost Chef a request, or tell of other people.
constexpr MethodNeeds kOperatorsRead = {Role::kOperator, false};
constexpr MethodNeeds kCommand = {Role::kOperator, true};
constexpr MethodNeeds kOverrule = {Role::kAdmin, true};

// docs/security.md has the same by role.
constexpr Row kRows[] = {
    {"Audit.ListEntries", kOperatorsRead},
    {"Checks.ListFindings", kRead},
    {"Chef.Cost", kOperatorsRead},
    {"Chef.SetLimits", kOverrule},
    {"Chef.Status", kRead},
    {"Explanations.Explain", kOperatorsRead},
    {"Fleet.GetGuest", kRead},
    {"Fleet.GetHost", kRead},
    {"Fleet.ListGuests", kRead},
    {"Fleet.ListHosts", kRead},
    {"Fleet.Summarize", kRead},
    {"Fleet.Watch", kRead},
    {"History.Diff", kRead},
    {"History.ListEvents", kRead},
    {"History.ListGuestsAsOf", kRead},
    {"History.ListHostsAsOf", kRead},
    {"Resync.Cancel", kCommand},
    {"Resync.Diff", kOperatorsRead},
    {"Resync.Get", kRead},
    {"Resync.List", kRead},
    {"Resync.Pause", kCommand},
    {"Resync.Resume", kCommand},
    {"Resync.Start", kCommand},
    {"Resync.Watch", kRead},
    {"Source.AcceptIdentity", kOverrule},
    {"Source.ConfirmDisappearance", kOverrule},
    {"Source.ConfirmDiscovery", kOverrule},
    {"Source.ListAgents", kRead},
    {"Source.ListConnections", kRead},
    {"Source.Retry", kCommand},
    {"Source.Status", kRead},
    {"Visibility.GetReceipts", kRead},
    {"Visibility.WaitVisible", kWait},
};

const Row* Find(absl::string_view method) {
  const Row* const row =
      std::find_if(std::begin(kRows), std::end(kRows),
                   [&](const Row& row) { return row.method == method; });
  return row == std::end(kRows) ? nullptr : row;
}

}  // namespace

MethodNeeds NeedsOf(absl::string_view method) {
  const Row* const row = Find(method);
  return row == nullptr ? kOverrule : row->needs;
}

bool HasRow(absl::string_view method) { return Find(method) != nullptr; }

}  // namespace rehai
