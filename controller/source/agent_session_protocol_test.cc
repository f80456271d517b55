// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_session_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/matchers.h"

namespace rehai {
namespace {

using Duty = AgentSessionProtocol::Duty;
using ::testing::HasSubstr;

constexpr int64_t kEpoch = 7;
constexpr char kUuid[] = "c7a5fdbd-edaf-4d1c-8f64-0123456789ab";

v1::SessionRequest Hello() {
  v1::SessionRequest message;
  message.mutable_hello()->set_node("hv1");
  message.mutable_hello()->set_host_uuid(kUuid);
  return message;
}

v1::SessionRequest Alive() {
  v1::SessionRequest message;
  message.mutable_heartbeat();
  return message;
}

v1::SessionRequest Report(int64_t sequence, bool full, int64_t epoch = kEpoch) {
  v1::SessionRequest message;
  v1::AgentReport& report = *message.mutable_report();
  report.set_epoch(epoch);
  report.set_sequence(sequence);
  report.set_full(full);
  if (full) report.mutable_facts();
  return message;
}

v1::SessionRequest Full(int64_t sequence) { return Report(sequence, true); }
v1::SessionRequest Partial(int64_t sequence) { return Report(sequence, false); }

v1::SessionRequest SourceError(int64_t sequence) {
  v1::SessionRequest message = Partial(sequence);
  message.mutable_report()->set_source_error("libvirtd is away");
  return message;
}

v1::SessionRequest OhaiSays(const std::string& json, const std::string& error) {
  v1::SessionRequest message;
  message.mutable_ohai_result()->set_json(json);
  message.mutable_ohai_result()->set_error(error);
  return message;
}

MATCHER_P(IsDuty, duty, "") {
  *result_listener << arg.status().ToString();
  return arg.ok() && arg->duty == duty;
}
auto IsRefused(const std::string& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message));
}

class AgentSessionProtocolTest : public testing::Test {
 protected:
  void Begin(bool need_full) {
    ASSERT_THAT(protocol_.Take(Hello()), IsDuty(Duty::kGreet));
    protocol_.Welcomed(kEpoch, need_full);
  }
  // A session in which report 1 was full and is merged.
  void BeginMerged() {
    Begin(/*need_full=*/true);
    ASSERT_THAT(protocol_.Take(Full(1)), IsDuty(Duty::kMerge));
    protocol_.Merged(/*full=*/true);
  }

  AgentSessionProtocol protocol_;
};

TEST_F(AgentSessionProtocolTest, NothingIsTakenBeforeTheHelloIsAnswered) {
  for (const auto& message :
       {Alive(), Full(1), OhaiSays("{}", ""), v1::SessionRequest()}) {
    EXPECT_THAT(AgentSessionProtocol().Take(message), IsRefused("hello"));
  }
  ASSERT_THAT(protocol_.Take(Hello()), IsDuty(Duty::kGreet));
  EXPECT_THAT(protocol_.Take(Full(1)), IsRefused("hello"));
}

TEST_F(AgentSessionProtocolTest, AHelloIsSaidOnce) {
  ASSERT_THAT(protocol_.Take(Hello()), IsDuty(Duty::kGreet));
  EXPECT_THAT(protocol_.Take(Hello()), IsRefused("second hello"));
  protocol_.Welcomed(kEpoch, true);
  EXPECT_THAT(protocol_.Take(Hello()), IsRefused("second hello"));
}

TEST_F(AgentSessionProtocolTest, AHelloThatCannotBeIsRefused) {
  const std::string long_name(256, 'x');
  for (const std::function<void(v1::AgentHello&)>& spoil :
       std::vector<std::function<void(v1::AgentHello&)>>{
           [](auto& h) { h.clear_node(); },
           [&](auto& h) { h.set_node(long_name); },
           [&](auto& h) { h.set_hostname(long_name); },
           [&](auto& h) { h.set_agent_version(long_name); },
           [&](auto& h) { h.set_libvirt_version(long_name); },
           [](auto& h) { h.set_host_uuid("0"); },
           [](auto& h) { h.set_last_epoch(-1); },
           [](auto& h) { h.set_last_acknowledged(-1); }}) {
    v1::SessionRequest hello = Hello();
    spoil(*hello.mutable_hello());
    EXPECT_THAT(AgentSessionProtocol().Take(hello), IsRefused("a hello with"));
  }
  v1::SessionRequest driver_without_uuid = Hello();
  driver_without_uuid.mutable_hello()->clear_host_uuid();
  EXPECT_THAT(protocol_.Take(driver_without_uuid), IsDuty(Duty::kGreet));
}

TEST_F(AgentSessionProtocolTest, ReportsFollowEachOther) {
  BeginMerged();
  EXPECT_THAT(protocol_.Take(Partial(2)), IsDuty(Duty::kMerge));
  protocol_.Merged(false);
  EXPECT_THAT(protocol_.Take(Partial(3)), IsDuty(Duty::kMerge));
  protocol_.Merged(false);
  EXPECT_THAT(protocol_.Take(Alive()), IsDuty(Duty::kNothing));
  EXPECT_THAT(protocol_.Take(Full(4)), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, AResumedSessionGoesOnWithAPartialReport) {
  Begin(/*need_full=*/false);
  EXPECT_THAT(protocol_.Take(Partial(1)), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, APartialReportIsNotMergedWhereAFullIsWanted) {
  Begin(/*need_full=*/true);
  EXPECT_THAT(protocol_.Take(Partial(1)), IsDuty(Duty::kDemandFull));
  EXPECT_THAT(protocol_.Take(Full(2)), IsDuty(Duty::kMerge));
  protocol_.Merged(true);
  EXPECT_THAT(protocol_.Take(Partial(3)), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, AfterAGapOnlyAFullReportIsMerged) {
  BeginMerged();
  EXPECT_THAT(protocol_.Take(Partial(3)), IsDuty(Duty::kDemandFull));
  EXPECT_TRUE(protocol_.wants_full());
  EXPECT_THAT(protocol_.Take(Partial(4)), IsDuty(Duty::kDemandFull));
  EXPECT_THAT(protocol_.Take(Full(5)), IsDuty(Duty::kMerge));
  protocol_.Merged(true);
  EXPECT_FALSE(protocol_.wants_full());
}

TEST_F(AgentSessionProtocolTest, AFullReportAfterAGapIsAskedForAgain) {
  BeginMerged();
  EXPECT_THAT(protocol_.Take(Full(3)), IsDuty(Duty::kDemandFull));
  EXPECT_THAT(protocol_.Take(Full(4)), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, AReportOfAnotherEpochIsNotMerged) {
  BeginMerged();
  EXPECT_THAT(protocol_.Take(Report(2, true, kEpoch - 1)),
              IsDuty(Duty::kDemandFull));
  EXPECT_THAT(protocol_.Take(Report(900, true, 0)), IsDuty(Duty::kDemandFull));
  // Its sequence says nothing of this epoch's.
  EXPECT_THAT(protocol_.Take(Full(2)), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, ASequenceThatDoesNotGrowIsRefused) {
  for (const int64_t sequence : {int64_t{1}, int64_t{0}, int64_t{-1},
                                 std::numeric_limits<int64_t>::min()}) {
    AgentSessionProtocol protocol;
    ASSERT_THAT(protocol.Take(Hello()), IsOk());
    protocol.Welcomed(kEpoch, true);
    ASSERT_THAT(protocol.Take(Full(1)), IsDuty(Duty::kMerge));
    EXPECT_THAT(protocol.Take(Full(sequence)), IsRefused("after report 1"));
  }
}

TEST_F(AgentSessionProtocolTest, TheLargestSequenceIsAGapLikeOthers) {
  Begin(/*need_full=*/true);
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(protocol_.Take(Full(kMost)), IsDuty(Duty::kDemandFull));
  EXPECT_THAT(protocol_.Take(Full(kMost)), IsRefused("after report"));
}

TEST_F(AgentSessionProtocolTest,
       AnAgentThatCannotBeBroughtToAFullReportIsRefused) {
  Begin(/*need_full=*/true);
  for (int i = 1; i <= AgentSessionProtocol::kMostDemands; ++i) {
    ASSERT_THAT(protocol_.Take(Partial(i)), IsDuty(Duty::kDemandFull));
  }
  EXPECT_THAT(protocol_.Take(Partial(4)), IsRefused("asked for 3 times"));
}

TEST_F(AgentSessionProtocolTest, DemandsAreCountedInARowOnly) {
  BeginMerged();
  for (int i = 0; i < 10; ++i) {
    ASSERT_THAT(protocol_.Take(Partial(3 + 3 * i)), IsDuty(Duty::kDemandFull));
    ASSERT_THAT(protocol_.Take(Full(4 + 3 * i)), IsDuty(Duty::kMerge));
    protocol_.Merged(true);
  }
}

TEST_F(AgentSessionProtocolTest, ASourceErrorIsNeitherFullNorPartial) {
  Begin(/*need_full=*/true);
  EXPECT_THAT(protocol_.Take(SourceError(1)), IsDuty(Duty::kCannotRead));
  EXPECT_TRUE(protocol_.wants_full());
  EXPECT_THAT(protocol_.Take(Full(2)), IsDuty(Duty::kMerge));
  protocol_.Merged(true);
  EXPECT_THAT(protocol_.Take(SourceError(3)), IsDuty(Duty::kCannotRead));
  EXPECT_THAT(protocol_.Take(Partial(4)), IsDuty(Duty::kMerge));
  EXPECT_THAT(protocol_.Take(SourceError(6)), IsDuty(Duty::kDemandFull));
}

TEST_F(AgentSessionProtocolTest, ARereadIsAnsweredInFull) {
  BeginMerged();
  v1::SessionRequest answer = Partial(2);
  answer.mutable_report()->add_answers(11);
  EXPECT_THAT(protocol_.Take(answer), IsDuty(Duty::kDemandFull));
  answer = Full(3);
  answer.mutable_report()->add_answers(11);
  EXPECT_THAT(protocol_.Take(answer), IsDuty(Duty::kMerge));
}

TEST_F(AgentSessionProtocolTest, AReportThatContradictsItselfIsRefused) {
  Begin(/*need_full=*/true);
  v1::SessionRequest report = Full(1);
  report.mutable_report()->add_guests();
  EXPECT_THAT(protocol_.Take(report), IsRefused("UUID"));
}

TEST_F(AgentSessionProtocolTest, ResultsOfOhaiSaySomething) {
  Begin(/*need_full=*/true);
  EXPECT_THAT(protocol_.Take(OhaiSays("{}", "")), IsDuty(Duty::kOhaiResult));
  EXPECT_THAT(protocol_.Take(OhaiSays("", "no ohai")),
              IsDuty(Duty::kOhaiResult));
  EXPECT_THAT(protocol_.Take(OhaiSays("", "")), IsRefused("Ohai"));
}

// A field that this program does not know parses as no message at all.
TEST_F(AgentSessionProtocolTest, WhatANewerAgentMaySayIsPassedOver) {
  Begin(/*need_full=*/true);
  EXPECT_THAT(protocol_.Take(v1::SessionRequest()), IsDuty(Duty::kNothing));
}

}  // namespace
}  // namespace rehai
