// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The agent's end of the protocol against the controller's, over streams that
// break at any moment: whatever was lost, once a session holds for long enough
// the controller believes what the agent has read.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/report_buffer.h"
#include "base/fake_clock.h"
#include "base/log.h"
#include "controller/inventory/inventory.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/agent_sessions_fixture.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

const HostId kHost{"hv1"};

// One hypervisor, its agent and the controller, and dice.
class World {
 public:
  explicit World(int seed) : random_(seed) {
    inventory_.AddHost(kHost, {});
    AgentSessions::Options options;
    options.sessions_per_second = 1e9;
    sessions_ = std::make_unique<AgentSessions>(
        std::move(options), hosts_, [](const auto&, auto) {}, clock_);
  }

  void Step() {
    switch (Dice(13)) {
      case 0:
        return ChangeGuests();
      case 1:
        return Read();
      case 2:
        if (Dice(4) == 0) buffer_.SetSourceError("libvirtd is away");
        return;
      case 3:
        if (Dice(5) == 0) BreakStream();
        return;
      case 4:
        if (Dice(25) == 0) RestartAgent();
        return;
      case 5:
        if (Dice(4) == 0) AskReread();
        return;
      case 6:
        return DeliverLate();
      case 12:
        return ReadByConnection();
      case 7:
      case 8:
        return AgentSends();
      case 9:
        return ControllerHears();
      default:
        return AgentHears();
    }
  }

  // Nothing breaks any more, until nobody has anything to say.
  void Settle() {
    buffer_.SetMoving({});
    moving_.clear();
    Read(/*all=*/true);
    for (int i = 0; i < 50; ++i) {
      AgentSends();
      ControllerHears();
      AgentHears();
      DeliverLate();
    }
    EXPECT_TRUE(live_.up.empty());
    EXPECT_TRUE(live_.Unheard().empty());
  }

  // What the hypervisor has, and what the controller believes.
  std::map<std::string, std::string> Truth() const {
    std::map<std::string, std::string> truth;
    for (const auto& [uuid, guest] : guests_) {
      truth.emplace(uuid, guest.SerializeAsString());
    }
    return truth;
  }
  std::map<std::string, std::string> Belief() const {
    std::map<std::string, std::string> belief;
    for (const v1::Guest& guest : inventory_.Find(kHost)->guests()) {
      belief.emplace(guest.uuid(), guest.SerializeAsString());
    }
    return belief;
  }

  v1::PushStatus Status() const { return sessions_->Status(); }
  int resumed() const { return resumed_; }
  int read_otherwise() const { return read_otherwise_; }

 private:
  // A stream, with what is on its way.
  struct Wire {
    std::shared_ptr<RecordingStream> stream;
    std::unique_ptr<AgentSessions::Session> session;
    std::deque<v1::SessionRequest> up;
    size_t heard = 0;  // of what was sent down

    std::deque<v1::SessionResponse> Unheard() const {
      const auto sent = stream->Sent();
      return {sent.begin() + heard, sent.end()};
    }
  };

  int Dice(int sides) {
    return std::uniform_int_distribution<int>(0, sides - 1)(random_);
  }

  void ChangeGuests() {
    const std::string uuid = UuidOf(Dice(8));
    const auto guest = guests_.find(uuid);
    if (guest == guests_.end()) {
      guests_[uuid].set_uuid(uuid);
      guests_[uuid].set_name("guest-" + uuid);
      guests_[uuid].set_vcpus(1 + Dice(4));
      moving_.erase(uuid);
    } else if (Dice(2) == 0) {
      guest->second.set_state(static_cast<v1::GuestState>(1 + Dice(5)));
    } else {
      if (Dice(4) == 0) moving_.insert(uuid);
      if (Dice(4) != 0) told_[{uuid}] = hypervisor::GuestEvent::kUndefined;
      guests_.erase(guest);
    }
  }

  // `all`: every guest can be read.
  void Read(bool all = false) {
    clock_.Advance(absl::Milliseconds(Dice(100)));
    hypervisor::Inventory found;
    found.facts.set_hostname("hv1");
    found.facts.set_cpus(1 + Dice(3));
    for (const auto& [uuid, guest] : guests_) {
      if (!all && Dice(10) == 0) {
        found.guests.emplace_back().set_uuid(uuid);
        found.guests.back().set_name(guest.name());
        found.unread_uuids.push_back(uuid);
      } else {
        found.guests.push_back(guest);
      }
    }
    if (Dice(4) == 0) moving_.clear();
    buffer_.SetMoving(moving_);
    buffer_.Take(found, clock_.Uptime(), std::exchange(told_, {}));
  }

  // Where there is no session, the controller reads the host itself: what it
  // sees then, the agent need never see.
  void ReadByConnection() {
    v1::Observation seen;
    seen.set_full(true);
    seen.mutable_facts()->set_hostname("hv1");
    for (const auto& [uuid, guest] : guests_) *seen.add_guests() = guest;
    if (hosts_.TellOtherwise(kHost, std::move(seen))) ++read_otherwise_;
  }

  void Connect() {
    live_ = Wire{.stream = std::make_shared<RecordingStream>(),
                 .session = nullptr,
                 .up = {},
                 .heard = 0};
    live_.session = sessions_->Open({}, live_.stream);
    v1::SessionRequest hello = HelloOf(kHost);
    hello.mutable_hello()->set_last_epoch(buffer_.last_epoch());
    hello.mutable_hello()->set_last_acknowledged(buffer_.last_acknowledged());
    live_.up.push_back(std::move(hello));
  }

  // What the agent has sent may arrive still, also after it has come back.
  void BreakStream() {
    if (live_.session == nullptr) return;
    buffer_.End();
    late_.push_back(std::exchange(live_, {}));
  }
  void RestartAgent() {
    BreakStream();
    buffer_ = agent::ReportBuffer();
    told_.clear();
    Read();
  }

  void AgentSends() {
    if (live_.session == nullptr) return Connect();
    if (auto report = buffer_.Next(clock_.Uptime()); report.has_value()) {
      *live_.up.emplace_back().mutable_report() = *std::move(report);
    }
  }

  void Deliver(Wire& wire) {
    if (wire.up.empty()) return;
    v1::SessionRequest message = std::move(wire.up.front());
    wire.up.pop_front();
    wire.session->Received(std::move(message));
  }
  void ControllerHears() { Deliver(live_); }
  void DeliverLate() {
    if (late_.empty()) return;
    if (late_.front().up.empty() || Dice(3) == 0) return late_.pop_front();
    Deliver(late_.front());
  }

  void AgentHears() {
    if (live_.session == nullptr) return;
    const auto unheard = live_.Unheard();
    if (unheard.empty()) {
      if (live_.stream->end().has_value()) BreakStream();
      return;
    }
    ++live_.heard;
    const v1::SessionResponse& message = unheard.front();
    if (message.has_welcome()) {
      resumed_ += message.welcome().need_full() ? 0 : 1;
      buffer_.Begin(message.welcome().epoch(), message.welcome().need_full());
    } else if (message.has_ack()) {
      buffer_.Acknowledged(message.ack().sequence());
    } else if (message.has_need_full()) {
      buffer_.NeedFull();
    } else if (message.has_reread()) {
      buffer_.WantAnswer(message.reread().request_id());
    }
  }

  void AskReread() {
    const auto agent = hosts_.AgentOf(kHost);
    if (agent != nullptr) agent->AskReread(++last_request_);
  }

  std::mt19937_64 random_;
  FakeClock clock_;
  Inventory inventory_{clock_, {.share = 1}};  // without the brake
  FakeAgentHosts hosts_{inventory_};
  std::unique_ptr<AgentSessions> sessions_;

  // The hypervisor.
  std::map<std::string, v1::Guest> guests_;
  std::set<std::string> moving_;
  agent::ReportBuffer::LastWords told_;

  agent::ReportBuffer buffer_;
  Wire live_;
  std::deque<Wire> late_;  // broken, to the agent
  int64_t last_request_ = 0;
  int resumed_ = 0;
  int read_otherwise_ = 0;
};

TEST(ReportLossTest, WhateverBreaksTheControllerBelievesTheAgentInTheEnd) {
  log::Configure(log::Level::kError, log::Format::kText);
  int64_t resumed = 0;
  int64_t read_otherwise = 0;
  int64_t reports = 0;
  std::map<std::string, int64_t> ends;
  for (int seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 300; ++i) world.Step();
      world.Settle();
      ASSERT_EQ(world.Belief(), world.Truth());
    }
    const v1::PushStatus status = world.Status();
    for (const auto& [why, count] : status.ended_sessions()) {
      ends[why] += count;
    }
    // The agent says nothing that has to be refused.
    ASSERT_EQ(status.ended_sessions().count("protocol"), 0u);
    ASSERT_EQ(status.full_demanded(), 0);
    resumed += world.resumed();
    read_otherwise += world.read_otherwise();
    reports += status.reports();
  }
  // The dice have thrown everything that matters.
  EXPECT_GT(resumed, 100);
  EXPECT_GT(read_otherwise, 100);
  EXPECT_GT(reports, 3000);
  EXPECT_GT(ends["closed"], 100);
  EXPECT_GT(ends["superseded"], 100);
}

}  // namespace
}  // namespace rehai
