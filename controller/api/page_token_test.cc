// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/page_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

v1::HostSelector Labels(std::initializer_list<const char*> keys) {
  v1::HostSelector selector;
  for (const char* key : keys) (*selector.mutable_labels())[key] = "x";
  return selector;
}

TEST(PageTokenTest, GivesTheKeyBackUnderTheSameFilter) {
  const std::string key("web01\0uuid \xff", 12);
  const std::string token = MakePageToken(key, Labels({"a", "b", "c"}));
  EXPECT_THAT(ReadPageToken(token, Labels({"c", "b", "a"})), IsOkAndHolds(key));
}

TEST(PageTokenTest, AnEmptyTokenAsksForTheFirstPage) {
  EXPECT_THAT(ReadPageToken("", Labels({"a"})), IsOkAndHolds(""));
}

TEST(PageTokenTest, RefusesAnotherFilter) {
  const std::string token = MakePageToken("web01", Labels({"a"}));
  EXPECT_THAT(ReadPageToken(token, Labels({"b"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("another filter")));
}

TEST(PageTokenTest, RefusesADamagedToken) {
  for (const char* token : {"?", "abc", "AAAA", "!!!!!!!!!!!!!!!!!!!!!!!!"}) {
    EXPECT_THAT(
        ReadPageToken(token, Labels({})),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("damaged")))
        << token;
  }
}

TEST(PageTokenTest, TokensSurviveARestart) {
  // Made by an earlier process.
  EXPECT_THAT(ReadPageToken(MakePageToken("hv7", v1::HostSelector()),
                            v1::HostSelector()),
              IsOkAndHolds("hv7"));
  EXPECT_EQ(MakePageToken("hv7", v1::HostSelector()),
            "Y2JmMjljZTQ4NDIyMjMyNWh2Nw");
}

TEST(PageSizeTest, IsBounded) {
  EXPECT_THAT(ReadPageSize(0), IsOkAndHolds(100));
  EXPECT_THAT(ReadPageSize(1), IsOkAndHolds(1));
  EXPECT_THAT(ReadPageSize(1000), IsOkAndHolds(1000));
  EXPECT_THAT(ReadPageSize(-1), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadPageSize(1001), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai
