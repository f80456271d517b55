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
      return OutcomeClass::kConfirmed;
    case v1::WRITE_OUTCOME_WOULD_WRITE:
      return OutcomeClass::kShown;
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

// The requests that a write with this outcome has sent at most: all of them but
// these may have got as far as the PUT.
inline int RequestsOf(v1::WriteOutcome outcome) {
  switch (outcome) {
    case v1::WRITE_OUTCOME_UNCHANGED:
    case v1::WRITE_OUTCOME_WOULD_WRITE:
    case v1::WRITE_OUTCOME_NODE_MISSING:
      return 1;
    default:
      return 2;
  }
}

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OUTCOME_CLASS_H_
