// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/proto_time.h"
#include "controller/source/agent_sessions_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using Response = v1::SessionResponse;

AgentPeer WithNames(AgentNames names) {
  AgentPeer peer;
  peer.names = std::move(names);
  peer.address = "192.0.2.7:4711";
  return peer;
}

auto Ended(absl::StatusCode code, const std::string& message) {
  return Optional(StatusIs(code, HasSubstr(message)));
}

TEST_F(AgentSessionsTest, AnAgentIsWelcomedAndItsReportMergedAndAcknowledged) {
  Visit visit = Come(kHost);
  ASSERT_THAT(visit.stream->Sent(), SizeIs(1));
  const v1::AgentWelcome welcome = visit.stream->Sent()[0].welcome();
  EXPECT_GT(welcome.epoch(), 0);
  EXPECT_TRUE(welcome.need_full());
  EXPECT_EQ(welcome.settings().heartbeat_interval().seconds(), 10);

  visit.Say(ReportOf(visit.epoch, 1, /*full=*/true, {1, 2}));
  EXPECT_EQ(visit.Last(Response::kAck).ack().sequence(), 1);
  EXPECT_THAT(inventory_.Find(kHost)->guests(), SizeIs(2));
  EXPECT_EQ(inventory_.Find(kHost)->provenance().origin(),
            "agent hv1.example.com");
  visit.Say(ReportOf(visit.epoch, 2, /*full=*/false, {3}));
  EXPECT_EQ(visit.Last(Response::kAck).ack().sequence(), 2);
  EXPECT_THAT(inventory_.Find(kHost)->guests(), SizeIs(3));
  EXPECT_EQ(visit.stream->end(), std::nullopt);
}

TEST_F(AgentSessionsTest, WithoutAnIntervalThereIsADefaultThatIsTold) {
  options_.settings.clear_heartbeat_interval();
  const Visit visit = Come(kHost);
  EXPECT_GT(FromProto(visit.Last(Response::kWelcome)
                          .welcome()
                          .settings()
                          .heartbeat_interval()),
            absl::ZeroDuration());
}

TEST_F(AgentSessionsTest, ACertificateOfAnotherHostIsRefused) {
  const Visit other =
      Come(HelloOf(kHost), WithNames({.nodes = {"hv2"}, .host_uuids = {}}));
  EXPECT_THAT(other.stream->end(),
              Ended(absl::StatusCode::kPermissionDenied, "is for node hv2"));
  const Visit nobody = Come(HelloOf(kHost), WithNames({}));
  EXPECT_EQ(nobody.EndCode(), absl::StatusCode::kPermissionDenied);
  const Visit other_uuid = Come(
      HelloOf(kHost), WithNames({.nodes = {"hv1"}, .host_uuids = {UuidOf(1)}}));
  EXPECT_EQ(other_uuid.EndCode(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(sessions().Status().refused_sessions().at("identity"), 3);
  EXPECT_EQ(sessions().Status().sessions(), 0);
  EXPECT_EQ(hosts_.AgentOf(kHost), nullptr);
}

TEST_F(AgentSessionsTest, ACertificateOfTheHostIsLetIn) {
  const Visit visit =
      Come(HelloOf(kHost), WithNames({.nodes = {"hv1"}, .host_uuids = {}}));
  EXPECT_GT(visit.epoch, 0);
  EXPECT_EQ(sessions().Agents().at(0).address(), "192.0.2.7:4711");
}

TEST_F(AgentSessionsTest, AnAgentWhoseHostUuidIsNotTheOneOfItsCertificateEnds) {
  Visit visit =
      Come(HelloOf(kHost),
           WithNames({.nodes = {"hv1"}, .host_uuids = {UuidOf(1000)}}));
  visit.Say(ReportOf(visit.epoch, 1, true, {1}));
  ASSERT_EQ(visit.stream->end(), std::nullopt);
  v1::SessionRequest report = ReportOf(visit.epoch, 2, true, {1});
  report.mutable_report()->mutable_facts()->set_uuid(UuidOf(2000));
  visit.Say(report);
  EXPECT_THAT(visit.stream->end(),
              Ended(absl::StatusCode::kPermissionDenied, UuidOf(2000)));
  EXPECT_THAT(hosts_.Seen(kHost), SizeIs(1));
  EXPECT_EQ(sessions().Status().ended_sessions().at("identity"), 1);
}

// AgentHosts then judges, as it does what pull reads.
TEST_F(AgentSessionsTest, WhereTheCertificateNamesNoHostUuidTheReportIsTaken) {
  Visit visit =
      Come(HelloOf(kHost), WithNames({.nodes = {"hv1"}, .host_uuids = {}}));
  v1::SessionRequest report = ReportOf(visit.epoch, 1, true, {1});
  report.mutable_report()->mutable_facts()->set_uuid(UuidOf(2000));
  visit.Say(report);
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  EXPECT_THAT(hosts_.Seen(kHost), SizeIs(1));
}

TEST_F(AgentSessionsTest, AHostThatIsNotInTheFleetIsRefused) {
  const Visit visit = Come(HostId{"stranger"});
  EXPECT_THAT(visit.stream->end(),
              Ended(absl::StatusCode::kPermissionDenied, "not in the fleet"));
  EXPECT_EQ(sessions().Status().refused_sessions().at("unknown_host"), 1);
  EXPECT_THAT(sessions().Agents(), IsEmpty());
}

TEST_F(AgentSessionsTest, AFleetThatComesAtOnceIsToldWhenToComeBack) {
  options_.sessions_per_second = 10;
  std::vector<Visit> visits;
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 100; ++i) {
    const HostId host{absl::StrFormat("fleet%d", i)};
    inventory_.AddHost(host, {});
    visits.push_back(Come(host));
    if (visits.back().epoch != 0) continue;
    EXPECT_EQ(visits.back().EndCode(), absl::StatusCode::kUnavailable);
    waits.push_back(FromProto(
        visits.back().Last(Response::kGoAway).go_away().reconnect_after()));
  }
  EXPECT_GE(waits.size(), 85u);
  EXPECT_EQ(sessions().Status().refused_sessions().at("rate"), waits.size());
  for (size_t i = 20; i < waits.size(); ++i) {
    EXPECT_GT(waits[i], waits[i - 20]);  // a jitter of a second is ten places
  }
  EXPECT_GT(waits.back(), absl::Seconds(8));
  EXPECT_LT(waits.back(), absl::Seconds(13));
}

TEST_F(AgentSessionsTest, NoMoreSessionsThanMayBe) {
  options_.max_sessions = 2;
  const HostId second{"hv2"};
  const HostId third{"hv3"};
  inventory_.AddHost(second, {});
  inventory_.AddHost(third, {});
  const Visit first = Come(kHost);
  std::optional<Visit> last = Come(second);
  const Visit refused = Come(third);
  EXPECT_THAT(refused.stream->end(),
              Ended(absl::StatusCode::kUnavailable, "the most"));
  EXPECT_GT(
      refused.Last(Response::kGoAway).go_away().reconnect_after().seconds(), 0);
  EXPECT_EQ(sessions().Status().refused_sessions().at("full"), 1);
  last.reset();
  EXPECT_GT(Come(third).epoch, 0);
}

TEST_F(AgentSessionsTest, StreamsThatSayNoHelloAreBoundedToo) {
  options_.max_sessions = 2;
  std::vector<Visit> visits;
  for (int i = 0; i < 6; ++i) visits.push_back(Open());
  EXPECT_EQ(visits[3].stream->end(), std::nullopt);
  EXPECT_EQ(visits[4].EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(visits[5].EndCode(), absl::StatusCode::kUnavailable);
}

TEST_F(AgentSessionsTest, AnAgentThatComesAndGoesIsToldToStayAway) {
  hosts_.come_back_after = absl::Seconds(90);
  const Visit visit = Come(kHost);
  EXPECT_EQ(visit.epoch, 0);
  EXPECT_EQ(
      FromProto(visit.Last(Response::kGoAway).go_away().reconnect_after()),
      absl::Seconds(90));
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(sessions().Status().refused_sessions().at("flapping"), 1);
  EXPECT_THAT(hosts_.Gone(kHost), IsEmpty());
}

TEST_F(AgentSessionsTest, AnAgentThatLacksAnAcknowledgementBeginsAnew) {
  std::optional<Visit> visit = Speak(kHost);
  visit->Say(ReportOf(visit->epoch, 2, false, {3}));
  const int64_t epoch = visit->epoch;
  visit.reset();
  EXPECT_THAT(hosts_.Gone(kHost), ElementsAre(epoch));

  v1::SessionRequest hello = HelloOf(kHost);
  hello.mutable_hello()->set_last_epoch(epoch);
  hello.mutable_hello()->set_last_acknowledged(1);
  EXPECT_TRUE(Come(hello).Last(Response::kWelcome).welcome().need_full());
  EXPECT_EQ(hosts_.LastSession(kHost), 0);
}

TEST_F(AgentSessionsTest, AnAgentGoesOnWhereItWas) {
  std::optional<Visit> visit = Speak(kHost);
  v1::SessionRequest hello = HelloOf(kHost);
  hello.mutable_hello()->set_last_epoch(visit->epoch);
  hello.mutable_hello()->set_last_acknowledged(1);
  visit.reset();
  Visit again = Come(hello);
  ASSERT_FALSE(again.Last(Response::kWelcome).welcome().need_full());
  again.Say(ReportOf(again.epoch, 1, /*full=*/false, {3}));
  EXPECT_EQ(again.Last(Response::kAck).ack().sequence(), 1);
  EXPECT_THAT(inventory_.Find(kHost)->guests(), SizeIs(3));
}

// AgentHosts knows that a connection has told of the host in between.
TEST_F(AgentSessionsTest, NobodyGoesOnWhereAnotherSourceHasSpoken) {
  std::optional<Visit> visit = Speak(kHost);
  v1::SessionRequest hello = HelloOf(kHost);
  hello.mutable_hello()->set_last_epoch(visit->epoch);
  hello.mutable_hello()->set_last_acknowledged(1);
  visit.reset();
  Speak(kHost);
  EXPECT_TRUE(Come(hello).Last(Response::kWelcome).welcome().need_full());
}

TEST_F(AgentSessionsTest, AGapIsNotMergedAndAFullReportHealsIt) {
  Visit visit = Speak(kHost);
  visit.Say(ReportOf(visit.epoch, 3, false, {4}));
  EXPECT_THAT(visit.Last(Response::kNeedFull).need_full().reason(),
              HasSubstr("report 3 after report 1"));
  EXPECT_EQ(visit.Count(Response::kAck), 1);
  EXPECT_THAT(hosts_.Seen(kHost), SizeIs(1));
  visit.Say(ReportOf(visit.epoch, 4, true, {4}));
  EXPECT_EQ(visit.Last(Response::kAck).ack().sequence(), 4);
  EXPECT_EQ(sessions().Status().full_demanded(), 1);
  EXPECT_EQ(sessions().Status().full_reports(), 2);
  EXPECT_EQ(sessions().Status().reports(), 3);
}

TEST_F(AgentSessionsTest, ADemandThatWasNotMetOutlivesTheSession) {
  std::optional<Visit> visit = Speak(kHost);
  visit->Say(ReportOf(visit->epoch, 3, false, {4}));
  v1::SessionRequest hello = HelloOf(kHost);
  hello.mutable_hello()->set_last_epoch(visit->epoch);
  hello.mutable_hello()->set_last_acknowledged(1);
  visit.reset();
  EXPECT_TRUE(Come(hello).Last(Response::kWelcome).welcome().need_full());
}

TEST_F(AgentSessionsTest, AMessageOutOfTurnEndsTheSession) {
  Visit early = Open();
  early.Say(HeartbeatOf());
  EXPECT_EQ(early.EndCode(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(sessions().Status().refused_sessions().at("protocol"), 1);

  Visit twice = Speak(kHost);
  twice.Say(HelloOf(kHost));
  EXPECT_THAT(twice.stream->end(),
              Ended(absl::StatusCode::kInvalidArgument, "agent of hv1"));
  EXPECT_EQ(sessions().Status().ended_sessions().at("protocol"), 1);
  EXPECT_THAT(hosts_.Gone(kHost), ElementsAre(twice.epoch));
  // Nothing is heard any more.
  twice.Say(ReportOf(twice.epoch, 2, false, {4}));
  EXPECT_THAT(hosts_.Seen(kHost), SizeIs(1));
}

TEST_F(AgentSessionsTest, ANameThatIsTooLongIsNotSentBackWhole) {
  Visit visit = Open();
  visit.Say(HelloOf({std::string(1'000'000, 'x')}));
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kInvalidArgument);
  // Trailers have 8 KiB.
  EXPECT_LT(visit.stream->end()->message().size(), 1000u);
}

TEST_F(AgentSessionsTest, WhatHostsAnswerToAReportEndsTheSession) {
  struct Case {
    absl::Status answer;
    absl::StatusCode end;
    std::string why;
    int agents_known;
  };
  int round = 0;
  for (const Case& c : {
           Case{absl::InvalidArgumentError("contradictory"),
                absl::StatusCode::kInvalidArgument, "protocol", 1},
           Case{absl::AbortedError("another came"), absl::StatusCode::kAborted,
                "superseded", 1},
           Case{absl::NotFoundError("left"),
                absl::StatusCode::kPermissionDenied, "departed", 0},
       }) {
    hosts_.saw_answer = absl::OkStatus();
    Visit visit = Speak(kHost);
    hosts_.saw_answer = c.answer;
    visit.Say(ReportOf(visit.epoch, 2, false, {4}));
    EXPECT_EQ(visit.EndCode(), c.end);
    EXPECT_EQ(visit.Count(Response::kAck), 1);
    EXPECT_EQ(sessions().Status().ended_sessions().at(c.why), 1);
    EXPECT_THAT(hosts_.Gone(kHost), SizeIs(++round));
    EXPECT_THAT(sessions().Agents(), SizeIs(c.agents_known));
  }
}

TEST_F(AgentSessionsTest, ASourceErrorIsToldAndAcknowledged) {
  Visit visit = Speak(kHost);
  v1::SessionRequest report = ReportOf(visit.epoch, 2, false, {});
  report.mutable_report()->set_source_error("libvirtd does not run; start it");
  visit.Say(report);
  EXPECT_EQ(visit.Last(Response::kAck).ack().sequence(), 2);
  EXPECT_THAT(hosts_.WhyUnreadable(kHost),
              StatusIs(absl::StatusCode::kUnavailable,
                       "libvirtd does not run; start it"));
  EXPECT_THAT(hosts_.Seen(kHost), SizeIs(1));
  EXPECT_EQ(sessions().Agents().at(0).source_error(),
            "libvirtd does not run; start it");
  visit.Say(ReportOf(visit.epoch, 3, false, {}));
  EXPECT_EQ(sessions().Agents().at(0).source_error(), "");
}

TEST_F(AgentSessionsTest, ANewerSessionOfTheHostEndsTheOlder) {
  Visit older = Speak(kHost);
  Visit newer = Come(kHost);
  EXPECT_EQ(older.EndCode(), absl::StatusCode::kAborted);
  EXPECT_GE(
      FromProto(older.Last(Response::kGoAway).go_away().reconnect_after()),
      absl::Seconds(30));
  EXPECT_THAT(hosts_.Gone(kHost), ElementsAre(older.epoch));
  EXPECT_EQ(newer.stream->end(), std::nullopt);
  EXPECT_GT(newer.epoch, older.epoch);
  EXPECT_EQ(sessions().Status().ended_sessions().at("superseded"), 1);
  EXPECT_EQ(sessions().Status().sessions(), 1);
  ASSERT_THAT(sessions().Agents(), SizeIs(1));
  EXPECT_TRUE(sessions().Agents()[0].connected());
  EXPECT_EQ(sessions().Agents()[0].epoch(), newer.epoch);
  older.session.reset();
  EXPECT_TRUE(sessions().Agents()[0].connected());
}

TEST_F(AgentSessionsTest, AHostThatLeavesTheFleetSendsItsAgentAway) {
  Visit visit = Speak(kHost);
  hosts_.AgentOf(kHost)->Dismiss(absl::PermissionDeniedError("it left"));
  EXPECT_THAT(visit.stream->end(),
              Ended(absl::StatusCode::kPermissionDenied, "it left"));
  EXPECT_THAT(sessions().Agents(), IsEmpty());
  EXPECT_EQ(sessions().Status().ended_sessions().at("departed"), 1);
}

// A session's calls come one at a time, its end included.
TEST_F(AgentSessionsTest, AnEndDuringAReportIsToldAfterIt) {
  Visit visit = Speak(kHost);
  hosts_.on_saw = [&](const HostId& host) {
    hosts_.AgentOf(host)->Dismiss(absl::AbortedError("another came"));
    EXPECT_THAT(hosts_.Gone(host), IsEmpty());
  };
  visit.Say(ReportOf(visit.epoch, 2, false, {4}));
  EXPECT_THAT(hosts_.Gone(kHost), ElementsAre(visit.epoch));
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kAborted);
}

TEST_F(AgentSessionsTest, ASessionDismissedAsItComesIsNeverWelcomed) {
  hosts_.on_came = [](const HostId&, Agent& agent) {
    agent.Dismiss(absl::AbortedError("another came"));
  };
  Visit visit = Come(kHost);
  EXPECT_EQ(visit.epoch, 0);
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kAborted);
  EXPECT_THAT(hosts_.Gone(kHost), SizeIs(1));
  EXPECT_EQ(sessions().Status().sessions(), 0);
}

TEST_F(AgentSessionsTest, WhatIsKnownOfAnAgentIsShown) {
  AgentPeer peer;
  peer.address = "192.0.2.7:4711";
  peer.certificate_ends_at = clock_.Now() + absl::Hours(240);
  Visit visit = Speak(kHost, peer);
  ASSERT_THAT(sessions().Agents(), SizeIs(1));
  const v1::AgentState state = sessions().Agents()[0];
  EXPECT_EQ(state.node(), "hv1");
  EXPECT_TRUE(state.connected());
  EXPECT_EQ(FromProto(state.since()), clock_.Now());
  EXPECT_EQ(state.hostname(), "hv1.example.com");
  EXPECT_EQ(state.host_uuid(), UuidOf(1000));
  EXPECT_EQ(state.agent_version(), "1.2.3");
  EXPECT_EQ(state.libvirt_version(), "9.0.0");
  EXPECT_EQ(state.address(), "192.0.2.7:4711");
  EXPECT_EQ(FromProto(state.certificate_ends_at()), peer.certificate_ends_at);
  EXPECT_EQ(state.epoch(), visit.epoch);
  EXPECT_EQ(state.reports(), 1);
  EXPECT_EQ(FromProto(state.last_report_at()), clock_.Now());
  EXPECT_EQ(state.sessions(), 1);
  clock_.Advance(absl::Seconds(3));
  visit.session.reset();
  EXPECT_FALSE(sessions().Agents()[0].connected());
  EXPECT_EQ(FromProto(sessions().Agents()[0].since()), clock_.Now());
  EXPECT_EQ(sessions().Status().ended_sessions().at("closed"), 1);
}

TEST_F(AgentSessionsTest, AnAgentThatIsLongGoneIsForgotten) {
  Speak(kHost);
  Advance(absl::Hours(23));
  EXPECT_THAT(sessions().Agents(), SizeIs(1));
  Advance(absl::Hours(2));
  EXPECT_THAT(sessions().Agents(), IsEmpty());
}

TEST_F(AgentSessionsTest, FromReadingToRecordIsMeasured) {
  Visit visit = Come(kHost);
  v1::SessionRequest report = ReportOf(visit.epoch, 1, true, {1});
  report.mutable_report()->mutable_age()->set_seconds(4);
  visit.Say(report);
  const v1::Histogram times = sessions().Status().report_to_record();
  EXPECT_EQ(times.count(), 1);
  EXPECT_DOUBLE_EQ(times.sum_seconds(), 4);
}

// Good messages with bytes of them changed, in any order.
TEST_F(AgentSessionsTest, WhateverAnAgentSaysItHurtsNoOtherHost) {
  options_.sessions_per_second = 1e9;
  const HostId other{"hv2"};
  inventory_.AddHost(other, {});
  Visit good = Speak(other);
  const std::string record = inventory_.Find(other)->SerializeAsString();

  std::mt19937_64 random(7);
  int ended = 0;
  int parsed = 0;
  for (int i = 0; i < 3000; ++i) {
    Visit visit = Come(kHost);
    for (int64_t sequence = 1; sequence < 6; ++sequence) {
      v1::SessionRequest message =
          ReportOf(visit.epoch, sequence, sequence == 1, {1, 2, 3});
      if (random() % 8 == 0) message = OhaiResultOf(random() % 3, "{}");
      std::string bytes = message.SerializeAsString();
      for (int j = random() % 3; j > 0; --j) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      v1::SessionRequest changed;
      if (!changed.ParseFromString(bytes)) continue;
      ++parsed;
      visit.Say(std::move(changed));
    }
    if (visit.stream->end().has_value()) ++ended;
    ASSERT_LE(visit.stream->Sent().size(), 7u);
  }
  EXPECT_GT(parsed, 1000);
  EXPECT_GT(ended, 300);
  EXPECT_LT(ended, 3000);
  EXPECT_EQ(inventory_.Find(other)->SerializeAsString(), record);
  good.Say(ReportOf(good.epoch, 2, false, {3}));
  EXPECT_EQ(good.Last(Response::kAck).ack().sequence(), 2);
  for (const v1::Guest& guest : inventory_.Find(kHost)->guests()) {
    EXPECT_EQ(guest.uuid().size(), 36u);
  }
  EXPECT_THAT(sessions().Agents(), SizeIs(2));
}

}  // namespace
}  // namespace rehai
