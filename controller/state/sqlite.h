// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_SQLITE_H_
#define CONTROLLER_STATE_SQLITE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite with owners for its handles and absl::Status for its errors. Not
// thread-safe: a Database and its Statements belong to one thread at a time.
//
// kDataLoss: the file is no database, or is damaged. kResourceExhausted: the
// disk is full. kPermissionDenied: it may not be opened or written.
// kUnavailable: the disk failed, or another connection is in the way; it may
// succeed later. kCancelled: it took longer than it was given. kInternal: ours.
namespace rehai::sqlite {

// A prepared statement. Must not outlive its Database.
class Statement {
 public:
  // Parameters count from 1, and are copied.
  Statement& Bind(int parameter, int64_t value);
  Statement& BindText(int parameter, absl::string_view value);
  Statement& BindBlob(int parameter, absl::string_view value);

  // True: there is a row, to be read before the next step. False: no more.
  // Errors of Bind() show here too.
  absl::StatusOr<bool> Step();
  // Steps to the end, and is ready to be bound and run again.
  absl::Status Run();
  // Ready to be bound and stepped again, whether or not it was at its end.
  void Reset();

  // Columns count from 0.
  int64_t Int(int column) const;
  std::string Bytes(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3* database, sqlite3_stmt* statement);
  void Note(int code);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bind_error_ = 0;  // the first
};

class Database {
 public:
  enum class Mode {
    kReadOnly,
    kReadWrite,
    kCreate,
    // As it lies there, without a lock and without its write-ahead log: on a
    // disk that nobody can write to.
    kImmutable,
  };

  // Waits at most `busy_timeout` for other connections to the file, here and in
  // whatever is done with it.
  static absl::StatusOr<Database> Open(
      const std::string& path, Mode mode,
      absl::Duration busy_timeout = absl::Seconds(5));

  // One or more statements without results.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(const std::string& sql);
  // The first column of the first row.
  absl::StatusOr<int64_t> QueryInt(const std::string& sql);
  // Rows that the last INSERT, UPDATE or DELETE touched.
  int64_t Touched() const;

  // SQLite's own look at the file, page by page. kDataLoss: it is damaged, with
  // the first thing that it found; kCancelled: it took longer than `at_most`.
  absl::Status QuickCheck(absl::Duration at_most, const Clock& clock);

  // Makes `target` what this one is, as of one moment, though others may write
  // to this one meanwhile.
  absl::Status CopyTo(Database& target);

  const std::string& path() const { return path_; }

 private:
  friend class TimeLimit;
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  Database(std::string path, std::unique_ptr<sqlite3, Closer> handle);

  std::string path_;
  std::unique_ptr<sqlite3, Closer> handle_;
};

// While one lives, whatever runs in the database for longer than `at_most` from
// its making ends as kCancelled. One at a time; both must outlive it.
class TimeLimit {
 public:
  TimeLimit(Database& database, absl::Duration at_most, const Clock& clock);
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit();

 private:
  static int IsOver(void* limit);

  Database& database_;
  const Clock& clock_;
  const absl::Duration ends_at_;  // Uptime()
};

// All or nothing of what is done in between. Rolls back unless committed.
class Transaction {
 public:
  // Takes the right to write at once, so that nothing fails for that later.
  static absl::StatusOr<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // If this fails, nothing was done.
  absl::Status Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;  // null: ended
};

}  // namespace rehai::sqlite

#endif  // CONTROLLER_STATE_SQLITE_H_
