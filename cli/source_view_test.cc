// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/source_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(SourceViewTest, AStatusOnAPage) {
  const auto status = FromText<v1::SourceStatus>(R"pb(
    pull {
      connections { state: CONNECTION_STATE_UP count: 297 }
      connections { state: CONNECTION_STATE_WAITING count: 0 }
      connections { state: CONNECTION_STATE_QUARANTINED count: 2 }
      dials: 320
      failed_dials { key: "timeout" value: 17 }
      failed_dials { key: "bad_uri" value: 0 }
      failed_dials { key: "refused" value: 1 }
      lost_connections: 4
      reads: 9000
      failed_reads: 7
      overdue_reads: 1
      events: 40000
      missed_events: 3
      event_to_record {
        bounds: [ 0.01, 0.1 ]
        cumulative_counts: [ 50, 98 ]
        count: 100
      }
      read_time { bounds: 0.5 cumulative_counts: 10 count: 10 }
      waiting: 6
      oldest_due { nanos: 250000000 }
    }
    discovery {
      providers {
        name: "config"
        hosts: 10
        good_at { seconds: 988 }
      }
      providers { name: "hosts.yaml" error: "line 3: no node; give one" }
      hosts: 300
      held: [ "a", "b", "c", "d", "e", "f", "g" ]
      held_since { seconds: 700 }
      claimed_twice: "hv7"
    }
  )pb");
  EXPECT_EQ(
      SourceStatusPage(status, kNow, /*colours=*/false),
      "Connections:    299: 297 up, 2 quarantined\n"
      "Dials:          320, 18 failed (1 refused, 17 timeout); 4 connections "
      "lost\n"
      "Reads:          9000, 7 failed\n"
      "Overdue:        1 read under way\n"
      "Waiting:        6 hosts for a worker, the oldest for 250ms\n"
      "Events:         40000 heard, 3 missed\n"
      "Fleet:          300 hosts\n"
      "Held:           7 hosts not found any more, for 5m: a, b, c, d, e and 2 "
      "more; see rehaictl source confirm-discovery\n"
      "Claimed twice:  hv7\n"
      "\n"
      "TIME               P50      P99  COUNT\n"
      "event to record   10ms  > 100ms    100\n"
      "dial                 -        -      0\n"
      "read             250ms    495ms     10\n"
      "\n"
      "FOUND BY    HOSTS  GOOD  ERROR\n"
      "config         10   12s\n"
      "hosts.yaml      0     -  line 3: no node; give one\n");
}

TEST(SourceViewTest, AgentsOnTheStatusPage) {
  const auto status = FromText<v1::SourceStatus>(R"pb(
    push {
      sessions: 200
      opened_sessions: 230
      refused_sessions { key: "rate" value: 9 }
      ended_sessions { key: "silent" value: 28 }
      ended_sessions { key: "closed" value: 2 }
      reports: 5000
      full_reports: 260
      full_demanded: 2
      report_to_record { bounds: 0.01 cumulative_counts: 10 count: 10 }
      ohai_runs: 12
      failed_ohai_runs: 1
      certificates_issued: 210
      enrolments_refused: 3
    }
  )pb");
  const std::string page = SourceStatusPage(status, kNow, /*colours=*/false);
  EXPECT_THAT(page, HasSubstr("Agents:        200 connected; 230 sessions, 30 "
                              "ended (2 closed, 28 silent), 9 refused (9 "
                              "rate)\n"
                              "Reports:       5000, 260 full, 2 not taken in\n"
                              "Ohai:          12 runs, 1 failed\n"
                              "Certificates:  210 issued, 3 refused\n"));
  EXPECT_THAT(page, HasSubstr("report to record  5ms"));
}

TEST(SourceViewTest, WhatNeverHappenedIsLeftOut) {
  const std::string page =
      SourceStatusPage(v1::SourceStatus(), kNow, /*colours=*/false);
  EXPECT_THAT(page, HasSubstr("Connections:  none\n"));
  for (const char* line : {"Agents", "report to record", "Overdue", "Waiting",
                           "Held", "Claimed", "FOUND"}) {
    EXPECT_THAT(page, Not(HasSubstr(line)));
  }
}

TEST(SourceViewTest, ConnectionsInATable) {
  const auto connections = FromText<v1::ListConnectionsResponse>(R"pb(
    connections {
      node: "hv1.example.com"
      state: CONNECTION_STATE_UP
      since { seconds: 400 }
      last_error: "long ago"
      read_time { nanos: 12300000 }
    }
    connections {
      node: "hv2"
      state: CONNECTION_STATE_QUARANTINED
      since { seconds: 100 }
      failures: 9
      last_error: "host hv2: no route to host; is it switched on, and is its address right?"
      next_dial_at { seconds: 1090 }
    }
    connections {
      node: "hv3"
      state: CONNECTION_STATE_WAITING
      failures: 1
      last_error: "host hv3: refused"
      next_dial_at { seconds: 1000 }
    }
  )pb");
  EXPECT_EQ(
      ConnectionsTable(connections, kNow, /*colours=*/false),
      "HOST             STATE        SINCE  FAILURES  NEXT DIAL    READ  "
      "ERROR\n"
      "hv1.example.com  up             10m         0          -  12.3ms\n"
      "hv2              quarantined    15m         9     in 90s       -  host "
      "hv2: no route to host; is it switched on, and is its address right?\n"
      "hv3              waiting          -         1        now       -  host "
      "hv3: refused\n");
  EXPECT_THAT(ConnectionsTable(connections, kNow, /*colours=*/true),
              HasSubstr("\033[31mquarantined\033[0m"));
}

TEST(SourceViewTest, AgentsInATable) {
  const auto agents = FromText<v1::ListAgentsResponse>(R"pb(
    agents {
      node: "hv1.example.com"
      connected: true
      since { seconds: 400 }
      last_end: "long ago"
      agent_version: "0.3"
      certificate_ends_at { seconds: 4600 }
      reports: 17
      last_report_at { seconds: 995 }
    }
    agents {
      node: "hv2"
      since { seconds: 100 }
      last_end: "silent"
    }
    agents { node: "hv3" connected: true source_error: "libvirt is away" }
  )pb");
  EXPECT_EQ(AgentsTable(agents, kNow, /*colours=*/false),
            "HOST             STATE      SINCE  VERSION  REPORTS  LAST REPORT  "
            "CERTIFICATE ENDS  ERROR\n"
            "hv1.example.com  connected    10m  0.3           17           5s  "
            "          in 60m\n"
            "hv2              away         15m  -              0            -  "
            "               -  silent\n"
            "hv3              connected      -  -              0            -  "
            "               -  libvirt is away\n");
}

TEST(SourceViewTest, AnAgentInDetail) {
  const auto agent = FromText<v1::AgentState>(R"pb(
    node: "hv1"
    connected: true
    last_end: "silent"
    hostname: "hv1"
    libvirt_version: "9.0.0"
    address: "ipv4:192.0.2.7:51422"
    epoch: 12
    sessions: 3
  )pb");
  EXPECT_EQ(AgentDetails(agent, /*colours=*/false),
            "Address:   ipv4:192.0.2.7:51422\n"
            "Hostname:  hv1\n"
            "libvirt:   9.0.0\n"
            "Sessions:  3\n"
            "Epoch:     12\n"
            "Last end:  silent\n");
}

TEST(SourceViewTest, AConnectionInDetail) {
  const auto connection = FromText<v1::Connection>(R"pb(
    node: "hv1"
    uri: "qemu+ssh://hv1/system"
    state: CONNECTION_STATE_UP
    last_error: "host hv1: refused"
    host_uuid: "6b29fc40-ca47-1067-b31d-00dd010662da"
    dial_time { nanos: 250000000 }
    dials: 2
    reads: 31
    missed_events: 1
    found_by: "config"
  )pb");
  EXPECT_EQ(ConnectionDetails(connection, /*colours=*/false),
            "URI:            qemu+ssh://hv1/system\n"
            "Found by:       config\n"
            "Host UUID:      6b29fc40-ca47-1067-b31d-00dd010662da\n"
            "Dials:          2\n"
            "Last dial:      250ms\n"
            "Reads:          31\n"
            "Missed events:  1\n"
            "Last error:     host hv1: refused\n");
}

TEST(SourceViewTest, HeldHostsWithTheCommandThatLetsThemGo) {
  EXPECT_EQ(HeldHostsText(FromText<v1::DiscoveryStatus>(R"pb(
                            held: [ "hv8", "hv9" ]
                            held_since { seconds: 700 }
                          )pb"),
                          kNow),
            "2 hosts not found any more, for 5m; held in the fleet until "
            "confirmed:\n"
            "  hv8\n"
            "  hv9\n"
            "if they are gone for good:  rehaictl source confirm-discovery "
            "--held=2\n");
  EXPECT_THAT(HeldHostsText(v1::DiscoveryStatus(), kNow),
              HasSubstr("no host is held"));
}

}  // namespace
}  // namespace rehai::cli
