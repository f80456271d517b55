// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_OUTCOME_CLASS_H_
#define CONTROLLER_SYNC_OUTCOME_CLASS_H_

#include "rehai/v1/model.pb.h"

namespace rehai {

// What a write's outcome means for what comes next. Pure functions.
enum class OutcomeClass {
  // Chef holds what was tried.
  kConfirmed,
  // Dry run: the difference is known, and that is all that is wanted.
  kShown,
  // Time may heal it: try the host again after a wait that grows. The server
  // not knowing us is one of these, although a person has to act: wrong key and
  // wrong clock hit every host alike, and when they are put right everything
  // must come back by itself.
  kRetry,
  // The server works, and somebody wrote at the same moment: try again soon.
  kRetrySoon,
  // chef-client makes its node at its first run: parked, and looked for now and
  // then.
  kParkAndRecheck,
  // Only a change of the host's belief, or a person, can help.
  kPark,
};

inline OutcomeClass Classify(v1::WriteOutcome outcome) {
  switch (outcome) {
    case v1::WRITE_OUTCOME_WRITTEN:
    case v1::WRITE_OUTCOME_UNCHANGED:
    case v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED:
      return OutcomeClass::kConfirmed;
    case v1::WRITE_OUTCOME_WOULD_WRITE:
      return OutcomeClass::kShown;
    case v1::WRITE_OUTCOME_LOST_RACE:
      return OutcomeClass::kRetrySoon;
    case v1::WRITE_OUTCOME_NODE_MISSING:
      return OutcomeClass::kParkAndRecheck;
    case v1::WRITE_OUTCOME_FORBIDDEN:
    case v1::WRITE_OUTCOME_TOO_LARGE:
    case v1::WRITE_OUTCOME_REJECTED:
      return OutcomeClass::kPark;
    default:
      return OutcomeClass::kRetry;
  }
}

// True if it will be tried again whatever becomes of the host's belief.
inline bool IsTriedAgain(OutcomeClass outcome) {
  return outcome == OutcomeClass::kRetry || outcome == OutcomeClass::kRetrySoon;
}

// True if the node was changed.
inline bool IsWritten(v1::WriteOutcome outcome) {
  return outcome == v1::WRITE_OUTCOME_WRITTEN ||
         outcome == v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED;
}

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OUTCOME_CLASS_H_
