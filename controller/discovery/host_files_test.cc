// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/host_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "controller/discovery/hosts_folder_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Time kNow = absl::FromUnixSeconds(1795527759);

class HostFilesTest : public testing::Test {
 protected:
  std::string Path(const std::string& file) const { return folder_ / file; }

  static std::vector<std::string> NodesOf(const HostFiles& files) {
    std::vector<std::string> nodes;
    for (const Provider& provider : files.providers()) {
      for (const FoundHost& host : provider.hosts) {
        nodes.push_back(host.host.node);
      }
    }
    return nodes;
  }
  static std::string ErrorOf(const HostFiles& files) {
    std::string errors;
    for (const Provider& provider : files.providers()) {
      errors += provider.error;
    }
    return errors;
  }

  const HostsFolder folder_;
  HostFiles files_{{Path("*.yaml"), Path("extra")}};
};

TEST_F(HostFilesTest, EachFileThatMatchesIsAProvider) {
  folder_.WriteHosts("b.yaml", {"hv1", "hv2"});
  folder_.WriteHosts("a.yaml", {"hv3"});
  folder_.WriteHosts("extra", {"hv4"});
  folder_.WriteHosts("c.yaml~", {"no"});
  folder_.WriteHosts(".d.yaml", {"no"});
  EXPECT_TRUE(files_.Look(kNow));
  const std::vector<Provider> providers = files_.providers();
  ASSERT_THAT(providers, SizeIs(3));
  EXPECT_EQ(providers[0].name, Path("a.yaml"));
  EXPECT_EQ(providers[1].hosts[0].found_by, Path("b.yaml"));
  EXPECT_EQ(providers[1].good_at, kNow);
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv3", "hv1", "hv2", "hv4"));
  EXPECT_THAT(ErrorOf(files_), IsEmpty());
  EXPECT_THAT(files_.folders(), ElementsAre(folder_.path()));
}

TEST_F(HostFilesTest, WhatIsNewOrDifferentIsBelievedAtOnce) {
  folder_.WriteHosts("extra", {"hv1"});
  files_.Look(kNow);
  folder_.WriteHosts("extra", {"hv1", "hv2"});
  folder_.WriteHosts("new.yaml", {"hv3"});
  EXPECT_TRUE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1", "hv2", "hv3"));
}

TEST_F(HostFilesTest, AShorterFileIsBelievedWhenItIsSeenTwice) {
  folder_.WriteHosts("extra", {"hv1", "hv2", "hv3"});
  files_.Look(kNow);
  folder_.WriteHosts("extra", {"hv1"});
  EXPECT_FALSE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), SizeIs(3));
  // Still being written: not the same as before.
  folder_.WriteHosts("extra", {"hv1", "hv2"});
  EXPECT_FALSE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), SizeIs(3));
  EXPECT_TRUE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1", "hv2"));
}

TEST_F(HostFilesTest, AFileThatIsMovedAwayAndWrittenAnewLosesNothing) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  files_.Look(kNow);
  fs::rename(Path("a.yaml"), Path("a.yaml~"));
  EXPECT_FALSE(files_.Look(kNow));
  folder_.WriteHosts("a.yaml", {"hv1"});
  EXPECT_TRUE(files_.Look(kNow));
  // The doubt is over: once more it takes two looks.
  fs::remove(Path("a.yaml"));
  EXPECT_FALSE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1"));
}

TEST_F(HostFilesTest, AFileThatVanishedTakesItsHostsAlong) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  folder_.WriteHosts("extra", {"hv2"});
  files_.Look(kNow);
  fs::remove(Path("a.yaml"));
  fs::remove(Path("extra"));
  EXPECT_FALSE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), SizeIs(2));
  EXPECT_TRUE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), IsEmpty());
  // Of a pattern it is forgotten; one that is named by itself is missing.
  ASSERT_THAT(files_.providers(), SizeIs(1));
  EXPECT_THAT(ErrorOf(files_),
              HasSubstr(absl::StrCat(Path("extra"), ": does not exist")));
}

TEST_F(HostFilesTest, ABadFileKeepsItsHostsAndSaysWhyUntilItIsGood) {
  folder_.WriteHosts("extra", {"hv1", "hv2"});
  files_.Look(kNow);
  folder_.Write("extra", "hosts:\n  - {node: hv1}\n");
  EXPECT_TRUE(files_.Look(kNow + absl::Seconds(1)));
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1", "hv2"));
  EXPECT_THAT(ErrorOf(files_),
              HasSubstr(absl::StrCat(Path("extra"), ": hosts[0]: uri")));
  EXPECT_EQ(files_.providers()[0].good_at, kNow);
  folder_.Write("extra", "");
  files_.Look(kNow);
  files_.Look(kNow);
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1", "hv2"));
  folder_.WriteHosts("extra", {"hv1", "hv2"});
  files_.Look(kNow + absl::Seconds(2));
  EXPECT_THAT(ErrorOf(files_), IsEmpty());
  EXPECT_EQ(files_.providers()[0].good_at, kNow + absl::Seconds(2));
}

TEST_F(HostFilesTest, WhatCannotBeReadKeepsItsHosts) {
  // A folder instead of a file: unreadable to everybody, root too.
  folder_.WriteHosts("a.yaml", {"hv1"});
  files_.Look(kNow);
  fs::remove(Path("a.yaml"));
  fs::create_directory(Path("a.yaml"));
  for (int look = 0; look < 3; ++look) EXPECT_TRUE(files_.Look(kNow));
  EXPECT_THAT(NodesOf(files_), ElementsAre("hv1"));
  EXPECT_THAT(ErrorOf(files_), HasSubstr("a.yaml: cannot read"));
}

TEST_F(HostFilesTest, AFolderThatIsNotThereTakesNobodyAway) {
  fs::create_directory(Path("d"));
  folder_.WriteHosts("d/a.yaml", {"hv1"});
  folder_.WriteHosts("d/b", {"hv2"});
  HostFiles files({Path("d/*.yaml"), Path("d/b")});
  files.Look(kNow);
  fs::rename(Path("d"), Path("e"));
  for (int look = 0; look < 3; ++look) EXPECT_TRUE(files.Look(kNow));
  EXPECT_THAT(NodesOf(files), ElementsAre("hv1", "hv2"));
  EXPECT_THAT(ErrorOf(files), AllOf(HasSubstr("/d: cannot read the folder"),
                                    HasSubstr("keep their hosts")));
  fs::rename(Path("e"), Path("d"));
  files.Look(kNow);
  EXPECT_THAT(ErrorOf(files), IsEmpty());
}

TEST_F(HostFilesTest, TwoLooksWithAnUnreadableFolderBetweenThemAreNotTwice) {
  fs::create_directory(Path("d"));
  folder_.WriteHosts("d/b", {"hv2"});
  HostFiles files({Path("d/b")});
  files.Look(kNow);
  fs::remove(Path("d/b"));
  EXPECT_FALSE(files.Look(kNow));
  fs::rename(Path("d"), Path("e"));
  EXPECT_TRUE(files.Look(kNow));
  fs::rename(Path("e"), Path("d"));
  EXPECT_FALSE(files.Look(kNow));
  EXPECT_THAT(NodesOf(files), ElementsAre("hv2"));
  EXPECT_TRUE(files.Look(kNow));
  EXPECT_THAT(NodesOf(files), IsEmpty());
}

TEST_F(HostFilesTest, ACheckTellsEveryProblemOfEveryFile) {
  folder_.Write("a.yaml", "hosts: 1");
  folder_.Write("b.yaml", "hosts:\n- {node: a b, uri: x}\n");
  folder_.WriteHosts("c.yaml", {"hv1"});
  EXPECT_THAT(CheckHostFiles({Path("*.yaml"), Path("none"), Path("nowhere/*")}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.yaml:1: hosts: is"),
                             HasSubstr("b.yaml: hosts[0]: \"a b\""),
                             HasSubstr("b.yaml: hosts[0]: uri"),
                             HasSubstr("none: does not exist"),
                             HasSubstr("nowhere: cannot read the folder"),
                             Not(HasSubstr("c.yaml")))));
  EXPECT_THAT(CheckHostFiles({Path("c.yaml"), Path("*.txt")}), IsOk());
}

TEST_F(HostFilesTest, WildcardsMayStandInTheFilesNameAlone) {
  for (const char* const good : {"/a/b.yaml", "/a/*.yaml", "/a/[ab]?", "c"}) {
    EXPECT_THAT(CheckFilePattern(good), IsOk()) << good;
  }
  for (const char* const bad : {"", "/a/", "/*/b.yaml", "/a?/*.yaml"}) {
    EXPECT_THAT(
        CheckFilePattern(bad),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("write")))
        << bad;
  }
}

}  // namespace
}  // namespace rehai
