// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/server_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ServerUrlTest, SplitsOriginAndOrganisation) {
  const auto url =
      ParseServerUrl("https://chef.example.com:8443//organizations/prod/");
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(url->origin, "https://chef.example.com:8443");
  EXPECT_EQ(url->prefix, "/organizations/prod");
}

TEST(ServerUrlTest, WithoutAPathThePrefixIsEmpty) {
  for (const char* const text : {"https://chef", "https://chef/"}) {
    const auto url = ParseServerUrl(text);
    ASSERT_THAT(url, IsOk());
    EXPECT_EQ(url->ToString(), "https://chef");
  }
}

TEST(ServerUrlTest, PlainHttpIsForThisMachineOnly) {
  EXPECT_THAT(ParseServerUrl("http://127.0.0.1:4545"), IsOk());
  EXPECT_THAT(ParseServerUrl("http://localhost:4545"), IsOk());
  EXPECT_THAT(ParseServerUrl("http://[::1]:4545"), IsOk());
  for (const char* const elsewhere :
       {"http://chef.example.com", "http://127.evil.example.com",
        "http://10.0.0.1", "http://[fd00::1]"}) {
    EXPECT_THAT(ParseServerUrl(elsewhere),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("plain http to another machine")))
        << elsewhere;
  }
}

TEST(ServerUrlTest, RefusesWhatIsNoServerAndSaysWhatToWrite) {
  for (const char* const text :
       {"", "chef.example.com", "ftp://chef/", "https://chef/?x=1",
        "https://chef/#x", "https://chef/organizations/a%20b",
        "https://chef/../x y"}) {
    EXPECT_THAT(ParseServerUrl(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("https://SERVER/organizations/")))
        << text;
  }
}

TEST(ServerUrlTest, APasswordIsRefusedAndNotRepeated) {
  EXPECT_THAT(ParseServerUrl("https://me:hunter2@chef.example.com"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("password"), HasSubstr("example.com"),
                             Not(HasSubstr("hunter2")))));
}

TEST(ServerUrlTest, APasswordIsNotRepeatedWhateverElseIsWrong) {
  for (const char* const url :
       {"https://me:hunter2@chef.example.com:99999", "me:hunter2@chef",
        "ftp://me:hunter2@chef.example.com", "https://me:hunter2@[::"}) {
    EXPECT_THAT(
        ParseServerUrl(url),
        StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))))
        << url;
  }
}

TEST(ServerUrlTest, AHostIsANameOrAnAddressAndNothingToDecode) {
  for (const char* const taken :
       {"https://chef_1.Example.com.", "https://xn--chf-bma.example.com",
        "https://10.0.0.1:8443", "https://[fd00::1]:8443"}) {
    const auto url = ParseServerUrl(taken);
    ASSERT_THAT(url, IsOk());
    EXPECT_EQ(url->ToString(), taken);
  }
  for (const char* const refused : {"https://chef%252A", "https://a|b",
                                    "https://ch\xC3\xA9"
                                    "f",
                                    "https://[fe80::1%25eth0]"}) {
    EXPECT_THAT(ParseServerUrl(refused),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("https://SERVER/organizations/")))
        << refused;
  }
}

TEST(ServerUrlTest, WhatIsBehindAZeroByteIsNotPassedOver) {
  EXPECT_THAT(ParseServerUrl(absl::string_view("https://chef\0.evil", 18)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ServerUrlTest, PlainPathsNeedNoEncoding) {
  EXPECT_TRUE(IsPlainPath("/nodes/hv1.example.com"));
  EXPECT_TRUE(IsPlainPath("/nodes/a_b:c-D9"));
  EXPECT_FALSE(IsPlainPath("nodes/a"));
  EXPECT_FALSE(IsPlainPath(""));
  EXPECT_FALSE(IsPlainPath("/nodes/a b"));
  EXPECT_FALSE(IsPlainPath("/nodes/%30"));
  EXPECT_FALSE(IsPlainPath("/nodes/a?b"));
  EXPECT_FALSE(IsPlainPath("/nodes/\xC3\xBC"));
  EXPECT_FALSE(IsPlainPath("/nodes/.."));
  EXPECT_FALSE(IsPlainPath("/nodes/./a"));
}

}  // namespace
}  // namespace rehai::chef
