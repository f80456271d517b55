// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_STATE_FILE_H_
#define CONTROLLER_STATE_STATE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/state/sqlite.h"
#include "controller/state/store.h"
#include "controller/state/waiting_state.h"

namespace rehai {

// How long and how much is kept of what is appended. The newest event of each
// guest and host that is there is kept whatever its age, so that what was where
// can be told of every moment since history is complete.
struct Retention {
  absl::Duration history_age = absl::Hours(24 * 30);
  int64_t history_rows = 1'000'000;
  absl::Duration audit_age = absl::Hours(24 * 365);
  int64_t audit_rows = 100'000;
  int64_t operations = 100;  // that have ended; others stay
};

// StateFile is one SQLite file with all that is kept. docs/state.md describes
// it. Each commit is one transaction, on the disk when it returns, so that what
// is found after a crash or a loss of power is what some commit left.
//
// Its errors are those of sqlite.h. Not thread-safe.
class StateFile {
 public:
  // Opens the file, or makes it, and brings it up to this program's format.
  // kFailedPrecondition: it is a newer program's, and was not touched.
  // kDataLoss: it is damaged; so may Load() find it. SQLite's look at it ends
  // without a verdict after `check_at_most`.
  static absl::StatusOr<StateFile> Open(const std::string& file,
                                        absl::Duration check_at_most,
                                        const Clock& clock);

  // The same for a file that cannot be written now: reads what is in it, as
  // far as that can be done without a place on the disk.
  static absl::StatusOr<Store::Contents> Peek(const std::string& file);

  absl::StatusOr<Store::Contents> Load();

  // All or nothing. `begin_anew`: forgets the hosts and nodes first.
  absl::Status Commit(const WaitingState& waiting, absl::Time now,
                      bool begin_anew);

  // Deletes what is older or more than is to be kept, a part at a time: call it
  // again. Passes at most 10,000 events each time.
  absl::Status Prune(const Retention& retention, absl::Time now);

  sqlite::Database& database() { return database_; }

 private:
  explicit StateFile(sqlite::Database database)
      : database_(std::move(database)) {}

  absl::Status WriteHosts(const WaitingState& waiting);
  absl::Status WriteNodes(const WaitingState& waiting);
  absl::Status WriteOperations(const WaitingState& waiting);
  absl::Status WriteHistory(const WaitingState& waiting);
  absl::Status WriteAppended(const WaitingState& waiting);
  absl::Status WriteFacts(const WaitingState& waiting, absl::Time now);
  absl::Status SetFact(const char* name, int64_t value);
  // What was there before is no part of what was where from now on.
  absl::Status CutHistoryOff(absl::Time now);
  absl::Status PruneHistory(const Retention& retention, absl::Time now);
  absl::Status PruneAudit(const Retention& retention, absl::Time now);
  absl::Status PruneOperations(const Retention& retention);

  sqlite::Database database_;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_STATE_FILE_H_
