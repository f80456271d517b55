// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/outcome_class.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

TEST(OutcomeClassTest, EveryOutcomeHasItsClass) {
  const struct {
    v1::WriteOutcome outcome;
    OutcomeClass outcome_class;
  } kTable[] = {
      {v1::WRITE_OUTCOME_WRITTEN, OutcomeClass::kConfirmed},
      {v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED, OutcomeClass::kConfirmed},
      {v1::WRITE_OUTCOME_UNCHANGED, OutcomeClass::kConfirmed},
      {v1::WRITE_OUTCOME_WOULD_WRITE, OutcomeClass::kShown},
      {v1::WRITE_OUTCOME_NODE_MISSING, OutcomeClass::kParkAndRecheck},
      {v1::WRITE_OUTCOME_FORBIDDEN, OutcomeClass::kPark},
      {v1::WRITE_OUTCOME_TOO_LARGE, OutcomeClass::kPark},
      {v1::WRITE_OUTCOME_REJECTED, OutcomeClass::kPark},
      {v1::WRITE_OUTCOME_UNAUTHENTICATED, OutcomeClass::kRetry},
      {v1::WRITE_OUTCOME_RETRY, OutcomeClass::kRetry},
      {v1::WRITE_OUTCOME_LOST_RACE, OutcomeClass::kRetrySoon},
      {v1::WRITE_OUTCOME_UNSPECIFIED, OutcomeClass::kRetry},
  };
  EXPECT_EQ(std::size(kTable), static_cast<size_t>(v1::WriteOutcome_ARRAYSIZE));
  for (const auto& row : kTable) {
    SCOPED_TRACE(v1::WriteOutcome_Name(row.outcome));
    EXPECT_EQ(Classify(row.outcome), row.outcome_class);
  }
}

}  // namespace
}  // namespace rehai
