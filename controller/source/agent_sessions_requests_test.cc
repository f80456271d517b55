// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What is asked of agents: to read anew, and to run Ohai.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/proto_time.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/agent_sessions_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Response = v1::SessionResponse;

class AgentSessionsRequestsTest : public AgentSessionsTest {
 protected:
  // Asks for Ohai; the answer is in answers_, in the order of the asking.
  void AskOhai(const std::vector<std::string>& plugins = {}) {
    const size_t i = answers_.size();
    answers_.emplace_back();
    sessions().RunOhai(kHost, plugins, [this, i](const auto& result) {
      EXPECT_EQ(answers_[i], std::nullopt) << "answered twice";
      answers_[i] = result.status();
      if (result.ok()) jsons_.push_back(result->json());
    });
  }
  static v1::RunOhai Asked(const Visit& visit) {
    return visit.Last(Response::kRunOhai).run_ohai();
  }

  std::vector<std::optional<absl::Status>> answers_;
  std::vector<std::string> jsons_;
};

TEST_F(AgentSessionsRequestsTest, ARereadIsAskedAndAnsweredByItsNumber) {
  Visit visit = Speak(kHost);
  hosts_.AgentOf(kHost)->AskReread(11);
  EXPECT_EQ(visit.Last(Response::kReread).reread().request_id(), 11);
  v1::SessionRequest report = ReportOf(visit.epoch, 2, true, {1});
  report.mutable_report()->add_answers(11);
  visit.Say(report);
  EXPECT_THAT(hosts_.Answers(kHost), ElementsAre(11));
}

TEST_F(AgentSessionsRequestsTest, TheWelcomeIsSaidBeforeAnyRequest) {
  hosts_.on_came = [&](const HostId&, Agent& agent) {
    agent.AskReread(11);
    agent.AskReread(12);
    AskOhai();
  };
  Visit visit = Come(kHost);
  const auto sent = visit.stream->Sent();
  ASSERT_THAT(sent, SizeIs(3));
  EXPECT_TRUE(sent[0].has_welcome());
  EXPECT_EQ(sent[1].reread().request_id(), 11);
  EXPECT_EQ(sent[2].reread().request_id(), 12);
  // No session was the host's yet.
  EXPECT_THAT(*answers_[0], StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(AgentSessionsRequestsTest, OhaiRunsWhenAskedAndAnswers) {
  options_.ohai_plugins = {"virtualization", "network"};
  options_.ohai_timeout = absl::Seconds(90);
  Visit visit = Speak(kHost);
  AskOhai();
  const v1::RunOhai asked = Asked(visit);
  EXPECT_GT(asked.request_id(), 0);
  EXPECT_THAT(asked.plugins(), ElementsAre("virtualization", "network"));
  EXPECT_EQ(FromProto(asked.timeout()), absl::Seconds(90));
  EXPECT_EQ(answers_[0], std::nullopt);
  visit.Say(OhaiResultOf(asked.request_id(), "{\"a\":1}"));
  EXPECT_THAT(*answers_[0], IsOk());
  EXPECT_THAT(jsons_, ElementsAre("{\"a\":1}"));
  EXPECT_EQ(sessions().Status().ohai_runs(), 1);
  EXPECT_EQ(sessions().Status().failed_ohai_runs(), 0);
  EXPECT_THAT(unasked_, IsEmpty());
}

TEST_F(AgentSessionsRequestsTest, OneRunAtATimeAndAtMostAFewWait) {
  Visit visit = Speak(kHost);
  for (int i = 0; i < 9; ++i) AskOhai({i % 2 == 0 ? "a" : "b"});
  EXPECT_THAT(*answers_[8], StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(visit.Count(Response::kRunOhai), 1);
  // The first alone; then those who wait for b; then the others.
  visit.Say(OhaiResultOf(Asked(visit).request_id(), "1"));
  EXPECT_EQ(jsons_.size(), 1u);
  EXPECT_THAT(Asked(visit).plugins(), ElementsAre("b"));
  visit.Say(OhaiResultOf(Asked(visit).request_id(), "2"));
  EXPECT_EQ(jsons_.size(), 5u);
  visit.Say(OhaiResultOf(Asked(visit).request_id(), "3"));
  EXPECT_EQ(jsons_.size(), 8u);
  EXPECT_EQ(visit.Count(Response::kRunOhai), 3);
}

TEST_F(AgentSessionsRequestsTest, AFailureOfOhaisIsAResult) {
  Visit visit = Speak(kHost);
  AskOhai();
  v1::SessionRequest result = OhaiResultOf(Asked(visit).request_id(), "");
  result.mutable_ohai_result()->set_error("ohai is not installed");
  visit.Say(result);
  EXPECT_THAT(*answers_[0], IsOk());
  EXPECT_EQ(sessions().Status().failed_ohai_runs(), 1);
}

TEST_F(AgentSessionsRequestsTest, WithoutAnAgentThereIsNoOhai) {
  AskOhai();
  EXPECT_THAT(*answers_[0], StatusIs(absl::StatusCode::kFailedPrecondition,
                                     HasSubstr("no agent")));
}

TEST_F(AgentSessionsRequestsTest, AnAgentThatGoesAnswersNobody) {
  Visit visit = Speak(kHost);
  AskOhai({"a"});
  AskOhai({"b"});
  visit.session.reset();
  EXPECT_THAT(*answers_[0], StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(*answers_[1], StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AgentSessionsRequestsTest, ARunThatTakesTooLongGivesItsTurnAway) {
  options_.ohai_timeout = absl::Seconds(60);
  Visit visit = Speak(kHost);
  AskOhai({"a"});
  AskOhai({"b"});
  const int64_t first = Asked(visit).request_id();
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(answers_[0], std::nullopt);
    Advance(absl::Seconds(10));
    visit.Say(HeartbeatOf());
  }
  EXPECT_THAT(*answers_[0], StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(Asked(visit).plugins(), ElementsAre("b"));
  EXPECT_EQ(sessions().Status().failed_ohai_runs(), 1);
  // Its result comes too late, and is nobody else's.
  visit.Say(OhaiResultOf(first, "{}"));
  EXPECT_EQ(answers_[1], std::nullopt);
  visit.Say(OhaiResultOf(Asked(visit).request_id(), "{}"));
  EXPECT_THAT(*answers_[1], IsOk());
  EXPECT_EQ(visit.stream->end(), std::nullopt);
}

TEST_F(AgentSessionsRequestsTest, AResultByItsIntervalGoesToTheListener) {
  Visit visit = Speak(kHost);
  visit.Say(OhaiResultOf(0, "{}"));
  ASSERT_THAT(unasked_, SizeIs(1));
  EXPECT_EQ(unasked_[0].first, kHost);
  EXPECT_EQ(unasked_[0].second.json(), "{}");
}

}  // namespace
}  // namespace rehai
