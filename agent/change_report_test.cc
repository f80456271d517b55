// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/change_report.h"

#include <gtest/gtest.h>

#include "rehai/v1/model.pb.h"

namespace rehai::agent {
namespace {

TEST(ChangeReportTest, TellsTheOldAndTheNewValueOfEachPath) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_WRITTEN;
  result.differences = {
      {.path = "a.state", .before = "\"running\"", .after = "\"paused\""},
      {.path = "a.title", .before = "", .after = "\"Web\""},
      {.path = "b", .before = "1", .after = ""}};
  EXPECT_EQ(ChangeReport("hv1", result),
            "a.state: \"running\" -> \"paused\"\n"
            "a.title: not there -> \"Web\"\n"
            "b: 1 -> not there\n"
            "node hv1: written, 3 values changed\n");
}

TEST(ChangeReportTest, SaysThatNothingWasToDo) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_UNCHANGED;
  EXPECT_EQ(ChangeReport("hv1", result), "node hv1: unchanged\n");
}

TEST(ChangeReportTest, ADryRunSaysWhatWouldBe) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_WOULD_WRITE;
  result.differences = {{.path = "a", .before = "1", .after = "2"}};
  EXPECT_EQ(ChangeReport("hv1", result),
            "a: 1 -> 2\n"
            "node hv1: would be written, 1 value would change\n");
}

TEST(ChangeReportTest, AGuestsNameCannotCommandTheTerminal) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_WRITTEN;
  result.differences = {
      {.path = "guests.\x1b[2Jweb\nx", .before = "", .after = "\"\x7f\""}};
  EXPECT_EQ(ChangeReport("hv1", result),
            "guests.?[2Jweb?x: not there -> \"?\"\n"
            "node hv1: written, 1 value changed\n");
}

}  // namespace
}  // namespace rehai::agent
