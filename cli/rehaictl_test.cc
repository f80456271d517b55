// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The program itself, as a shell would run it, against a controller in this
// process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "cli/rehaictl_program.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class RehaictlTest : public testing::Test {
 protected:
  RehaictlTest() {
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

TEST_F(RehaictlTest, HostsInTheThreeFormats) {
  ObserveTwoHosts();
  const Program table = Rehaictl({"hosts"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out,
              AllOf(StartsWith("HOST "), HasSubstr("\nhv1   current"),
                    HasSubstr("\nhv2   current")));
  EXPECT_THAT(table.out, Not(HasSubstr("\033")));  // not a terminal

  const auto json =
      nlohmann::json::parse(Rehaictl({"hosts", "-o", "json"}).out);
  ASSERT_EQ(json["hosts"].size(), 2u);
  EXPECT_EQ(json["hosts"][0]["node"], "hv1");
  EXPECT_EQ(json["hosts"][0]["running_guest_count"], 1);
  EXPECT_EQ(json["total_size"], 2);

  const YAML::Node yaml =
      YAML::Load(Rehaictl({"hosts", "-o", "yaml", "--label", "rack=b"}).out);
  ASSERT_EQ(yaml["hosts"].size(), 1u);
  EXPECT_EQ(yaml["hosts"][0]["node"].as<std::string>(), "hv2");
}

TEST_F(RehaictlTest, GuestsAreFilteredAndAllPagesShown) {
  std::vector<v1::Guest> many;
  for (int i = 0; i < 2500; ++i) {
    many.push_back(MakeGuest(i, absl::StrCat("g", i)));
  }
  controller_.Observe("hv1", many);
  const auto all =
      nlohmann::json::parse(Rehaictl({"guests", "-o", "json"}).out);
  EXPECT_EQ(all["guests"].size(), 2500u);
  EXPECT_EQ(all["next_page_token"], "");

  const Program some =
      Rehaictl({"guests", "--name", "g249?", "--state", "running"});
  EXPECT_EQ(some.status, 0) << some.err;
  EXPECT_THAT(some.out, AllOf(HasSubstr("g2490 "), HasSubstr("g2499 "),
                              Not(HasSubstr("g2489 "))));
}

TEST_F(RehaictlTest, NamesAndWideTables) {
  ObserveTwoHosts();
  controller_.Observe("hv3", {MakeGuest(9, "db01")});
  EXPECT_EQ(Rehaictl({"hosts", "-o", "name"}).out, "hv1\nhv2\nhv3\n");
  // A name that two have names neither.
  EXPECT_EQ(Rehaictl({"guests", "-o", "name"}).out,
            "00000000-0000-4000-8000-000000000003\n"
            "00000000-0000-4000-8000-000000000009\n"
            "web01\nweb02\n");
  EXPECT_THAT(Rehaictl({"hosts", "-o", "wide"}).out,
              AllOf(HasSubstr("LABELS"), HasSubstr("rack=a")));
  const Program wrong = Rehaictl({"guest", "web01", "-o", "name"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("is not a list"));
}

TEST_F(RehaictlTest, AFilterAnOrderAndFields) {
  ObserveTwoHosts();
  const Program guests =
      Rehaictl({"guests", "--filter", "name = \"*0?\" AND state = running",
                "--sort", "name desc", "--fields", "guest.name,node"});
  EXPECT_EQ(guests.status, 0) << guests.err;
  EXPECT_EQ(guests.out,
            "GUEST.NAME  NODE\n"
            "web01       hv1\n"
            "db01        hv2\n");
  const auto json = nlohmann::json::parse(
      Rehaictl({"guests", "--fields", "guest.name", "-o", "json"}).out);
  EXPECT_EQ(json["guests"][0]["guest"]["name"], "db01");
  EXPECT_EQ(json["guests"][0]["node"], "");
  // What a filter's field should have been is the controller's to say.
  const Program wrong = Rehaictl({"guests", "--filter", "sate = running"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("sate"));
  EXPECT_EQ(Rehaictl({"hosts", "--fields", "nood"}).status, 2);
}

TEST_F(RehaictlTest, ASummaryByGroup) {
  ObserveTwoHosts();
  const Program summary = Rehaictl({"summary", "--by", "node"});
  EXPECT_EQ(summary.status, 0) << summary.err;
  EXPECT_THAT(summary.out,
              AllOf(StartsWith("NODE "), HasSubstr("\nhv1        2        1"),
                    HasSubstr("\nall        3        2")));
  EXPECT_EQ(Rehaictl({"summary", "--by", "nodde"}).status, 2);
}

TEST_F(RehaictlTest, AWatchOfHostsShowsThemAgainWhenOneChanges) {
  ObserveTwoHosts();
  Program program({"hosts", "--watch"});
  program.ReadUntil("\nhv2 ");
  controller_.Observe("hv3", {});
  program.ReadUntil("\nhv3 ");
  EXPECT_THAT(program.out, HasSubstr("\nhv3 "));
  program.Interrupt();
  program.Finish();
  EXPECT_EQ(program.status, -SIGINT);
}

TEST_F(RehaictlTest, OnATerminalATableFitsAndHasColours) {
  ObserveTwoHosts();
  setenv("TERM", "xterm", 1);
  Program narrow({"guests"}, 50);
  narrow.Finish();
  EXPECT_EQ(narrow.status, 0) << narrow.err;
  EXPECT_THAT(narrow.out, AllOf(HasSubstr("\033[32mrunning\033[0m"),
                                HasSubstr("\033[2m0000000…\033[0m\r\n")));
  Program wide({"guests"}, 200);
  wide.Finish();
  EXPECT_THAT(wide.out, HasSubstr("00000000-0000-4000-8000-000000000001"));
  setenv("NO_COLOR", "1", 1);
  setenv("COLUMNS", "50", 1);
  Program plain({"guests"}, 200);
  plain.Finish();
  EXPECT_THAT(plain.out, AllOf(HasSubstr("…\r\n"), Not(HasSubstr("\033"))));
}

TEST_F(RehaictlTest, OnATerminalAWatchIsRedrawnInPlace) {
  ObserveTwoHosts();
  setenv("TERM", "xterm", 1);
  setenv("NO_COLOR", "1", 1);
  Program program({"hosts", "--watch"}, 100);
  program.ReadUntil("\033[J");
  EXPECT_THAT(program.out, StartsWith("\033[Hrehaictl hosts  "));
  controller_.Observe("hv3", {});
  program.ReadUntil("\nhv3 ");
  const size_t again = program.out.rfind("\033[H");
  EXPECT_GT(again, 0u);
  EXPECT_THAT(program.out.substr(again), HasSubstr("\nhv1 "));
  program.Interrupt();
  program.Finish();
}

TEST_F(RehaictlTest, AWatchOfGuestsEndsAfterItsTimeout) {
  ObserveTwoHosts();
  const Program program =
      Rehaictl({"guests", "-w", "-o", "json", "--timeout", "2s"});
  EXPECT_EQ(program.status, 0) << program.err;
  EXPECT_EQ(nlohmann::json::parse(program.out)["guests"].size(), 3u);
  EXPECT_EQ(Rehaictl({"guests", "--interval", "1s"}).status, 2);
}

TEST_F(RehaictlTest, AGuestByNameAndByUuid) {
  ObserveTwoHosts();
  const Program by_name = Rehaictl({"guest", "web01"});
  EXPECT_EQ(by_name.status, 0) << by_name.err;
  EXPECT_THAT(by_name.out, AllOf(HasSubstr("Name:        web01\n"),
                                 HasSubstr("Host:        hv1 (current)\n")));
  const auto by_uuid = nlohmann::json::parse(
      Rehaictl({"guest", "00000000-0000-4000-8000-000000000003", "-ojson"})
          .out);
  EXPECT_EQ(by_uuid["guest"]["name"], "db01");
  EXPECT_EQ(by_uuid["node"], "hv2");
}

TEST_F(RehaictlTest, WhatIsNotThereIsStatus4) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"guest", "nobody"},
           {"hosts", "nobody"},
           {"guests", "--host", "nobody"},
           {"chef", "cost", "nobody"},
           {"source", "connections", "nobody"},
           {"source", "agents", "nobody"},
           {"source", "retry", "nobody"},
           {"source", "confirm", "nobody"},
           {"source", "accept", "nobody"},
           {"diff", "nobody"},
           {"resync", "nobody"},
           {"resync", "show", "nobody"},
           {"resync", "pause", "nobody"},
           {"resync", "resume", "nobody"},
           {"resync", "watch", "nobody"},
           {"resync", "cancel", "nobody"}}) {
    const Program program = Rehaictl(words);
    EXPECT_EQ(program.status, 4) << words[0];
    EXPECT_THAT(program.out, IsEmpty());
    EXPECT_THAT(program.err, AllOf(StartsWith("rehaictl: "),
                                   HasSubstr("nobody"), EndsWith("\n")));
  }
}

TEST_F(RehaictlTest, ASharedNameIsRefusedWithItsPlaces) {
  controller_.Observe("hv1", {MakeGuest(1, "web01")});
  controller_.Observe("hv2", {MakeGuest(2, "web01")});
  const Program program = Rehaictl({"guest", "web01"});
  EXPECT_EQ(program.status, 5);
  EXPECT_THAT(program.err, AllOf(HasSubstr("hv1"), HasSubstr("hv2")));
}

TEST_F(RehaictlTest, AServerThatIsNotThereIsStatus3) {
  controller_.server().Stop(absl::ZeroDuration());
  const Program program = Rehaictl({"hosts"});
  EXPECT_EQ(program.status, 3);
  EXPECT_THAT(program.err,
              AllOf(HasSubstr(controller_.address()), HasSubstr("--server")));
  EXPECT_EQ(Rehaictl({"watch"}).status, 3);
}

TEST_F(RehaictlTest, AnAnswerThatDoesNotComeIsStatus3) {
  ObserveTwoHosts();
  controller_.sink().Hold();
  const Program program = Rehaictl({"diff", "hv1", "--timeout", "100ms"});
  EXPECT_EQ(program.status, 3);
  EXPECT_THAT(program.err, HasSubstr("no answer within 100ms"));
}

TEST_F(RehaictlTest, AMisspeltWordIsStatus2) {
  const Program command = Rehaictl({"hsots"});
  EXPECT_EQ(command.status, 2);
  EXPECT_THAT(command.err, HasSubstr("did you mean hosts?"));
  EXPECT_EQ(Rehaictl({"hosts", "--lable", "a=b"}).status, 2);
  EXPECT_EQ(Rehaictl({"guests", "--state", "runing"}).status, 2);
  EXPECT_EQ(Rehaictl({"resync"}).status, 2);
  EXPECT_EQ(Rehaictl({}).status, 2);
}

TEST_F(RehaictlTest, HelpNeedsNoServer) {
  controller_.server().Stop(absl::ZeroDuration());
  const Program whole = Rehaictl({"--help"});
  EXPECT_EQ(whole.status, 0);
  EXPECT_THAT(whole.out, HasSubstr("Exit status:"));
  EXPECT_THAT(Rehaictl({"resync", "--help"}).out, HasSubstr("--no-wait"));
}

TEST_F(RehaictlTest, OneNamedHostIsToldOfInFull) {
  ObserveTwoHosts();
  ASSERT_EQ(Rehaictl({"resync", "--all"}).status, 0);
  const Program one = Rehaictl({"hosts", "hv1"});
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_THAT(one.out, AllOf(StartsWith("HOST "), HasSubstr("\n\nWritten:"),
                             HasSubstr("\nLast write:")));
  EXPECT_THAT(Rehaictl({"hosts"}).out, Not(HasSubstr("Written:")));
}

TEST_F(RehaictlTest, HowChefIsInTheThreeFormats) {
  v1::ChefStatus status;
  status.set_server_url("https://chef.example.com");
  status.set_state(v1::SERVER_STATE_DOWN);
  status.set_error("no route to host");
  status.set_dirty(12);
  controller_.SetChefStatus(status);
  const Program page = Rehaictl({"chef", "status"});
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(page.out,
              AllOf(HasSubstr("https://chef.example.com\n"),
                    HasSubstr("down\n"), HasSubstr("no route to host\n")));
  const auto json =
      nlohmann::json::parse(Rehaictl({"chef", "status", "-o", "json"}).out);
  EXPECT_EQ(json["state"], "SERVER_STATE_DOWN");
  EXPECT_EQ(json["dirty"], "12");
  const YAML::Node yaml =
      YAML::Load(Rehaictl({"chef", "status", "-o", "yaml"}).out);
  EXPECT_EQ(yaml["error"].as<std::string>(), "no route to host");
}

TEST_F(RehaictlTest, WhatAHostCosts) {
  v1::ChefCostResponse cost;
  cost.set_node("hv1");
  cost.set_node_bytes(88120);
  cost.set_max_node_bytes(1000000);
  controller_.SetChefCost(cost);
  const Program page = Rehaictl({"chef", "cost", "hv1"});
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("88120 bytes, 8.8 % of at most 1000000"));
  const auto json = nlohmann::json::parse(
      Rehaictl({"chef", "cost", "hv1", "-o", "json"}).out);
  EXPECT_EQ(json["node_bytes"], "88120");
}

TEST_F(RehaictlTest, LimitsAreShownAndChanged) {
  v1::ChefStatus status;
  status.mutable_limits()->set_requests_per_second(50);
  status.mutable_limits()->set_max_in_flight(8);
  controller_.SetChefStatus(status);
  const Program changed = Rehaictl(
      {"chef", "limits", "--requests_per_second=20", "--server_share=0.25"});
  EXPECT_EQ(changed.status, 0) << changed.err;
  EXPECT_THAT(changed.out, HasSubstr("requests_per_second     20\n"));

  const auto shown =
      nlohmann::json::parse(Rehaictl({"chef", "limits", "-o", "json"}).out);
  EXPECT_EQ(shown["requests_per_second"], 20);
  EXPECT_EQ(shown["server_share"], 0.25);
  EXPECT_EQ(shown["max_in_flight"], 8);

  const Program refused =
      Rehaictl({"chef", "limits", "--requests_per_second=-1"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("requests_per_second"));
}

v1::Connection MakeConnection(const std::string& node,
                              v1::ConnectionState state,
                              const std::string& error = "") {
  v1::Connection connection;
  connection.set_node(node);
  connection.set_state(state);
  connection.set_last_error(error);
  connection.set_uri(absl::StrCat("qemu+ssh://", node, "/system"));
  return connection;
}

TEST_F(RehaictlTest, HowTheSourcesAreInTheThreeFormats) {
  v1::SourceStatus status;
  status.mutable_pull()->set_dials(320);
  status.mutable_discovery()->set_hosts(300);
  controller_.source().SetStatus(status);
  const Program page = Rehaictl({"source", "status"});
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(page.out,
              AllOf(HasSubstr("320, 0 failed"), HasSubstr("300 hosts\n")));
  const auto json =
      nlohmann::json::parse(Rehaictl({"source", "status", "-o", "json"}).out);
  EXPECT_EQ(json["pull"]["dials"], "320");
  const YAML::Node yaml =
      YAML::Load(Rehaictl({"source", "status", "-o", "yaml"}).out);
  EXPECT_EQ(yaml["discovery"]["hosts"].as<int>(), 300);
}

TEST_F(RehaictlTest, AgentsAreListed) {
  ObserveTwoHosts();
  v1::AgentState agent;
  agent.set_node("hv1");
  agent.set_connected(true);
  agent.set_address("ipv4:192.0.2.7:51422");
  v1::AgentState away;
  away.set_node("hv2");
  away.set_last_end("silent");
  controller_.source().SetAgents({agent, away});
  const Program all = Rehaictl({"source", "agents"});
  EXPECT_EQ(all.status, 0) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("\nhv1   connected"),
                             HasSubstr("\nhv2   away"), HasSubstr("silent")));
  EXPECT_THAT(Rehaictl({"source", "agents", "hv1"}).out,
              HasSubstr("192.0.2.7"));
  const auto json = nlohmann::json::parse(
      Rehaictl({"source", "agents", "-l", "rack=b", "-o", "json"}).out);
  ASSERT_EQ(json["agents"].size(), 1u);
  EXPECT_EQ(json["agents"][0]["node"], "hv2");
}

TEST_F(RehaictlTest, ConnectionsAreListedAndRetried) {
  ObserveTwoHosts();
  controller_.source().SetConnections(
      {MakeConnection("hv1", v1::CONNECTION_STATE_UP),
       MakeConnection("hv2", v1::CONNECTION_STATE_QUARANTINED,
                      "no route to host")});
  const Program sick =
      Rehaictl({"source", "connections", "--state", "waiting,quarantined"});
  EXPECT_EQ(sick.status, 0) << sick.err;
  EXPECT_THAT(sick.out,
              AllOf(HasSubstr("\nhv2 "), HasSubstr("no route to host"),
                    Not(HasSubstr("\nhv1 "))));
  EXPECT_THAT(Rehaictl({"source", "connections", "hv1"}).out,
              HasSubstr("qemu+ssh://hv1/system\n"));
  const auto json = nlohmann::json::parse(
      Rehaictl({"source", "connections", "-l", "rack=b", "-o", "json"}).out);
  ASSERT_EQ(json["connections"].size(), 1u);
  EXPECT_EQ(json["connections"][0]["node"], "hv2");

  EXPECT_EQ(Rehaictl({"source", "retry"}).status, 2);
  const Program retry = Rehaictl({"source", "retry", "--all"});
  EXPECT_EQ(retry.status, 0) << retry.err;
  EXPECT_EQ(retry.out, "1 host dialled now\n");
  EXPECT_EQ(Rehaictl({"source", "retry", "hv2"}).out,
            "none of them waited to be dialled\n");
}

TEST_F(RehaictlTest, HeldHostsDepartOnceTheirNumberIsConfirmed) {
  v1::SourceStatus status;
  status.mutable_discovery()->add_held("hv8");
  status.mutable_discovery()->add_held("hv9");
  controller_.source().SetStatus(status);
  const Program shown = Rehaictl({"source", "confirm-discovery"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("\n  hv8\n  hv9\n"),
                    EndsWith("rehaictl source confirm-discovery --held=2\n")));
  const Program wrong = Rehaictl({"source", "confirm-discovery", "--held=1"});
  EXPECT_EQ(wrong.status, 5);
  EXPECT_THAT(wrong.err, HasSubstr("2 hosts are held"));
  const Program right = Rehaictl({"source", "confirm-discovery", "--held=2"});
  EXPECT_EQ(right.status, 0) << right.err;
  EXPECT_EQ(right.out, "2 hosts departed:\n  hv8\n  hv9\n");
  EXPECT_THAT(Rehaictl({"source", "confirm-discovery"}).out,
              StartsWith("no host is held"));
}

TEST_F(RehaictlTest, ConfirmingADisappearanceNamesTheGuests) {
  ObserveTwoHosts();
  const v1::Guest guest = MakeGuest(1, "web01");
  controller_.source().HoldGuests("hv1", {GuestId{guest.uuid()}});
  const Program confirmed = Rehaictl({"source", "confirm", "hv1"});
  EXPECT_EQ(confirmed.status, 0) << confirmed.err;
  EXPECT_EQ(confirmed.out,
            absl::StrCat("hv1: 1 guest gone:\n  ", guest.uuid(), "  web01\n"));
  EXPECT_EQ(Rehaictl({"source", "confirm", "hv1"}).status, 5);
}

TEST_F(RehaictlTest, AcceptingAnIdentityTellsWhichItIs) {
  ObserveTwoHosts();
  controller_.source().OfferIdentity("hv1", "6b29fc40-aaaa");
  const Program accepted = Rehaictl({"source", "accept", "hv1", "-o", "json"});
  EXPECT_EQ(accepted.status, 0) << accepted.err;
  EXPECT_EQ(nlohmann::json::parse(accepted.out)["host_uuid"], "6b29fc40-aaaa");
  EXPECT_EQ(Rehaictl({"source", "accept", "hv1"}).status, 5);
}

TEST_F(RehaictlTest, DiffEndsAsDiffDoes) {
  ObserveTwoHosts();
  const Program same = Rehaictl({"diff", "hv1"});
  EXPECT_EQ(same.status, 0) << same.err;
  controller_.sink().SetDifferences(
      {{.path = "automatic.rehai", .before = "", .after = "{}"}});
  const Program different = Rehaictl({"diff", "hv1"});
  EXPECT_EQ(different.status, 1);
  EXPECT_EQ(different.out, "automatic.rehai\n  + {}\n");
}

TEST_F(RehaictlTest, WatchTellsWhatHappensToGuests) {
  ObserveTwoHosts();
  Program program({"watch"});
  program.ReadUntil("watching 2 hosts, 3 guests\n");
  controller_.Observe("hv2", {MakeGuest(3, "db01", v1::GUEST_STATE_SHUT_OFF)},
                      {{"rack", "b"}});
  program.ReadUntil("hv2  db01 stopped\n");
  EXPECT_THAT(program.out, EndsWith("hv2  db01 stopped\n"));
  program.Interrupt();
  program.Finish();
  EXPECT_EQ(program.status, -SIGINT);
}

TEST_F(RehaictlTest, AWatchGoesOnWhenTheControllerComesBack) {
  const ApiServer::Options options = TestController::AnySocket();
  auto first = std::make_unique<TestController>(options);
  first->Observe("hv1", {MakeGuest(1, "web01")});
  first->Observe("hv2", {});
  Program program({"watch", "-s", options.listen});
  program.ReadUntil("watching 2 hosts, 1 guest\n");
  first.reset();

  // Another controller there: it knows nothing of the first one's revisions.
  TestController second(options, TestController::kServeLater);
  second.Observe("hv1", {MakeGuest(1, "web01"), MakeGuest(2, "web02")});
  second.Serve();
  program.ReadUntil("hv2  host removed\n");
  EXPECT_THAT(program.out, HasSubstr("hv1  web02 appeared, running\n"));
  program.Interrupt();
  program.Finish();
  EXPECT_THAT(program.err, HasSubstr("watching again"));
}

TEST_F(RehaictlTest, AWatchEndsAfterItsTimeout) {
  ObserveTwoHosts();
  const Program program = Rehaictl({"watch", "-o", "json", "--timeout", "3s"});
  EXPECT_EQ(program.status, 0) << program.err;
  const auto first =
      nlohmann::json::parse(program.out.substr(0, program.out.find('\n')));
  EXPECT_EQ(first["kind"], "KIND_HOST_CHANGED");
  EXPECT_EQ(first["record"]["node"], "hv1");
}

TEST(RehaictlTlsTest, SpeaksMutualTls) {
  const SelfSignedCertificate server = MakeSelfSignedCertificate();
  const SelfSignedCertificate client = MakeSelfSignedCertificate();
  const auto write = [](const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0600), IsOk());
    return path;
  };
  ApiServer::Options options = TestController::AnyPort();
  const std::string server_file = write("server.pem", server.certificate_pem);
  const std::string client_file = write("client.pem", client.certificate_pem);
  const std::string client_key = write("client.key", client.key_pem);
  options.tls = {.certificate = server_file,
                 .key = write("server.key", server.key_pem),
                 .client_ca = client_file};
  TestController controller(options);

  const std::string address = controller.address();
  const Program trusted =
      Rehaictl({"hosts", "-s", address, "--cert", client_file, "--key",
                client_key, "--ca", server_file});
  EXPECT_EQ(trusted.status, 0) << trusted.err;

  const Program plain = Rehaictl({"hosts", "-s", address});
  EXPECT_EQ(plain.status, 3);
  EXPECT_THAT(plain.err, HasSubstr("--cert"));

  EXPECT_EQ(Rehaictl({"hosts", "-s", address, "--cert", client_file}).status,
            2);
  EXPECT_EQ(Rehaictl({"hosts", "-s", address, "--ca", "/no/such.pem"}).status,
            2);
}

}  // namespace
}  // namespace rehai
