// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/proto_time.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/source.pb.h"
#include "tests/fleet/recorder.h"
#include "tests/integration/agent_client.h"
#include "tests/integration/agent_site.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/agent_process.h"
#include "tests/lab/churn.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/lab.h"
#include "tests/lab/link.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

using integration::AgentClient;
using integration::AgentSite;
using integration::Eventually;
using integration::FrontEnd;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

// An agent that could not come, or was refused, comes back within a minute or
// so.
constexpr absl::Duration kPatience = absl::Minutes(2);

v1::GuestState StateOf(const lab::ShownGuest& guest) {
  switch (guest.state) {
    case lab::GuestState::kRunning:
      return v1::GUEST_STATE_RUNNING;
    case lab::GuestState::kPaused:
      return v1::GUEST_STATE_PAUSED;
    case lab::GuestState::kShutOff:
      return v1::GUEST_STATE_SHUT_OFF;
  }
  return v1::GUEST_STATE_UNSPECIFIED;
}

// Three hypervisors that only their agents tell of, each over a network of its
// own. Silence is noticed after three seconds.
class AgentsTest : public testing::Test {
 protected:
  static constexpr int kHosts = 3;
  static constexpr int kGuests = 5;

  void SetUp() override { StartSite(kGuests); }

  void StartSite(int guests) {
    auto lab =
        lab::Lab::Start({.test_hosts = kHosts, .ssh = false, .guests = guests});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    auto site =
        AgentSite::Start(*lab_, {.by_uri = false,
                                 .linked = true,
                                 .by_file = true,
                                 .agents = "  heartbeat_interval: 1s\n"});
    ASSERT_THAT(site, IsOk());
    site_ = *std::move(site);
    AwaitAgents();
  }

  FrontEnd& front_end() { return site_->front_end(); }
  std::string node(int host) { return site_->node(host); }

  void AwaitAgents() {
    for (int i = 0; i < kHosts; ++i) {
      ASSERT_TRUE(Eventually([&] { return front_end().PresenceOf(node(i)); },
                             v1::PRESENCE_CURRENT, kPatience))
          << node(i) << ": " << site_->agent(i)->Log();
    }
  }

  v1::PushStatus Push() {
    const auto status = front_end().SourceStatus();
    return status.ok() ? status->push() : v1::PushStatus();
  }
  int64_t Ended(const std::string& why) {
    const v1::PushStatus push = Push();
    const auto found = push.ended_sessions().find(why);
    return found == push.ended_sessions().end() ? 0 : found->second;
  }
  int64_t Refused(const std::string& why) {
    const v1::PushStatus push = Push();
    const auto found = push.refused_sessions().find(why);
    return found == push.refused_sessions().end() ? 0 : found->second;
  }

  using Guests = std::map<std::string, v1::GuestState>;  // by UUID
  Guests Shown(const std::string& node) {
    Guests guests;
    const auto listed = front_end().ListGuests(node);
    if (!listed.ok()) return guests;
    for (const v1::LocatedGuest& guest : *listed) {
      guests[guest.guest().uuid()] = guest.guest().state();
    }
    return guests;
  }
  static Guests TruthOf(const lab::Host& host) {
    Guests guests;
    for (const lab::ShownGuest& guest : host.guests()) {
      guests[guest.uuid] = StateOf(guest);
    }
    return guests;
  }
  // In the end every host is shown as it is, in the API and in Chef.
  void ExpectTruth() {
    for (int i = 0; i < kHosts; ++i) {
      SCOPED_TRACE(node(i));
      EXPECT_TRUE(Eventually([&] { return Shown(node(i)); },
                             TruthOf(lab_->host(i)), kPatience));
      EXPECT_TRUE(
          Eventually([&] { return front_end().SyncStatusOf(node(i)).state(); },
                     v1::SYNC_STATE_SYNCED, kPatience));
      for (const lab::ShownGuest& guest : lab_->host(i).guests()) {
        const std::string shown =
            integration::ShownIn(site_->ChefNode(i), guest.name);
        EXPECT_THAT(shown, guest.state == lab::GuestState::kRunning
                               ? integration::kShownRunning
                           : guest.state == lab::GuestState::kPaused
                               ? integration::kShownPaused
                               : integration::kShownShutOff)
            << guest.name;
      }
    }
  }

  // A guest of the host changes, and that is shown while nothing else helps.
  void ExpectLive(int host) {
    for (const lab::ShownGuest& guest : lab_->host(host).guests()) {
      if (guest.state != lab::GuestState::kRunning) continue;
      ASSERT_THAT(lab_->host(host).Suspend(guest.name), IsOk());
      EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest.name); },
                             "GUEST_STATE_PAUSED"));
      ASSERT_THAT(lab_->host(host).ResumeGuest(guest.name), IsOk());
      EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest.name); },
                             "GUEST_STATE_RUNNING"));
      return;
    }
    ADD_FAILURE() << node(host) << " has no running guest";
  }

  std::string ConditionsOf(const std::string& node) {
    const auto host = front_end().GetHost(node);
    if (!host.ok()) return host.status().ToString();
    std::string text;
    for (const v1::Condition& condition : host->conditions()) {
      absl::StrAppend(&text, condition.type(), ": ", condition.message(), "\n");
    }
    return text;
  }

  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<AgentSite> site_;
};

// Promises 1 and 3: what changes while the controller is killed, and before and
// after, is not lost, and nothing that is there is ever gone.
TEST_F(AgentsTest, AControllerThatIsKilledMidStreamLosesNothing) {
  std::vector<lab::Host*> hosts;
  for (int i = 0; i < kHosts; ++i) hosts.push_back(&lab_->host(i));
  auto churn = lab::Churn::Start(hosts, {.changes_per_second = 30});
  ASSERT_THAT(churn, IsOk());
  for (int round = 1; round <= 2; ++round) {
    ASSERT_THAT(lab::WaitUntil(kPatience,
                               [&]() -> absl::Status {
                                 return (*churn)->counts().made >= 30u * round
                                            ? absl::OkStatus()
                                            : absl::UnavailableError("quiet");
                               }),
                IsOk());
    ASSERT_THAT(site_->KillAndRestartController(), IsOk());
  }
  AwaitAgents();
  (*churn)->Stop();
  ASSERT_THAT((*churn)->status(), IsOk());
  ExpectTruth();
}

// Promises 1, 3 and 6.
TEST_F(AgentsTest, ANetworkThatIsCutAndHealedHurtsOneHostAndLosesNothing) {
  fleet::Recorder recorder(site_->controller().address());
  const std::string guest = lab_->host(0).guests().front().name;
  // Neither end is told: each must notice by itself that nothing comes.
  site_->link(0)->BlackHole();
  EXPECT_TRUE(Eventually([&] { return front_end().PresenceOf(node(0)); },
                         v1::PRESENCE_STALE));
  EXPECT_EQ(Ended("silent"), 1);
  EXPECT_THAT(ConditionsOf(node(0)), HasSubstr("Unreachable"));
  EXPECT_THAT(Shown(node(0)), SizeIs(kGuests));
  ExpectLive(1);
  ASSERT_THAT(lab_->host(0).Suspend(guest), IsOk());
  site_->link(0)->Heal();
  AwaitAgents();
  EXPECT_TRUE(Eventually([&] { return front_end().StateOf(guest); },
                         "GUEST_STATE_PAUSED"));

  // Both ends are told.
  const int64_t sessions = front_end().AgentOf(node(0)).sessions();
  site_->link(0)->Cut();
  ASSERT_THAT(lab_->host(0).ResumeGuest(guest), IsOk());
  EXPECT_TRUE(
      Eventually([&] { return front_end().AgentOf(node(0)).sessions(); },
                 Ge(sessions + 1), kPatience));
  AwaitAgents();
  ExpectTruth();
  EXPECT_THAT(recorder.vanishings(), IsEmpty());
  for (int i : {1, 2}) EXPECT_EQ(front_end().AgentOf(node(i)).sessions(), 1);
}

// Promise 7: when something was seen is told by the controller's clock.
TEST_F(AgentsTest, AnAgentsWrongClockMakesNoWrongTimes) {
  ASSERT_THAT(site_->agent(0)->SetClockAhead(absl::Hours(1)), IsOk());
  ASSERT_THAT(site_->agent(1)->SetClockAhead(-absl::Hours(1)), IsOk());
  for (int i : {0, 1}) {
    SCOPED_TRACE(node(i));
    const int64_t sessions = front_end().AgentOf(node(i)).sessions();
    ASSERT_THAT(site_->agent(i)->Restart(), IsOk());
    ASSERT_TRUE(
        Eventually([&] { return front_end().AgentOf(node(i)).sessions(); },
                   Ge(sessions + 1), kPatience))
        << site_->agent(i)->Log();
    ASSERT_TRUE(Eventually([&] { return front_end().PresenceOf(node(i)); },
                           v1::PRESENCE_CURRENT, kPatience));
    // The clock is indeed wrong.
    EXPECT_THAT(
        site_->agent(i)->Log(),
        HasSubstr(absl::FormatTime(
            "%Y-%m-%dT%H:", Clock::Real().Now() + absl::Hours(i == 0 ? 1 : -1),
            absl::UTCTimeZone())));

    const std::string guest = lab_->host(i).guests().front().name;
    const absl::Time before = Clock::Real().Now();
    ASSERT_THAT(lab_->host(i).Suspend(guest), IsOk());
    ASSERT_TRUE(Eventually([&] { return front_end().StateOf(guest); },
                           "GUEST_STATE_PAUSED"));
    const absl::Time after = Clock::Real().Now();
    const auto host = front_end().GetHost(node(i));
    ASSERT_THAT(host, IsOk());
    EXPECT_THAT(
        FromProto(host->provenance().observed_at()),
        AllOf(Ge(before - absl::Seconds(1)), Le(after + absl::Seconds(1))));
    EXPECT_THAT(
        FromProto(host->confirmed_at()),
        AllOf(Ge(before - absl::Seconds(1)), Le(after + absl::Seconds(1))));
  }
}

// Promise 1: an agent that cannot read says so, and that is no list of nothing.
TEST_F(AgentsTest, AHypervisorThatIsAwayBesideALivingAgentIsStaleAndSaysWhy) {
  fleet::Recorder recorder(site_->controller().address());
  lab_->host(0).Kill();
  EXPECT_TRUE(Eventually([&] { return front_end().PresenceOf(node(0)); },
                         v1::PRESENCE_STALE));
  EXPECT_THAT(ConditionsOf(node(0)), HasSubstr("Unreachable"));
  EXPECT_THAT(Shown(node(0)), SizeIs(kGuests));
  const v1::AgentState agent = front_end().AgentOf(node(0));
  EXPECT_TRUE(agent.connected());
  EXPECT_EQ(agent.sessions(), 1);
  EXPECT_THAT(agent.source_error(), Not(IsEmpty()));
  EXPECT_THAT(ConditionsOf(node(0)), HasSubstr(agent.source_error()));
  ExpectLive(1);

  ASSERT_THAT(lab_->host(0).Restart(), IsOk());
  EXPECT_TRUE(Eventually([&] { return front_end().PresenceOf(node(0)); },
                         v1::PRESENCE_CURRENT, kPatience));
  EXPECT_TRUE(Eventually(
      [&] { return front_end().AgentOf(node(0)).source_error(); }, ""));
  EXPECT_EQ(ConditionsOf(node(0)), "");
  ExpectLive(0);
  ExpectTruth();
  EXPECT_THAT(recorder.vanishings(), IsEmpty());
}

// Promise 6: two that take turns are slowed down, and an operator sees it.
TEST_F(AgentsTest, TwoAgentsOfOneHostSettleAndAreSeen) {
  fleet::Recorder recorder(site_->controller().address());
  auto twin = lab::AgentProcess::Start(site_->chef(), site_->AgentOptions(0));
  ASSERT_THAT(twin, IsOk());
  const absl::Duration begun = Clock::Real().Uptime();
  EXPECT_TRUE(Eventually([&] { return Ended("superseded"); }, Ge(2), kPatience))
      << (*twin)->Log();
  // Not as fast as they can.
  const absl::Duration elapsed = Clock::Real().Uptime() - begun;
  EXPECT_THAT(front_end().AgentOf(node(0)).sessions(),
              Le(3 + elapsed / absl::Seconds(10)));
  EXPECT_THAT(site_->agent(0)->Log(), HasSubstr("session lost"));
  EXPECT_THAT(
      site_->MetricsPage(),
      HasSubstr("rehai_agent_ended_sessions_total{reason=\"superseded\"}"));
  EXPECT_THAT(Shown(node(0)), SizeIs(kGuests));
  ExpectLive(1);

  (*twin)->Kill();
  AwaitAgents();
  ExpectLive(0);
  ExpectTruth();
  EXPECT_THAT(recorder.vanishings(), IsEmpty());
  for (int i : {1, 2}) EXPECT_EQ(front_end().AgentOf(node(i)).sessions(), 1);
}

// ---- agents that lie ----

std::string Uuid(int liar, int guest) {
  return absl::StrFormat("%08x-bad0-4000-8000-%012x", liar, guest);
}

v1::SessionRequest Report(int liar, int64_t epoch, int64_t sequence,
                          int guests) {
  v1::SessionRequest message;
  v1::AgentReport& report = *message.mutable_report();
  report.set_epoch(epoch);
  report.set_sequence(sequence);
  report.set_full(true);
  report.mutable_age()->set_nanos(1000);
  report.mutable_facts()->set_hypervisor_type("Test");
  for (int i = 0; i < guests; ++i) {
    v1::Guest& guest = *report.add_guests();
    guest.set_uuid(Uuid(liar, i));
    guest.set_name(absl::StrCat("liar", liar, "-", i));
    guest.set_state(v1::GUEST_STATE_RUNNING);
    guest.set_persistent(true);
  }
  return message;
}

// What a liar says when a full report of its two guests was taken in, and how
// its session ends then; nullopt: it is asked for a full report.
struct Lie {
  const char* name;
  v1::SessionRequest (*message)(int liar, int64_t epoch);
  std::optional<absl::StatusCode> end;
};

const Lie kLies[] = {
    {"a message above the limit",
     [](int liar, int64_t epoch) {
       v1::SessionRequest message = Report(liar, epoch, 2, 2);
       message.mutable_report()->mutable_guests(0)->set_description(
           std::string(17 << 20, 'x'));
       return message;
     },
     absl::StatusCode::kResourceExhausted},
    {"bytes that are no message",
     [](int, int64_t) {
       // The report's field, and in it a text that goes beyond its end.
       v1::SessionRequest message;
       message.GetReflection()
           ->MutableUnknownFields(&message)
           ->AddLengthDelimited(v1::SessionRequest::kReportFieldNumber,
                                "\x5a\xff\xff\xff\x7f");
       return message;
     },
     absl::StatusCode::kOk},  // gRPC says only that nothing more comes
    {"a name that is not UTF-8",
     [](int liar, int64_t epoch) {
       v1::SessionRequest message = Report(liar, epoch, 2, 2);
       message.mutable_report()->mutable_guests(0)->set_name("g\xff\xfe");
       return message;
     },
     absl::StatusCode::kOk},
    {"more guests than a host can have",
     [](int liar, int64_t epoch) { return Report(liar, epoch, 2, 20'001); },
     absl::StatusCode::kInvalidArgument},
    {"one UUID twice",
     [](int liar, int64_t epoch) {
       v1::SessionRequest message = Report(liar, epoch, 2, 2);
       message.mutable_report()->mutable_guests(1)->set_uuid(Uuid(liar, 0));
       return message;
     },
     absl::StatusCode::kInvalidArgument},
    {"a guest that is there and gone",
     [](int liar, int64_t epoch) {
       v1::SessionRequest message = Report(liar, epoch, 2, 2);
       message.mutable_report()->set_full(false);
       message.mutable_report()->add_removed_uuids(Uuid(liar, 0));
       return message;
     },
     absl::StatusCode::kInvalidArgument},
    {"a UUID that is none",
     [](int liar, int64_t epoch) {
       v1::SessionRequest message = Report(liar, epoch, 2, 2);
       message.mutable_report()->mutable_guests(0)->set_uuid("../etc/passwd");
       return message;
     },
     absl::StatusCode::kInvalidArgument},
    {"a report of another epoch",
     [](int liar, int64_t epoch) { return Report(liar, epoch + 1, 2, 0); },
     std::nullopt},
    {"a report after one that never came",
     [](int liar, int64_t epoch) { return Report(liar, epoch, 3, 0); },
     std::nullopt},
    {"the same number again",
     [](int liar, int64_t epoch) { return Report(liar, epoch, 1, 0); },
     absl::StatusCode::kInvalidArgument},
    {"a second hello",
     [](int, int64_t) {
       v1::SessionRequest message;
       message.mutable_hello()->set_node("sim2.example.net");
       return message;
     },
     absl::StatusCode::kInvalidArgument},
    {"a result of Ohai that is nothing",
     [](int, int64_t) {
       v1::SessionRequest message;
       message.mutable_ohai_result()->set_request_id(1);
       return message;
     },
     absl::StatusCode::kInvalidArgument},
};

// Promises 1 and 6.
TEST_F(AgentsTest, AgentsThatLieChangeNothingAndHurtNobody) {
  std::vector<lab::WatchedHost> hosts = site_->Hosts();
  for (size_t i = 0; i < std::size(kLies); ++i) {
    hosts.push_back({.node = absl::StrCat("liar", i)});
  }
  ASSERT_THAT(lab::WriteFleetFile(site_->hosts_file(), hosts), IsOk());

  for (int i = 0; i < static_cast<int>(std::size(kLies)); ++i) {
    SCOPED_TRACE(kLies[i].name);
    const std::string liar = absl::StrCat("liar", i);
    const Guests told = {{Uuid(i, 0), v1::GUEST_STATE_RUNNING},
                         {Uuid(i, 1), v1::GUEST_STATE_RUNNING}};
    ASSERT_TRUE(Eventually([&] { return front_end().PresenceOf(liar); },
                           v1::PRESENCE_NEVER_SEEN));
    AgentClient client(*site_, site_->authorities().Certificate(
                                   absl::StrCat("URI:rehai:node:", liar)));
    const auto welcome = client.Greet(liar);
    ASSERT_THAT(welcome, IsOk());
    client.Say(Report(i, welcome->epoch(), 1, 2));
    const auto ack = client.Hear();
    ASSERT_THAT(ack, IsOk());
    ASSERT_EQ(ack->ack().sequence(), 1) << ack->ShortDebugString();
    ASSERT_EQ(Shown(liar), told);

    client.Say(kLies[i].message(i, welcome->epoch()));
    if (kLies[i].end.has_value()) {
      EXPECT_THAT(client.AwaitEnd(), StatusIs(*kLies[i].end));
    } else {
      const auto answer = client.Hear();
      ASSERT_THAT(answer, IsOk());
      EXPECT_TRUE(answer->has_need_full()) << answer->ShortDebugString();
    }
    EXPECT_EQ(Shown(liar), told);
  }

  EXPECT_TRUE(site_->controller().process().Running());
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_EQ(front_end().AgentOf(node(i)).sessions(), 1);
    ExpectLive(i);
  }
  ExpectTruth();
}

// Promise 1.
TEST_F(AgentsTest, AReportBeforeItsHelloIsRefused) {
  const Guests before = Shown(node(0));
  AgentClient client(*site_, site_->authorities().Certificate(
                                 absl::StrCat("URI:rehai:node:", node(0))));
  client.Open();
  client.Say(Report(0, 1, 1, 0));
  EXPECT_THAT(client.AwaitEnd(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Shown(node(0)), before);
  EXPECT_EQ(front_end().AgentOf(node(0)).sessions(), 1);
  EXPECT_THAT(Refused("protocol"), Ge(1));
}

// ---- a hypervisor that suddenly lists nothing ----

class EmptyHostTest : public AgentsTest {
 protected:
  // Without guests of its own, a simulated host is as new when it restarts.
  void SetUp() override { StartSite(/*guests=*/0); }
};

// Promise 1.
TEST_F(EmptyHostTest, MassDisappearanceThroughAnAgentWaitsForAnOperator) {
  std::vector<std::string> guests;
  for (int i = 0; i < 6; ++i) guests.push_back(absl::StrCat("web", i));
  for (const std::string& guest : guests) {
    ASSERT_THAT(lab_->host(0).Define({.name = guest}), IsOk());
  }
  for (const std::string& guest : guests) {
    ASSERT_TRUE(Eventually([&] { return front_end().StateOf(guest); },
                           "GUEST_STATE_SHUT_OFF"));
  }
  fleet::Recorder recorder(site_->controller().address());
  ASSERT_THAT(lab_->host(0).Restart(), IsOk());
  EXPECT_TRUE(Eventually([&] { return ConditionsOf(node(0)); },
                         HasSubstr("MassDisappearance"), kPatience));
  for (const std::string& guest : guests) {
    const auto held = front_end().GetGuest(guest);
    ASSERT_THAT(held, IsOk());
    EXPECT_TRUE(held->missing());
    EXPECT_EQ(integration::ShownIn(site_->ChefNode(0), guest),
              integration::kShownShutOff);
  }
  EXPECT_THAT(recorder.vanishings(), IsEmpty());
  EXPECT_EQ(front_end().AgentOf(node(0)).sessions(), 1);
}

}  // namespace
}  // namespace rehai::fault
