// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/metrics.h"

#include <map>
#include <memory>
#include <string>

#include "base/fake_clock.h"
#include "controller/api/metrics_fixture.h"
#include "controller/api/process_figures.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Gt;
using ::testing::Not;
using ::testing::Pair;

// One of everything.
MetricsSnapshot Full() {
  MetricsSnapshot snapshot;
  snapshot.started_at = absl::FromUnixSeconds(1000);
  snapshot.resyncs.operations[v1::OPERATION_STATE_PAUSED] = 2;
  snapshot.resyncs.hosts[v1::HOST_OUTCOME_WRITTEN] = 7;
  snapshot.visibility = {
      .waiting = 3, .answered = 30, .expired = 4, .refused = 1};
  snapshot.calls = {.under_way = 12,
                    .streams = 5,
                    .over_limit = 6,
                    .unauthenticated = 7,
                    .not_permitted = 8};
  snapshot.reloads = {.taken = 3, .refused = 1};
  snapshot.certificates = {{"api", absl::FromUnixSeconds(9000)}};
  snapshot.findings[v1::FINDING_TYPE_DUPLICATE_MAC] = 2;
  snapshot.state.emplace();
  snapshot.state->waiting = 3;
  snapshot.state->oldest = absl::Seconds(2);
  snapshot.state->commits = 40;
  snapshot.state->bytes = 4096;
  snapshot.chef = FromText<v1::ChefStatus>(R"pb(
    server_url: "https://chef.example.com/organizations/prod"
    client_name: "rehai"
    state: SERVER_STATE_DOWN
    state_since { seconds: 1500 }
    error: "down"
    clock_offset { seconds: -2 nanos: -500000000 }
    limits {
      requests_per_second: 50
      request_burst: 100
      bytes_per_second: 5000000
      byte_burst: 20000000
      max_in_flight: 8
      server_share: 0.5
    }
    in_flight: 3
    concurrency: 4
    latency { nanos: 20000000 }
    best_latency { nanos: 5000000 }
    not_before { seconds: 1600 }
    held_back_seconds { key: "share" value: 12.5 }
    requests: 700
    bytes_sent: 123456789012
    bytes_received: 42
    lanes {
      lane: LANE_LIVE
      waiting: 7
      oldest { seconds: 3 nanos: 250000000 }
      begun: 11
    }
    outcomes { outcome: WRITE_OUTCOME_WRITTEN count: 5 }
    outcomes { outcome: WRITE_OUTCOME_CLOBBERED_AND_REPAIRED count: 2 }
    causes { cause: WRITE_CAUSE_RUN_ENDED puts: 6 }
    overwriters { overwriter: OVERWRITER_CHEF_CLIENT count: 8 }
    sweep {
      method: SWEEP_METHOD_SEARCH
      ended_at { seconds: 1490 }
      next_at { seconds: 1550 }
      nodes: 300
      doubtful: 2
      sweeps: 9
      searches: 10
    }
    runs {
      in_flight: 1
      started: 20
      succeeded: 17
      failed: 2
      rolled_back: 4
      restored: 3
    }
    dirty: 12
    parked: 1
  )pb");
  snapshot.runs = RunListenerCounts();
  snapshot.runs->received = 40;
  snapshot.runs->run_ends = 19;
  snapshot.runs->refused = 5;
  snapshot.runs->queued = 1;
  snapshot.runs->queued_bytes = 90000;
  snapshot.runs->oldest = absl::Milliseconds(1500);
  snapshot.fleet.hosts = {{v1::PRESENCE_CURRENT, 299}, {v1::PRESENCE_STALE, 1}};
  snapshot.fleet.guests = {{v1::GUEST_STATE_RUNNING, 4000},
                           {v1::GUEST_STATE_UNSPECIFIED, 2}};
  snapshot.fleet.missing_guests = 14;
  snapshot.fleet.conditions = {{"Unreachable", 1}, {"FromTheFuture", 3}};
  snapshot.fleet.oldest_confirmed_at = absl::FromUnixSeconds(1400);
  snapshot.process = {.cpu_time = absl::Milliseconds(2500),
                      .resident_bytes = 50'000'000,
                      .open_files = 320};
  return snapshot;
}

TEST(MetricsTest, TellsEverythingInTheStatus) {
  const Page page(MetricsText(Full()));
  const std::map<std::string, double> expected = {
      {"rehai_chef_info{server_url=\"https://chef.example.com/organizations/"
       "prod\",client_name=\"rehai\"}",
       1},
      {"rehai_chef_server_state{state=\"up\"}", 0},
      {"rehai_chef_server_state{state=\"down\"}", 1},
      {"rehai_chef_server_state{state=\"refusing\"}", 0},
      {"rehai_resync_operations{state=\"paused\"}", 2},
      {"rehai_resync_operations{state=\"running\"}", 0},
      {"rehai_resync_hosts_total{outcome=\"written\"}", 7},
      {"rehai_resync_hosts_total{outcome=\"timed_out\"}", 0},
      {"rehai_config_reloads_total{outcome=\"taken\"}", 3},
      {"rehai_config_reloads_total{outcome=\"refused\"}", 1},
      {"rehai_tls_certificate_expiry_timestamp_seconds{server=\"api\"}", 9000},
      {"rehai_state_healthy", 1},
      {"rehai_state_began_anew", 0},
      {"rehai_state_waiting_entries", 3},
      {"rehai_state_oldest_waiting_seconds", 2},
      {"rehai_state_size_bytes", 4096},
      {"rehai_state_commits_total", 40},
      {"rehai_state_dropped_total", 0},
      {"rehai_host_conditions{type=\"BeforeRestart\"}", 0},
      {"rehai_chef_server_state_since_timestamp_seconds", 1500},
      {"rehai_chef_clock_offset_seconds", -2.5},
      {"rehai_chef_latency_seconds", 0.02},
      {"rehai_chef_best_latency_seconds", 0.005},
      {"rehai_chef_not_before_timestamp_seconds", 1600},
      {"rehai_chef_limit_requests_per_second", 50},
      {"rehai_chef_limit_request_burst", 100},
      {"rehai_chef_limit_bytes_per_second", 5000000},
      {"rehai_chef_limit_burst_bytes", 20000000},
      {"rehai_chef_limit_nodes_in_flight", 8},
      {"rehai_chef_limit_server_share_ratio", 0.5},
      {"rehai_chef_nodes_in_flight", 3},
      {"rehai_chef_concurrency_nodes", 4},
      {"rehai_chef_held_back_seconds_total{limit=\"share\"}", 12.5},
      {"rehai_chef_held_back_seconds_total{limit=\"requests\"}", 0},
      {"rehai_chef_waiting_hosts{lane=\"live\"}", 7},
      {"rehai_chef_waiting_hosts{lane=\"user\"}", 0},
      {"rehai_chef_oldest_waiting_seconds{lane=\"live\"}", 3.25},
      {"rehai_chef_writes_begun_total{lane=\"live\"}", 11},
      {"rehai_chef_writes_total{outcome=\"written\"}", 5},
      {"rehai_chef_writes_total{outcome=\"clobbered_and_repaired\"}", 2},
      {"rehai_chef_writes_total{outcome=\"lost_race\"}", 0},
      {"rehai_chef_puts_total{cause=\"run_ended\"}", 6},
      {"rehai_chef_overwrites_total{overwriter=\"chef_client\"}", 8},
      {"rehai_chef_overwrites_total{overwriter=\"rollback\"}", 0},
      {"rehai_chef_requests_total", 700},
      {"rehai_chef_sent_bytes_total", 123456789012},
      {"rehai_chef_received_bytes_total", 42},
      {"rehai_chef_sweep_method{method=\"search\"}", 1},
      {"rehai_chef_sweep_method{method=\"get\"}", 0},
      {"rehai_chef_sweep_ended_timestamp_seconds", 1490},
      {"rehai_chef_sweep_next_timestamp_seconds", 1550},
      {"rehai_chef_sweep_nodes", 300},
      {"rehai_chef_sweep_doubtful_nodes", 2},
      {"rehai_chef_sweeps_total", 9},
      {"rehai_chef_searches_total", 10},
      {"rehai_chef_runs_in_flight", 1},
      {"rehai_chef_runs_started_total", 20},
      {"rehai_chef_runs_ended_total{result=\"succeeded\"}", 17},
      {"rehai_chef_runs_ended_total{result=\"failed\"}", 2},
      {"rehai_chef_saves_rolled_back_total", 4},
      {"rehai_chef_saves_restored_total", 3},
      {"rehai_chef_dirty_hosts", 12},
      {"rehai_chef_parked_hosts", 1},
      {"rehai_run_messages_received_total", 40},
      {"rehai_run_messages_total{result=\"run_end\"}", 19},
      {"rehai_run_messages_total{result=\"refused\"}", 5},
      {"rehai_run_messages_total{result=\"dropped\"}", 0},
      {"rehai_run_messages_queued", 1},
      {"rehai_run_messages_queued_bytes", 90000},
      {"rehai_run_messages_oldest_seconds", 1.5},
      {"rehai_hosts{presence=\"current\"}", 299},
      {"rehai_hosts{presence=\"stale\"}", 1},
      {"rehai_hosts{presence=\"unknown\"}", 0},
      {"rehai_guests{state=\"running\"}", 4000},
      {"rehai_guests{state=\"no_state\"}", 2},
      {"rehai_guests{state=\"pm_suspended\"}", 0},
      {"rehai_missing_guests", 14},
      {"rehai_host_conditions{type=\"Unreachable\"}", 1},
      {"rehai_host_conditions{type=\"FromTheFuture\"}", 3},
      {"rehai_host_conditions{type=\"MassDisappearance\"}", 0},
      {"rehai_host_conditions{type=\"LeftDiscovery\"}", 0},
      {"rehai_host_conditions{type=\"DuplicateHostUuid\"}", 0},
      {"rehai_host_conditions{type=\"HostUuidChanged\"}", 0},
      {"rehai_host_conditions{type=\"NodeClaimedTwice\"}", 0},
      {"rehai_oldest_host_confirmed_timestamp_seconds", 1400},
      {"rehai_visibility_waits", 3},
      {"rehai_visibility_waits_total{end=\"answered\"}", 30},
      {"rehai_visibility_waits_total{end=\"expired\"}", 4},
      {"rehai_visibility_waits_total{end=\"refused\"}", 1},
      {"rehai_api_calls", 12},
      {"rehai_api_streams", 5},
      {"rehai_api_refused_calls_total{why=\"limit\"}", 6},
      {"rehai_api_refused_calls_total{why=\"unauthenticated\"}", 7},
      {"rehai_api_refused_calls_total{why=\"permission\"}", 8},
      {"rehai_findings{type=\"duplicate_mac\"}", 2},
      {"rehai_findings{type=\"guest_active_twice\"}", 0},
      {"rehai_findings{type=\"duplicate_name\"}", 0},
      {"rehai_findings{type=\"node_without_host\"}", 0},
      {"rehai_findings{type=\"host_not_in_chef\"}", 0},
      {"rehai_findings{type=\"host_silent\"}", 0},
      {"process_start_time_seconds", 1000},
      {"process_cpu_seconds_total", 2.5},
      {"process_resident_memory_bytes", 50000000},
      {"process_open_fds", 320},
  };
  ExpectExactly(page, expected);
}

TEST(MetricsTest, EveryMetricHasItsHelpAndATypeThatFitsItsName) {
  ExpectHelpsAndTypes(Page(MetricsText(Full())));
}

TEST(MetricsTest, WhatIsNotKnownHasNoSample) {
  const Page page(
      MetricsText(MetricsSnapshot{.started_at = absl::FromUnixSeconds(1),
                                  .chef = {},
                                  .runs = {},
                                  .source = {},
                                  .fleet = {},
                                  .process = {}}));
  for (const char* name :
       {"rehai_chef_clock_offset_seconds", "rehai_chef_latency_seconds",
        "rehai_chef_not_before_timestamp_seconds",
        "rehai_chef_sweep_ended_timestamp_seconds",
        "rehai_oldest_host_confirmed_timestamp_seconds",
        "rehai_run_messages_queued", "rehai_source_dials_total"}) {
    EXPECT_THAT(page.names, Not(Contains(name)));
  }
  // But what is counted begins with 0.
  EXPECT_THAT(page.samples,
              Contains(Pair("rehai_chef_writes_total{outcome=\"retry\"}", 0)));
  EXPECT_THAT(
      page.samples,
      Contains(Pair("rehai_host_conditions{type=\"DuplicateHostUuid\"}", 0)));
}

TEST(MetricsTest, EveryMetricIsInTheDocumentation) {
  ExpectDocumented(Page(MetricsText(Full())));
}

TEST(MetricsTest, CountsTheFleet) {
  FakeClock clock;
  Inventory inventory(clock);
  inventory.AddHost({"never-seen"}, {});
  inventory.AddHost({"hv1"}, {});
  const auto observation = FromText<v1::Observation>(R"pb(
    node: "hv1"
    session: 1
    sequence: 1
    full: true
    provenance { observed_at { seconds: 1795527759 } }
    facts { hostname: "hv1" }
    guests {
      uuid: "00000000-0000-4000-8000-000000000001"
      name: "a"
      state: GUEST_STATE_RUNNING
    }
    guests {
      uuid: "00000000-0000-4000-8000-000000000002"
      name: "b"
      state: GUEST_STATE_SHUT_OFF
    }
  )pb");
  ASSERT_THAT(inventory.Observe(observation), IsOk());
  v1::Condition unreachable;
  unreachable.set_type("Unreachable");
  ASSERT_THAT(inventory.SetPresence({"hv1"}, v1::PRESENCE_STALE, unreachable),
              IsOk());

  const FleetCounts counts = CountFleet(*inventory.View());
  EXPECT_EQ(counts.hosts.at(v1::PRESENCE_NEVER_SEEN), 1);
  EXPECT_EQ(counts.hosts.at(v1::PRESENCE_STALE), 1);
  EXPECT_EQ(counts.guests.at(v1::GUEST_STATE_RUNNING), 1);
  EXPECT_EQ(counts.guests.at(v1::GUEST_STATE_SHUT_OFF), 1);
  EXPECT_EQ(counts.conditions.at("Unreachable"), 1);
  EXPECT_EQ(counts.missing_guests, 0);
  EXPECT_EQ(counts.oldest_confirmed_at, absl::FromUnixSeconds(1795527759));
}

TEST(MetricsTest, CountsMissingGuests) {
  v1::Record record;
  record.add_missing_uuids("u1");
  record.add_missing_uuids("u2");
  FleetView view;
  view.records.push_back(std::make_shared<v1::Record>(record));
  view.records.push_back(std::make_shared<v1::Record>(record));
  EXPECT_EQ(CountFleet(view).missing_guests, 4);
}

TEST(ProcessFiguresTest, AProcessUsesSomething) {
  const ProcessFigures figures = ReadProcessFigures();
  EXPECT_GT(figures.resident_bytes, 100'000);
  EXPECT_THAT(figures.open_files, AllOf(Gt(2), testing::Lt(10'000)));
}

}  // namespace
}  // namespace rehai
