// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Resyncs that the program begins, against a controller in this process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/rehaictl_program.h"
#include "rehai/v1/agent.pb.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RehaictlResyncTest : public testing::Test {
 protected:
  RehaictlResyncTest() {
    ClearRehaictlEnvironment();
    setenv("REHAI_SERVER", controller_.address().c_str(), 1);
  }

  void ObserveTwoHosts() {
    controller_.Observe("hv1",
                        {MakeGuest(1, "web01"),
                         MakeGuest(2, "web02", v1::GUEST_STATE_SHUT_OFF)},
                        {{"rack", "a"}});
    controller_.Observe("hv2", {MakeGuest(3, "db01")}, {{"rack", "b"}});
  }

  TestController controller_;
};

TEST_F(RehaictlResyncTest, AResyncThatGoesWellIsStatus0) {
  ObserveTwoHosts();
  const Program program = Rehaictl({"resync", "--all"});
  EXPECT_EQ(program.status, 0) << program.err;
  EXPECT_THAT(program.out,
              AllOf(HasSubstr("hv1: written\n"), HasSubstr("hv2: written\n"),
                    HasSubstr("2 hosts in "), HasSubstr("  2 written\n")));
}

TEST_F(RehaictlResyncTest, AResyncWithAFailedHostIsStatus6) {
  ObserveTwoHosts();
  controller_.SetReread("hv2", absl::UnavailableError("no route to host"));
  const Program program = Rehaictl({"resync", "hv1", "hv2", "-o", "json"});
  EXPECT_EQ(program.status, 6) << program.err;
  const auto json = nlohmann::json::parse(program.out);
  EXPECT_EQ(json["done"], 2);
  EXPECT_EQ(json["hosts"][1]["outcome"], "HOST_OUTCOME_UNREACHABLE");
}

TEST_F(RehaictlResyncTest, AResyncOfOhaiSaysWhichHostsHaveNoAgent) {
  ObserveTwoHosts();
  v1::OhaiResult ohai;
  ohai.set_json(R"({"uptime":"7"})");
  controller_.SetOhai("hv1", ohai);
  const Program written =
      Rehaictl({"resync", "hv1", "--ohai", "--plugins", "uptime,network"});
  EXPECT_EQ(written.status, 0) << written.err;
  EXPECT_THAT(written.out, HasSubstr("hv1: written\n"));
  EXPECT_THAT(controller_.ohai_plugins(), ElementsAre("uptime", "network"));

  const Program all = Rehaictl({"resync", "--all", "--ohai"});
  EXPECT_EQ(all.status, 6) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("hv1: unchanged\n"),
                             HasSubstr("  1 no agent\n    hv2: no agent: ")));
}

TEST_F(RehaictlResyncTest, AResyncOfOhaiGoesAloneAndNamesItsHosts) {
  EXPECT_EQ(Rehaictl({"resync", "--ohai"}).status, 2);
  EXPECT_EQ(Rehaictl({"resync", "--all", "--ohai", "--rewrite"}).status, 2);
  EXPECT_EQ(Rehaictl({"resync", "--all", "--plugins", "cpu"}).status, 2);
}

TEST_F(RehaictlResyncTest, ADryRunThatWouldWriteIsStatus1) {
  ObserveTwoHosts();
  controller_.sink().SetDifferences(
      {{.path = "automatic.rehai", .before = "", .after = "{}"}});
  const Program dry = Rehaictl({"resync", "hv1", "--rewrite", "--dry-run"});
  EXPECT_EQ(dry.status, 1) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("hv1: would write: automatic.rehai\n"));
  const Program verify = Rehaictl({"resync", "hv1", "--verify-only"});
  EXPECT_EQ(verify.status, 1) << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("hv1: different: automatic.rehai\n"));
}

TEST_F(RehaictlResyncTest, APausedResyncGoesOnAndACanceledOneIsStatus7) {
  ObserveTwoHosts();
  controller_.HoldRereads();
  const Program begun = Rehaictl(
      {"resync", "--all", "--concurrency", "1", "--no-wait", "-o", "name"});
  EXPECT_EQ(begun.status, 0) << begun.err;
  const std::string id = begun.out.substr(0, begun.out.find('\n'));
  EXPECT_THAT(Rehaictl({"resync", "pause", id}).out, HasSubstr("paused"));
  EXPECT_THAT(Rehaictl({"resync", "list"}).out,
              AllOf(HasSubstr(id), HasSubstr("paused")));
  EXPECT_THAT(Rehaictl({"resync", "resume", id}).out, HasSubstr("goes on"));
  EXPECT_EQ(Rehaictl({"resync", "cancel", id}).status, 0);
  controller_.ReleaseRereads();
  const Program rest = Rehaictl({"resync", "watch", id});
  EXPECT_EQ(rest.status, 7) << rest.out;
}

TEST_F(RehaictlResyncTest, TheSameKeyIsTheSameResync) {
  ObserveTwoHosts();
  const std::vector<std::string> words = {
      "resync", "--all", "--idempotency-key", "k1", "-o", "name"};
  const Program first = Rehaictl(words);
  const Program second = Rehaictl(words);
  EXPECT_EQ(first.out, second.out);
  EXPECT_THAT(second.err, HasSubstr("has this idempotency key already"));
}

TEST_F(RehaictlResyncTest, CtrlCStopsTheWaitingAndNotTheResync) {
  ObserveTwoHosts();
  controller_.SetReread("hv1", absl::OkStatus());
  controller_.HoldRereads();
  Program program({"resync", "--all", "--reread"});
  program.ReadUntil("hv1: unchanged\n");
  program.Interrupt();
  program.Finish();
  EXPECT_EQ(program.status, 130);
  const size_t id_at = program.err.find("rehaictl resync watch ");
  ASSERT_NE(id_at, std::string::npos) << program.err;
  const std::string id = program.err.substr(
      id_at + 22, program.err.find('\n', id_at) - id_at - 22);

  EXPECT_THAT(Rehaictl({"resync", "show", id}).out, HasSubstr("still running"));
  controller_.ReleaseRereads();
  const Program rest = Rehaictl({"resync", "watch", id});
  EXPECT_EQ(rest.status, 0) << rest.err;
  EXPECT_THAT(rest.out, HasSubstr("  2 unchanged\n"));
}

TEST_F(RehaictlResyncTest, NoWaitSaysHowToGoOn) {
  ObserveTwoHosts();
  controller_.HoldRereads();
  const Program program = Rehaictl({"resync", "--all", "--no-wait"});
  EXPECT_EQ(program.status, 0) << program.err;
  EXPECT_THAT(program.out, AllOf(HasSubstr("still running"),
                                 HasSubstr("rehaictl resync cancel ")));
}

}  // namespace
}  // namespace rehai
