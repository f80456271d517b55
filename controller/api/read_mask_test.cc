// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/read_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

google::protobuf::FieldMask Paths(std::initializer_list<const char*> paths) {
  google::protobuf::FieldMask mask;
  for (const char* path : paths) mask.add_paths(path);
  return mask;
}

absl::StatusOr<ReadMask> Compile(std::initializer_list<const char*> paths) {
  return ReadMask::Compile(Paths(paths), *v1::LocatedGuest::descriptor());
}

v1::Guest SomeGuest() {
  v1::Guest guest;
  guest.set_name("web");
  guest.set_vcpus(4);
  guest.add_disks()->set_source("/a");
  guest.mutable_security()->set_model("selinux");
  guest.mutable_security()->set_label("l");
  return guest;
}

TEST(ReadMaskTest, NothingNamedIsEverything) {
  for (const auto& mask :
       {Compile({}), Compile({"*"}), Compile({"node", "*"}), Compile({"guest"}),
        Compile({"guest", "guest.name"})}) {
    ASSERT_THAT(mask, IsOk());
    EXPECT_TRUE(mask->Has("guest"));
    v1::Guest guest;
    mask->Copy("guest", SomeGuest(), guest);
    EXPECT_THAT(guest, EqualsProto(SomeGuest()));
  }
}

TEST(ReadMaskTest, CopiesWhatIsNamedAndNoMore) {
  const auto mask =
      Compile({"guest.name", "guest.disks", "guest.security.label", "node"});
  ASSERT_THAT(mask, IsOk());
  EXPECT_TRUE(mask->Has("guest"));
  EXPECT_TRUE(mask->Has("node"));
  EXPECT_FALSE(mask->Has("presence"));
  v1::Guest guest;
  mask->Copy("guest", SomeGuest(), guest);
  v1::Guest expected = SomeGuest();
  expected.clear_vcpus();
  expected.mutable_security()->clear_model();
  EXPECT_THAT(guest, EqualsProto(expected));

  v1::Provenance none;
  mask->Copy("provenance", v1::Provenance(), none);
  EXPECT_THAT(none, EqualsProto(v1::Provenance()));
}

TEST(ReadMaskTest, APathThatIsNotThereIsNamed) {
  for (const auto& [path, error] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"gest",
            "read_mask: gest is no path of rehai.v1.LocatedGuest; did "
            "you mean guest?"},
           {"guest.nmae", "guest.nmae"},
           {"guest.disks.source", "guest.disks.source"},
           {"guest.name.x", "guest.name.x"},
           {"", "read_mask: "},
           {".", "read_mask: ."}}) {
    EXPECT_THAT(Compile({"node", path}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(error)))
        << path;
  }
  google::protobuf::FieldMask many;
  for (int i = 0; i < 101; ++i) many.add_paths("node");
  EXPECT_THAT(ReadMask::Compile(many, *v1::LocatedGuest::descriptor()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai
