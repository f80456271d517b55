// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chef/run_message.h"

namespace rehai::sim {
namespace {

constexpr absl::Duration kCrashWake = absl::Minutes(4);

}  // namespace

World::World(uint64_t seed, Focus focus, bool keeps_lines)
    : dice_(seed),
      setup_(dice_, focus),
      trace_(scheduler_, keeps_lines),
      strands_(scheduler_),
      fleet_(setup_.hosts, dice_, scheduler_, strands_, trace_),
      agents_(fleet_, dice_, scheduler_, strands_, trace_),
      chef_(dice_, scheduler_, trace_),
      clients_(chef_, dice_, scheduler_, trace_,
               [this](const std::string& body) { return Hear(body); }),
      store_(dice_, scheduler_, trace_) {
  fleet_.SetOnEvent([this] { WakeSource(); });
  agents_.SetOnTold([this] { WakeSource(); });
  fleet_.SetLostEvents(setup_.lost_events);
  chef_.SetRaced(setup_.raced);
  chef_.SetStumbles(setup_.stumbles);
}

World::~World() {
  // The judges are gone.
  on_change_ = nullptr;
  on_end_ = nullptr;
  if (controller_ != nullptr) End(/*in_order=*/false);
  strands_.EndAll();
  scheduler_.Clear();
}

// Time.

void World::TickSource() {
  while (source_is_due_ || source_next_ <= now()) {
    source_is_due_ = false;
    source_next_ = absl::InfiniteDuration();
    const int64_t before = ticks_ended_;
    strands_.Run([this, &source = controller_->source] {
      source_next_ = source.Tick();
      ++ticks_ended_;
    });
    // One that sleeps in a call leaves the rest to another, as workers do.
    source_is_due_ = ticks_ended_ == before;
  }
}

void World::Settle() {
  do {
    if (controller_ == nullptr) continue;
    TickSource();
    controller_->operations.Tick();
    controller_->syncer.Tick();
  } while (!IsOver() && RunOne());
}

bool World::RunOne() {
  // A call that ends may make room for another.
  if (strands_.busy() > 0) source_is_due_ = true;
  return scheduler_.RunOne();
}

void World::RunFor(absl::Duration time) {
  const absl::Duration end = now() + time;
  int steps_at_once = 0;
  while (!IsOver()) {
    Settle();
    absl::Duration next = std::min(end, scheduler_.NextAt());
    if (controller_ != nullptr) {
      next = std::min({next, source_next_, controller_->operations.Tick(),
                       controller_->syncer.Tick()});
    }
    if (next > now()) {
      steps_at_once = 0;
    } else {
      trace_.Expect(++steps_at_once < 1000, 8, "something is due all the time");
    }
    if (next >= end) break;
    scheduler_.AdvanceTo(absl::Ceil(next, absl::Microseconds(1)));
  }
  scheduler_.AdvanceTo(end);
}

void World::JumpWallClock(absl::Duration by) {
  latest_wall_ = std::max(latest_wall_, scheduler_.clock().Now());
  trace_.Add("the wall clock jumps by ", absl::FormatDuration(by));
  scheduler_.clock().JumpWall(by);
  jumped_at_ = now();
}

// The controller.

void World::Boot() {
  trace_.Add("the controller starts");
  booted_at_ = now();
  const bool begins_anew = !setup_.keeps_state || !store_.has_contents();
  if (begins_anew) {
    // Revisions begin with the wall clock where nothing is kept.
    if (scheduler_.clock().Now() < latest_wall_) chef_.ForgetRevisions();
    on_anew_();
  }
  controller_ = std::make_unique<ControllerUnderTest>(
      setup_, dice_.Roll(), fleet_, chef_.Connect(setup_.limits), Found(),
      setup_.keeps_state ? static_cast<Store&>(store_) : nothing_kept_,
      [this](const Change& change) {
        if (on_change_ != nullptr) on_change_(change);
      },
      scheduler_.clock());
  agents_.SetController(&controller_->source);
  WakeSource();
}

void World::Crash() {
  trace_.Add("the controller dies");
  ++crashes_;
  End(/*in_order=*/false);
}

void World::Stop() {
  trace_.Add("the controller is stopped");
  End(/*in_order=*/true);
}

void World::End(bool in_order) {
  if (on_end_ != nullptr) on_end_();
  // Nothing that is done from here on is believed.
  auto on_change = std::exchange(on_change_, nullptr);
  agents_.SetController(nullptr);
  if (!in_order) store_.Crash();
  std::unique_ptr<ControllerUnderTest> dead = std::move(controller_);
  // What it sends from here on has no effect.
  dead->client->Abandon();
  dead->operations.Stop();
  dead->source.Stop();
  strands_.EndAll();
  dead->syncer.Stop();
  if (in_order) {
    dead->KeepAllAges();
    (void)dead->store.Flush(absl::Seconds(5));
    store_.Crash();
  }
  on_change_ = std::move(on_change);
  std::unique_ptr<ChefServer::Client> client = std::move(dead->client);
  dead.reset();
  dead_clients_.push_back(std::move(client));
  source_next_ = absl::InfiniteDuration();
  NoteTrouble(now() + kCrashWake);
  latest_wall_ = std::max(latest_wall_, scheduler_.clock().Now());
}

bool World::Hear(const std::string& body) {
  if (controller_ == nullptr) return false;
  const auto message = chef::ParseRunMessage(body);
  trace_.Expect(message.ok(), 4,
                "a message is not understood: ", message.status().message());
  if (message.ok()) controller_->syncer.OnRun(*message);
  return true;
}

// Discovery.

std::vector<FoundHost> World::Found() const {
  std::vector<FoundHost> found;
  for (const std::string& node : discovered_) {
    found.push_back({.host = {node},
                     .uri = without_uri_.contains(node)
                                ? ""
                                : absl::StrCat("sim://", node, "/system"),
                     .found_by = "sim"});
  }
  return found;
}

void World::Join(const std::string& node) { discovered_.insert(node); }

void World::Leave(const std::string& node) { discovered_.erase(node); }

void World::TellDiscovered() {
  if (controller_ != nullptr) controller_->source.SetHosts(Found());
  WakeSource();
}

// Whether all is well.

void World::NoteTrouble(absl::Duration until) {
  trouble_until_ = std::max(trouble_until_, until);
}

bool World::IsReadable(const Hypervisors::Host& host,
                       absl::Duration since) const {
  return controller_ != nullptr && booted_at_ < since &&
         host.health == Hypervisors::Health::kWell &&
         host.health_since < since && IsDiscovered(host.node) &&
         agents_.IsWellSince(host.node, since);
}

}  // namespace rehai::sim
