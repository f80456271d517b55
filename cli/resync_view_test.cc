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
  EXPECT_EQ(view.status(), kDone);
  view.Take(FromText(kEnd));
  EXPECT_TRUE(view.ended());
  EXPECT_EQ(view.status(), kHostsFailed);
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

TEST(ResyncViewTest, TheProgressLineTellsRateAndWhatIsLeft) {
  ResyncView view;
  v1::Operation step = FromText(kFirstDone);
  step.mutable_progress()->set_hosts_per_second(2.5);
  step.mutable_progress()->mutable_remaining()->set_seconds(9);
  view.Take(step);
  EXPECT_EQ(view.ProgressLine(absl::FromUnixSeconds(102)),
            "resync 3f: 1/3 hosts, 1 written, 2s, 2.5/s, 9s left");
  step.set_state(v1::OPERATION_STATE_PAUSED);
  view.Take(step);
  EXPECT_EQ(view.ProgressLine(absl::FromUnixSeconds(102)),
            "resync 3f: 1/3 hosts, 1 written, 2s, paused");
}

// The exit status of an operation whose hosts ended so.
ExitStatus StatusWith(const std::vector<v1::HostOutcome>& outcomes) {
  v1::Operation operation;
  for (const v1::HostOutcome outcome : outcomes) {
    v1::HostResult& host = *operation.add_hosts();
    host.set_node(std::to_string(operation.hosts_size()));
    host.set_progress(v1::HOST_PROGRESS_DONE);
    host.set_outcome(outcome);
  }
  ResyncView view;
  view.Take(operation);
  return view.status();
}

TEST(ResyncViewTest, TheExitStatusIsTheGreatestOfItsHosts) {
  EXPECT_EQ(StatusWith({}), kDone);
  EXPECT_EQ(StatusWith({v1::HOST_OUTCOME_IN_PLACE, v1::HOST_OUTCOME_WRITTEN,
                        v1::HOST_OUTCOME_WOULD_READ}),
            kDone);
  EXPECT_EQ(StatusWith({v1::HOST_OUTCOME_IN_PLACE, v1::HOST_OUTCOME_DIFFERENT}),
            kDifferent);
  EXPECT_EQ(StatusWith({v1::HOST_OUTCOME_WOULD_WRITE}), kDifferent);
  EXPECT_EQ(
      StatusWith({v1::HOST_OUTCOME_TIMED_OUT, v1::HOST_OUTCOME_DIFFERENT}),
      kHostsFailed);
  EXPECT_EQ(StatusWith({v1::HOST_OUTCOME_CANCELED, v1::HOST_OUTCOME_NO_AGENT}),
            kCanceled);
}

TEST(ResyncViewTest, AHostThatDiffersSaysWhere) {
  v1::HostResult host;
  host.set_node("hv1");
  host.set_outcome(v1::HOST_OUTCOME_DIFFERENT);
  host.set_differing_paths(3);
  host.add_first_differing_paths("automatic.a");
  host.add_first_differing_paths("automatic.b");
  EXPECT_EQ(HostResultLine(host, /*colours=*/false),
            "hv1: different: automatic.a, automatic.b and 1 more");
}

TEST(ResyncViewTest, OperationsInATable) {
  v1::ResyncListResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        operations {
          id: "rs-2"
          state: OPERATION_STATE_RUNNING
          modes: RESYNC_MODE_REREAD
          modes: RESYNC_MODE_REWRITE
          total: 40
          done: 10
          started_at { seconds: 990 }
          started_by: "ops-1"
          progress {
            outcomes { outcome: HOST_OUTCOME_WRITTEN hosts: 10 }
            remaining { seconds: 30 }
          }
        }
        operations {
          id: "rs-1"
          state: OPERATION_STATE_ENDED
          canceled: true
          modes: RESYNC_MODE_OHAI
          total: 1
          done: 1
          started_at { seconds: 800 }
          ended_at { seconds: 805 }
        }
      )pb",
      &response));
  EXPECT_EQ(
      OperationsTable(response, absl::FromUnixSeconds(1000), false),
      "ID    STATE     MODES           HOSTS  STARTED  TOOK  LEFT  OUTCOMES    "
      "BY\n"
      "rs-2  running   reread+rewrite  10/40      10s   10s   30s  10 written  "
      "ops-1\n"
      "rs-1  canceled  ohai              1/1       3m    5s     -\n");
}

}  // namespace
}  // namespace rehai::cli
