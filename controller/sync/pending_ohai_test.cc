// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/pending_ohai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsNull;

const HostId kHost{"hv1"};
const HostId kOther{"hv2"};

PendingOhai::Run RunOf(size_t bytes) {
  OhaiRun run;
  run.output.subtrees = {{{"automatic", "cpu"}, std::string(bytes, '1')}};
  return std::make_shared<const OhaiRun>(std::move(run));
}

class PendingOhaiTest : public testing::Test {
 protected:
  RewriteDone Tell(const std::string& name) {
    return [this, name](const auto&) { told_.push_back(name); };
  }
  // Keeps it, and tells whom it supersedes.
  bool Keep(const HostId& host, PendingOhai::Run run, const std::string& name) {
    RewriteDone done = Tell(name);
    if (!pending_.Keep(host, std::move(run), done)) return false;
    if (done != nullptr) done(absl::AbortedError(""));
    return true;
  }
  void Tried(const HostId& host, const PendingOhai::Run& run, bool again) {
    RewriteDone done = pending_.OnTried(host, run, again);
    if (done != nullptr) done(chef::WriteResult());
  }

  PendingOhai pending_{/*max_bytes=*/100};
  std::vector<std::string> told_;
};

TEST_F(PendingOhaiTest, KeptUntilATryNeedsNoOther) {
  const auto run = RunOf(10);
  ASSERT_TRUE(Keep(kHost, run, "a"));
  EXPECT_EQ(pending_.Find(kHost), run);
  EXPECT_THAT(pending_.Find(kOther), IsNull());
  Tried(kHost, run, /*again=*/true);
  EXPECT_THAT(told_, ElementsAre("a"));
  EXPECT_EQ(pending_.Find(kHost), run);
  Tried(kHost, run, /*again=*/false);
  EXPECT_THAT(told_, ElementsAre("a")) << "of the later try nobody hears";
  EXPECT_THAT(pending_.Find(kHost), IsNull());
  EXPECT_EQ(pending_.bytes(), 0u);
}

TEST_F(PendingOhaiTest, ANewerRunTakesThePlaceAndTheOldersCallerIsLeft) {
  ASSERT_TRUE(Keep(kHost, RunOf(10), "older"));
  const auto newer = RunOf(20);
  ASSERT_TRUE(Keep(kHost, newer, "newer"));
  EXPECT_THAT(told_, ElementsAre("older"));
  EXPECT_EQ(pending_.Find(kHost), newer);
  EXPECT_EQ(pending_.bytes(), 20u);
}

TEST_F(PendingOhaiTest, TheEndOfAnOlderRunsTryIsNotThatOfTheNewer) {
  const auto older = RunOf(10);
  const auto newer = RunOf(10);
  ASSERT_TRUE(Keep(kHost, older, "older"));
  ASSERT_TRUE(Keep(kHost, newer, "newer"));
  Tried(kHost, older, /*again=*/false);
  Tried(kHost, nullptr, /*again=*/false);
  EXPECT_THAT(told_, ElementsAre("older"));
  EXPECT_EQ(pending_.Find(kHost), newer);
  Tried(kHost, newer, /*again=*/false);
  EXPECT_THAT(told_, ElementsAre("older", "newer"));
}

TEST_F(PendingOhaiTest, SoManyBytesAndNoMore) {
  ASSERT_TRUE(Keep(kHost, RunOf(60), "a"));
  EXPECT_FALSE(Keep(kOther, RunOf(41), "b"));
  EXPECT_THAT(pending_.Find(kOther), IsNull());
  EXPECT_THAT(told_, IsEmpty());
  ASSERT_TRUE(Keep(kOther, RunOf(40), "b"));
  // What it takes the place of makes room.
  EXPECT_TRUE(Keep(kHost, RunOf(60), "c"));
  EXPECT_EQ(pending_.bytes(), 100u);
}

TEST_F(PendingOhaiTest, ClearTellsWhoStillWaits) {
  const auto tried = RunOf(10);
  ASSERT_TRUE(Keep(kHost, tried, "a"));
  ASSERT_TRUE(Keep(kOther, RunOf(10), "b"));
  Tried(kHost, tried, /*again=*/true);
  for (auto& [host, done] : pending_.Clear()) {
    done(absl::CancelledError(host.node));
  }
  EXPECT_THAT(told_, ElementsAre("a", "b"));
  EXPECT_THAT(pending_.Find(kHost), IsNull());
  EXPECT_EQ(pending_.bytes(), 0u);
}

}  // namespace
}  // namespace rehai
