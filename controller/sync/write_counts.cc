// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/write_counts.h"

namespace rehai {

void WriteCounts::FillStatus(v1::ChefStatus& status) const {
  for (size_t outcome = 0; outcome < outcomes.size(); ++outcome) {
    if (outcomes[outcome] == 0) continue;
    v1::OutcomeCount& count = *status.add_outcomes();
    count.set_outcome(static_cast<v1::WriteOutcome>(outcome));
    count.set_count(outcomes[outcome]);
  }
  FillCauses(puts, *status.mutable_causes());
  for (size_t overwriter = 0; overwriter < overwriters.size(); ++overwriter) {
    if (overwriters[overwriter] == 0) continue;
    v1::OverwriterCount& count = *status.add_overwriters();
    count.set_overwriter(static_cast<v1::Overwriter>(overwriter));
    count.set_count(overwriters[overwriter]);
  }
}

}  // namespace rehai
