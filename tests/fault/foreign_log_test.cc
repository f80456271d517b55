// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/foreign_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

using Who = ForeignLog::Who;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string NodeWith(const std::string& run_list, int ours = 0) {
  return absl::StrCat(R"({"name":"hv1","run_list":[")", run_list,
                      R"("],"automatic":{"rehai":{"n":)", ours, "}}}");
}

absl::Time At(int seconds) { return absl::FromUnixSeconds(1000 + seconds); }

class ForeignLogTest : public testing::Test {
 protected:
  void Put(const std::string& run_list, int begin, int end) {
    ASSERT_THAT(
        log_.Put(Who::kPerson, "hv1", NodeWith(run_list), At(begin), At(end)),
        IsOk());
  }
  void Written(const std::string& run_list, int begin, int end) {
    ASSERT_THAT(
        log_.Written("hv1", NodeWith(run_list, end), At(begin), At(end)),
        IsOk());
  }

  ForeignLog log_;
};

TEST_F(ForeignLogTest, WritesThatChangeOnlyOursAreFine) {
  Put("a", 0, 1);
  Written("a", 2, 3);
  Put("b", 4, 5);
  Written("b", 6, 7);
  const ForeignLog::Judgement judgement = log_.Judge();
  EXPECT_THAT(judgement.made_up, IsEmpty());
  EXPECT_EQ(judgement.rolled_back, 0);
}

TEST_F(ForeignLogTest, AWriteOfWhatNobodyPutIsMadeUp) {
  Put("a", 0, 1);
  Written("c", 2, 3);
  Put("c", 4, 5);
  EXPECT_THAT(log_.Judge().made_up, ElementsAre(HasSubstr("hv1")))
      << "not even if somebody puts it later";
}

TEST_F(ForeignLogTest, AWriteOfAnOlderPartIsARollback) {
  Put("a", 0, 1);
  Put("b", 2, 3);
  Written("a", 4, 5);
  EXPECT_EQ(log_.Judge().rolled_back, 1);
  EXPECT_THAT(log_.Judge().made_up, IsEmpty());
}

TEST_F(ForeignLogTest, AWriteOfWhatWasJustBeingPutIsNone) {
  Put("a", 0, 1);
  Put("b", 2, 6);
  Written("b", 4, 5);
  EXPECT_EQ(log_.Judge().rolled_back, 0);
  EXPECT_THAT(log_.Judge().made_up, IsEmpty());
}

TEST_F(ForeignLogTest, ARollbackCountsOnceHoweverLongItStands) {
  Put("a", 0, 1);
  Put("b", 2, 3);
  Written("a", 4, 5);
  Written("a", 6, 7);
  EXPECT_EQ(log_.Judge().rolled_back, 1);
}

// Of another's attributes beside a run list that was put later.
TEST_F(ForeignLogTest, OnlyWhatAChefClientSavedIsPutBackBesideAnotherRunList) {
  const std::string saved =
      R"({"name":"hv1","run_list":["a"],"automatic":{"ohai_time":1.5}})";
  const std::string put_back =
      R"({"name":"hv1","run_list":["b"],"automatic":{"ohai_time":1.5}})";
  for (const Who who : {Who::kChefClient, Who::kPerson}) {
    ForeignLog log;
    ASSERT_THAT(log.Put(who, "hv1", saved, At(0), At(1)), IsOk());
    ASSERT_THAT(log.Put(Who::kPerson, "hv1", NodeWith("b"), At(2), At(3)),
                IsOk());
    ASSERT_THAT(log.Written("hv1", put_back, At(4), At(5)), IsOk());
    EXPECT_EQ(log.Judge().made_up.empty(), who == Who::kChefClient);
  }
}

TEST_F(ForeignLogTest, WhatIsNoNodeIsAnError) {
  EXPECT_THAT(log_.Put(Who::kPerson, "hv1", "{", At(0), At(1)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::fault
