// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/outcome_class.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

TEST(OutcomeClassTest, EveryOutcomeHasItsClassAndItsPrice) {
  const struct {
    v1::WriteOutcome outcome;
    OutcomeClass outcome_class;
    int requests;
  } kTable[] = {
      {v1::WRITE_OUTCOME_WRITTEN, OutcomeClass::kConfirmed, 2},
      {v1::WRITE_OUTCOME_UNCHANGED, OutcomeClass::kConfirmed, 1},
      {v1::WRITE_OUTCOME_WOULD_WRITE, OutcomeClass::kShown, 1},
      {v1::WRITE_OUTCOME_NODE_MISSING, OutcomeClass::kParkAndRecheck, 1},
      {v1::WRITE_OUTCOME_FORBIDDEN, OutcomeClass::kPark, 2},
      {v1::WRITE_OUTCOME_TOO_LARGE, OutcomeClass::kPark, 2},
      {v1::WRITE_OUTCOME_REJECTED, OutcomeClass::kPark, 2},
      {v1::WRITE_OUTCOME_UNAUTHENTICATED, OutcomeClass::kRetry, 2},
      {v1::WRITE_OUTCOME_RETRY, OutcomeClass::kRetry, 2},
      {v1::WRITE_OUTCOME_UNSPECIFIED, OutcomeClass::kRetry, 2},
  };
  EXPECT_EQ(std::size(kTable), static_cast<size_t>(v1::WriteOutcome_ARRAYSIZE));
  for (const auto& row : kTable) {
    SCOPED_TRACE(v1::WriteOutcome_Name(row.outcome));
    EXPECT_EQ(Classify(row.outcome), row.outcome_class);
    EXPECT_EQ(RequestsOf(row.outcome), row.requests);
  }
}

}  // namespace
}  // namespace rehai
