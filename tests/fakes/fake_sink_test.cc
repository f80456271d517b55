// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/fake_clock.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class FakeSinkTest : public testing::Test {
 protected:
  static chef::NodeUpdate Update(const std::string& node,
                                 const std::string& digest) {
    chef::NodeUpdate update;
    update.node = node;
    update.rendering.digest = digest;
    return update;
  }

  void Write(const std::string& node, const std::string& digest) {
    sink_.Write(Update(node, digest), [this](chef::WriteResult result) {
      results_.push_back(result);
      outcomes_.push_back(result.outcome);
    });
  }

  FakeClock clock_;
  FakeSink sink_{clock_};
  std::vector<chef::WriteResult> results_;
  std::vector<v1::WriteOutcome> outcomes_;
};

TEST_F(FakeSinkTest, HoldsWhatIsWritten) {
  Write("hv1", "a");
  Write("hv1", "a");
  Write("hv1", "b");
  EXPECT_THAT(outcomes_, ElementsAre(v1::WRITE_OUTCOME_WRITTEN,
                                     v1::WRITE_OUTCOME_UNCHANGED,
                                     v1::WRITE_OUTCOME_WRITTEN));
  EXPECT_EQ(sink_.digest("hv1"), "b");
  EXPECT_EQ(results_[0].finished_at, clock_.Now());
}

TEST_F(FakeSinkTest, AClobberedNodeIsWrittenAgain) {
  Write("hv1", "a");
  sink_.Clobber("hv1");
  EXPECT_EQ(sink_.digest("hv1"), "");
  Write("hv1", "a");
  EXPECT_EQ(outcomes_[1], v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(FakeSinkTest, WhatOhaiFoundIsWrittenOnceAndNotIfTheNodeIsNewer) {
  chef::NodeUpdate update = Update("hv1", "a");
  update.ohai = {{{"automatic", "os"}, "\"linux\""}};
  update.ohai_time = "1000";
  const auto write = [&] {
    sink_.Write(update, [this](chef::WriteResult result) {
      results_.push_back(result);
      outcomes_.push_back(result.outcome);
    });
  };
  Write("hv1", "a");
  write();
  write();
  EXPECT_THAT(outcomes_,
              ElementsAre(v1::WRITE_OUTCOME_WRITTEN, v1::WRITE_OUTCOME_WRITTEN,
                          v1::WRITE_OUTCOME_UNCHANGED));
  EXPECT_THAT(sink_.ohai("hv1"), ElementsAre(Pair("os", "\"linux\"")));
  EXPECT_FALSE(results_[1].ohai_outdated);
  update.ohai_time = "999";
  update.ohai[0].json = "\"beos\"";
  write();
  EXPECT_TRUE(results_[3].ohai_outdated);
  EXPECT_THAT(sink_.ohai("hv1"), ElementsAre(Pair("os", "\"linux\"")));
}

TEST_F(FakeSinkTest, KnowsWhoSavedOverWhatItConfirmed) {
  Write("hv1", "a");
  sink_.Clobber("hv1");
  chef::NodeUpdate update = Update("hv1", "a");
  update.confirmed = results_[0].confirmed;
  sink_.Write(update, [this](chef::WriteResult result) {
    results_.push_back(std::move(result));
  });
  EXPECT_EQ(results_[1].outcome, v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
  EXPECT_EQ(results_[1].overwriter, v1::OVERWRITER_CHEF_CLIENT);
  EXPECT_EQ(results_[1].found.digest, "");
  EXPECT_EQ(results_[1].confirmed.digest, "a");
  EXPECT_NE(results_[1].confirmed.ohai_time, results_[0].confirmed.ohai_time);
}

TEST_F(FakeSinkTest, ASearchFindsTheNodesWithADigest) {
  Write("hv1", "a");
  Write("hv2", "a");
  Write("hv3", "a");
  sink_.Clobber("hv2");
  sink_.HideFromSearch("hv3");
  const auto search = [this] {
    absl::StatusOr<chef::NodeSearch::Answer> found;
    sink_.Search(1001, [&](auto answer) { found = std::move(answer); });
    return found;
  };
  const auto found = search();
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->nodes.size(), 1u);
  EXPECT_EQ(found->nodes[0].node, "hv1");
  EXPECT_EQ(found->nodes[0].marks.digest, "a");
  EXPECT_EQ(found->searches, 2);

  sink_.SetSearch(absl::UnavailableError("off"));
  EXPECT_THAT(search(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(sink_.search_count(), 2u);
  EXPECT_EQ(sink_.search_requests(), 3);
  EXPECT_EQ(sink_.searched_for(), 1001);
}

TEST_F(FakeSinkTest, ReadsTheDocumentThatWasSet) {
  const auto read = [this] {
    absl::StatusOr<std::string> document;
    sink_.Read("hv1", [&](auto answer) { document = std::move(answer); });
    return document;
  };
  EXPECT_THAT(read(), StatusIs(absl::StatusCode::kNotFound));
  sink_.SetDocument("hv1", "{}");
  EXPECT_THAT(read(), IsOkAndHolds("{}"));
}

TEST_F(FakeSinkTest, ScriptsEndTheNodesNextWritesInOrder) {
  sink_.Script("hv1", v1::WRITE_OUTCOME_RETRY);
  sink_.Script("hv1", v1::WRITE_OUTCOME_FORBIDDEN);
  Write("hv2", "a");
  Write("hv1", "a");
  Write("hv1", "a");
  Write("hv1", "a");
  EXPECT_THAT(
      outcomes_,
      ElementsAre(v1::WRITE_OUTCOME_WRITTEN, v1::WRITE_OUTCOME_RETRY,
                  v1::WRITE_OUTCOME_FORBIDDEN, v1::WRITE_OUTCOME_WRITTEN));
  EXPECT_THAT(results_[1].status, StatusIs(absl::StatusCode::kUnknown));
}

TEST_F(FakeSinkTest, AFailedWriteLeavesTheNode) {
  Write("hv1", "a");
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  Write("hv1", "b");
  EXPECT_EQ(sink_.digest("hv1"), "a");
}

TEST_F(FakeSinkTest, HeldWritesEndWhenReleased) {
  sink_.Hold();
  Write("hv1", "a");
  Write("hv1", "b");
  Write("hv2", "a");
  EXPECT_THAT(outcomes_, IsEmpty());
  EXPECT_EQ(sink_.in_flight(), 3);
  sink_.Release();
  EXPECT_EQ(outcomes_.size(), 3u);
  EXPECT_EQ(sink_.in_flight(), 0);
  EXPECT_EQ(sink_.max_in_flight(), 3);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 2);
}

TEST_F(FakeSinkTest, RecordsUpdatesByNode) {
  Write("hv1", "a");
  Write("hv2", "b");
  EXPECT_EQ(sink_.write_count(), 2u);
  EXPECT_EQ(sink_.updates().size(), 2u);
  ASSERT_EQ(sink_.updates("hv2").size(), 1u);
  EXPECT_EQ(sink_.updates("hv2")[0].rendering.digest, "b");
}

TEST_F(FakeSinkTest, AnswersDiffWithWhatWasSet) {
  sink_.SetDifferences({{"automatic.rehai", "1", "2"}});
  std::string path;
  sink_.Diff(Update("hv1", "a"), [&](auto differences) {
    ASSERT_THAT(differences, IsOk());
    path = differences->at(0).path;
  });
  EXPECT_EQ(path, "automatic.rehai");
  EXPECT_THAT(sink_.updates(), IsEmpty());
}

TEST_F(FakeSinkTest, WaitsForWritesOfOtherThreads) {
  std::thread writer([this] { Write("hv1", "a"); });
  sink_.WaitForWrites(1);
  EXPECT_EQ(sink_.updates().size(), 1u);
  writer.join();
}

}  // namespace
}  // namespace rehai
