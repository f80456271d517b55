// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/agent_fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/scripted_controller.h"
#include "rehai/v1/agent.pb.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using agent::ScriptedController;
using CallPtr = ScriptedController::CallPtr;

constexpr absl::Duration kPatience = absl::Seconds(30);

class AgentFleetTest : public ::testing::Test {
 protected:
  void StartFleet(int agents, int guests) {
    controller_ = std::make_unique<ScriptedController>();
    auto fleet = AgentFleet::Create(
        {.controller = controller_->address(),
         .agents = agents,
         .guests = guests,
         .reconnect = {absl::Milliseconds(1), absl::Milliseconds(10)}});
    ASSERT_THAT(fleet, IsOk());
    fleet_ = *std::move(fleet);
  }

  // Takes the session that comes next and welcomes it; its node.
  std::string Welcome() {
    const CallPtr call = controller_->NextCall();
    if (call == nullptr) return "";
    const auto hello = call->Next();
    if (!hello.has_value()) return "";
    call->Welcome(/*epoch=*/++epoch_, /*need_full=*/true);
    calls_[hello->hello().node()] = call;
    return hello->hello().node();
  }
  // The report that comes next; acknowledges it.
  std::optional<v1::AgentReport> Hear(const std::string& node) {
    auto report = calls_[node]->NextReport();
    if (report.has_value()) calls_[node]->Acknowledge(report->sequence());
    return report;
  }

  std::unique_ptr<ScriptedController> controller_;
  std::unique_ptr<AgentFleet> fleet_;
  std::map<std::string, CallPtr> calls_;  // the newest of each node
  int64_t epoch_ = 0;
};

TEST_F(AgentFleetTest, EachAgentReportsItsOwnGuestsInASessionOfItsOwn) {
  StartFleet(/*agents=*/2, /*guests=*/3);
  fleet_->StartAll();
  Welcome();
  Welcome();
  const auto first = Hear("agent0000");
  const auto second = Hear("agent0001");
  ASSERT_TRUE(first.has_value() && second.has_value());

  EXPECT_THAT(fleet_->AwaitSynced(kPatience), IsOk());
  EXPECT_TRUE(first->full());
  EXPECT_THAT(first->guests(), SizeIs(3));
  EXPECT_NE(first->guests(0).uuid(), second->guests(0).uuid());
  EXPECT_EQ(
      fleet_->counts(),
      (AgentFleet::Counts{
          .open = 2, .synced = 2, .attempts = 2, .opened = 2, .reports = 2}));
  EXPECT_THAT(fleet_->TakeOpenings(), SizeIs(2));
  EXPECT_THAT(fleet_->TakeOpenings(), IsEmpty());
}

TEST_F(AgentFleetTest, NobodyIsSyncedBeforeTheReportIsAcknowledged) {
  StartFleet(/*agents=*/1, /*guests=*/1);
  fleet_->StartAll();
  Welcome();
  const auto report = calls_["agent0000"]->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(fleet_->counts().open, 1);
  EXPECT_EQ(fleet_->counts().synced, 0);
  calls_["agent0000"]->Acknowledge(report->sequence());
  EXPECT_THAT(fleet_->AwaitSynced(kPatience), IsOk());
}

TEST_F(AgentFleetTest, AChangeIsReportedAndKnownWhenItIsAcknowledged) {
  StartFleet(/*agents=*/1, /*guests=*/2);
  fleet_->StartAll();
  Welcome();
  Hear("agent0000");
  ASSERT_THAT(fleet_->AwaitSynced(kPatience), IsOk());

  fleet_->Change(0);
  EXPECT_EQ(fleet_->counts().synced, 0);
  const auto report = Hear("agent0000");
  ASSERT_TRUE(report.has_value());
  ASSERT_THAT(fleet_->AwaitSynced(kPatience), IsOk());

  ASSERT_THAT(report->guests(), SizeIs(1));
  const std::vector<AcknowledgedChange> changes = fleet_->TakeChanges();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].agent, 0);
  EXPECT_EQ(changes[0].uuid, report->guests(0).uuid());
  EXPECT_EQ(changes[0].state, report->guests(0).state());
  EXPECT_GT(changes[0].acknowledged, changes[0].changed);
}

TEST_F(AgentFleetTest, AChangeThatTheBrokenSessionSaidIsKnownInTheNext) {
  StartFleet(/*agents=*/1, /*guests=*/1);
  fleet_->StartAll();
  Welcome();
  Hear("agent0000");
  ASSERT_THAT(fleet_->AwaitSynced(kPatience), IsOk());
  fleet_->Change(0);
  ASSERT_TRUE(calls_["agent0000"]->NextReport().has_value());
  calls_["agent0000"]->End(grpc::Status::OK);

  Welcome();
  EXPECT_THAT(fleet_->TakeChanges(), IsEmpty());
  ASSERT_TRUE(Hear("agent0000").has_value());
  ASSERT_THAT(fleet_->AwaitSynced(kPatience), IsOk());
  EXPECT_THAT(fleet_->TakeChanges(), SizeIs(1));
  EXPECT_EQ(fleet_->counts().attempts, 2);
}

TEST_F(AgentFleetTest, AnAgentThatStartsAgainKnowsOfNoSessionBefore) {
  StartFleet(/*agents=*/1, /*guests=*/1);
  fleet_->StartAll();
  Welcome();
  Hear("agent0000");
  ASSERT_THAT(fleet_->AwaitSynced(kPatience), IsOk());
  fleet_->StopAll();
  EXPECT_EQ(fleet_->counts().open, 0);
  EXPECT_EQ(fleet_->counts().synced, 0);

  fleet_->StartAll();
  const CallPtr call = controller_->NextCall();
  ASSERT_NE(call, nullptr);
  const auto hello = call->Next();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->hello().last_epoch(), 0);
}

TEST_F(AgentFleetTest, WhoIsNotThereInTimeIsSaidInNumbers) {
  StartFleet(/*agents=*/2, /*guests=*/1);
  EXPECT_THAT(fleet_->AwaitSynced(absl::Milliseconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       ::testing::HasSubstr("of 2, 0 have a session")));
}

TEST(AgentFleetLimitsTest, MoreThanTheProcessMayHaveAreRefused) {
  EXPECT_THAT(AgentFleet::Create({.agents = 1'000'000'000}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       ::testing::HasSubstr("ulimit")));
}

}  // namespace
}  // namespace rehai::lab
