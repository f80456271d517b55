// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/source_metrics.h"

#include <map>
#include <string>

#include "controller/api/metrics_fixture.h"

namespace rehai {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::Pair;

Page PageOf(const v1::SourceStatus& source) {
  MetricPage page;
  AddSource(source, page);
  return Page(page.Text());
}

// One of everything.
v1::SourceStatus Full() {
  return FromText<v1::SourceStatus>(R"pb(
    pull {
      connections { state: CONNECTION_STATE_UP count: 297 }
      connections { state: CONNECTION_STATE_QUARANTINED count: 2 }
      dials: 320
      failed_dials { key: "timeout" value: 18 }
      failed_dials { key: "from_the_future" value: 1 }
      lost_connections: 4
      reads: 9000
      failed_reads: 7
      overdue_reads: 1
      events: 40000
      missed_events: 3
      event_to_record {
        bounds: [ 0.01, 0.1 ]
        cumulative_counts: [ 30000, 39000 ]
        count: 40000
        sum_seconds: 512.5
      }
      dial_time { bounds: 1 cumulative_counts: 300 count: 301 sum_seconds: 75 }
      read_time {
        bounds: 0.5
        cumulative_counts: 9000
        count: 9000
        sum_seconds: 42
      }
      waiting: 6
      oldest_due { nanos: 250000000 }
    }
    discovery {
      providers {
        name: "config"
        hosts: 10
        good_at { seconds: 1500 }
      }
      providers { name: "/etc/rehai/hosts.yaml" hosts: 290 error: "line 3" }
      hosts: 300
      held: [ "hv8", "hv9" ]
      claimed_twice: "hv7"
    }
  )pb");
}

TEST(SourceMetricsTest, TellsEverythingInTheStatus) {
  ExpectExactly(
      PageOf(Full()),
      {
          {"rehai_source_connections{state=\"up\"}", 297},
          {"rehai_source_connections{state=\"quarantined\"}", 2},
          {"rehai_source_connections{state=\"dialing\"}", 0},
          {"rehai_source_connections{state=\"waiting\"}", 0},
          {"rehai_source_connections{state=\"departed\"}", 0},
          {"rehai_source_dials_total", 320},
          {"rehai_source_failed_dials_total{reason=\"timeout\"}", 18},
          {"rehai_source_failed_dials_total{reason=\"from_the_future\"}", 1},
          {"rehai_source_failed_dials_total{reason=\"unreachable\"}", 0},
          {"rehai_source_failed_dials_total{reason=\"refused\"}", 0},
          {"rehai_source_failed_dials_total{reason=\"bad_uri\"}", 0},
          {"rehai_source_lost_connections_total", 4},
          {"rehai_source_dial_seconds_bucket{le=\"1\"}", 300},
          {"rehai_source_dial_seconds_bucket{le=\"+Inf\"}", 301},
          {"rehai_source_dial_seconds_count", 301},
          {"rehai_source_dial_seconds_sum", 75},
          {"rehai_source_reads_total", 9000},
          {"rehai_source_failed_reads_total", 7},
          {"rehai_source_overdue_reads", 1},
          {"rehai_source_read_seconds_bucket{le=\"0.5\"}", 9000},
          {"rehai_source_read_seconds_sum", 42},
          {"rehai_source_waiting_hosts", 6},
          {"rehai_source_oldest_due_seconds", 0.25},
          {"rehai_source_events_total", 40000},
          {"rehai_source_missed_events_total", 3},
          {"rehai_source_event_to_record_seconds_bucket{le=\"0.01\"}", 30000},
          {"rehai_source_event_to_record_seconds_bucket{le=\"0.1\"}", 39000},
          {"rehai_source_event_to_record_seconds_bucket{le=\"+Inf\"}", 40000},
          {"rehai_source_event_to_record_seconds_count", 40000},
          {"rehai_source_event_to_record_seconds_sum", 512.5},
          {"rehai_discovery_hosts", 300},
          {"rehai_discovery_held_hosts", 2},
          {"rehai_discovery_claimed_twice", 1},
          {"rehai_discovery_provider_hosts{provider=\"config\"}", 10},
          {"rehai_discovery_provider_good{provider=\"config\"}", 1},
          {"rehai_discovery_provider_good{provider=\"/etc/rehai/hosts.yaml\"}",
           0},
          {"rehai_discovery_provider_good_timestamp_seconds{provider="
           "\"config\"}",
           1500},
      });
}

TEST(SourceMetricsTest, EveryMetricHasItsHelpAndATypeThatFitsItsName) {
  ExpectHelpsAndTypes(PageOf(Full()));
}

TEST(SourceMetricsTest, WhatIsCountedBeginsWithZero) {
  const Page page = PageOf(v1::SourceStatus());
  for (const char* series :
       {"rehai_source_connections{state=\"quarantined\"}",
        "rehai_source_failed_dials_total{reason=\"timeout\"}",
        "rehai_source_missed_events_total", "rehai_source_dial_seconds_count",
        "rehai_discovery_held_hosts"}) {
    EXPECT_THAT(page.samples, Contains(Pair(series, 0)));
  }
  EXPECT_THAT(page.names, Not(Contains("rehai_discovery_provider_good")));
}

TEST(SourceMetricsTest, EveryMetricIsInTheDocumentation) {
  ExpectDocumented(PageOf(Full()));
}

}  // namespace
}  // namespace rehai
