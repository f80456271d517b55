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
    push {
      sessions: 200
      opened_sessions: 230
      refused_sessions { key: "rate" value: 9 }
      ended_sessions { key: "silent" value: 30 }
      reports: 5000
      full_reports: 260
      full_demanded: 2
      report_to_record {
        bounds: 0.01
        cumulative_counts: 4900
        count: 5000
        sum_seconds: 20.5
      }
      ohai_runs: 12
      failed_ohai_runs: 1
      certificates_issued: 210
      enrolments_refused: 3
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
          {"rehai_source_connections{state=\"agent\"}", 0},
          {"rehai_source_connections{state=\"no_uri\"}", 0},
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
          {"rehai_agent_sessions", 200},
          {"rehai_agent_opened_sessions_total", 230},
          {"rehai_agent_refused_sessions_total{reason=\"rate\"}", 9},
          {"rehai_agent_refused_sessions_total{reason=\"identity\"}", 0},
          {"rehai_agent_refused_sessions_total{reason=\"unknown_host\"}", 0},
          {"rehai_agent_refused_sessions_total{reason=\"full\"}", 0},
          {"rehai_agent_refused_sessions_total{reason=\"flapping\"}", 0},
          {"rehai_agent_refused_sessions_total{reason=\"protocol\"}", 0},
          {"rehai_agent_ended_sessions_total{reason=\"silent\"}", 30},
          {"rehai_agent_ended_sessions_total{reason=\"closed\"}", 0},
          {"rehai_agent_ended_sessions_total{reason=\"superseded\"}", 0},
          {"rehai_agent_ended_sessions_total{reason=\"protocol\"}", 0},
          {"rehai_agent_ended_sessions_total{reason=\"departed\"}", 0},
          {"rehai_agent_ended_sessions_total{reason=\"stopping\"}", 0},
          {"rehai_agent_reports_total", 5000},
          {"rehai_agent_full_reports_total", 260},
          {"rehai_agent_full_demanded_total", 2},
          {"rehai_agent_report_to_record_seconds_bucket{le=\"0.01\"}", 4900},
          {"rehai_agent_report_to_record_seconds_count", 5000},
          {"rehai_agent_report_to_record_seconds_sum", 20.5},
          {"rehai_agent_ohai_runs_total", 12},
          {"rehai_agent_failed_ohai_runs_total", 1},
          {"rehai_agent_certificates_issued_total", 210},
          {"rehai_agent_enrolments_refused_total", 3},
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

TEST(SourceMetricsTest, AgentsAreToldOfWhereTheyAreListenedTo) {
  EXPECT_THAT(PageOf(v1::SourceStatus()).names,
              Not(Contains("rehai_agent_sessions")));
  v1::SourceStatus source;
  source.mutable_push();
  EXPECT_THAT(
      PageOf(source).samples,
      Contains(Pair("rehai_agent_refused_sessions_total{reason=\"full\"}", 0)));
}

TEST(SourceMetricsTest, EveryMetricIsInTheDocumentation) {
  ExpectDocumented(PageOf(Full()));
}

}  // namespace
}  // namespace rehai
