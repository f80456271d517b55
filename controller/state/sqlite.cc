// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"

namespace rehai::sqlite {
namespace {

// How often a long statement looks at the clock, in steps of SQLite's machine.
constexpr int kStepsPerLook = 10'000;

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kInternal;
  }
}

// "/var/lib/rehai/rehai.db: commit: database or disk is full".
absl::Status ErrorOf(sqlite3* database, int code, absl::string_view doing) {
  const char* file =
      database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  const bool is_last = database != nullptr &&
                       (sqlite3_errcode(database) & 0xff) == (code & 0xff);
  std::string message =
      absl::StrCat(file == nullptr ? "" : file, ": ", doing, ": ",
                   is_last ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  if ((code & 0xff) == SQLITE_IOERR) {
    absl::StrAppend(&message, " (SQLite's code ", code, ")");
  }
  return absl::Status(CodeOf(code), message);
}

// https://www.sqlite.org/uri.html; what would end the path is escaped.
std::string ImmutableUri(const std::string& path) {
  return absl::StrCat(
      "file:",
      absl::StrReplaceAll(path, {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}}),
      "?immutable=1");
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, sqlite3_stmt* statement)
    : database_(database), statement_(statement) {}

void Statement::Note(int code) {
  if (code != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = code;
}

Statement& Statement::Bind(int parameter, int64_t value) {
  Note(sqlite3_bind_int64(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::BindText(int parameter, absl::string_view value) {
  Note(sqlite3_bind_text64(statement_.get(), parameter, value.data(),
                           value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::BindBlob(int parameter, absl::string_view value) {
  Note(sqlite3_bind_blob64(statement_.get(), parameter, value.data(),
                           value.size(), SQLITE_TRANSIENT));
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  if (bind_error_ != SQLITE_OK) {
    return ErrorOf(database_, bind_error_, sqlite3_sql(statement_.get()));
  }
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ErrorOf(database_, code, sqlite3_sql(statement_.get()));
}

absl::Status Statement::Run() {
  absl::Status status;
  while (status.ok()) {
    const absl::StatusOr<bool> row = Step();
    status = row.status();
    if (row.ok() && !*row) break;
  }
  Reset();
  return status;
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_error_ = SQLITE_OK;
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return "";
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

void Database::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Database::Database(std::string path, std::unique_ptr<sqlite3, Closer> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}

absl::StatusOr<Database> Database::Open(const std::string& path, Mode mode,
                                        absl::Duration busy_timeout) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case Mode::kReadOnly:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case Mode::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Mode::kCreate:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case Mode::kImmutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      break;
  }
  const std::string name = mode == Mode::kImmutable ? ImmutableUri(path) : path;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags, nullptr);
  std::unique_ptr<sqlite3, Closer> handle(opened);
  if (code != SQLITE_OK) {
    return absl::Status(
        CodeOf(code), absl::StrCat(path, ": opening: ", sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(
      opened, static_cast<int>(absl::ToInt64Milliseconds(busy_timeout)));
  return Database(path, std::move(handle));
}

absl::Status Database::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return ErrorOf(handle_.get(), code, sql);
}

absl::StatusOr<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.c_str(),
                         static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(handle_.get(), code, sql);
  return Statement(handle_.get(), statement);
}

absl::StatusOr<int64_t> Database::QueryInt(const std::string& sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  if (!has_row) return absl::InternalError(absl::StrCat(sql, ": no row"));
  return statement.Int(0);
}

absl::Status Database::QuickCheck(absl::Duration at_most, const Clock& clock) {
  const TimeLimit limit(*this, at_most, clock);
  ASSIGN_OR_RETURN(Statement check, Prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(const bool has_row, check.Step());
  const std::string found = has_row ? check.Bytes(0) : "no answer";
  if (found == "ok") return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path_, ": damaged: ", found));
}

int64_t Database::Touched() const { return sqlite3_changes64(handle_.get()); }

absl::Status Database::CopyTo(Database& target) {
  sqlite3_backup* backup =
      sqlite3_backup_init(target.handle_.get(), "main", handle_.get(), "main");
  if (backup == nullptr) {
    return ErrorOf(target.handle_.get(), sqlite3_errcode(target.handle_.get()),
                   "copying");
  }
  // In one step, which holds a lock for reading: in WAL, writers go on.
  const int code = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return ErrorOf(nullptr, code, "copying");
  if (finished != SQLITE_OK) return ErrorOf(nullptr, finished, "copying");
  return absl::OkStatus();
}

TimeLimit::TimeLimit(Database& database, absl::Duration at_most,
                     const Clock& clock)
    : database_(database), clock_(clock), ends_at_(clock.Uptime() + at_most) {
  sqlite3_progress_handler(database_.handle_.get(), kStepsPerLook, &IsOver,
                           this);
}

TimeLimit::~TimeLimit() {
  sqlite3_progress_handler(database_.handle_.get(), 0, nullptr, nullptr);
}

int TimeLimit::IsOver(void* limit) {
  const auto* self = static_cast<const TimeLimit*>(limit);
  return self->clock_.Uptime() > self->ends_at_ ? 1 : 0;
}

absl::StatusOr<Transaction> Transaction::Begin(Database& database) {
  RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // Fails where the error that led here has rolled back already.
  if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
}

absl::Status Transaction::Commit() {
  RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return absl::OkStatus();
}

}  // namespace rehai::sqlite
