// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/fake_clock.h"
#include "base/file.h"
#include "controller/state/scratch_folder_fixture.h"
#include "tests/matchers.h"

namespace rehai::sqlite {
namespace {

using Mode = Database::Mode;

class SqliteTest : public testing::Test {
 protected:
  Database OpenOrDie(const std::string& name) {
    return *Database::Open(folder_ / name, Mode::kCreate);
  }

  const ScratchFolder folder_;
};

TEST_F(SqliteTest, WhatIsBoundComesBackByteByByte) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(database.Execute("CREATE TABLE t (n, s, b)"), IsOk());
  Statement insert = *database.Prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
  const std::string bytes("a\0b", 3);
  ASSERT_THAT(
      insert.Bind(1, INT64_MIN).BindText(2, "é").BindBlob(3, bytes).Run(),
      IsOk());
  ASSERT_THAT(insert.Bind(1, 7).BindText(2, "").BindBlob(3, "").Run(), IsOk());

  Statement select = *database.Prepare("SELECT n, s, b FROM t ORDER BY n");
  ASSERT_TRUE(*select.Step());
  EXPECT_EQ(select.Int(0), INT64_MIN);
  EXPECT_EQ(select.Bytes(1), "é");
  EXPECT_EQ(select.Bytes(2), bytes);
  ASSERT_TRUE(*select.Step());
  EXPECT_EQ(select.Bytes(2), "");
  EXPECT_FALSE(*select.Step());
}

TEST_F(SqliteTest, TransactionIsNothingUnlessCommitted) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(database.Execute("CREATE TABLE t (n)"), IsOk());
  {
    Transaction dropped = *Transaction::Begin(database);
    ASSERT_THAT(database.Execute("INSERT INTO t VALUES (1)"), IsOk());
  }
  EXPECT_EQ(*database.QueryInt("SELECT count(*) FROM t"), 0);
  {
    Transaction kept = *Transaction::Begin(database);
    ASSERT_THAT(database.Execute("INSERT INTO t VALUES (1)"), IsOk());
    ASSERT_THAT(kept.Commit(), IsOk());
  }
  EXPECT_EQ(*database.QueryInt("SELECT count(*) FROM t"), 1);
}

TEST_F(SqliteTest, ErrorsSayWhichFileAndWhat) {
  Database database = OpenOrDie("db");
  EXPECT_THAT(database.Execute("SELEC 1"),
              StatusIs(absl::StatusCode::kInternal,
                       testing::AllOf(testing::HasSubstr(folder_ / "db"),
                                      testing::HasSubstr("SELEC"))));
  ASSERT_THAT(
      WriteFileAtomically(folder_ / "text", std::string(5000, 'x'), 0600),
      IsOk());
  Database text = *Database::Open(folder_ / "text", Mode::kReadWrite);
  EXPECT_THAT(text.QueryInt("PRAGMA user_version").status(),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Database::Open(folder_ / "missing", Mode::kReadWrite).status(),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(SqliteTest, FullFileIsToldFromOtherErrors) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(database.Execute("CREATE TABLE t (b)"), IsOk());
  ASSERT_TRUE(database.QueryInt("PRAGMA max_page_count = 4").ok());
  EXPECT_THAT(database.Execute("INSERT INTO t VALUES (zeroblob(1000000))"),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(SqliteTest, WriterInTheWayIsWaitedForAndThenUnavailable) {
  Database one = OpenOrDie("db");
  Database two =
      *Database::Open(folder_ / "db", Mode::kReadWrite, absl::Milliseconds(1));
  Transaction first = *Transaction::Begin(one);
  EXPECT_THAT(Transaction::Begin(two).status(),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SqliteTest, QuickCheckFindsADamagedPage) {
  FakeClock clock;
  {
    Database database = OpenOrDie("db");
    ASSERT_THAT(
        database.Execute("CREATE TABLE t (n INTEGER PRIMARY KEY, b);"
                         "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT "
                         "n + 1 FROM c WHERE n < 100) INSERT INTO t SELECT n, "
                         "hex(zeroblob(500)) FROM c"),
        IsOk());
    EXPECT_THAT(database.QuickCheck(absl::Seconds(5), clock), IsOk());
  }
  std::string bytes = *ReadFile(folder_ / "db");
  bytes.replace(5 * 4096, 4096, std::string(4096, '\x5a'));
  ASSERT_THAT(WriteFileAtomically(folder_ / "db", bytes, 0600), IsOk());
  Database database = OpenOrDie("db");
  EXPECT_THAT(database.QuickCheck(absl::Seconds(5), clock),
              StatusIs(absl::StatusCode::kDataLoss));
}

// A clock that jumps whenever somebody looks.
class HurryingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Uptime() const override { return now_ += absl::Seconds(1); }
  void WaitUntil(absl::Duration, Mutex&, CondVar&) const override {}

 private:
  mutable absl::Duration now_;
};

TEST_F(SqliteTest, QuickCheckEndsInTime) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(
      database.Execute("CREATE TABLE t (n INTEGER PRIMARY KEY, b);"
                       "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + "
                       "1 FROM c WHERE n < 50000) INSERT INTO t SELECT n, n "
                       "FROM c"),
      IsOk());
  const HurryingClock clock;
  EXPECT_THAT(database.QuickCheck(absl::Milliseconds(1), clock),
              StatusIs(absl::StatusCode::kCancelled));
  // And goes on to be of use.
  EXPECT_EQ(*database.QueryInt("SELECT count(*) FROM t"), 50000);
}

TEST_F(SqliteTest, CopyIsOfOneMomentWhileAnotherWrites) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(database.Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (n); "
                               "INSERT INTO t VALUES (1)"),
              IsOk());
  Database writer = OpenOrDie("db");
  Transaction under_way = *Transaction::Begin(writer);
  ASSERT_THAT(writer.Execute("INSERT INTO t VALUES (2)"), IsOk());
  Database copy = OpenOrDie("copy");
  ASSERT_THAT(database.CopyTo(copy), IsOk());
  EXPECT_EQ(*copy.QueryInt("SELECT sum(n) FROM t"), 1);
}

}  // namespace
}  // namespace rehai::sqlite
