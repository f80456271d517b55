// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/chef_view.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace rehai::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const absl::Time kNow = absl::FromUnixSeconds(20000);

TEST(ChefViewTest, AServerAtWork) {
  const auto status = FromText<v1::ChefStatus>(R"pb(
    server_url: "https://chef.example.com/organizations/prod"
    client_name: "rehai"
    state: SERVER_STATE_UP
    state_since { seconds: 9200 }
    clock_offset { seconds: 1 }
    limits {
      requests_per_second: 50
      request_burst: 100
      bytes_per_second: 5000000
      byte_burst: 20000000
      max_in_flight: 8
      server_share: 0.5
    }
    in_flight: 3
    concurrency: 6
    latency { nanos: 20123456 }
    best_latency { nanos: 5000000 }
    held_back_seconds { key: "share" value: 12.5 }
    held_back_seconds { key: "requests" value: 0.5 }
    requests: 700
    bytes_sent: 47185920
    bytes_received: 2048
    lanes { lane: LANE_USER begun: 4 }
    lanes {
      lane: LANE_LIVE
      waiting: 7
      oldest { seconds: 3 }
      begun: 311
    }
    outcomes { outcome: WRITE_OUTCOME_WRITTEN count: 300 }
    outcomes { outcome: WRITE_OUTCOME_FORBIDDEN count: 0 }
    outcomes { outcome: WRITE_OUTCOME_CLOBBERED_AND_REPAIRED count: 12 }
    outcomes { outcome: WRITE_OUTCOME_LOST_RACE count: 1 }
    causes { cause: WRITE_CAUSE_CHANGE puts: 299 }
    causes { cause: WRITE_CAUSE_RUN_ENDED puts: 14 }
    overwriters { overwriter: OVERWRITER_CHEF_CLIENT count: 12 }
    sweep {
      method: SWEEP_METHOD_SEARCH
      ended_at { seconds: 19970 }
      next_at { seconds: 20030 }
      nodes: 300
      doubtful: 2
      sweeps: 9
      searches: 9
    }
    runs {
      in_flight: 1
      started: 20
      succeeded: 17
      failed: 2
      rolled_back: 4
      restored: 4
    }
    dirty: 10
    parked: 1
  )pb");
  EXPECT_EQ(
      ChefStatusPage(status, kNow, /*colours=*/false),
      "Server:       https://chef.example.com/organizations/prod\n"
      "Client:       rehai\n"
      "State:        up for 3h\n"
      "Clock:        as ours\n"
      "Latency:      20.1ms, 5ms at its best\n"
      "Nodes:        10 not up to date, 1 of these parked\n"
      "Under way:    3 of 6 as its answers allow, 8 at most\n"
      "Requests:     700, 45.0 MiB sent, 2.0 KiB received\n"
      "Sweep:        by search, last 30s ago: 300 nodes, 2 in doubt; next in "
      "30s\n"
      "Runs:         1 under way; 20 begun, 17 succeeded, 2 failed\n"
      "Rolled back:  4 saves of chef-client's, 4 put back\n"
      "\n"
      "LIMIT        ALLOWS                            HELD BACK\n"
      "requests     50 a second, burst 100                500ms\n"
      "bytes        4.8 MiB a second, burst 19.1 MiB          -\n"
      "share        50 % of the server's time               12s\n"
      "concurrency  6 nodes at once                           -\n"
      "server       as it asks, and its outages               -\n"
      "\n"
      "LANE  WAITING  OLDEST  BEGUN\n"
      "user        0       -      4\n"
      "live        7      3s    311\n"
      "\n"
      "OUTCOME                   WRITES\n"
      "written                      300\n"
      "overwritten and repaired      12\n"
      "lost a race                    1\n"
      "\n"
      "SENT FOR               NODES\n"
      "change                   299\n"
      "chef-client run ended     14\n"
      "\n"
      "OVERWRITTEN BY  TIMES\n"
      "chef-client        12\n");
}

TEST(ChefViewTest, AServerThatIsDownSaysWhyAndTheLimitThatBindsStandsOut) {
  const auto status = FromText<v1::ChefStatus>(R"pb(
    state: SERVER_STATE_REFUSING
    error: "clock: 16m behind the server's; set it"
    clock_offset { seconds: 960 }
    not_before { seconds: 20007 }
    held_back_seconds { key: "server" value: 300 }
    held_back_seconds { key: "bytes" value: 3 }
  )pb");
  const std::string page = ChefStatusPage(status, kNow, /*colours=*/true);
  EXPECT_THAT(page, AllOf(HasSubstr("\033[31mrefusing us\033[0m"),
                          HasSubstr("clock: 16m behind the server's"),
                          HasSubstr("16m ahead of ours"), HasSubstr("in 7s"),
                          HasSubstr("\033[33m5m\033[0m")));
  EXPECT_THAT(page, Not(HasSubstr("\033[33m3s")));
}

TEST(ChefViewTest, WhatNeverHappenedIsLeftOut) {
  const std::string page =
      ChefStatusPage(v1::ChefStatus(), kNow, /*colours=*/false);
  EXPECT_THAT(page,
              AllOf(HasSubstr("State:      not asked yet\n"),
                    Not(HasSubstr("OUTCOME")), Not(HasSubstr("Runs:")),
                    Not(HasSubstr("Rolled back")), Not(HasSubstr("SENT FOR"))));
}

TEST(ChefViewTest, ALimitThatIsNewIsShown) {
  const auto status =
      FromText<v1::ChefStatus>("held_back_seconds { key: 'moon' value: 1 }");
  EXPECT_THAT(ChefStatusPage(status, kNow, false), HasSubstr("\nmoon "));
}

TEST(ChefViewTest, WhatANodeWeighs) {
  const auto cost = FromText<v1::ChefCostResponse>(R"pb(
    node: "hv1.example.com"
    node_bytes: 88120
    max_node_bytes: 1000000
    our_bytes: 9000
    paths { path: "automatic" bytes: 88000 }
    paths { path: "automatic.packages" bytes: 60000 }
    paths { path: "automatic.virtualization.kvm" bytes: 8000 ours: true }
    causes { cause: WRITE_CAUSE_CHANGE puts: 3 }
    causes { cause: WRITE_CAUSE_REPAIR puts: 0 }
  )pb");
  EXPECT_EQ(ChefCostPage(cost, /*colours=*/false),
            "Host:           hv1.example.com\n"
            "Node:           88120 bytes, 8.8 % of at most 1000000\n"
            "Kept by Rehai:  9000 bytes, 10.2 %\n"
            "\n"
            "PATH                          BYTES   SHARE  KEPT BY REHAI\n"
            "automatic                     88000  99.9 %\n"
            "automatic.packages            60000  68.1 %\n"
            "automatic.virtualization.kvm   8000   9.1 %  yes\n"
            "\n"
            "SENT FOR  NODES\n"
            "change        3\n");
}

TEST(ChefViewTest, LimitsByTheNamesThatSetThem) {
  const auto limits = FromText<v1::ChefLimits>(R"pb(
    requests_per_second: 12.5
    request_burst: 100
    bytes_per_second: 5000000
    byte_burst: 20000000
    max_in_flight: 8
    server_share: 0.5
  )pb");
  EXPECT_EQ(ChefLimitsTable(limits, /*colours=*/false),
            "LIMIT                   VALUE\n"
            "requests_per_second      12.5\n"
            "request_burst             100\n"
            "bytes_per_second      5000000\n"
            "byte_burst           20000000\n"
            "max_in_flight               8\n"
            "server_share              0.5\n");
}

TEST(ChefViewTest, AHostInARace) {
  const auto sync = FromText<v1::SyncStatus>(R"pb(
    state: SYNC_STATE_PENDING
    written_at { seconds: 19820 }
    verified_at { seconds: 19990 }
    last_outcome: WRITE_OUTCOME_LOST_RACE
    last_error: "node hv1: somebody wrote at the same moment"
    next_try_at { seconds: 20002 }
    overwrites: 3
    last_overwriter: OVERWRITER_CHEF_CLIENT
    last_overwrite_at { seconds: 19700 }
    restored_saves: 1
    run_started_at { seconds: 19980 }
  )pb");
  EXPECT_EQ(SyncDetails(sync, kNow, /*colours=*/false),
            "Written:      3m ago\n"
            "Verified:     10s ago\n"
            "Last write:   lost a race\n"
            "Error:        node hv1: somebody wrote at the same moment\n"
            "Next try:     in 2s\n"
            "Overwritten:  3 times, last 5m ago by chef-client\n"
            "Put back:     1 save of chef-client's\n"
            "Run:          chef-client has been running for 20s\n");
}

TEST(ChefViewTest, AQuietHostHasLittleToTell) {
  EXPECT_EQ(SyncDetails(v1::SyncStatus(), kNow, /*colours=*/false), "");
}

}  // namespace
}  // namespace rehai::cli
