// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/schema.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace rehai {

const std::vector<std::string>& StateSchemaSteps() {
  static const auto& steps = *new std::vector<std::string>{
      // 1: what is believed, what Chef confirmed, and the commands.
      R"sql(
        CREATE TABLE facts (
          name TEXT PRIMARY KEY,
          value INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE hosts (
          node TEXT PRIMARY KEY,
          revision INTEGER NOT NULL,
          stored BLOB NOT NULL
        );
        CREATE TABLE nodes (
          node TEXT PRIMARY KEY,
          stored BLOB NOT NULL
        );
        CREATE TABLE operations (
          id TEXT PRIMARY KEY,
          started_at INTEGER NOT NULL,
          operation BLOB NOT NULL
        );
      )sql",
      // 2: what happened, and who commanded what.
      R"sql(
        CREATE TABLE history (
          sequence INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          node TEXT NOT NULL,
          guest TEXT NOT NULL,
          event BLOB NOT NULL
        );
        CREATE INDEX history_by_node ON history (node, sequence);
        CREATE INDEX history_by_guest ON history (guest, sequence)
          WHERE guest <> '';
        CREATE TABLE audit (
          sequence INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          entry BLOB NOT NULL
        );
      )sql",
      // 3: what was where at any moment. No program ever wrote to the two
      // tables of version 2, so they begin anew.
      R"sql(
        DROP TABLE history;
        CREATE TABLE history (
          sequence INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          node TEXT NOT NULL,
          guest TEXT NOT NULL,
          name TEXT NOT NULL,
          kind INTEGER NOT NULL,
          ends INTEGER NOT NULL,
          event BLOB NOT NULL
        );
        CREATE INDEX history_by_time ON history (at, kind);
        CREATE INDEX history_by_node
          ON history (node, guest, sequence, at, kind);
        CREATE INDEX history_by_guest
          ON history (guest, node, sequence, at, kind) WHERE guest <> '';
        CREATE INDEX history_by_name ON history (name, sequence)
          WHERE name <> '';
        CREATE INDEX history_of_hosts ON history (node, sequence, at)
          WHERE guest = '';
        CREATE TABLE shown (
          node TEXT NOT NULL,
          revision INTEGER NOT NULL,
          at INTEGER NOT NULL,
          PRIMARY KEY (node, revision)
        ) WITHOUT ROWID;
        CREATE INDEX shown_by_time ON shown (at);
        DROP TABLE audit;
        CREATE TABLE audit (
          sequence INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          caller TEXT NOT NULL,
          command TEXT NOT NULL,
          entry BLOB NOT NULL
        );
      )sql",
  };
  return steps;
}

int64_t StateSchemaVersion() {
  return static_cast<int64_t>(StateSchemaSteps().size());
}

absl::Status Migrate(sqlite::Database& database,
                     const std::vector<std::string>& steps) {
  ASSIGN_OR_RETURN(sqlite::Transaction transaction,
                   sqlite::Transaction::Begin(database));
  ASSIGN_OR_RETURN(const int64_t version,
                   database.QueryInt("PRAGMA user_version"));
  const auto last = static_cast<int64_t>(steps.size());
  if (version > last) {
    return absl::FailedPreconditionError(absl::StrCat(
        database.path(), ": its format is version ", version,
        ", and this program knows versions up to ", last,
        "; the file was left as it is: start the newer program, or restore a "
        "backup that the older one made, or name another state.dir"));
  }
  if (version == last) return absl::OkStatus();
  for (int64_t step = version; step < last; ++step) {
    RETURN_IF_ERROR(database.Execute(steps[static_cast<size_t>(step)]));
  }
  RETURN_IF_ERROR(
      database.Execute(absl::StrCat("PRAGMA user_version = ", last)));
  return transaction.Commit();
}

}  // namespace rehai
