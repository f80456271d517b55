// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/resync_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"

namespace rehai::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Operation FromText(const char* text) {
  v1::Operation operation;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &operation));
  return operation;
}

constexpr char kBegin[] = R"pb(
  id: "3f"
  started_at { seconds: 100 }
  total: 3
  hosts { node: "hv1" progress: HOST_PROGRESS_READING }
  hosts { node: "hv2" progress: HOST_PROGRESS_WAITING }
  hosts { node: "hv3" progress: HOST_PROGRESS_WAITING }
)pb";
constexpr char kFirstDone[] = R"pb(
  id: "3f"
  started_at { seconds: 100 }
  total: 3
  done: 1
  hosts {
    node: "hv1"
    progress: HOST_PROGRESS_DONE
    outcome: HOST_OUTCOME_WRITTEN
  }
)pb";
constexpr char kEnd[] = R"pb(
  id: "3f"
  started_at { seconds: 100 }
  ended_at { seconds: 104 }
  total: 3
  done: 3
  hosts {
    node: "hv2"
    progress: HOST_PROGRESS_DONE
    outcome: HOST_OUTCOME_UNREACHABLE
    error: "no route to host"
  }
  hosts {
    node: "hv3"
    progress: HOST_PROGRESS_DONE
    outcome: HOST_OUTCOME_UNCHANGED
  }
)pb";

std::vector<std::string> Nodes(const std::vector<v1::HostResult>& hosts) {
  std::vector<std::string> nodes;
  for (const v1::HostResult& host : hosts) nodes.push_back(host.node());
  return nodes;
}

TEST(ResyncViewTest, TellsEachHostsEndOnce) {
  ResyncView view;
  EXPECT_THAT(Nodes(view.Take(FromText(kBegin))), IsEmpty());
  EXPECT_THAT(Nodes(view.Take(FromText(kFirstDone))), ElementsAre("hv1"));
  EXPECT_THAT(Nodes(view.Take(FromText(kFirstDone))), IsEmpty());
  EXPECT_THAT(Nodes(view.Take(FromText(kEnd))), ElementsAre("hv2", "hv3"));
}

TEST(ResyncViewTest, PutsTheStepsTogether) {
  ResyncView view;
  view.Take(FromText(kBegin));
  view.Take(FromText(kFirstDone));
  EXPECT_FALSE(view.ended());
  EXPECT_FALSE(view.Failed());
  view.Take(FromText(kEnd));
  EXPECT_TRUE(view.ended());
  EXPECT_TRUE(view.Failed());
  const v1::Operation whole = view.Whole();
  EXPECT_EQ(whole.hosts_size(), 3);
  EXPECT_EQ(whole.hosts(0).outcome(), v1::HOST_OUTCOME_WRITTEN);
  EXPECT_EQ(whole.done(), 3);
}

TEST(ResyncViewTest, TheProgressLineCounts) {
  ResyncView view;
  view.Take(FromText(kBegin));
  EXPECT_EQ(view.ProgressLine(absl::FromUnixSeconds(101)),
            "resync 3f: 0/3 hosts, 1s");
  view.Take(FromText(kFirstDone));
  EXPECT_EQ(view.ProgressLine(absl::FromUnixSeconds(102)),
            "resync 3f: 1/3 hosts, 1 written, 2s");
}

TEST(ResyncViewTest, TheSummaryIsByOutcomeWithEachFailure) {
  ResyncView view;
  for (const char* step : {kBegin, kFirstDone, kEnd}) view.Take(FromText(step));
  EXPECT_EQ(view.Summary(/*colours=*/false),
            "resync 3f: 3 hosts in 4s\n"
            "  1 written\n"
            "  1 unchanged\n"
            "  1 unreachable\n"
            "    hv2: unreachable: no route to host\n");
}

TEST(ResyncViewTest, TheSummaryOfOneThatRunsSaysSo) {
  ResyncView view;
  view.Take(FromText(kBegin));
  EXPECT_EQ(view.Summary(false), "resync 3f: 3 hosts, 0 done, still running\n");
}

}  // namespace
}  // namespace rehai::cli
