// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Commands about what was and how far it has come: what the program asks, and
// how it ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "cli/canned_controller.h"
#include "cli/rehaictl_program.h"
#include "google/protobuf/text_format.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

class RehaictlHistoryTest : public testing::Test {
 protected:
  RehaictlHistoryTest() {
    ClearRehaictlEnvironment();
    setenv("REHAI_SERVER", controller_.address().c_str(), 1);
  }

  CannedController controller_;
};

v1::ListEventsResponse Events(int count, const std::string& next_page) {
  v1::ListEventsResponse page;
  for (int i = 0; i < count; ++i) {
    v1::HistoryEvent& event = *page.add_events();
    event.mutable_at()->set_seconds(60);
    event.set_kind(v1::EVENT_KIND_GUEST_STARTED);
    event.set_guest_name("web01");
  }
  page.set_next_page_token(next_page);
  return page;
}

TEST_F(RehaictlHistoryTest, AHistoryIsOfAGuestAndATime) {
  controller_.Answer<v1::ListEventsResponse>({Events(1, "")});
  const Program history =
      Rehaictl({"history", "web01", "--since", "2026-11-26T12:00:00Z",
                "--until", "2026-11-26 13:00", "--kinds",
                "created,host-unreachable", "--host", "hv1"});
  EXPECT_EQ(history.status, 0) << history.err;
  EXPECT_THAT(history.out, AllOf(StartsWith("TIME "),
                                 HasSubstr("1970-01-01 00:01:00  started")));
  v1::ListEventsRequest asked = controller_.Asked<v1::ListEventsRequest>();
  EXPECT_THAT(asked, EqualsProto(FromText<v1::ListEventsRequest>(R"pb(
                guest_name: "web01"
                node: "hv1"
                kinds: EVENT_KIND_GUEST_CREATED
                kinds: EVENT_KIND_HOST_UNREACHABLE
                from { seconds: 1795694400 }
                until { seconds: 1795698000 }
                page_size: 100
              )pb")));
  const Program wrong = Rehaictl({"history", "--kinds", "craeted"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean created?"));
}

TEST_F(RehaictlHistoryTest, NamesOfAHistoryAreWhatItIsAboutEachOnce) {
  controller_.Answer<v1::ListEventsResponse>(
      {FromText<v1::ListEventsResponse>(R"pb(
        events { guest_uuid: "u1" guest_name: "web01" node: "hv1" }
        events { node: "hv1" }
        events { guest_uuid: "u1" guest_name: "web01" node: "hv1" }
      )pb")});
  EXPECT_EQ(Rehaictl({"history", "-o", "name"}).out, "u1\nhv1\n");
}

TEST_F(RehaictlHistoryTest, ALimitEndsThePages) {
  controller_.Answer<v1::ListEventsResponse>(
      {Events(1000, "2"), Events(500, "3"), Events(1, "")});
  const Program some = Rehaictl({"history", "-n", "1500"});
  EXPECT_EQ(some.status, 0) << some.err;
  EXPECT_THAT(some.out, HasSubstr("There are more; --limit shows them."));
  EXPECT_EQ(controller_.Asked<v1::ListEventsRequest>().page_size(), 500);
  EXPECT_EQ(controller_.Asked<v1::ListEventsRequest>().page_token(), "2");

  controller_.Answer<v1::ListEventsResponse>(
      {Events(1000, "2"), Events(1, "")});
  const auto all = nlohmann::json::parse(
      Rehaictl({"history", "--limit", "0", "-o", "json"}).out);
  EXPECT_EQ(all["events"].size(), 1001u);
}

TEST_F(RehaictlHistoryTest, ThePastIsListed) {
  controller_.Answer<v1::ListGuestsAsOfResponse>(
      {FromText<v1::ListGuestsAsOfResponse>(R"pb(
        guests {
          node: "hv1"
          guest { name: "web01" state: GUEST_STATE_RUNNING }
          since { at { seconds: 60 } }
        }
      )pb")});
  const Program guests = Rehaictl({"guests", "--as-of", "2026-11-26T12:00:00Z",
                                   "--host", "hv1", "--name", "web01"});
  EXPECT_EQ(guests.status, 0) << guests.err;
  EXPECT_THAT(guests.out, HasSubstr("web01  running  hv1"));
  const auto asked = controller_.Asked<v1::ListGuestsAsOfRequest>();
  EXPECT_EQ(asked.at().seconds(), 1795694400);
  EXPECT_EQ(asked.node(), "hv1");
  EXPECT_EQ(asked.guest_name(), "web01");
  EXPECT_EQ(Rehaictl({"guests", "--as-of", "2h", "-o", "name"}).out, "web01\n");
  EXPECT_EQ(Rehaictl({"guests", "--as-of", "2h", "--filter", "x = y"}).status,
            2);

  controller_.Answer<v1::ListHostsAsOfResponse>(
      {FromText<v1::ListHostsAsOfResponse>(
          R"pb(hosts {
                 node: "hv1"
                 host { presence: PRESENCE_STALE }
               })pb")});
  EXPECT_THAT(Rehaictl({"hosts", "--as-of", "2h"}).out,
              HasSubstr("hv1   stale"));
}

TEST_F(RehaictlHistoryTest, ADiffOfTimesEndsAsDiffDoes) {
  const Program same = Rehaictl({"history", "diff", "2h", "1h"});
  EXPECT_EQ(same.status, 0) << same.err;
  EXPECT_EQ(same.out, "no guest differs\n");
  controller_.Answer<v1::HistoryDiffResponse>(
      {FromText<v1::HistoryDiffResponse>(R"pb(
        differences { guest_uuid: "u1" kind: DIFFERENCE_KIND_GONE }
      )pb")});
  EXPECT_EQ(Rehaictl({"history", "diff", "2h"}).status, 1);
  const Program wrong = Rehaictl({"history", "diff", "1h", "2h"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("swap them"));
}

TEST_F(RehaictlHistoryTest, AWaitSaysForWhat) {
  controller_.Answer<v1::WaitVisibleResponse>(
      {FromText<v1::WaitVisibleResponse>(R"pb(
        receipt { node: "hv1" level: VISIBILITY_LEVEL_SEARCHABLE }
        guest {
          node: "hv1"
          guest { name: "web01" state: GUEST_STATE_RUNNING }
        }
      )pb")});
  const Program there =
      Rehaictl({"wait", "web01", "--for", "searchable", "--state", "running",
                "--host", "hv1", "--timeout", "2m"});
  EXPECT_EQ(there.status, 0) << there.err;
  EXPECT_EQ(there.out, "web01: running on hv1, searchable\n");
  EXPECT_THAT(controller_.Asked<v1::WaitVisibleRequest>(),
              EqualsProto(FromText<v1::WaitVisibleRequest>(R"pb(
                guest_name: "web01"
                node: "hv1"
                states: GUEST_STATE_RUNNING
                level: VISIBILITY_LEVEL_SEARCHABLE
                timeout { seconds: 120 }
              )pb")));
  EXPECT_EQ(Rehaictl({"wait", "web01", "--for", "absent"}).status, 0);
  EXPECT_THAT(controller_.Asked<v1::WaitVisibleRequest>(),
              EqualsProto(FromText<v1::WaitVisibleRequest>(R"pb(
                guest_name: "web01"
                absent: true
                level: VISIBILITY_LEVEL_VERIFIED
                timeout { seconds: 30 }
              )pb")));
  EXPECT_EQ(Rehaictl({"wait", "web01", "--for", "verfied"}).status, 2);
  EXPECT_EQ(Rehaictl({"wait", "web01", "--timeout", "11m"}).status, 2);
}

TEST_F(RehaictlHistoryTest, AWaitInVainIsStatus1WithTheServersWord) {
  controller_.Fail({grpc::StatusCode::DEADLINE_EXCEEDED,
                    "guest web01: written, not verified yet"});
  const Program late = Rehaictl({"wait", "web01", "--timeout", "1s"});
  EXPECT_EQ(late.status, 1);
  EXPECT_EQ(late.err, "rehaictl: guest web01: written, not verified yet\n");
}

TEST_F(RehaictlHistoryTest, ReceiptsAreOfAGuestOrAHost) {
  EXPECT_EQ(Rehaictl({"receipts", "web01"}).status, 0);
  EXPECT_EQ(controller_.Asked<v1::GetReceiptsRequest>().guest_name(), "web01");
  EXPECT_EQ(Rehaictl({"receipts", "--host", "hv1"}).status, 0);
  EXPECT_EQ(controller_.Asked<v1::GetReceiptsRequest>().node(), "hv1");
  EXPECT_EQ(Rehaictl({"receipts"}).status, 2);
  EXPECT_EQ(Rehaictl({"receipts", "web01", "--host", "hv1"}).status, 2);
}

TEST_F(RehaictlHistoryTest, AnExplanationEndsByItsVerdict) {
  const auto explain = [&](const char* text) {
    v1::ExplainResponse response;
    *response.mutable_explanation() = FromText<v1::Explanation>(text);
    controller_.Answer<v1::ExplainResponse>({response});
    return Rehaictl({"explain", "hv1", "automatic.rehai"}).status;
  };
  EXPECT_EQ(explain("verdict: EXPLAIN_VERDICT_IN_PLACE"), 0);
  EXPECT_EQ(controller_.Asked<v1::ExplainRequest>().path(), "automatic.rehai");
  EXPECT_EQ(explain("verdict: EXPLAIN_VERDICT_MISSING"), 1);
  EXPECT_EQ(explain("verdict: EXPLAIN_VERDICT_UNREADABLE"), 5);
  EXPECT_EQ(explain("verdict: EXPLAIN_VERDICT_UNREADABLE "
                    "reasons { type: EXPLAIN_REASON_TYPE_HOST_UNKNOWN }"),
            4);
  Rehaictl({"explain", "--guest", "web01", "automatic.rehai"});
  const auto asked = controller_.Asked<v1::ExplainRequest>();
  EXPECT_EQ(asked.guest_name(), "web01");
  EXPECT_EQ(asked.node(), "");
  EXPECT_EQ(asked.path(), "automatic.rehai");
  EXPECT_EQ(Rehaictl({"explain"}).status, 2);
}

TEST_F(RehaictlHistoryTest, FindingsAreStatus1) {
  controller_.Answer<v1::ListFindingsResponse>(
      {FromText<v1::ListFindingsResponse>("checked_at { seconds: 1 }")});
  EXPECT_EQ(Rehaictl({"findings"}).status, 0);
  controller_.Answer<v1::ListFindingsResponse>(
      {FromText<v1::ListFindingsResponse>(R"pb(
        checked_at { seconds: 1 }
        findings { type: FINDING_TYPE_DUPLICATE_MAC subject: "52:54" }
      )pb")});
  const Program some =
      Rehaictl({"findings", "--type", "duplicate-mac", "-o", "name"});
  EXPECT_EQ(some.status, 1) << some.err;
  EXPECT_EQ(some.out, "duplicate-mac/52:54\n");
  EXPECT_THAT(controller_.Asked<v1::ListFindingsRequest>().types(),
              testing::ElementsAre(v1::FINDING_TYPE_DUPLICATE_MAC));
  const Program wrong = Rehaictl({"findings", "--type", "duplicate-mca"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean duplicate-mac?"));
}

TEST_F(RehaictlHistoryTest, TheAuditIsAskedByWhoAndWhat) {
  controller_.Answer<v1::ListEntriesResponse>(
      {FromText<v1::ListEntriesResponse>(R"pb(
        entries { caller: "ops-1" command: "Resync.Start" outcome: "OK" }
      )pb")});
  const Program audit = Rehaictl(
      {"audit", "--caller", "ops-1", "--command", "Resync", "--since", "1d"});
  EXPECT_EQ(audit.status, 0) << audit.err;
  EXPECT_THAT(audit.out, HasSubstr("Resync.Start"));
  const auto asked = controller_.Asked<v1::ListEntriesRequest>();
  EXPECT_EQ(asked.caller(), "ops-1");
  EXPECT_EQ(asked.command(), "Resync");
  EXPECT_TRUE(asked.has_from());
  EXPECT_FALSE(asked.has_until());
}

TEST_F(RehaictlHistoryTest, ATokenGoesWithEachCallAndNeverInClearToOthers) {
  const std::string path = absl::StrCat(testing::TempDir(), "/token");
  ASSERT_THAT(WriteFileAtomically(path, "s3cret\n", 0600), IsOk());
  EXPECT_EQ(Rehaictl({"audit", "--token-file", path}).status, 0);
  EXPECT_EQ(controller_.authorization(), "Bearer s3cret");
  EXPECT_EQ(Rehaictl({"audit"}).status, 0);
  EXPECT_EQ(controller_.authorization(), "");

  const Program clear =
      Rehaictl({"audit", "--token-file", path, "-s", "192.0.2.7:1"});
  EXPECT_EQ(clear.status, 2);
  EXPECT_THAT(clear.err, HasSubstr("in clear"));
  ASSERT_THAT(WriteFileAtomically(path, "two words\n", 0600), IsOk());
  EXPECT_EQ(Rehaictl({"audit", "--token-file", path}).status, 2);
}

TEST_F(RehaictlHistoryTest, ResyncsAreListedByState) {
  controller_.Answer<v1::ResyncListResponse>(
      {FromText<v1::ResyncListResponse>(R"pb(
        operations { id: "rs-1" state: OPERATION_STATE_PAUSED }
      )pb")});
  const Program list =
      Rehaictl({"resync", "list", "--state", "running,paused", "-o", "name"});
  EXPECT_EQ(list.status, 0) << list.err;
  EXPECT_EQ(list.out, "rs-1\n");
  EXPECT_EQ(controller_.Asked<v1::ResyncListRequest>().states_size(), 2);
}

TEST_F(RehaictlHistoryTest, AWatchOfAListShowsWhatIsNew) {
  const auto list = [](const char* id) {
    v1::ResyncListResponse response;
    response.add_operations()->set_id(id);
    return response;
  };
  controller_.Answer<v1::ResyncListResponse>(
      {list("rs-1"), list("rs-1"), list("rs-2")});
  Program watch(
      {"resync", "list", "--watch", "--interval", "10ms", "-o", "json"});
  watch.ReadUntil("rs-2");
  watch.Interrupt();
  watch.Finish();
  EXPECT_EQ(watch.out.find("rs-1"), watch.out.rfind("rs-1"));  // told once
  EXPECT_EQ(watch.status, -SIGINT);
}

}  // namespace
}  // namespace rehai
