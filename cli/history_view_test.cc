// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/history_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace rehai::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(HistoryViewTest, EventsInATable) {
  const auto events = FromText<v1::ListEventsResponse>(R"pb(
    events {
      at { seconds: 900 }
      kind: EVENT_KIND_GUEST_MOVED_IN
      node: "hv2"
      guest_uuid: "6b29"
      guest_name: "web01"
      other_node: "hv1"
      shown_at { seconds: 901 nanos: 500000000 }
    }
    events {
      at { seconds: 60 }
      kind: EVENT_KIND_GUEST_CHANGED
      node: "hv1"
      guest_uuid: "6b29"
      changed_fields: "vcpus"
      changed_fields: "disks"
    }
    events {
      at { seconds: 3 }
      kind: EVENT_KIND_HOST_UNREACHABLE
      node: "hv1"
      detail: "no route to host"
    }
    next_page_token: "more"
  )pb");
  EXPECT_EQ(
      EventsTable(events, false),
      "TIME                 EVENT             GUEST  HOST  SHOWN  DETAIL\n"
      "1970-01-01 00:15:00  moved-in          web01  hv2    1.5s  from "
      "hv1\n"
      "1970-01-01 00:01:00  changed           6b29   hv1       -  vcpus, "
      "disks\n"
      "1970-01-01 00:00:03  host-unreachable         hv1       -  no "
      "route to host\n"
      "There are more; --limit shows them.\n");
}

TEST(HistoryViewTest, WhatDiffersBetweenTwoTimes) {
  const auto diff = FromText<v1::HistoryDiffResponse>(R"pb(
    differences {
      guest_uuid: "u1"
      kind: DIFFERENCE_KIND_APPEARED
      after {
        node: "hv1"
        guest { name: "web01" state: GUEST_STATE_RUNNING }
      }
    }
    differences {
      guest_uuid: "u2"
      kind: DIFFERENCE_KIND_GONE
      before {
        node: "hv2"
        guest { name: "db" state: GUEST_STATE_SHUT_OFF }
      }
    }
    differences {
      guest_uuid: "u3"
      kind: DIFFERENCE_KIND_MOVED
      before {
        node: "hv1"
        guest { name: "app" }
      }
      after {
        node: "hv2"
        guest { name: "app" state: GUEST_STATE_RUNNING }
      }
    }
  )pb");
  EXPECT_EQ(HistoryDiffTable(diff, false),
            "CHANGE    GUEST  WHAT                      UUID\n"
            "appeared  web01  on hv1, running           u1\n"
            "gone      db     was on hv2, shut off      u2\n"
            "moved     app    from hv1 to hv2, running  u3\n");
  EXPECT_EQ(HistoryDiffTable(v1::HistoryDiffResponse(), false),
            "no guest differs\n");
}

TEST(HistoryViewTest, ReceiptsAreTimesSinceTheReading) {
  const auto receipts = FromText<v1::GetReceiptsResponse>(R"pb(
    receipts {
      node: "hv1"
      revision: 7
      level: VISIBILITY_LEVEL_VERIFIED
      observed_at { seconds: 60 }
      received_at { seconds: 60 nanos: 20000000 }
      written_at { seconds: 60 nanos: 800000000 }
      verified_at { seconds: 65 }
    }
  )pb");
  EXPECT_EQ(ReceiptsTable(receipts, false),
            "REVISION  HOST  LEVEL     OBSERVED             RECEIVED  WRITTEN  "
            "VERIFIED  SEARCHABLE\n"
            "       7  hv1   verified  1970-01-01 00:01:00      20ms    800ms  "
            "      5s           -\n");
}

TEST(HistoryViewTest, AWaitSaysWhatItWaitedFor) {
  EXPECT_EQ(WaitText(FromText<v1::WaitVisibleResponse>(R"pb(
              receipt {
                node: "hv1"
                level: VISIBILITY_LEVEL_WRITTEN
                observed_at { seconds: 60 }
                written_at { seconds: 61 }
              }
              guest {
                node: "hv1"
                guest { name: "web01" state: GUEST_STATE_RUNNING }
              }
            )pb")),
            "web01: running on hv1, written, written after 1s\n");
  EXPECT_EQ(
      WaitText(FromText<v1::WaitVisibleResponse>(
          R"pb(receipt { node: "hv1" level: VISIBILITY_LEVEL_VERIFIED })pb")),
      "gone from hv1, verified\n");
}

TEST(HistoryViewTest, AnExplanationIsVerdictFactAndReasons) {
  const auto explanation = FromText<v1::Explanation>(R"pb(
    node: "hv1"
    path: "automatic"
    path: "a.b"
    verdict: EXPLAIN_VERDICT_DIFFERS
    summary: "Chef holds something else"
    chef_value: "1"
    wanted_value: "2"
    fact {
      field: "facts.cpus"
      confirmed_at { seconds: 990 }
    }
    reasons {
      type: EXPLAIN_REASON_TYPE_WRITE_PENDING
      message: "waits for its turn"
    }
    sync { overwrites: 2 last_overwriter: OVERWRITER_CHEF_CLIENT }
    difference_count: 1
    differences { path: "automatic.x" chef_value: "1" wanted_value: "2" }
  )pb");
  EXPECT_THAT(
      ExplainText(explanation, kNow, false),
      AllOf(HasSubstr("Verdict:      differs\n"),
            HasSubstr("In Chef:      1\n"), HasSubstr("Wanted:       2\n"),
            HasSubstr("From:         facts.cpus\n"),
            HasSubstr("Seen:         10s ago"),
            HasSubstr("write pending: waits for its turn\n"),
            HasSubstr("2 times, last by chef-client"),
            HasSubstr("1 difference:\nautomatic.x\n  - 1\n  + 2\n")));
}

TEST(HistoryViewTest, FindingsInATable) {
  auto found = FromText<v1::ListFindingsResponse>(R"pb(
    checked_at { seconds: 998 }
    findings {
      type: FINDING_TYPE_GUEST_ACTIVE_TWICE
      message: "stop one of them"
      nodes: "hv1"
      nodes: "hv2"
      since { seconds: 940 }
    }
    total_size: 3
  )pb");
  EXPECT_EQ(FindingsTable(found, kNow, false),
            "TYPE                FOR  HOSTS     MESSAGE\n"
            "guest-active-twice  60s  hv1, hv2  stop one of them\n"
            "and 2 more; --limit shows them\n");
  found.clear_findings();
  EXPECT_EQ(FindingsTable(found, kNow, false), "nothing found, 2s ago\n");
  EXPECT_EQ(FindingsTable(v1::ListFindingsResponse(), kNow, false),
            "the fleet has not been checked yet\n");
}

TEST(HistoryViewTest, WhoCommandedWhat) {
  const auto entries = FromText<v1::ListEntriesResponse>(R"pb(
    entries {
      at { seconds: 60 }
      caller: "ops-1"
      role: "operator"
      command: "Resync.Start"
      outcome: "OK"
      request: "modes: RESYNC_MODE_REREAD"
    }
  )pb");
  EXPECT_EQ(AuditTable(entries, false),
            "TIME                 CALLER  ROLE      COMMAND       OUTCOME  "
            "REQUEST\n"
            "1970-01-01 00:01:00  ops-1   operator  Resync.Start  OK       "
            "modes: RESYNC_MODE_REREAD\n");
}

}  // namespace
}  // namespace rehai::cli
