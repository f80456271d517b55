// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/snapshot_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;

class SnapshotKeeperTest : public testing::Test {
 protected:
  SnapshotKeeperTest()
      : folder_(absl::StrCat(MakeFolder(), "/state")),
        keeper_({.folder = folder_,
                 .node = "hv1",
                 .uri = "qemu:///system",
                 .rendering = {.kvm_extensions = true}},
                clock_) {}

  static std::string MakeFolder() {
    std::string folder = absl::StrCat(testing::TempDir(), "/keeper.XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    return folder;
  }
  absl::Duration See(v1::GuestState state) {
    hypervisor::Inventory found;
    v1::Guest guest;
    guest.set_uuid("uuid-web");
    guest.set_name("web");
    guest.set_state(state);
    found.guests.push_back(guest);
    return keeper_.Seen(found, clock_.Now());
  }
  absl::StatusOr<std::string> Kept() {
    return ReadFile(absl::StrCat(folder_, "/snapshot.json"));
  }

  FakeClock clock_;
  const std::string folder_;
  SnapshotKeeper keeper_;
};

TEST_F(SnapshotKeeperTest, KeepsTheNewestReadingEvenIfItCameTooSoon) {
  ASSERT_EQ(mkdir(folder_.c_str(), 0700), 0);
  EXPECT_EQ(See(v1::GUEST_STATE_RUNNING), absl::InfiniteDuration());
  EXPECT_THAT(Kept(), IsOkAndHolds(HasSubstr("uuid-web")));
  EXPECT_THAT(Kept(), IsOkAndHolds(HasSubstr("running")));
  const absl::Duration again = See(v1::GUEST_STATE_PAUSED);
  EXPECT_THAT(again,
              AllOf(Gt(absl::ZeroDuration()), Le(SnapshotFile::kMinInterval)));
  EXPECT_THAT(Kept(), IsOkAndHolds(HasSubstr("running")));
  clock_.Advance(again);
  EXPECT_EQ(keeper_.Keep(), absl::InfiniteDuration());
  EXPECT_THAT(Kept(), IsOkAndHolds(HasSubstr("paused")));
}

TEST_F(SnapshotKeeperTest, WithoutTheFolderNothingIsKept) {
  EXPECT_EQ(See(v1::GUEST_STATE_RUNNING), absl::InfiniteDuration());
  EXPECT_FALSE(Kept().ok());
}

}  // namespace
}  // namespace rehai::agent
