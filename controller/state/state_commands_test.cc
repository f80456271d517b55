// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/state_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "controller/state/scratch_folder_fixture.h"
#include "controller/state/sqlite_store.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class StateCommandsTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open() {
    SqliteStore::Options options;
    options.folder = state();
    auto store = SqliteStore::Create(std::move(options), clock_);
    EXPECT_THAT(store.status(), IsOk());
    return *std::move(store);
  }
  static v1::StoredHost Host(const std::string& node) {
    v1::StoredHost host;
    host.mutable_record()->set_node(node);
    return host;
  }
  void Commit(SqliteStore& store) {
    clock_.Advance(absl::Seconds(1));
    store.Tick();
  }
  size_t HostsKept() { return Open()->TakeContents().hosts.size(); }
  std::string state() const { return folder_ / "state"; }
  std::string backup() const { return folder_ / "backup.db"; }

  const ScratchFolder folder_;
  FakeClock clock_;
};

TEST_F(StateCommandsTest, CheckCountsWhatIsThereBesideARunningController) {
  auto store = Open();
  store->Put(Host("a"));
  store->Put(Host("b"));
  Commit(*store);
  const auto report = CheckState(state(), clock_);
  ASSERT_THAT(report.status(), IsOk());
  EXPECT_THAT(*report, AllOf(HasSubstr("good, version 3"),
                             HasSubstr("hosts: 2\n"), HasSubstr("as of 20")));
}

TEST_F(StateCommandsTest, CheckTellsOfDamageAndOfAMissingFile) {
  EXPECT_THAT(CheckState(state(), clock_).status(),
              StatusIs(absl::StatusCode::kNotFound));
  {
    auto store = Open();
    for (int i = 0; i < 300; ++i) {
      store->Put(Host(absl::StrCat(i, std::string(200, 'n'))));
    }
  }
  std::string bytes = *ReadFile(state() + "/rehai.db");
  bytes.replace(4096 * 8, 300, std::string(300, '\x5a'));
  ASSERT_THAT(WriteFileAtomically(state() + "/rehai.db", bytes, 0600), IsOk());
  EXPECT_THAT(CheckState(state(), clock_).status(),
              StatusIs(absl::StatusCode::kDataLoss));
  // What cannot be relied on is not backed up.
  EXPECT_THAT(BackUpState(state(), backup(), clock_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(StateCommandsTest, BackupIsOfOneMomentAndComesBack) {
  {
    auto store = Open();
    store->Put(Host("a"));
    Commit(*store);
    ASSERT_THAT(BackUpState(state(), backup(), clock_), IsOk());
    store->Put(Host("b"));
    Commit(*store);
    EXPECT_THAT(BackUpState(state(), backup(), clock_),
                StatusIs(absl::StatusCode::kAlreadyExists));
    EXPECT_THAT(RestoreState(backup(), state(), clock_).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("is using it")));
  }
  ASSERT_EQ(HostsKept(), 2u);
  const auto aside = RestoreState(backup(), state(), clock_);
  ASSERT_THAT(aside.status(), IsOk());
  EXPECT_THAT(*aside, HasSubstr("rehai.db.replaced-"));
  EXPECT_THAT(ReadFile(*aside).status(), IsOk());
  EXPECT_EQ(HostsKept(), 1u);
}

TEST_F(StateCommandsTest, BadBackupChangesNothing) {
  { Open()->Put(Host("a")); }
  ASSERT_THAT(WriteFileAtomically(backup(), std::string(9000, 'x'), 0600),
              IsOk());
  EXPECT_THAT(RestoreState(backup(), state(), clock_).status(),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(HostsKept(), 1u);
}

}  // namespace
}  // namespace rehai
