// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The main job on real parts: a guest changes on a hypervisor behind ssh, and
// its Chef node and every front end say so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Property;
using ::testing::SizeIs;

// One QEMU host, a simulated one, and a bystander at which nothing happens.
class LifecycleTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
    auto lab = lab::Lab::Start({.qemu_hosts = 1, .test_hosts = 2});
    ASSERT_THAT(lab, IsOk());
    lab_ = lab->release();
    for (int i = 0; i < lab_->size(); ++i) {
      ASSERT_THAT(chef_->CreateNode(SmallNode(lab_->host(i).node())), IsOk());
    }
    auto controller =
        lab::ControllerProcess::Start(*chef_, {.hosts = lab::HostsOf(*lab_)});
    ASSERT_THAT(controller, IsOk());
    controller_ = controller->release();
    front_end_ = new FrontEnd(controller_->address());
  }
  static void TearDownTestSuite() {
    delete std::exchange(front_end_, nullptr);
    delete std::exchange(controller_, nullptr);
    delete std::exchange(lab_, nullptr);
    delete std::exchange(chef_, nullptr);
  }

  void SetUp() override {
    ASSERT_NE(front_end_, nullptr);
    for (int i = 0; i < lab_->size(); ++i) {
      ASSERT_TRUE(Eventually(
          [&] { return front_end_->SyncStatusOf(lab_->host(i).node()); },
          Property(&v1::SyncStatus::state, v1::SYNC_STATE_SYNCED)));
    }
  }

  static std::string Node(const std::string& name) {
    return chef_->GetNode(name).value_or("");
  }

  // Lives a guest's life and looks everywhere after each step.
  static void Live(lab::Host& host, const std::string& guest);
  static void ExpectEverywhere(const std::string& node,
                               const std::string& guest,
                               const std::string& shown,
                               const std::string& state, FleetWatch& watch);

  static lab::Goiardi* chef_;
  static lab::Lab* lab_;
  static lab::ControllerProcess* controller_;
  static FrontEnd* front_end_;
};

lab::Goiardi* LifecycleTest::chef_ = nullptr;
lab::Lab* LifecycleTest::lab_ = nullptr;
lab::ControllerProcess* LifecycleTest::controller_ = nullptr;
FrontEnd* LifecycleTest::front_end_ = nullptr;

// The guest's state in a record, or "NOT_FOUND".
std::string StateIn(const v1::Record& record, const std::string& guest) {
  for (const v1::Guest& candidate : record.guests()) {
    if (candidate.name() == guest) {
      return v1::GuestState_Name(candidate.state());
    }
  }
  return "NOT_FOUND";
}

void LifecycleTest::ExpectEverywhere(const std::string& node,
                                     const std::string& guest,
                                     const std::string& shown,
                                     const std::string& state,
                                     FleetWatch& watch) {
  ASSERT_TRUE(Eventually([&] { return ShownIn(Node(node), guest); }, shown));
  EXPECT_EQ(front_end_->StateOf(guest), state);
  std::string listed = "NOT_FOUND";
  const auto guests = front_end_->ListGuests(node);
  ASSERT_THAT(guests, IsOk());
  for (const v1::LocatedGuest& candidate : *guests) {
    EXPECT_EQ(candidate.node(), node);
    if (candidate.guest().name() != guest) continue;
    listed = v1::GuestState_Name(candidate.guest().state());
  }
  EXPECT_EQ(listed, state);

  int64_t revision = 0;
  while (true) {
    const auto step = watch.Next();
    ASSERT_THAT(step, IsOk())
        << "the watch never showed " << guest << " as " << state;
    EXPECT_GE(step->revision(), revision);
    revision = step->revision();
    if (step->record().node() == node &&
        StateIn(step->record(), guest) == state) {
      break;
    }
  }
}

void LifecycleTest::Live(lab::Host& host, const std::string& guest) {
  const auto watch = front_end_->Watch();
  const struct {
    const char* name;
    std::function<absl::Status()> act;
    const char* shown;
    const char* state;
  } kSteps[] = {
      {"define", [&] { return host.Define({.name = guest, .vcpus = 2}); },
       kShownShutOff, "GUEST_STATE_SHUT_OFF"},
      {"start", [&] { return host.StartGuest(guest); }, kShownRunning,
       "GUEST_STATE_RUNNING"},
      {"suspend", [&] { return host.Suspend(guest); }, kShownPaused,
       "GUEST_STATE_PAUSED"},
      {"resume", [&] { return host.ResumeGuest(guest); }, kShownRunning,
       "GUEST_STATE_RUNNING"},
      {"destroy", [&] { return host.Destroy(guest); }, kShownShutOff,
       "GUEST_STATE_SHUT_OFF"},
      {"undefine", [&] { return host.Undefine(guest); }, kShownNowhere,
       "NOT_FOUND"},
  };
  for (const auto& step : kSteps) {
    SCOPED_TRACE(step.name);
    ASSERT_THAT(step.act(), IsOk());
    ExpectEverywhere(host.node(), guest, step.shown, step.state, *watch);
    if (HasFatalFailure()) return;
  }
}

TEST_F(LifecycleTest, EveryStepOfAGuestIsShownAndNoOtherNodeIsTouched) {
  const std::string bystander = lab_->host(2).node();
  const std::string before = Node(bystander);
  ASSERT_THAT(before, HasSubstr("\"digest\":"));

  for (int i : {0, 1}) {
    SCOPED_TRACE(lab_->host(i).uri());
    Live(lab_->host(i), "web01");
  }

  EXPECT_EQ(Node(bystander), before);
}

TEST_F(LifecycleTest, AResyncRepairsWhatAChefClientRunTookAway) {
  const std::string harmed = lab_->host(1).node();
  std::map<std::string, std::string> before;
  for (int i : {0, 2}) {
    before[lab_->host(i).node()] = Node(lab_->host(i).node());
  }
  ASSERT_THAT(chef_->PutNode(harmed, SmallNode(harmed)), IsOk());
  EXPECT_THAT(front_end_->Diff(harmed), IsOkAndHolds(Not(IsEmpty())));

  const auto operation = front_end_->Resync({});

  ASSERT_THAT(operation, IsOk());
  EXPECT_EQ(operation->done(), 3);
  ASSERT_THAT(operation->hosts(), SizeIs(3));
  for (const v1::HostResult& host : operation->hosts()) {
    EXPECT_EQ(host.outcome(), host.node() == harmed
                                  ? v1::HOST_OUTCOME_WRITTEN
                                  : v1::HOST_OUTCOME_UNCHANGED)
        << host.ShortDebugString();
    EXPECT_THAT(front_end_->Diff(host.node()), IsOkAndHolds(IsEmpty()));
  }
  EXPECT_EQ(ShownIn(Node(harmed), "test"), kShownRunning);
  for (const auto& [node, text] : before) EXPECT_EQ(Node(node), text);
}

// "test" is the guest that libvirt's test driver always has.
TEST_F(LifecycleTest, AMissingNodeIsReportedAndOnlyOthersCreateIt) {
  const auto libvirtd = lab::FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());
  const auto controller = lab::ControllerProcess::Start(
      *chef_, {.hosts = {{.node = "new1", .uri = (*libvirtd)->uri()}}});
  ASSERT_THAT(controller, IsOk());
  FrontEnd front_end((*controller)->address());

  EXPECT_TRUE(Eventually(
      [&] { return front_end.SyncStatusOf("new1"); },
      AllOf(Property(&v1::SyncStatus::state, v1::SYNC_STATE_PARKED),
            Property(&v1::SyncStatus::last_outcome,
                     v1::WRITE_OUTCOME_NODE_MISSING),
            Property(&v1::SyncStatus::last_error, HasSubstr("new1")))));
  const auto refused = front_end.Resync({"new1"});
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(refused->hosts(0).outcome(), v1::HOST_OUTCOME_WRITE_FAILED);
  EXPECT_THAT(chef_->GetNode("new1"), StatusIs(absl::StatusCode::kNotFound));

  ASSERT_THAT(chef_->CreateNode(SmallNode("new1")), IsOk());
  const auto accepted = front_end.Resync({"new1"});
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->hosts(0).outcome(), v1::HOST_OUTCOME_WRITTEN);
  EXPECT_EQ(ShownIn(Node("new1"), "test"), kShownRunning);
  EXPECT_EQ(front_end.SyncStatusOf("new1").state(), v1::SYNC_STATE_SYNCED);
}

}  // namespace
}  // namespace rehai::integration
