// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/channel_source.h"
#include "agent/host_feed.h"
#include "agent/report_buffer.h"
#include "agent/runner.h"
#include "agent/scripted_controller.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;

using CallPtr = ScriptedController::CallPtr;

v1::Guest MakeGuest(const std::string& uuid,
                    v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_state(state);
  return guest;
}

std::vector<std::string> Uuids(const v1::AgentReport& report) {
  std::vector<std::string> uuids;
  for (const v1::Guest& guest : report.guests()) uuids.push_back(guest.uuid());
  return uuids;
}

// A host of which a test says what was read.
class TestFeed final : public HostFeed {
 public:
  explicit TestFeed(const Clock& clock) : clock_(clock) {}

  void Read(std::vector<v1::Guest> guests) {
    hypervisor::Inventory found;
    found.facts.set_uuid(uuid_);
    found.guests = std::move(guests);
    MutexLock lock(mu_);
    buffer_.Take(found, clock_.Uptime());
    known_uuid_ = uuid_;
  }

  void FillHello(v1::AgentHello& hello) const override {
    MutexLock lock(mu_);
    hello.set_host_uuid(known_uuid_);
    hello.set_hostname("hv1.example.com");
    hello.set_last_epoch(buffer_.last_epoch());
    hello.set_last_acknowledged(buffer_.last_acknowledged());
  }
  void Begin(int64_t epoch, bool need_full) override {
    MutexLock lock(mu_);
    buffer_.Begin(epoch, need_full);
  }
  void End() override {
    MutexLock lock(mu_);
    buffer_.End();
  }
  std::optional<v1::AgentReport> Next(absl::Duration now) override {
    MutexLock lock(mu_);
    return buffer_.Next(now);
  }
  void Acknowledged(int64_t sequence) override {
    MutexLock lock(mu_);
    buffer_.Acknowledged(sequence);
  }
  void NeedFull() override {
    MutexLock lock(mu_);
    buffer_.NeedFull();
  }
  void Reread(int64_t request_id) override {
    MutexLock lock(mu_);
    buffer_.WantAnswer(request_id);
    rereads_.push_back(request_id);
    changed_.NotifyAll();
  }
  void SetSettings(const v1::AgentSettings& settings) override {
    MutexLock lock(mu_);
    settings_.MergeFrom(settings);
    changed_.NotifyAll();
  }

  bool AwaitReread(int64_t request_id) {
    return Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return !rereads_.empty() && rereads_.back() == request_id;
    });
  }
  bool AwaitRelistInterval(absl::Duration interval) {
    return Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return FromProto(settings_.relist_interval()) == interval;
    });
  }

 private:
  template <typename Condition>
  bool Await(const Condition& condition) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (!condition()) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

  const Clock& clock_;
  const std::string uuid_ = "uuid-of-hv1";

  mutable Mutex mu_;
  CondVar changed_;
  ReportBuffer buffer_ ABSL_GUARDED_BY(mu_);
  std::string known_uuid_ ABSL_GUARDED_BY(mu_);
  std::vector<int64_t> rereads_ ABSL_GUARDED_BY(mu_);
  v1::AgentSettings settings_ ABSL_GUARDED_BY(mu_);
};

// Ohai runs until a test says that it has ended.
class TestOhai {
 public:
  Session::OhaiStarter Starter() {
    return [this](const v1::RunOhai& request, Session::OhaiDone done) {
      MutexLock lock(mu_);
      runs_.emplace_back(request, std::move(done));
      changed_.NotifyAll();
    };
  }

  // The plugins of the run that has begun.
  std::optional<std::vector<std::string>> AwaitRun() {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (runs_.empty()) {
      if (clock.Uptime() >= deadline) return std::nullopt;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    const v1::RunOhai& request = runs_.back().first;
    return std::vector<std::string>(request.plugins().begin(),
                                    request.plugins().end());
  }
  void EndRun(const std::string& json) {
    v1::OhaiResult result;
    result.set_json(json);
    EndRun(std::move(result));
  }
  void EndRun(v1::OhaiResult result) {
    Session::OhaiDone done;
    {
      MutexLock lock(mu_);
      done = std::move(runs_.back().second);
      runs_.pop_back();
    }
    done(std::move(result));
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<std::pair<v1::RunOhai, Session::OhaiDone>> runs_
      ABSL_GUARDED_BY(mu_);
};

class SessionTest : public testing::Test {
 protected:
  SessionTest()
      : controller_(std::make_unique<ScriptedController>()),
        channels_(controller_->address()),
        feed_(clock_),
        runner_(clock_) {
    options_.node = "hv1";
    options_.agent_version = "1.2.3";
  }

  void Start() {
    session_ = std::make_unique<Session>(
        options_, feed_, channels_, ohai_.Starter(),
        [this](const Session::Standing& standing) {
          MutexLock lock(mu_);
          standing_ = standing;
          changed_.NotifyAll();
        },
        runner_, clock_);
    session_->Start();
  }
  void Read(std::vector<v1::Guest> guests) {
    feed_.Read(std::move(guests));
    if (session_ != nullptr) session_->Wake();
  }

  // The next session, greeted; and what the agent said first.
  CallPtr Greet(int64_t epoch, bool need_full,
                const v1::AgentSettings& settings = {}) {
    CallPtr call = controller_->NextCall();
    if (call == nullptr) return nullptr;
    const auto hello = call->Next();
    if (!hello.has_value() || !hello->has_hello()) return nullptr;
    hello_ = hello->hello();
    call->Welcome(epoch, need_full, settings);
    return call;
  }
  // An open session in which guests a and b are known, running.
  CallPtr BeginWithTwoKnown(const v1::AgentSettings& settings = {}) {
    Read({MakeGuest("a"), MakeGuest("b")});
    Start();
    CallPtr call = Greet(7, /*need_full=*/true, settings);
    if (call == nullptr || !call->NextReport().has_value()) return nullptr;
    call->Acknowledge(1);
    // It is taken in before the next word is.
    AwaitOpen(true);
    return call;
  }

  // Time passes until the agent comes again; how much did. Nullptr: it does not
  // within `limit`.
  CallPtr NextCallAfter(absl::Duration& passed,
                        absl::Duration limit = absl::Minutes(5)) {
    for (passed = absl::ZeroDuration(); passed < limit;
         passed += absl::Milliseconds(250)) {
      CallPtr call = controller_->NextCall(absl::Milliseconds(20));
      if (call != nullptr) return call;
      clock_.Advance(absl::Milliseconds(250));
    }
    return controller_->NextCall();
  }

  bool AwaitOpen(bool is_open) {
    return AwaitStanding([&](const Session::Standing& standing) {
      return standing.is_open == is_open && !standing.detail.empty();
    });
  }
  bool AwaitDetail(const std::string& text) {
    return AwaitStanding([&](const Session::Standing& standing) {
      return standing.detail.find(text) != std::string::npos;
    });
  }

  template <typename Condition>
  bool AwaitStanding(const Condition& condition) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (!condition(standing_)) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

  FakeClock clock_;
  std::unique_ptr<ScriptedController> controller_;
  PlaintextChannels channels_;
  Session::Options options_;
  TestFeed feed_;
  TestOhai ohai_;
  v1::AgentHello hello_;

  Mutex mu_;
  CondVar changed_;
  Session::Standing standing_ ABSL_GUARDED_BY(mu_);

  Runner runner_;
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, HelloSaysWhoItIsAndTheFirstReportIsFull) {
  Read({MakeGuest("a"), MakeGuest("b")});
  Start();
  const CallPtr call = Greet(7, /*need_full=*/true);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(hello_.node(), "hv1");
  EXPECT_EQ(hello_.host_uuid(), "uuid-of-hv1");
  EXPECT_EQ(hello_.hostname(), "hv1.example.com");
  EXPECT_EQ(hello_.agent_version(), "1.2.3");
  EXPECT_EQ(hello_.last_epoch(), 0);
  const auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->epoch(), 7);
  EXPECT_EQ(report->sequence(), 1);
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
  EXPECT_TRUE(AwaitOpen(true));
}

TEST_F(SessionTest, WhatChangesWhileAReportIsUnderWayIsInTheNextOnce) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_EQ(call->NextReport()->sequence(), 2);
  Read({MakeGuest("a", v1::GUEST_STATE_RUNNING), MakeGuest("b")});
  Read({MakeGuest("a", v1::GUEST_STATE_SHUT_OFF), MakeGuest("b")});
  call->Acknowledge(2);
  const auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->sequence(), 3);
  ASSERT_THAT(Uuids(*report), ElementsAre("a"));
  EXPECT_EQ(report->guests(0).state(), v1::GUEST_STATE_SHUT_OFF);
}

TEST_F(SessionTest, AFullReportIsMadeWhenTheControllerNeedsOne) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(call->NextReport().has_value());
  v1::SessionResponse need_full;
  need_full.mutable_need_full()->set_reason("a gap");
  call->Send(need_full);
  const auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
}

TEST_F(SessionTest, AControllerThatIsKilledAndComesBackIsToldTheNewestOnce) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(call->NextReport().has_value());  // and no acknowledgement
  const int port = controller_->port();
  controller_.reset();
  ASSERT_TRUE(AwaitOpen(false));
  Read({MakeGuest("a", v1::GUEST_STATE_SHUT_OFF), MakeGuest("b")});
  controller_ = std::make_unique<ScriptedController>(port);

  absl::Duration passed;
  const CallPtr next = NextCallAfter(passed);
  ASSERT_NE(next, nullptr);
  EXPECT_THAT(passed, Ge(absl::Milliseconds(250)));
  const auto hello = next->Next();
  EXPECT_EQ(hello->hello().last_epoch(), 7);
  EXPECT_EQ(hello->hello().last_acknowledged(), 1);
  next->Welcome(8, /*need_full=*/false);
  const auto report = next->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->full());
  EXPECT_EQ(report->epoch(), 8);
  EXPECT_EQ(report->sequence(), 1);
  ASSERT_THAT(Uuids(*report), ElementsAre("a"));
  EXPECT_EQ(report->guests(0).state(), v1::GUEST_STATE_SHUT_OFF);
  next->Acknowledge(1);
  // Nothing of it is said again.
  Read({MakeGuest("a", v1::GUEST_STATE_SHUT_OFF),
        MakeGuest("b", v1::GUEST_STATE_PAUSED)});
  EXPECT_THAT(Uuids(*next->NextReport()), ElementsAre("b"));
}

TEST_F(SessionTest, AHeartbeatIsSaidWhenThereIsNothingToSay) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  clock_.Advance(absl::Seconds(10));
  const auto message = call->Next();
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(message->has_heartbeat());
}

TEST_F(SessionTest, AControllerThatIsSilentForThreeHeartbeatsIsGivenUp) {
  v1::AgentSettings settings;
  *settings.mutable_heartbeat_interval() = ToProto(absl::Seconds(4));
  const CallPtr call = BeginWithTwoKnown(settings);
  ASSERT_NE(call, nullptr);
  // One that says something is not.
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(4));
    ASSERT_TRUE(call->Next()->has_heartbeat());
    v1::SessionResponse heartbeat;
    call->Heartbeat();
    // The agent has heard it when it answers what comes after it.
    v1::SessionResponse reread;
    reread.mutable_reread()->set_request_id(100 + i);
    call->Send(reread);
    ASSERT_TRUE(feed_.AwaitReread(100 + i));
  }
  clock_.Advance(absl::Seconds(12));
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_TRUE(AwaitDetail("said nothing for three heartbeat intervals of 4s"));
}

TEST_F(SessionTest, AControllerThatDoesNotAcknowledgeIsGivenUp) {
  options_.progress_timeout = absl::Seconds(5);
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(call->NextReport().has_value());
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_TRUE(AwaitDetail("has not acknowledged a report"));
}

TEST_F(SessionTest, AControllerThatDoesNotWelcomeIsGivenUp) {
  Start();
  const CallPtr call = controller_->NextCall();
  ASSERT_NE(call, nullptr);
  ASSERT_TRUE(call->Next()->has_hello());
  clock_.Advance(options_.welcome_timeout);
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_TRUE(AwaitDetail("has not welcomed this agent within 20s"));
}

TEST_F(SessionTest, WhoIsSentAwayComesBackWhenItWasToldTo) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse go_away;
  go_away.mutable_go_away()->set_reason("the controller stops");
  *go_away.mutable_go_away()->mutable_reconnect_after() =
      ToProto(absl::Seconds(90));
  call->Send(go_away);
  ASSERT_TRUE(AwaitDetail("the controller stops"));
  absl::Duration passed;
  const CallPtr next = NextCallAfter(passed);
  ASSERT_NE(next, nullptr);
  EXPECT_THAT(passed, Ge(absl::Seconds(90)));
}

TEST_F(SessionTest, WhoIsSentAwayForAMomentComesBackBeforeABackoffWouldLetIt) {
  options_.reconnect = {.min = absl::Minutes(4), .max = absl::Minutes(4)};
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse go_away;
  *go_away.mutable_go_away()->mutable_reconnect_after() =
      ToProto(absl::Seconds(2));
  call->Send(go_away);
  absl::Duration passed;
  ASSERT_NE(NextCallAfter(passed), nullptr);
  EXPECT_THAT(passed, AllOf(Ge(absl::Seconds(2)), Lt(absl::Minutes(2))));
}

TEST_F(SessionTest, ToBeSentAwayIsNoFailure) {
  options_.reconnect = {.min = absl::Seconds(2), .max = absl::Minutes(2)};
  Read({MakeGuest("a")});
  Start();
  CallPtr call = Greet(1, /*need_full=*/true);
  absl::Duration passed;
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(call, nullptr);
    ASSERT_TRUE(AwaitOpen(true));
    v1::SessionResponse go_away;
    *go_away.mutable_go_away()->mutable_reconnect_after() =
        ToProto(absl::Milliseconds(100));
    call->Send(go_away);
    ASSERT_TRUE(AwaitOpen(false));
    call = NextCallAfter(passed);
    ASSERT_NE(call, nullptr);
    ASSERT_TRUE(call->Next()->has_hello());
    call->Welcome(2 + i, /*need_full=*/true);
  }
  ASSERT_TRUE(AwaitOpen(true));
  call->End({grpc::StatusCode::UNAVAILABLE, "not now"});
  ASSERT_TRUE(AwaitOpen(false));
  ASSERT_NE(NextCallAfter(passed), nullptr);
  EXPECT_THAT(passed, Lt(absl::Seconds(4)));
}

TEST_F(SessionTest, WhoIsRefusedWaitsLongest) {
  Start();
  const CallPtr call = controller_->NextCall();
  ASSERT_NE(call, nullptr);
  call->End({grpc::StatusCode::PERMISSION_DENIED, "hv1 is not in the fleet"});
  ASSERT_TRUE(AwaitDetail("refused: hv1 is not in the fleet"));
  absl::Duration passed;
  ASSERT_NE(NextCallAfter(passed), nullptr);
  // The upper half of a minute.
  EXPECT_THAT(passed, Ge(absl::Seconds(30)));
}

TEST_F(SessionTest, SessionsThatDoNotLastAreTriedEverLessOften) {
  options_.reconnect = {.min = absl::Seconds(2), .max = absl::Minutes(2)};
  Read({MakeGuest("a")});
  Start();
  CallPtr call = Greet(1, /*need_full=*/true);
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(call, nullptr);
    ASSERT_TRUE(AwaitOpen(true));
    call->End({grpc::StatusCode::UNAVAILABLE, "not now"});
    ASSERT_TRUE(AwaitOpen(false));
    call = NextCallAfter(waits.emplace_back());
    ASSERT_NE(call, nullptr);
    ASSERT_TRUE(call->Next()->has_hello());
    call->Welcome(2 + i, /*need_full=*/true);
  }
  EXPECT_THAT(waits.back(), Ge(absl::Seconds(8)));
}

TEST_F(SessionTest, ASessionThatLastedIsFollowedByAnotherSoon) {
  options_.reconnect = {.min = absl::Seconds(2), .max = absl::Seconds(20)};
  CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  for (int i = 0; i < 3; ++i) {
    call->End({grpc::StatusCode::UNAVAILABLE, "not now"});
    ASSERT_TRUE(AwaitOpen(false));
    absl::Duration passed;
    call = NextCallAfter(passed);
    ASSERT_NE(call, nullptr);
    ASSERT_TRUE(call->Next()->has_hello());
    call->Welcome(8 + i, /*need_full=*/false);
    ASSERT_TRUE(AwaitOpen(true));
  }
  clock_.Advance(absl::Seconds(20));
  call->End({grpc::StatusCode::UNAVAILABLE, "not now"});
  ASSERT_TRUE(AwaitOpen(false));
  absl::Duration passed;
  ASSERT_NE(NextCallAfter(passed), nullptr);
  // The fourth wait in a row would be of 8 s at least.
  EXPECT_THAT(passed, Lt(absl::Seconds(8)));
}

TEST_F(SessionTest, ARequestToReadAnewIsHandedOnAndAnswered) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse reread;
  reread.mutable_reread()->set_request_id(42);
  call->Send(reread);
  ASSERT_TRUE(feed_.AwaitReread(42));
  Read({MakeGuest("a"), MakeGuest("b")});
  const auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(report->answers(), ElementsAre(42));
}

TEST_F(SessionTest, SettingsAreHandedOn) {
  v1::AgentSettings settings;
  *settings.mutable_relist_interval() = ToProto(absl::Minutes(2));
  const CallPtr call = BeginWithTwoKnown(settings);
  ASSERT_NE(call, nullptr);
  EXPECT_TRUE(feed_.AwaitRelistInterval(absl::Minutes(2)));
  v1::SessionResponse message;
  *message.mutable_settings()->mutable_relist_interval() =
      ToProto(absl::Minutes(3));
  call->Send(message);
  EXPECT_TRUE(feed_.AwaitRelistInterval(absl::Minutes(3)));
}

TEST_F(SessionTest, OhaiRunsWhenAskedAndOnceAtATime) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse run;
  run.mutable_run_ohai()->set_request_id(5);
  run.mutable_run_ohai()->add_plugins("network");
  call->Send(run);
  EXPECT_THAT(ohai_.AwaitRun(), testing::Optional(ElementsAre("network")));
  run.mutable_run_ohai()->set_request_id(6);
  call->Send(run);
  const auto refusal = call->NextWord();
  ASSERT_TRUE(refusal.has_value() && refusal->has_ohai_result());
  EXPECT_EQ(refusal->ohai_result().request_id(), 6);
  EXPECT_THAT(refusal->ohai_result().error(), HasSubstr("runs already"));

  ohai_.EndRun(R"({"a": 1})");
  const auto result = call->NextWord();
  ASSERT_TRUE(result.has_value() && result->has_ohai_result());
  EXPECT_EQ(result->ohai_result().request_id(), 5);
  EXPECT_EQ(result->ohai_result().json(), R"({"a": 1})");
}

TEST_F(SessionTest, WhatOhaiPrintsInAnotherEncodingIsToldAllTheSame) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse run;
  run.mutable_run_ohai()->set_request_id(5);
  call->Send(run);
  ASSERT_TRUE(ohai_.AwaitRun().has_value());
  v1::OhaiResult failure;
  failure.set_error("no caf\xe9 plugin");
  ohai_.EndRun(std::move(failure));
  const auto result = call->NextWord();
  ASSERT_TRUE(result.has_value() && result->has_ohai_result());
  EXPECT_EQ(result->ohai_result().error(), "no caf\xef\xbf\xbd plugin");
}

TEST_F(SessionTest, OhaiRunsByItsInterval) {
  v1::AgentSettings settings;
  *settings.mutable_ohai_interval() = ToProto(absl::Seconds(20));
  *settings.mutable_heartbeat_interval() = ToProto(absl::Minutes(1));
  const CallPtr call = BeginWithTwoKnown(settings);
  ASSERT_NE(call, nullptr);
  clock_.Advance(absl::Seconds(20));
  ASSERT_THAT(ohai_.AwaitRun(), testing::Optional(IsEmpty()));
  ohai_.EndRun("{}");
  const auto result = call->NextWord();
  ASSERT_TRUE(result.has_value() && result->has_ohai_result());
  EXPECT_EQ(result->ohai_result().request_id(), 0);
}

TEST_F(SessionTest, WhatAnEarlierSessionAskedOfOhaiIsNotAnsweredInALaterOne) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  v1::SessionResponse run;
  run.mutable_run_ohai()->set_request_id(5);
  call->Send(run);
  ASSERT_TRUE(ohai_.AwaitRun().has_value());
  call->End({grpc::StatusCode::UNAVAILABLE, "not now"});
  ASSERT_TRUE(AwaitOpen(false));
  absl::Duration passed;
  const CallPtr next = NextCallAfter(passed);
  ASSERT_NE(next, nullptr);
  ASSERT_TRUE(next->Next()->has_hello());
  next->Welcome(8, /*need_full=*/false);
  ASSERT_TRUE(next->NextReport().has_value());
  ohai_.EndRun("{}");
  run.mutable_run_ohai()->set_request_id(6);
  next->Send(run);
  ASSERT_TRUE(ohai_.AwaitRun().has_value());
  ohai_.EndRun("{}");
  const auto result = next->NextWord();
  ASSERT_TRUE(result.has_value() && result->has_ohai_result());
  EXPECT_EQ(result->ohai_result().request_id(), 6);
}

TEST_F(SessionTest, AnAcknowledgementBeforeWelcomeEndsTheSession) {
  Start();
  const CallPtr call = controller_->NextCall();
  ASSERT_NE(call, nullptr);
  call->Acknowledge(1);
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_TRUE(AwaitDetail("before Welcome"));
}

TEST_F(SessionTest, ASecondWelcomeEndsTheSession) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  call->Welcome(8, /*need_full=*/false);
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_TRUE(AwaitDetail("Welcome twice"));
}

TEST_F(SessionTest, AReportThatIsTooLargeIsAnErrorAndTheNextOneIsFull) {
  options_.max_message_bytes = 1000;
  std::vector<v1::Guest> guests = {MakeGuest("a"), MakeGuest("b")};
  guests[0].set_description(std::string(2000, 'x'));
  Read(guests);
  Start();
  const CallPtr call = Greet(7, /*need_full=*/true);
  ASSERT_NE(call, nullptr);
  auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->sequence(), 1);
  EXPECT_THAT(report->source_error(), HasSubstr("the most that is sent"));
  EXPECT_THAT(Uuids(*report), IsEmpty());
  call->Acknowledge(1);

  guests[0].set_description("short");
  Read(guests);
  report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
}

TEST_F(SessionTest, ANewCertificateMakesANewSessionOnceNothingIsUnderWay) {
  const CallPtr call = BeginWithTwoKnown();
  ASSERT_NE(call, nullptr);
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(call->NextReport().has_value());
  session_->Reopen();
  EXPECT_FALSE(call->AwaitOver(absl::Milliseconds(50)));
  call->Acknowledge(2);
  EXPECT_TRUE(call->AwaitOver());
  // And no time has passed.
  const CallPtr next = Greet(8, /*need_full=*/false);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(hello_.last_acknowledged(), 2);
}

TEST_F(SessionTest, AHostWhoseUuidIsLearntLaterIsAnnouncedAnew) {
  Start();
  const CallPtr call = Greet(7, /*need_full=*/true);
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(hello_.host_uuid(), IsEmpty());
  ASSERT_TRUE(AwaitOpen(true));
  Read({MakeGuest("a")});
  EXPECT_TRUE(call->AwaitOver());
  const CallPtr next = Greet(8, /*need_full=*/true);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(hello_.host_uuid(), "uuid-of-hv1");
  EXPECT_THAT(Uuids(*next->NextReport()), ElementsAre("a"));
}

// Channels that a test refuses to open.
class RefusedChannels final : public ChannelSource {
 public:
  void Open(Done done) override {
    done(absl::PermissionDeniedError("hv1: not enrolled"));
  }
};

TEST_F(SessionTest, NoChannelIsAReasonToSayAndToWait) {
  RefusedChannels refused;
  Session session(
      options_, feed_, refused, nullptr,
      [this](const Session::Standing& standing) {
        MutexLock lock(mu_);
        standing_ = standing;
        changed_.NotifyAll();
      },
      runner_, clock_);
  session.Start();
  EXPECT_TRUE(AwaitDetail("refused: hv1: not enrolled"));
}

TEST_F(SessionTest, ManyShareOneRunner) {
  constexpr int kSessions = 100;
  std::vector<std::unique_ptr<TestFeed>> feeds;
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < kSessions; ++i) {
    options_.node = absl::StrCat("hv", i);
    feeds.push_back(std::make_unique<TestFeed>(clock_));
    feeds.back()->Read({MakeGuest(absl::StrCat("guest-", i))});
    sessions.push_back(std::make_unique<Session>(
        options_, *feeds.back(), channels_, nullptr, nullptr, runner_, clock_));
    sessions.back()->Start();
  }
  for (int i = 0; i < kSessions; ++i) {
    const CallPtr call = Greet(i + 1, /*need_full=*/true);
    ASSERT_NE(call, nullptr);
    const auto report = call->NextReport();
    ASSERT_TRUE(report.has_value());
    EXPECT_THAT(Uuids(*report),
                ElementsAre(absl::StrCat("guest-", hello_.node().substr(2))));
  }
}

TEST_F(SessionTest, EndsInTheMiddleOfWhateverItDoes) {
  Start();
  session_.reset();
  Read({MakeGuest("a")});
  Start();
  const CallPtr call = controller_->NextCall();
  session_.reset();
  EXPECT_TRUE(call == nullptr || call->AwaitOver());
}

}  // namespace
}  // namespace rehai::agent
