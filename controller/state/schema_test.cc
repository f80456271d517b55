// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/state/scratch_folder_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using sqlite::Database;
using testing::HasSubstr;

class SchemaTest : public testing::Test {
 protected:
  Database OpenOrDie(const std::string& name) {
    return *Database::Open(folder_ / name, Database::Mode::kCreate);
  }
  static std::string TablesOf(Database& database) {
    sqlite::Statement rows = *database.Prepare(
        "SELECT type || ' ' || name || ' ' || sql || ';' FROM sqlite_schema "
        "WHERE sql IS NOT NULL ORDER BY name");
    std::string tables;
    while (*rows.Step()) absl::StrAppend(&tables, rows.Bytes(0));
    return tables;
  }

  const ScratchFolder folder_;
};

TEST_F(SchemaTest, EveryOlderVersionBecomesTheNewestAndKeepsItsRows) {
  Database fresh = OpenOrDie("fresh");
  ASSERT_THAT(Migrate(fresh, StateSchemaSteps()), IsOk());
  for (int64_t from = 1; from <= StateSchemaVersion(); ++from) {
    SCOPED_TRACE(from);
    Database database = OpenOrDie(absl::StrCat("from", from));
    const std::vector<std::string> older(StateSchemaSteps().begin(),
                                         StateSchemaSteps().begin() + from);
    ASSERT_THAT(Migrate(database, older), IsOk());
    ASSERT_EQ(*database.QueryInt("PRAGMA user_version"), from);
    ASSERT_THAT(database.Execute("INSERT INTO hosts VALUES ('a', 7, x'00');"
                                 "INSERT INTO nodes VALUES ('a', x'00');"
                                 "INSERT INTO operations VALUES ('o', 1, "
                                 "x'00');"
                                 "INSERT INTO facts VALUES ('f', 1)"),
                IsOk());
    ASSERT_THAT(Migrate(database, StateSchemaSteps()), IsOk());
    EXPECT_EQ(*database.QueryInt("PRAGMA user_version"), StateSchemaVersion());
    EXPECT_EQ(*database.QueryInt("SELECT revision FROM hosts"), 7);
    EXPECT_EQ(*database.QueryInt("SELECT count(*) FROM operations"), 1);
    EXPECT_EQ(TablesOf(database), TablesOf(fresh));
  }
}

TEST_F(SchemaTest, StepThatFailsLeavesTheOlderVersion) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(Migrate(database, {"CREATE TABLE one (n)"}), IsOk());
  EXPECT_THAT(Migrate(database, {"CREATE TABLE one (n)",
                                 "CREATE TABLE two (n); DROP TABLE three"}),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(*database.QueryInt("PRAGMA user_version"), 1);
  EXPECT_EQ(*database.QueryInt("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(SchemaTest, NewerVersionIsRefused) {
  Database database = OpenOrDie("db");
  ASSERT_THAT(Migrate(database, {"CREATE TABLE one (n)", "SELECT 1"}), IsOk());
  EXPECT_THAT(
      Migrate(database, {"CREATE TABLE one (n)"}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("version 2")));
  EXPECT_EQ(*database.QueryInt("PRAGMA user_version"), 2);
}

}  // namespace
}  // namespace rehai
