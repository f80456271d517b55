// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/agents.h"

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/report_buffer.h"
#include "base/proto_time.h"
#include "controller/source/agent_observation.h"
#include "hypervisor/connection.h"
#include "hypervisor/host_schedule.h"
#include "hypervisor/last_word.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai::sim {
namespace {

using Schedule = hypervisor::HostSchedule;
using Step = Schedule::Step;

constexpr absl::Duration kMoveTimeout = absl::Seconds(30);
// By heartbeats, which are not sent here.
constexpr absl::Duration kNoticed = absl::Seconds(30);
constexpr absl::Duration kReconnectMin = absl::Seconds(1);
constexpr absl::Duration kReconnectMax = absl::Minutes(1);

Schedule::Options ScheduleOptions() {
  return {.reconnect = {.min = absl::Seconds(1), .max = absl::Minutes(1)},
          .relist_interval = absl::Minutes(3),
          .event_window = absl::Milliseconds(20),
          .unknown_after = absl::InfiniteDuration()};
}

}  // namespace

// The agent of one host: what it reads, and its end of the session.
class Agents::Process final : public hypervisor::Listener {
 public:
  Process(Agents& all, Hypervisors::Host& host)
      : all_(all), host_(host), random_(all.dice_.Roll()) {
    Begin();
  }

  // ---- the process ----

  void Begin() {
    is_up_ = true;
    schedule_ = std::make_unique<Schedule>(ScheduleOptions(),
                                           HostId{host_.node}, now());
    buffer_ = agent::ReportBuffer();
    departed_.clear();
    asked_.clear();
    failures_ = 0;
    Connect(absl::ZeroDuration());
    Wake(now());
  }

  void End(absl::Duration wait) {
    if (!is_up_) return;
    all_.trace_.Add(host_.node, ": its agent ends");
    Cut("its agent ended");
    is_up_ = false;
    ++life_;
    well_since_ = absl::InfiniteDuration();
    if (!is_busy_) connection_.reset();
    all_.scheduler_.After(wait, [this] { TryBegin(); });
  }

  // ---- reading, as agent/host_watch.cc does ----

  void OnGuestEvent(const GuestId& guest,
                    hypervisor::GuestEvent event) override {
    if (!is_up_) return;
    schedule_->Hinted(guest, event, now());
    if (event == hypervisor::GuestEvent::kPresent) {
      departed_.erase(guest);
    } else if (event == hypervisor::GuestEvent::kMigratedAway) {
      departed_[guest] = now();
    }
    Wake(now());
  }
  void OnHostEvent() override {}
  void OnClosed(const std::string& /*reason*/) override {
    if (!is_up_) return;
    schedule_->Closed(now());
    Wake(now());
  }

  void Reread(int64_t request_id) {
    asked_.push_back(request_id);
    schedule_->WantReread(now());
    Wake(now());
  }

  // ---- the session ----

  // The connection is lost: what is under way in it arrives nowhere. Each side
  // notices in its own time.
  void Cut(const std::string& why) {
    if (link_ == 0) return;
    all_.trace_.Add(host_.node, ": its agent's session breaks");
    const int64_t link = std::exchange(link_, 0);
    const absl::Duration until =
        all_.dice_.Between(absl::ZeroDuration(), kNoticed);
    all_.scheduler_.After(until, [this, link, why] {
      all_.Went(host_.node, link, absl::UnavailableError(why));
    });
    well_since_ = absl::InfiniteDuration();
    const absl::Duration noticed =
        all_.dice_.Between(absl::ZeroDuration(), kNoticed);
    all_.scheduler_.After(noticed, [this, life = life_] {
      if (life == life_) Lost(absl::ZeroDuration());
    });
  }

  // There is nobody at the other end any more, and the agent sees it.
  void Lost(absl::Duration come_back_after) {
    link_ = 0;
    well_since_ = absl::InfiniteDuration();
    buffer_.End();
    asked_.clear();
    served_.clear();
    const absl::Duration longest = std::min(
        kReconnectMin * (1 << std::min(failures_++, 10)), kReconnectMax);
    Connect(come_back_after > absl::ZeroDuration()
                ? come_back_after
                : all_.dice_.Between(longest / 2, longest));
  }

  void Connect(absl::Duration wait) {
    all_.scheduler_.After(wait, [this, life = life_, attempt = ++attempts_] {
      if (life != life_ || attempt != attempts_ || link_ != 0) return;
      if (all_.controller_ == nullptr) return Lost(absl::ZeroDuration());
      link_ = ++all_.last_link_;
      v1::AgentHello hello;
      hello.set_node(host_.node);
      hello.set_host_uuid(host_.answers_as);
      hello.set_last_epoch(buffer_.last_epoch());
      hello.set_last_acknowledged(buffer_.last_acknowledged());
      Deliver([this, link = link_, hello = std::move(hello)] {
        all_.Came(host_.node, link, hello);
      });
    });
  }

  // What one side says reaches the other after all that it said before, if the
  // session has not broken.
  void Deliver(absl::AnyInvocable<void()> what) {
    absl::Duration at = now() + all_.dice_.Between(absl::Milliseconds(1),
                                                   absl::Milliseconds(20));
    if (now() < lags_until_) {
      at += all_.dice_.Between(absl::ZeroDuration(), lag_);
    }
    delivered_at_ = std::max(delivered_at_, at);
    all_.scheduler_.At(delivered_at_,
                       [this, link = link_, what = std::move(what)]() mutable {
                         if (link == link_) what();
                       });
  }

  void Welcome(int64_t epoch, bool need_full) {
    all_.trace_.Add(host_.node, ": its agent's session ", epoch,
                    need_full ? " begins" : " goes on");
    failures_ = 0;
    well_since_ = now();
    buffer_.Begin(epoch, need_full);
    Send();
  }

  void Acknowledged(int64_t sequence) {
    buffer_.Acknowledged(sequence);
    Send();
  }

  void Send() {
    if (link_ == 0) return;
    std::optional<v1::AgentReport> report = buffer_.Next(now());
    if (!report.has_value()) return;
    const absl::Duration begun = now() - FromProto(report->age());
    Deliver([this, link = link_, report = *std::move(report), begun] {
      all_.Reported(host_.node, link, report, begun);
    });
  }

  int64_t link() const { return link_; }
  bool is_up() const { return is_up_; }
  Hypervisors::Host& host() { return host_; }
  bool IsWellSince(absl::Duration since) const {
    return well_since_ < since && lags_until_ < since;
  }
  void Delay(absl::Duration lag, absl::Duration until) {
    all_.trace_.Add(host_.node, ": its agent's session is slow");
    lag_ = lag;
    lags_until_ = until;
  }
  void Heal() {
    lags_until_ = -absl::InfiniteDuration();
    if (!is_up_) TryBegin();
  }

 private:
  absl::Duration now() const { return all_.scheduler_.now(); }

  // Not before the call that the last process was in has ended.
  void TryBegin() {
    if (is_up_) return;
    if (!is_busy_) return Begin();
    all_.scheduler_.After(absl::Seconds(1), [this] { TryBegin(); });
  }

  // Looks at what is due, then. At most one wake is wanted at a time, the
  // earliest.
  void Wake(absl::Duration at) {
    if (at == absl::InfiniteDuration() || (wake_ != 0 && wake_at_ <= at)) {
      return;
    }
    wake_at_ = at;
    all_.scheduler_.At(at, [this, wake = ++last_wake_] {
      if (wake != wake_) return;
      wake_ = 0;
      Look();
    });
    wake_ = last_wake_;
  }

  void Look() {
    if (!is_up_ || is_busy_) return;
    const Schedule::NextStep next = schedule_->Next();
    if (next.at > now()) return Wake(next.at);
    is_busy_ = true;
    all_.strands_.Run([this, step = next.step] {
      Do(step);
      is_busy_ = false;
      if (!is_up_) {
        connection_.reset();
      } else {
        Wake(now());
      }
    });
  }

  void Do(Step step) {
    switch (step) {
      case Step::kDial:
        return Dial();
      case Step::kRead:
        return Read();
      case Step::kClose:
        return Lose(absl::UnavailableError("connection lost"));
      default:
        return;
    }
  }

  void Dial() {
    const int64_t life = life_;
    auto connection = all_.fleet_.Dial(host_.uri, {}, *this);
    if (life != life_) return;
    if (!connection.ok()) return Lose(connection.status());
    connection_ = *std::move(connection);
    schedule_->Dialed(now());
  }

  void Read() {
    const int64_t life = life_;
    const Schedule::Reading reading = schedule_->BeginRead(now());
    served_ = std::exchange(asked_, {});
    const absl::StatusOr<hypervisor::Inventory> found =
        connection_->Read(reading.request);
    if (life != life_) return;
    if (!found.ok()) return Lose(found.status());
    (void)schedule_->ReadEnded(reading, found->unread_uuids, random_);
    for (const int64_t id : std::exchange(served_, {})) buffer_.WantAnswer(id);
    agent::ReportBuffer::LastWords told;
    for (const auto* hints : {&reading.hints, &schedule_->hints()}) {
      for (const auto& [guest, hint] : hints->guests) {
        told[guest] = schedule_->LastWordOf(guest, reading);
      }
    }
    for (const auto& [guest, at] : departed_) {
      hypervisor::GuestEvent& word = told[guest];
      word = hypervisor::LastWord(hypervisor::GuestEvent::kMigratedAway, word);
    }
    buffer_.SetMoving(Moving(*found));
    buffer_.Take(*found, reading.begun, told);
    Send();
  }

  void Lose(const absl::Status& why) {
    connection_.reset();
    (void)schedule_->Failed(why.code(), now(), random_);
    std::vector<int64_t> ids = std::exchange(served_, {});
    if (!schedule_->reread_wanted()) {
      const std::vector<int64_t> asked = std::exchange(asked_, {});
      ids.insert(ids.end(), asked.begin(), asked.end());
    }
    for (const int64_t id : ids) buffer_.WantAnswer(id);
    buffer_.SetSourceError({why.message().data(), why.message().size()});
    Send();
  }

  std::set<std::string> Moving(const hypervisor::Inventory& found) {
    std::erase_if(departed_, [this](const auto& departed) {
      return departed.second + kMoveTimeout <= now();
    });
    std::set<std::string> listed;
    for (const v1::Guest& guest : found.guests) listed.insert(guest.uuid());
    std::set<std::string> moving;
    for (const auto& [guest, at] : departed_) {
      if (listed.contains(guest.uuid)) continue;
      moving.insert(guest.uuid);
      schedule_->WantRead(at + kMoveTimeout);
    }
    return moving;
  }

  Agents& all_;
  Hypervisors::Host& host_;
  std::mt19937_64 random_;

  // Of the process.
  bool is_up_ = false;
  int64_t life_ = 0;      // grows when it ends
  bool is_busy_ = false;  // in a call that blocks
  int64_t wake_ = 0;      // the one that is wanted; 0: none
  int64_t last_wake_ = 0;
  absl::Duration wake_at_;
  std::unique_ptr<Schedule> schedule_;
  agent::ReportBuffer buffer_;
  std::unique_ptr<hypervisor::Connection> connection_;
  std::map<GuestId, absl::Duration> departed_;
  std::vector<int64_t> asked_;
  std::vector<int64_t> served_;

  // Of the session.
  int64_t link_ = 0;  // 0: there is none
  int64_t attempts_ = 0;
  int failures_ = 0;
  absl::Duration delivered_at_;
  absl::Duration lag_;
  absl::Duration lags_until_ = -absl::InfiniteDuration();
  absl::Duration well_since_ = absl::InfiniteDuration();
};

// How the controller asks an agent, in one session.
class Agents::Voice final : public Agent {
 public:
  Voice(Agents& all, Process& agent, int64_t link)
      : all_(all), agent_(agent), link_(link) {}

  void AskReread(int64_t request_id) override {
    if (link_ != agent_.link()) return;
    agent_.Deliver(
        [this_agent = &agent_, request_id] { this_agent->Reread(request_id); });
  }
  void Dismiss(const absl::Status& why) override {
    const std::string node = agent_.host().node;
    // Not within the call that dismisses it.
    all_.scheduler_.After(
        absl::ZeroDuration(),
        [&all = all_, node, link = link_, why] { all.Went(node, link, why); });
    if (link_ != agent_.link()) return;
    agent_.Deliver(
        [this_agent = &agent_] { this_agent->Lost(absl::Seconds(30)); });
  }

 private:
  Agents& all_;
  Process& agent_;
  const int64_t link_;
};

Agents::Agents(Hypervisors& fleet, Dice& dice, Scheduler& scheduler,
               Strands& strands, Trace& trace)
    : fleet_(fleet),
      dice_(dice),
      scheduler_(scheduler),
      strands_(strands),
      trace_(trace) {}

Agents::~Agents() = default;

void Agents::Add(Hypervisors::Host& host) {
  agents_[host.node] = std::make_unique<Process>(*this, host);
}

void Agents::SetController(AgentHosts* controller) {
  controller_ = controller;
  if (controller != nullptr) return;
  known_.clear();
  epochs_.clear();
  for (const auto& [node, agent] : agents_) agent->Cut("the controller ended");
}

void Agents::Break(const std::string& node) {
  agents_.at(node)->Cut("its session broke");
}

void Agents::Restart(const std::string& node, absl::Duration wait) {
  agents_.at(node)->End(wait);
}

void Agents::Delay(const std::string& node, absl::Duration lag,
                   absl::Duration until) {
  agents_.at(node)->Delay(lag, until);
}

void Agents::Heal() {
  for (const auto& [node, agent] : agents_) agent->Heal();
}

bool Agents::IsWellSince(const std::string& node, absl::Duration since) const {
  const auto agent = agents_.find(node);
  return agent == agents_.end() || agent->second->IsWellSince(since);
}

// ---- what the controller does, as AgentSessions ----

void Agents::Came(const std::string& node, int64_t link, v1::AgentHello hello) {
  Process& agent = *agents_.at(node);
  if (controller_ == nullptr) return agent.Lost(absl::ZeroDuration());
  Known& known = known_[node];
  const bool may_resume = known.is_whole && known.epoch == hello.last_epoch() &&
                          known.sequence == hello.last_acknowledged();
  const auto admission =
      controller_->Came(HostId{node}, may_resume ? hello.last_epoch() : 0,
                        std::make_shared<Voice>(*this, agent, link));
  if (!admission.ok() || admission->session == 0) {
    const absl::Duration wait =
        admission.ok() ? admission->come_back_after : absl::Minutes(1);
    trace_.Add(node, ": its agent is sent away for ",
               absl::FormatDuration(wait));
    return agent.Deliver([&agent, wait] { agent.Lost(wait); });
  }
  epochs_[link] = admission->session;
  const bool need_full = !(may_resume && admission->resumes);
  if (need_full) known.is_whole = false;
  agent.Deliver([&agent, epoch = admission->session, need_full] {
    agent.Welcome(epoch, need_full);
  });
  if (on_told_ != nullptr) on_told_();
}

void Agents::Reported(const std::string& node, int64_t link,
                      v1::AgentReport report, absl::Duration begun) {
  const auto epoch = epochs_.find(link);
  if (controller_ == nullptr || epoch == epochs_.end()) return;
  Process& agent = *agents_.at(node);
  Known& known = known_[node];
  const int64_t sequence = report.sequence();
  const bool is_full = report.full();
  ++reports_;
  const absl::Status check = CheckReport(report);
  trace_.Expect(check.ok(), 3, node,
                ": a report that contradicts itself: ", check.message());
  if (!report.source_error().empty()) {
    controller_->CannotRead(HostId{node}, epoch->second,
                            absl::UnavailableError(SourceErrorOf(report)));
  } else {
    const std::vector<int64_t> answers(report.answers().begin(),
                                       report.answers().end());
    v1::Observation seen =
        ToObservation(std::move(report), node, scheduler_.clock().Now());
    // On its way it has become older than it says.
    agent.host().reads[FromProto(seen.provenance().observed_at())] = begun;
    const absl::Status taken =
        controller_->Saw(HostId{node}, epoch->second, std::move(seen), answers);
    if (!taken.ok()) {
      Went(node, link, taken);
      return agent.Deliver([&agent] { agent.Lost(absl::Seconds(30)); });
    }
  }
  known.epoch = epoch->second;
  known.sequence = sequence;
  if (is_full) known.is_whole = true;
  agent.Deliver([&agent, sequence] { agent.Acknowledged(sequence); });
  if (on_told_ != nullptr) on_told_();
}

void Agents::Went(const std::string& node, int64_t link,
                  const absl::Status& why) {
  const auto epoch = epochs_.find(link);
  if (controller_ == nullptr || epoch == epochs_.end()) return;
  const int64_t session = epoch->second;
  epochs_.erase(epoch);
  controller_->Went(HostId{node}, session, why);
  if (on_told_ != nullptr) on_told_();
}

}  // namespace rehai::sim
