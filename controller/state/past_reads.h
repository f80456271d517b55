// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_PAST_READS_H_
#define CONTROLLER_STATE_PAST_READS_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "controller/state/past.h"
#include "controller/state/sqlite.h"

// What a Past answers, read from a state file within one transaction. Errors
// are those of sqlite.h, and kOutOfRange for a moment before what is kept.
namespace rehai {

absl::StatusOr<AuditPage> ReadAudit(sqlite::Database& database,
                                    const AuditQuery& query, size_t page_bytes);
absl::StatusOr<EventPage> ReadEvents(sqlite::Database& database,
                                     const EventQuery& query,
                                     size_t page_bytes);
absl::StatusOr<EventPage> ReadAsOf(sqlite::Database& database,
                                   const AsOfQuery& query, size_t page_bytes);
absl::StatusOr<TwoTimesPage> ReadAtTwoTimes(sqlite::Database& database,
                                            const TwoTimesQuery& query,
                                            size_t page_bytes);

}  // namespace rehai

#endif  // CONTROLLER_STATE_PAST_READS_H_
