// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/snapshot_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "chef/node_change.h"
#include "chef/node_document.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::nlohmann::json;

constexpr absl::Duration kNothingToDo = absl::ZeroDuration();

class SnapshotFileTest : public testing::Test {
 protected:
  SnapshotFileTest() {
    folder_ = absl::StrCat(testing::TempDir(), "/snapshot.XXXXXX");
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = absl::StrCat(folder_, "/snapshot.json");
    record_.set_node("hv1");
    record_.set_revision(42);
    record_.mutable_facts()->set_hostname("hv1.example.com");
    record_.mutable_provenance()->set_origin("qemu:///system");
    v1::Guest& guest = *record_.add_guests();
    guest.set_name("web01");
    guest.set_uuid("10000000-0000-4000-8000-000000000001");
    guest.set_title("\xffé");
    SeenNow();
  }

  void SeenNow() {
    *record_.mutable_provenance()->mutable_observed_at() =
        ToProto(clock_.Now());
  }

  static chef::RenderingOptions Everything() {
    return {.kvm_extensions = true, .ohai_libvirt = true, .rehai = true};
  }

  std::string Text() { return ReadFile(path_).value_or(""); }

  FakeClock clock_;
  std::string folder_;
  std::string path_;
  v1::Record record_;
};

TEST_F(SnapshotFileTest, SaysWhatWouldBeWrittenIntoTheNode) {
  SnapshotFile file(path_, Everything(), clock_);
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  const json snapshot = json::parse(Text());
  EXPECT_EQ(snapshot.size(), 3);
  EXPECT_EQ(snapshot["schema"], 1);
  EXPECT_EQ(snapshot["observed_at"],
            absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_.Now(),
                             absl::UTCTimeZone()));
  // A save of it is what the node's writer takes for its own write.
  chef::NodeUpdate update;
  update.node = "hv1";
  update.rendering = chef::Render(record_, Everything());
  update.stamp.digest = update.rendering.digest;
  const std::string saved = absl::StrCat(R"({"name":"hv1","automatic":)",
                                         snapshot["automatic"].dump(), "}");
  const auto change = chef::PlanChange(saved, update);
  ASSERT_THAT(change, IsOk());
  EXPECT_FALSE(change->document.has_value());
  EXPECT_EQ(snapshot["automatic"]["rehai"]["revision"], 42);
}

TEST_F(SnapshotFileTest, OnlyWhatGoesIntoAutomaticIsInIt) {
  chef::RenderingOptions options = Everything();
  options.ohai_libvirt = false;
  options.places.normal_prefix = {"site"};
  options.places.data_bag = "fleet";
  SnapshotFile file(path_, options, clock_);
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  const json automatic = json::parse(Text())["automatic"];
  EXPECT_EQ(automatic.size(), 2);
  EXPECT_TRUE(automatic.contains("rehai"));
  EXPECT_EQ(automatic["virtualization"].size(), 1);
  EXPECT_TRUE(automatic["virtualization"].contains("kvm"));
}

TEST_F(SnapshotFileTest, IsNotForEverybodyToRead) {
  SnapshotFile file(path_, Everything(), clock_);
  ASSERT_THAT(file.Write(record_), IsOk());
  struct stat found = {};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0640);
}

TEST_F(SnapshotFileTest, IsWrittenOnlyOnAChange) {
  SnapshotFile file(path_, Everything(), clock_);
  ASSERT_THAT(file.Write(record_), IsOk());
  ASSERT_EQ(unlink(path_.c_str()), 0);
  clock_.Advance(absl::Seconds(5));
  SeenNow();
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_EQ(Text(), "");
  record_.mutable_guests(0)->set_name("web02");
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_THAT(Text(), testing::HasSubstr("web02"));
}

TEST_F(SnapshotFileTest, IsWrittenAtMostOnceASecondAndTheLatestIsNotLost) {
  SnapshotFile file(path_, Everything(), clock_);
  ASSERT_THAT(file.Write(record_), IsOk());
  const std::string first = Text();
  clock_.Advance(absl::Milliseconds(300));
  record_.mutable_guests(0)->set_name("web02");
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(absl::Milliseconds(700)));
  EXPECT_EQ(Text(), first);
  record_.mutable_guests(0)->set_name("web03");
  clock_.Advance(absl::Milliseconds(700));
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_THAT(Text(), testing::HasSubstr("web03"));
}

TEST_F(SnapshotFileTest, AChangeThatIsTakenBackNeedsNoWrite) {
  SnapshotFile file(path_, Everything(), clock_);
  ASSERT_THAT(file.Write(record_), IsOk());
  v1::Record changed = record_;
  changed.mutable_guests(0)->set_name("web02");
  EXPECT_THAT(file.Write(changed), IsOkAndHolds(SnapshotFile::kMinInterval));
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
}

TEST_F(SnapshotFileTest, WhatHasNotChangedDoesNotGrowOldWhileItIsSeen) {
  SnapshotFile file(path_, Everything(), clock_);
  ASSERT_THAT(file.Write(record_), IsOk());
  const std::string first = Text();
  clock_.Advance(SnapshotFile::kRefreshInterval);
  // Not seen again: an old sighting stays an old one.
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_EQ(Text(), first);
  SeenNow();
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_NE(Text(), first);
}

TEST_F(SnapshotFileTest, AFileThatCannotBeWrittenIsAnErrorAndTriedAgain) {
  const std::string folder = absl::StrCat(folder_, "/later");
  path_ = absl::StrCat(folder, "/snapshot.json");
  SnapshotFile file(path_, Everything(), clock_);
  EXPECT_THAT(file.Write(record_).status(),
              testing::Not(StatusIs(absl::StatusCode::kOk)));
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(SnapshotFile::kMinInterval));
  clock_.Advance(SnapshotFile::kMinInterval);
  EXPECT_THAT(file.Write(record_), IsOkAndHolds(kNothingToDo));
  EXPECT_NE(Text(), "");
}

}  // namespace
}  // namespace rehai::agent
