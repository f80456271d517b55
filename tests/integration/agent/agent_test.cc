// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The agent's own program beside real hypervisors, the controller's, and a real
// Chef server: what agents tell is what the controller would have read itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "tests/integration/agent_site.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/lab/lab.h"
#include "tests/lab/runfile.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Property;
using ::testing::SizeIs;

// Agents that are gone are missed soon.
constexpr char kBrisk[] =
    "  heartbeat_interval: 1s\n"
    "  fallback_after: 1s\n";
// An agent whose controller was away comes back within a minute or so.
constexpr absl::Duration kComesBack = absl::Seconds(90);

// What the controller believes of a host and its guests, but for when it was
// seen and by whom.
std::string BelievedOf(FrontEnd& front_end, const std::string& node) {
  auto host = front_end.GetHost(node);
  auto guests = front_end.ListGuests(node);
  if (!host.ok()) return host.status().ToString();
  if (!guests.ok()) return guests.status().ToString();
  host->clear_revision();
  host->clear_provenance();
  host->clear_confirmed_at();
  host->clear_sync();
  for (v1::Condition& condition : *host->mutable_conditions()) {
    condition.clear_since();
  }
  std::string text = host->DebugString();
  for (v1::LocatedGuest& guest : *guests) {
    guest.clear_host_revision();
    guest.clear_provenance();
    guest.clear_confirmed_at();
    absl::StrAppend(&text, guest.DebugString());
  }
  return text;
}

// A Chef node but for when it was written and by whom.
json UnstampedNode(const std::string& text) {
  json node = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const json::json_pointer stamp("/automatic/rehai");
  if (node.is_object() && node.contains(stamp)) {
    for (const char* key :
         {"revision", "observed_at", "written_at", "source"}) {
      node[stamp].erase(key);
    }
  }
  return node;
}

v1::SourceKind KindOf(AgentSite& site, int host) {
  const auto found = site.front_end().GetHost(site.node(host));
  return found.ok() ? found->provenance().kind() : v1::SOURCE_KIND_UNSPECIFIED;
}

// Agents tell of every host, and what they tell is in Chef.
void AwaitAgents(AgentSite& site) {
  for (int i = 0; i < site.lab().size(); ++i) {
    SCOPED_TRACE(site.node(i));
    ASSERT_TRUE(Eventually([&] { return KindOf(site, i); },
                           v1::SOURCE_KIND_PUSH, kComesBack));
    ASSERT_TRUE(
        Eventually([&] { return site.front_end().SyncStatusOf(site.node(i)); },
                   Property(&v1::SyncStatus::state, v1::SYNC_STATE_SYNCED)));
    EXPECT_EQ(site.front_end().PresenceOf(site.node(i)), v1::PRESENCE_CURRENT);
  }
}

// ---- the same by whatever way ----

// One lab, seen by three sites at the same time: by URIs, by agents, and by
// both.
class ConformanceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto lab = lab::Lab::Start({.qemu_hosts = 1, .test_hosts = 2, .guests = 2});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    for (const auto& [by_uri, by_agent] :
         {std::pair(true, false), std::pair(false, true),
          std::pair(true, true)}) {
      auto site = AgentSite::Start(
          *lab_, {.by_uri = by_uri, .by_agent = by_agent, .agents = kBrisk});
      ASSERT_THAT(site, IsOk());
      sites_.push_back(*std::move(site));
    }
    AwaitAgents(*sites_[1]);
    AwaitAgents(*sites_[2]);
  }

  // What the other sites show otherwise than the first; empty if nothing.
  std::string Difference() {
    for (int host = 0; host < lab_->size(); ++host) {
      const std::string node = sites_[0]->node(host);
      const std::string believed = BelievedOf(sites_[0]->front_end(), node);
      const json written = UnstampedNode(sites_[0]->ChefNode(host));
      for (size_t i = 1; i < sites_.size(); ++i) {
        const std::string other = BelievedOf(sites_[i]->front_end(), node);
        if (other != believed) {
          return absl::StrCat("site ", i, " believes\n", other, "\nand not\n",
                              believed);
        }
        const json difference =
            json::diff(written, UnstampedNode(sites_[i]->ChefNode(host)));
        if (!difference.empty()) {
          return absl::StrCat("site ", i, ", node ", node, ": ",
                              difference.dump());
        }
      }
    }
    return "";
  }

  // Every site shows it so, and then nothing else differs.
  template <typename Ask>
  void ExpectEverywhere(const Ask& ask, const std::string& wanted) {
    for (const auto& site : sites_) {
      ASSERT_TRUE(Eventually([&] { return ask(site->front_end()); }, wanted));
    }
    EXPECT_TRUE(Eventually([&] { return Difference(); }, ""));
  }

  // For what libvirt has no events for.
  void RereadAll() {
    for (const auto& site : sites_) {
      const auto operation = site->front_end().Resync({});
      ASSERT_THAT(operation, IsOk());
      EXPECT_THAT(operation->hosts(),
                  Each(Property(&v1::HostResult::error, IsEmpty())));
    }
  }

  void LiveOn(lab::Host& host, const std::string& guest);

  std::unique_ptr<lab::Lab> lab_;
  std::vector<std::unique_ptr<AgentSite>> sites_;
};

void ConformanceTest::LiveOn(lab::Host& host, const std::string& guest) {
  const struct {
    const char* name;
    std::function<absl::Status()> act;
    const char* state;
  } kSteps[] = {
      {"define", [&] { return host.Define({.name = guest, .vcpus = 2}); },
       "GUEST_STATE_SHUT_OFF"},
      {"start", [&] { return host.StartGuest(guest); }, "GUEST_STATE_RUNNING"},
      {"suspend", [&] { return host.Suspend(guest); }, "GUEST_STATE_PAUSED"},
      {"resume", [&] { return host.ResumeGuest(guest); },
       "GUEST_STATE_RUNNING"},
      {"destroy", [&] { return host.Destroy(guest); }, "GUEST_STATE_SHUT_OFF"},
      {"undefine", [&] { return host.Undefine(guest); }, "NOT_FOUND"},
  };
  for (const auto& step : kSteps) {
    SCOPED_TRACE(step.name);
    ASSERT_THAT(step.act(), IsOk());
    ExpectEverywhere(
        [&](FrontEnd& front_end) { return front_end.StateOf(guest); },
        step.state);
    if (HasFailure()) return;
  }
}

TEST_F(ConformanceTest, GuestsAreToldOfTheSameByWhateverWayAtEachStep) {
  for (int i : {0, 1}) {
    SCOPED_TRACE(lab_->host(i).uri());
    LiveOn(lab_->host(i), "web01");
  }
}

TEST_F(ConformanceTest, AMoveIsToldOfTheSameByWhateverWay) {
  lab::Host& from = lab_->host(1);
  lab::Host& to = lab_->host(2);
  ASSERT_THAT(from.Define({.name = "web01"}), IsOk());
  ASSERT_THAT(from.StartGuest("web01"), IsOk());
  const auto place = [](FrontEnd& front_end) {
    return front_end.GetGuest("web01")
        .value_or(v1::LocatedGuest::default_instance())
        .node();
  };
  ExpectEverywhere(place, from.node());
  ASSERT_THAT(from.MigrateTo(to, "web01"), IsOk());
  ExpectEverywhere(place, to.node());
}

TEST_F(ConformanceTest, SettingsNetworksAndPoolsAreToldOfTheSameByWhateverWay) {
  lab::Host& host = lab_->host(1);
  const auto facts = [&](FrontEnd& front_end) {
    const auto found = front_end.GetHost(host.node());
    return found.ok() ? found->facts() : v1::HostFacts::default_instance();
  };
  const auto network = [&](FrontEnd& front_end) -> std::string {
    const v1::HostFacts told = facts(front_end);
    for (const v1::Network& network : told.networks()) {
      if (network.name() == "red") return network.active() ? "active" : "off";
    }
    return "none";
  };
  const auto pool = [&](FrontEnd& front_end) -> std::string {
    const v1::HostFacts told = facts(front_end);
    for (const v1::StoragePool& pool : told.storage_pools()) {
      if (pool.name() == "default-pool") return absl::StrCat(pool.state());
    }
    return "none";
  };
  const auto autostart = [&](FrontEnd& front_end) -> std::string {
    const auto guest = front_end.GetGuest("web01");
    return guest.ok() && guest->guest().autostart() ? "autostart" : "none";
  };
  constexpr char kRed[] =
      "<network><name>red</name><bridge name='red0'/>"
      "<ip address='10.7.0.1' netmask='255.255.255.0'/></network>";

  ASSERT_THAT(host.Virsh({"net-define", "/dev/stdin"}, kRed), IsOk());
  ExpectEverywhere(network, "off");
  ASSERT_THAT(host.Virsh({"net-start", "red"}), IsOk());
  ExpectEverywhere(network, "active");
  ASSERT_THAT(host.Virsh({"net-destroy", "red"}), IsOk());
  ASSERT_THAT(host.Virsh({"net-undefine", "red"}), IsOk());
  ExpectEverywhere(network, "none");

  ExpectEverywhere(pool, "2");
  ASSERT_THAT(host.Virsh({"pool-destroy", "default-pool"}), IsOk());
  ExpectEverywhere(pool, "0");
  ASSERT_THAT(host.Virsh({"pool-start", "default-pool"}), IsOk());
  ExpectEverywhere(pool, "2");

  ASSERT_THAT(host.Define({.name = "web01"}), IsOk());
  ASSERT_THAT(host.Virsh({"autostart", "web01"}), IsOk());
  RereadAll();
  ExpectEverywhere(autostart, "autostart");
}

// ---- one site ----

constexpr char kByAgent[] = "PRESENCE_CURRENT SOURCE_KIND_PUSH";
constexpr char kByUri[] = "PRESENCE_CURRENT SOURCE_KIND_PULL";
constexpr char kAgentAway[] = "PRESENCE_STALE SOURCE_KIND_PUSH";

class AgentTest : public testing::Test {
 protected:
  static constexpr int kGuests = 5;

  void SetUp() override {
    auto lab = lab::Lab::Start({.test_hosts = 2, .guests = kGuests});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    auto site = AgentSite::Start(*lab_, {.agents = kBrisk});
    ASSERT_THAT(site, IsOk());
    site_ = *std::move(site);
    AwaitAgents(*site_);
  }

  FrontEnd& front_end() { return site_->front_end(); }

  std::string Rehaictl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {lab::Runfile("cli/rehaictl").value_or("absent"),
                      "--server", site_->controller().address()});
    const auto output = lab::OutputOf({.argv = arguments});
    EXPECT_THAT(output, IsOk());
    return output.value_or("");
  }

  // All that the watch shows of the host until its agent speaks for it after a
  // connection did, each presence and source once in a row. To be read as it
  // comes: who does not read is not shown what is overtaken meanwhile.
  static std::vector<std::string> StoryOf(const std::string& node,
                                          FleetWatch& watch) {
    std::vector<std::string> story;
    while (story.empty() || story.back() != kByAgent ||
           std::find(story.begin(), story.end(), kByUri) == story.end()) {
      const auto step = watch.Next();
      EXPECT_THAT(step, IsOk());
      if (!step.ok()) break;
      const v1::Record& record = step->record();
      if (record.node() != node) continue;
      EXPECT_THAT(record.guests(), SizeIs(kGuests));
      EXPECT_THAT(record.missing_uuids(), IsEmpty());
      const std::string now =
          absl::StrCat(v1::Presence_Name(record.presence()), " ",
                       v1::SourceKind_Name(record.provenance().kind()));
      if (story.empty() || story.back() != now) story.push_back(now);
    }
    return story;
  }

  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<AgentSite> site_;
};

TEST_F(AgentTest, AHostWhoseAgentDiesIsReadByItsUriUntilTheAgentIsBack) {
  const std::string node = site_->node(0);
  // The dial at the controller's start, which the agent overtook, is over: it
  // would read the host at once, without a time in which nobody speaks for it.
  ASSERT_TRUE(Eventually(
      [&] { return front_end().ConnectionOf(node); },
      AllOf(Property(&v1::Connection::state, v1::CONNECTION_STATE_AGENT),
            Property(&v1::Connection::dials, Ge(1)))));
  auto story = std::async(
      std::launch::async,
      [node, watch = front_end().Watch()] { return StoryOf(node, *watch); });

  site_->agent(0)->Kill();
  ASSERT_TRUE(
      Eventually([&] { return KindOf(*site_, 0); }, v1::SOURCE_KIND_PULL));
  // What was read is shown a moment before the connection counts as proven.
  EXPECT_TRUE(Eventually([&] { return front_end().ConnectionOf(node).state(); },
                         v1::CONNECTION_STATE_UP));
  EXPECT_FALSE(front_end().AgentOf(node).connected());
  // It is as well told of as before.
  const lab::ShownGuest guest = lab_->host(0).guests().front();
  ASSERT_THAT(lab_->host(0).Suspend(guest.name), IsOk());
  EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest.name); },
                         "GUEST_STATE_PAUSED"));

  ASSERT_THAT(site_->agent(0)->Restart(), IsOk());
  ASSERT_TRUE(
      Eventually([&] { return KindOf(*site_, 0); }, v1::SOURCE_KIND_PUSH));
  EXPECT_TRUE(Eventually([&] { return front_end().ConnectionOf(node).state(); },
                         v1::CONNECTION_STATE_AGENT));
  ASSERT_THAT(lab_->host(0).ResumeGuest(guest.name), IsOk());
  EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest.name); },
                         "GUEST_STATE_RUNNING"));

  EXPECT_THAT(story.get(), ElementsAre(kByAgent, kAgentAway, kByUri, kByAgent));
  // The other host's agent went on.
  EXPECT_EQ(front_end().AgentOf(site_->node(1)).sessions(), 1);
}

TEST_F(AgentTest, ARestartOfTheControllerUnderItsAgentsWritesNothingAnew) {
  std::vector<std::string> before;
  for (int i : {0, 1}) before.push_back(site_->ChefNode(i));

  ASSERT_THAT(site_->RestartController(), IsOk());
  AwaitAgents(*site_);

  const auto status = front_end().ChefStatus();
  ASSERT_THAT(status, IsOk());
  for (const v1::CauseCount& cause : status->causes()) {
    EXPECT_EQ(cause.puts(), 0) << cause.ShortDebugString();
  }
  for (int i : {0, 1}) {
    EXPECT_EQ(site_->ChefNode(i), before[i]);
    EXPECT_THAT(front_end().ListGuests(site_->node(i)),
                IsOkAndHolds(SizeIs(kGuests)));
  }
}

TEST_F(AgentTest, WhatChangedWhileTheControllerWasAwayIsWrittenWhenItIsBack) {
  const lab::ShownGuest guest = lab_->host(0).guests().front();
  site_->controller().process().Stop();
  ASSERT_THAT(lab_->host(0).Suspend(guest.name), IsOk());
  ASSERT_THAT(site_->RestartController(), IsOk());
  EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest.name); },
                         "GUEST_STATE_PAUSED", kComesBack));
  AwaitAgents(*site_);
  EXPECT_THAT(site_->ChefNode(0), HasSubstr("\"paused\""));
}

TEST_F(AgentTest, AResyncHasAgentsReadAnew) {
  const std::string node = site_->node(0);
  const int64_t reports = front_end().AgentOf(node).reports();
  // libvirt has no event for this.
  const std::string guest = lab_->host(0).guests().front().name;
  ASSERT_THAT(lab_->host(0).Virsh({"autostart", guest}), IsOk());

  const auto operation = front_end().Resync({node}, {v1::RESYNC_MODE_REREAD});

  ASSERT_THAT(operation, IsOk());
  ASSERT_THAT(operation->hosts(), SizeIs(1));
  EXPECT_EQ(operation->hosts(0).error(), "");
  const auto shown = front_end().GetGuest(guest);
  ASSERT_THAT(shown, IsOk());
  EXPECT_TRUE(shown->guest().autostart());
  EXPECT_EQ(shown->provenance().kind(), v1::SOURCE_KIND_PUSH);
  EXPECT_GT(front_end().AgentOf(node).reports(), reports);
  EXPECT_THAT(Rehaictl({"source", "agents", node}),
              AllOf(HasSubstr(node), HasSubstr("connected"),
                    Not(HasSubstr(site_->node(1)))));
  EXPECT_THAT(Rehaictl({"source", "connections", node}), HasSubstr("agent"));
}

}  // namespace
}  // namespace rehai::integration
