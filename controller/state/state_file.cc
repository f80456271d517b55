// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/state_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fault_point.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/state/schema.h"

namespace rehai {
namespace {

// Facts that the table of that name holds.
constexpr char kLastRevision[] = "last_revision";
constexpr char kLastSession[] = "last_session";
constexpr char kKeptAt[] = "kept_at";

constexpr int64_t kMostPruned = 10'000;

bool IsThere(const std::string& file) {
  struct stat found;
  return stat(file.c_str(), &found) == 0;
}

absl::Status RefuseNewer(sqlite::Database& database) {
  ASSIGN_OR_RETURN(const int64_t version,
                   database.QueryInt("PRAGMA user_version"));
  if (version <= StateSchemaVersion()) return absl::OkStatus();
  return Migrate(database, StateSchemaSteps());  // says so, and does nothing
}

// Every row's protocol buffer.
template <typename T>
absl::Status ReadAll(sqlite::Database& database, const std::string& sql,
                     std::vector<T>& out) {
  ASSIGN_OR_RETURN(sqlite::Statement rows, database.Prepare(sql));
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) return absl::OkStatus();
    if (!out.emplace_back().ParseFromString(rows.Bytes(0))) {
      return absl::DataLossError(absl::StrCat(
          database.path(), ": damaged: a row cannot be read by: ", sql));
    }
  }
}

absl::StatusOr<int64_t> Fact(sqlite::Database& database, const char* name) {
  return database.QueryInt(absl::StrCat(
      "SELECT coalesce(max(value), 0) FROM facts WHERE name = '", name, "'"));
}

absl::StatusOr<Store::Contents> ReadContents(sqlite::Database& database) {
  // One moment, though each is a statement of its own.
  ASSIGN_OR_RETURN(sqlite::Statement begin, database.Prepare("BEGIN"));
  RETURN_IF_ERROR(begin.Run());
  Store::Contents contents;
  const auto read = [&]() -> absl::Status {
    RETURN_IF_ERROR(ReadAll(database, "SELECT stored FROM hosts ORDER BY node",
                            contents.hosts));
    RETURN_IF_ERROR(ReadAll(database, "SELECT stored FROM nodes ORDER BY node",
                            contents.nodes));
    RETURN_IF_ERROR(ReadAll(
        database, "SELECT operation FROM operations ORDER BY started_at, id",
        contents.operations));
    ASSIGN_OR_RETURN(contents.last_revision, Fact(database, kLastRevision));
    ASSIGN_OR_RETURN(contents.last_session, Fact(database, kLastSession));
    ASSIGN_OR_RETURN(const int64_t kept_at, Fact(database, kKeptAt));
    if (kept_at != 0) contents.kept_at = absl::FromUnixMicros(kept_at);
    return absl::OkStatus();
  };
  absl::Status status = read();
  (void)database.Execute("ROLLBACK");  // nothing was written
  RETURN_IF_ERROR(status);
  return contents;
}

}  // namespace

absl::StatusOr<StateFile> StateFile::Open(const std::string& file,
                                          absl::Duration check_at_most,
                                          const Clock& clock) {
  // An empty file is an empty database; so it is nobody else's from the first.
  if (!IsThere(file)) RETURN_IF_ERROR(WriteFileAtomically(file, "", 0600));
  ASSIGN_OR_RETURN(
      sqlite::Database database,
      sqlite::Database::Open(file, sqlite::Database::Mode::kReadWrite));
  RETURN_IF_ERROR(RefuseNewer(database));
  if (absl::Status checked = database.QuickCheck(check_at_most, clock);
      !checked.ok() && !absl::IsCancelled(checked)) {
    return checked;
  }
  RETURN_IF_ERROR(
      database.Execute("PRAGMA journal_mode = WAL;"
                       // On the disk when a commit returns: it is in nobody's
                       // way, and the newest is what matters.
                       "PRAGMA synchronous = FULL;"
                       "PRAGMA journal_size_limit = 67108864;"));
  RETURN_IF_ERROR(Migrate(database, StateSchemaSteps()));
  return StateFile(std::move(database));
}

absl::StatusOr<Store::Contents> StateFile::Peek(const std::string& file) {
  if (!IsThere(file)) return Store::Contents();
  ASSIGN_OR_RETURN(
      sqlite::Database database,
      sqlite::Database::Open(file, sqlite::Database::Mode::kReadWrite));
  // Alone, SQLite needs no file to share with others.
  RETURN_IF_ERROR(database.Execute("PRAGMA locking_mode = EXCLUSIVE"));
  RETURN_IF_ERROR(RefuseNewer(database));
  return ReadContents(database);
}

absl::StatusOr<Store::Contents> StateFile::Load() {
  return ReadContents(database_);
}

absl::Status StateFile::Commit(const WaitingState& waiting, absl::Time now,
                               bool begin_anew) {
  FaultPoint("store.begin");
  ASSIGN_OR_RETURN(sqlite::Transaction transaction,
                   sqlite::Transaction::Begin(database_));
  if (begin_anew) {
    RETURN_IF_ERROR(database_.Execute("DELETE FROM hosts; DELETE FROM nodes;"));
  }
  RETURN_IF_ERROR(WriteHosts(waiting));
  FaultPoint("store.hosts_written");
  RETURN_IF_ERROR(WriteNodes(waiting));
  RETURN_IF_ERROR(WriteOperations(waiting));
  RETURN_IF_ERROR(WriteAppended(waiting));
  RETURN_IF_ERROR(WriteFacts(waiting, now));
  FaultPoint("store.written");
  RETURN_IF_ERROR(transaction.Commit());
  FaultPoint("store.committed");
  return absl::OkStatus();
}

absl::Status StateFile::WriteHosts(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(sqlite::Statement remove,
                   database_.Prepare("DELETE FROM hosts WHERE node = ?1"));
  ASSIGN_OR_RETURN(
      sqlite::Statement put,
      database_.Prepare(
          "INSERT INTO hosts (node, revision, stored) VALUES (?1, ?2, ?3) "
          "ON CONFLICT (node) DO UPDATE SET revision = excluded.revision, "
          "stored = excluded.stored "
          "WHERE excluded.revision >= hosts.revision"));
  for (const auto& [node, host] : waiting.hosts()) {
    if (!host.has_value()) {
      RETURN_IF_ERROR(remove.BindText(1, node).Run());
      continue;
    }
    RETURN_IF_ERROR(put.BindText(1, node)
                        .Bind(2, host->record().revision())
                        .BindBlob(3, host->SerializeAsString())
                        .Run());
  }
  return absl::OkStatus();
}

absl::Status StateFile::WriteNodes(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(sqlite::Statement remove,
                   database_.Prepare("DELETE FROM nodes WHERE node = ?1"));
  ASSIGN_OR_RETURN(
      sqlite::Statement put,
      database_.Prepare("INSERT INTO nodes (node, stored) VALUES (?1, ?2) ON "
                        "CONFLICT (node) DO UPDATE SET stored = "
                        "excluded.stored"));
  for (const auto& [name, node] : waiting.nodes()) {
    if (!node.has_value()) {
      RETURN_IF_ERROR(remove.BindText(1, name).Run());
      continue;
    }
    RETURN_IF_ERROR(
        put.BindText(1, name).BindBlob(2, node->SerializeAsString()).Run());
  }
  return absl::OkStatus();
}

absl::Status StateFile::WriteOperations(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(
      sqlite::Statement put,
      database_.Prepare(
          "INSERT INTO operations (id, started_at, operation) VALUES (?1, ?2, "
          "?3) ON CONFLICT (id) DO UPDATE SET operation = "
          "excluded.operation"));
  for (const auto& [id, operation] : waiting.operations()) {
    const absl::Time started_at = FromProto(operation.started_at());
    RETURN_IF_ERROR(put.BindText(1, id)
                        .Bind(2, absl::ToUnixMicros(started_at))
                        .BindBlob(3, operation.SerializeAsString())
                        .Run());
  }
  return absl::OkStatus();
}

absl::Status StateFile::WriteAppended(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(
      sqlite::Statement happened,
      database_.Prepare("INSERT INTO history (at, node, guest, event) VALUES "
                        "(?1, ?2, ?3, ?4)"));
  for (const v1::HistoryEvent& event : waiting.history()) {
    RETURN_IF_ERROR(happened.Bind(1, absl::ToUnixMicros(FromProto(event.at())))
                        .BindText(2, event.node())
                        .BindText(3, event.guest_uuid())
                        .BindBlob(4, event.SerializeAsString())
                        .Run());
  }
  ASSIGN_OR_RETURN(
      sqlite::Statement commanded,
      database_.Prepare("INSERT INTO audit (at, entry) VALUES (?1, ?2)"));
  for (const v1::AuditEntry& entry : waiting.audit()) {
    RETURN_IF_ERROR(commanded.Bind(1, absl::ToUnixMicros(FromProto(entry.at())))
                        .BindBlob(2, entry.SerializeAsString())
                        .Run());
  }
  return absl::OkStatus();
}

absl::Status StateFile::WriteFacts(const WaitingState& waiting,
                                   absl::Time now) {
  int64_t revision = 0;
  int64_t session = 0;
  for (const auto& [node, host] : waiting.hosts()) {
    if (!host.has_value()) continue;
    revision = std::max(revision, host->record().revision());
    session = std::max(session, host->record().session());
  }
  for (const v1::HistoryEvent& event : waiting.history()) {
    revision = std::max(revision, event.revision());
  }
  ASSIGN_OR_RETURN(
      sqlite::Statement raise,
      database_.Prepare("INSERT INTO facts (name, value) VALUES (?1, ?2) ON "
                        "CONFLICT (name) DO UPDATE SET value = "
                        "max(value, excluded.value)"));
  RETURN_IF_ERROR(raise.BindText(1, kLastRevision).Bind(2, revision).Run());
  RETURN_IF_ERROR(raise.BindText(1, kLastSession).Bind(2, session).Run());
  ASSIGN_OR_RETURN(
      sqlite::Statement set,
      database_.Prepare("INSERT INTO facts (name, value) VALUES (?1, ?2) ON "
                        "CONFLICT (name) DO UPDATE SET value = "
                        "excluded.value"));
  return set.BindText(1, kKeptAt).Bind(2, absl::ToUnixMicros(now)).Run();
}

absl::Status StateFile::Prune(const Retention& retention, absl::Time now) {
  ASSIGN_OR_RETURN(sqlite::Transaction transaction,
                   sqlite::Transaction::Begin(database_));
  const auto prune = [this, now](const std::string& table, absl::Duration age,
                                 int64_t rows) -> absl::Status {
    // Oldest first, which are the lowest numbers.
    ASSIGN_OR_RETURN(
        sqlite::Statement too_old,
        database_.Prepare(absl::StrCat(
            "DELETE FROM ", table, " WHERE sequence IN (SELECT sequence FROM ",
            table, " ORDER BY sequence LIMIT ?1) AND at < ?2")));
    RETURN_IF_ERROR(too_old.Bind(1, kMostPruned)
                        .Bind(2, absl::ToUnixMicros(now - age))
                        .Run());
    ASSIGN_OR_RETURN(
        sqlite::Statement too_many,
        database_.Prepare(absl::StrCat(
            "DELETE FROM ", table, " WHERE sequence IN (SELECT sequence FROM ",
            table, " WHERE sequence <= (SELECT max(sequence) FROM ", table,
            ") - ?2 ORDER BY sequence LIMIT ?1)")));
    return too_many.Bind(1, kMostPruned).Bind(2, rows).Run();
  };
  RETURN_IF_ERROR(
      prune("history", retention.history_age, retention.history_rows));
  RETURN_IF_ERROR(prune("audit", retention.audit_age, retention.audit_rows));
  ASSIGN_OR_RETURN(
      sqlite::Statement operations,
      database_.Prepare("DELETE FROM operations WHERE id NOT IN (SELECT id "
                        "FROM operations ORDER BY started_at DESC, id LIMIT "
                        "?1)"));
  RETURN_IF_ERROR(operations.Bind(1, retention.operations).Run());
  return transaction.Commit();
}

}  // namespace rehai
