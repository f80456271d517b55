// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/run_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "chef/run_message.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The fields that every message of chef-client's has.
std::string Message(const std::string& type, const std::string& node,
                    const std::string& more = "") {
  return absl::StrCat(R"({"message_type":")", type,
                      R"(","message_version":"1.1.0","entity_uuid":"e",)",
                      R"("id":"r1","run_id":"r1","node_name":")", node,
                      R"(","organization_name":"prod","source":"chef_client",)",
                      R"("start_time":"2026-11-24T14:00:00Z")", more, "}");
}

std::string RunStart(const std::string& node) {
  return Message("run_start", node);
}

std::string RunEnd(const std::string& node) {
  return Message(
      "run_converge", node,
      absl::StrCat(R"(,"end_time":"2026-11-24T14:00:09Z",)",
                   R"("status":"success","run_list":[],)",
                   R"("node":{"name":")", node, R"(","run_list":[]})"));
}

// Told the runs; holds the listener up until it is let go.
class Consumer {
 public:
  RunListener::OnRun Taker() {
    return [this](const chef::RunMessage& run) {
      MutexLock lock(mu_);
      runs_.push_back(run.node);
      news_.NotifyAll();
      while (held_) news_.Wait(mu_);
    };
  }

  void Hold() {
    MutexLock lock(mu_);
    held_ = true;
  }
  void Release() {
    MutexLock lock(mu_);
    held_ = false;
    news_.NotifyAll();
  }
  std::vector<std::string> Await(size_t count) {
    MutexLock lock(mu_);
    while (runs_.size() < count) news_.Wait(mu_);
    return runs_;
  }

 private:
  Mutex mu_;
  CondVar news_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::string> runs_ ABSL_GUARDED_BY(mu_);
};

class RunListenerTest : public testing::Test {
 protected:
  FakeClock clock_;
  Consumer consumer_;
};

TEST_F(RunListenerTest, TellsRunsOnInTheirOrder) {
  RunListener listener({.token = "t"}, consumer_.Taker(), clock_);
  listener.Start();
  listener.Take(RunStart("hv1"));
  listener.Take(RunEnd("hv1"));
  listener.Take(RunStart("hv2"));
  EXPECT_THAT(consumer_.Await(3), ElementsAre("hv1", "hv1", "hv2"));
  listener.Stop();
  EXPECT_EQ(listener.Counts().run_starts, 2);
  EXPECT_EQ(listener.Counts().run_ends, 1);
}

TEST_F(RunListenerTest, WhatIsNotAboutARunIsPassedOverOrMalformed) {
  RunListener listener({.token = "t"}, consumer_.Taker(), clock_);
  listener.Start();
  listener.Take(Message("action", "hv1"));
  listener.Take("{\"message_type\":");
  listener.Take("");
  listener.Take(RunStart("hv1"));
  consumer_.Await(1);
  listener.Stop();
  const RunListenerCounts counts = listener.Counts();
  EXPECT_EQ(counts.received, 4);
  EXPECT_EQ(counts.passed_over, 1);
  EXPECT_EQ(counts.malformed, 2);
  EXPECT_EQ(counts.run_starts, 1);
}

TEST_F(RunListenerTest, AFullQueueLosesItsOldest) {
  consumer_.Hold();
  RunListener listener({.token = "t", .max_messages = 2}, consumer_.Taker(),
                       clock_);
  listener.Start();
  listener.Take(RunStart("under-way"));
  consumer_.Await(1);
  for (const char* node : {"hv1", "hv2", "hv3"}) listener.Take(RunStart(node));
  EXPECT_EQ(listener.Counts().dropped, 1);
  EXPECT_EQ(listener.Counts().queued, 2);
  consumer_.Release();
  EXPECT_THAT(consumer_.Await(3), ElementsAre("under-way", "hv2", "hv3"));
}

TEST_F(RunListenerTest, TheQueueIsBoundedInBytes) {
  RunListener listener({.token = "t", .max_bytes = 1000}, consumer_.Taker(),
                       clock_);
  listener.Take(std::string(600, ' '));
  listener.Take(std::string(400, ' '));
  EXPECT_EQ(listener.Counts().queued_bytes, 1000);
  listener.Take(std::string(1, ' '));
  EXPECT_EQ(listener.Counts().queued_bytes, 401);
  EXPECT_EQ(listener.Counts().dropped, 1);
}

TEST_F(RunListenerTest, KnowsForHowLongTheOldestHasWaited) {
  RunListener listener({.token = "t"}, consumer_.Taker(), clock_);
  EXPECT_EQ(listener.Counts().oldest, absl::ZeroDuration());
  listener.Take(RunStart("hv1"));
  clock_.Advance(absl::Seconds(3));
  listener.Take(RunStart("hv2"));
  EXPECT_EQ(listener.Counts().oldest, absl::Seconds(3));
}

TEST_F(RunListenerTest, StopDoesNotWaitForTheQueue) {
  consumer_.Hold();
  RunListener listener({.token = "t"}, consumer_.Taker(), clock_);
  listener.Start();
  for (int i = 0; i < 100; ++i) listener.Take(RunStart("hv1"));
  consumer_.Await(1);
  consumer_.Release();
  listener.Stop();
  EXPECT_EQ(listener.Counts().received, 100);
}

TEST_F(RunListenerTest, AdmitsItsTokenAndNoOther) {
  RunListener listener({.token = "secret"}, consumer_.Taker(), clock_);
  EXPECT_TRUE(listener.Admits("secret"));
  for (const char* token : {"", "Secret", "secre", "secret ", "secrets"}) {
    EXPECT_FALSE(listener.Admits(token)) << token;
  }
  EXPECT_EQ(listener.Counts().refused, 5);
}

TEST_F(RunListenerTest, AnEmptyTokenAdmitsNobody) {
  RunListener listener({.token = ""}, consumer_.Taker(), clock_);
  EXPECT_FALSE(listener.Admits(""));
}

TEST(ReadTokenFileTest, TakesTheFirstLine) {
  const std::string path = absl::StrCat(testing::TempDir(), "/token");
  ASSERT_THAT(WriteFileAtomically(path, " s3cret \nmore\n", 0600), IsOk());
  EXPECT_THAT(ReadTokenFile(path), IsOkAndHolds("s3cret"));
  ASSERT_THAT(WriteFileAtomically(path, "\ns3cret\n", 0600), IsOk());
  EXPECT_THAT(ReadTokenFile(path),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)));
  EXPECT_THAT(ReadTokenFile("/no/such/token"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

}  // namespace
}  // namespace rehai
