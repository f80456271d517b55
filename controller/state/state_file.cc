// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/state_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
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
constexpr char kHistorySince[] = "history_since";

// How far history was pruned, and up to where it belongs to runs that this one
// knows nothing of.
constexpr char kHistoryPassed[] = "history_passed";
constexpr char kHistoryFloor[] = "history_floor";

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
    ASSIGN_OR_RETURN(
        contents.last_event,
        database.QueryInt("SELECT coalesce(max(sequence), 0) FROM history"));
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
  const auto read =
      [&file](sqlite::Database::Mode mode) -> absl::StatusOr<Store::Contents> {
    ASSIGN_OR_RETURN(sqlite::Database database,
                     sqlite::Database::Open(file, mode));
    // Alone, SQLite needs no file to share with others.
    RETURN_IF_ERROR(database.Execute("PRAGMA locking_mode = EXCLUSIVE"));
    RETURN_IF_ERROR(RefuseNewer(database));
    return ReadContents(database);
  };
  absl::StatusOr<Store::Contents> contents =
      read(sqlite::Database::Mode::kReadWrite);
  // On a disk that cannot be written to, SQLite can neither lock nor make a
  // log. If there is no log, the file is all there is.
  const bool is_of_the_disk = absl::IsPermissionDenied(contents.status()) ||
                              absl::IsUnavailable(contents.status());
  if (is_of_the_disk && !IsThere(file + "-wal")) {
    return read(sqlite::Database::Mode::kImmutable);
  }
  return contents;
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
    RETURN_IF_ERROR(CutHistoryOff(now));
  }
  RETURN_IF_ERROR(WriteHosts(waiting));
  FaultPoint("store.hosts_written");
  RETURN_IF_ERROR(WriteNodes(waiting));
  RETURN_IF_ERROR(WriteOperations(waiting));
  RETURN_IF_ERROR(WriteHistory(waiting));
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

absl::Status StateFile::WriteHistory(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(
      sqlite::Statement happened,
      database_.Prepare(
          "INSERT OR IGNORE INTO history (sequence, at, node, guest, name, "
          "kind, ends, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  int64_t first_at = std::numeric_limits<int64_t>::max();
  for (const v1::HistoryEvent& event : waiting.history()) {
    const int64_t at = absl::ToUnixMicros(FromProto(event.at()));
    first_at = std::min(first_at, at);
    const bool ends = !event.has_guest() && !event.has_host();
    RETURN_IF_ERROR(happened.Bind(1, event.sequence())
                        .Bind(2, at)
                        .BindText(3, event.node())
                        .BindText(4, event.guest_uuid())
                        .BindText(5, event.guest_name())
                        .Bind(6, event.kind())
                        .Bind(7, ends ? 1 : 0)
                        .BindBlob(8, event.SerializeAsString())
                        .Run());
  }
  if (waiting.history().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      sqlite::Statement begun,
      database_.Prepare("INSERT OR IGNORE INTO facts (name, value) VALUES (?1, "
                        "?2)"));
  return begun.BindText(1, kHistorySince).Bind(2, first_at).Run();
}

absl::Status StateFile::WriteAppended(const WaitingState& waiting) {
  ASSIGN_OR_RETURN(
      sqlite::Statement shown,
      database_.Prepare("INSERT OR IGNORE INTO shown (node, revision, at) "
                        "VALUES (?1, ?2, ?3)"));
  for (const v1::Shown& entry : waiting.shown()) {
    RETURN_IF_ERROR(shown.BindText(1, entry.node())
                        .Bind(2, entry.revision())
                        .Bind(3, absl::ToUnixMicros(FromProto(entry.at())))
                        .Run());
  }
  ASSIGN_OR_RETURN(
      sqlite::Statement commanded,
      database_.Prepare("INSERT INTO audit (at, caller, command, entry) VALUES "
                        "(?1, ?2, ?3, ?4)"));
  for (const v1::AuditEntry& entry : waiting.audit()) {
    RETURN_IF_ERROR(commanded.Bind(1, absl::ToUnixMicros(FromProto(entry.at())))
                        .BindText(2, entry.caller())
                        .BindText(3, entry.command())
                        .BindBlob(4, entry.SerializeAsString())
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
  return SetFact(kKeptAt, absl::ToUnixMicros(now));
}

absl::Status StateFile::SetFact(const char* name, int64_t value) {
  ASSIGN_OR_RETURN(
      sqlite::Statement set,
      database_.Prepare("INSERT INTO facts (name, value) VALUES (?1, ?2) ON "
                        "CONFLICT (name) DO UPDATE SET value = "
                        "excluded.value"));
  return set.BindText(1, name).Bind(2, value).Run();
}

absl::Status StateFile::CutHistoryOff(absl::Time now) {
  ASSIGN_OR_RETURN(
      const int64_t last,
      database_.QueryInt("SELECT coalesce(max(sequence), 0) FROM history"));
  if (last == 0) return absl::OkStatus();
  RETURN_IF_ERROR(SetFact(kHistoryFloor, last));
  return SetFact(kHistorySince, absl::ToUnixMicros(now));
}

absl::Status StateFile::Prune(const Retention& retention, absl::Time now) {
  ASSIGN_OR_RETURN(sqlite::Transaction transaction,
                   sqlite::Transaction::Begin(database_));
  RETURN_IF_ERROR(PruneHistory(retention, now));
  RETURN_IF_ERROR(PruneAudit(retention, now));
  RETURN_IF_ERROR(PruneOperations(retention));
  return transaction.Commit();
}

// Those that have not ended stay, however long they have been paused.
absl::Status StateFile::PruneOperations(const Retention& retention) {
  std::vector<std::string> surplus;
  {
    ASSIGN_OR_RETURN(sqlite::Statement rows,
                     database_.Prepare("SELECT id, operation FROM operations "
                                       "ORDER BY started_at DESC, id"));
    int64_t ended = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool has_row, rows.Step());
      if (!has_row) break;
      v1::Operation operation;
      if (operation.ParseFromString(rows.Bytes(1)) &&
          !operation.has_ended_at()) {
        continue;
      }
      if (++ended > retention.operations) surplus.push_back(rows.Bytes(0));
    }
  }
  ASSIGN_OR_RETURN(sqlite::Statement remove,
                   database_.Prepare("DELETE FROM operations WHERE id = ?1"));
  for (const std::string& id : surplus) {
    RETURN_IF_ERROR(remove.BindText(1, id).Run());
  }
  return absl::OkStatus();
}

// Each event is passed once, in their order. When it is, the older ones of the
// same guest or host are not needed any more: it is now what a moment before
// the next event is shown by. So as much as is there is always enough to show
// any moment after the last event that was passed.
absl::Status StateFile::PruneHistory(const Retention& retention,
                                     absl::Time now) {
  const int64_t cut = absl::ToUnixMicros(now - retention.history_age);
  ASSIGN_OR_RETURN(int64_t passed, Fact(database_, kHistoryPassed));
  ASSIGN_OR_RETURN(int64_t since, Fact(database_, kHistorySince));
  ASSIGN_OR_RETURN(const int64_t floor, Fact(database_, kHistoryFloor));
  ASSIGN_OR_RETURN(int64_t excess,
                   database_.QueryInt("SELECT count(*) FROM history"));
  excess -= retention.history_rows;
  ASSIGN_OR_RETURN(
      sqlite::Statement next,
      database_.Prepare("SELECT sequence, at, node, guest, ends FROM history "
                        "WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"));
  next.Bind(1, passed).Bind(2, kMostPruned);
  ASSIGN_OR_RETURN(
      sqlite::Statement forget,
      database_.Prepare("DELETE FROM history WHERE node = ?1 AND guest = ?2 "
                        "AND sequence < ?3"));
  const int64_t passed_before = passed;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_row, next.Step());
    if (!has_row) break;
    const int64_t at = next.Int(1);
    if (at >= cut && excess <= 0) break;
    passed = next.Int(0);
    since = std::max(since, at);
    const bool is_needed = next.Int(4) == 0 && passed > floor;
    RETURN_IF_ERROR(forget.BindText(1, next.Bytes(2))
                        .BindText(2, next.Bytes(3))
                        .Bind(3, is_needed ? passed : passed + 1)
                        .Run());
    excess -= database_.Touched();
  }
  if (passed == passed_before) return absl::OkStatus();
  RETURN_IF_ERROR(SetFact(kHistoryPassed, passed));
  RETURN_IF_ERROR(SetFact(kHistorySince, since));
  ASSIGN_OR_RETURN(sqlite::Statement shown,
                   database_.Prepare("DELETE FROM shown WHERE at < ?1"));
  return shown.Bind(1, since).Run();
}

absl::Status StateFile::PruneAudit(const Retention& retention, absl::Time now) {
  // Oldest first, which are the lowest numbers.
  ASSIGN_OR_RETURN(
      sqlite::Statement too_old,
      database_.Prepare("DELETE FROM audit WHERE sequence IN (SELECT sequence "
                        "FROM audit ORDER BY sequence LIMIT ?1) AND at < ?2"));
  RETURN_IF_ERROR(too_old.Bind(1, kMostPruned)
                      .Bind(2, absl::ToUnixMicros(now - retention.audit_age))
                      .Run());
  ASSIGN_OR_RETURN(
      sqlite::Statement too_many,
      database_.Prepare(
          "DELETE FROM audit WHERE sequence IN (SELECT sequence FROM audit "
          "WHERE sequence <= (SELECT max(sequence) FROM audit) - ?2 ORDER BY "
          "sequence LIMIT ?1)"));
  return too_many.Bind(1, kMostPruned).Bind(2, retention.audit_rows).Run();
}

}  // namespace rehai
