// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_WRITE_COUNTS_H_
#define CONTROLLER_SYNC_WRITE_COUNTS_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// How the fleet's writes ended, since the controller's start. A plain value.
struct WriteCounts {
  std::array<int64_t, v1::WriteOutcome_ARRAYSIZE> outcomes = {};
  std::array<int64_t, v1::WriteCause_ARRAYSIZE> puts = {};
  std::array<int64_t, v1::Overwriter_ARRAYSIZE> overwriters = {};

  // Fills outcomes, causes and overwriters.
  void FillStatus(v1::ChefStatus& status) const;
};

// What is not zero of `puts`, by cause.
template <typename Causes>
void FillCauses(absl::Span<const int64_t> puts, Causes& causes) {
  for (size_t cause = 0; cause < puts.size(); ++cause) {
    if (puts[cause] == 0) continue;
    v1::CauseCount& count = *causes.Add();
    count.set_cause(static_cast<v1::WriteCause>(cause));
    count.set_puts(puts[cause]);
  }
}

}  // namespace rehai

#endif  // CONTROLLER_SYNC_WRITE_COUNTS_H_
