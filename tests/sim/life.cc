// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/life.h"

#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "tests/sim/agents.h"
#include "tests/sim/chef_clients.h"
#include "tests/sim/json_text.h"

namespace rehai::sim {
namespace {

using Health = Hypervisors::Health;
using Storm = ChefServer::Storm;

// After the server's trouble, waits may have grown and the search may be
// distrusted for so long.
constexpr absl::Duration kStormWake = absl::Minutes(12);

}  // namespace

Life::Life(World& world, Beliefs& beliefs)
    : world_(world),
      beliefs_(beliefs),
      dice_(world.dice()),
      scheduler_(world.scheduler()),
      trace_(world.trace()),
      fleet_(world.fleet()),
      chef_(world.chef()) {}

void Life::Prepare() {
  for (Host& host : fleet_.hosts()) {
    if (world_.setup().agents && dice_.Chance(world_.setup().have_agents)) {
      world_.agents().Add(host);
      if (dice_.Chance(0.5)) world_.HideUri(host.node);
    }
    world_.Join(host.node);
    chef_.AddNode(host.node, MadeUpNode(host.node, "1795520000.2500", dice_));
    for (int guests = dice_.Pick(8); guests > 0; --guests) {
      const std::string uuid = NewUuid();
      fleet_.Define(host, uuid, absl::StrCat("web", last_guest_),
                    dice_.Chance(0.7) ? v1::GUEST_STATE_RUNNING
                                      : v1::GUEST_STATE_SHUT_OFF);
    }
    Runs(host.node);
  }
}

void Life::Begin() {
  Live();
  if (world_.setup().storms) Storms();
}

void Life::Rest() {
  trace_.Add("nothing is done any more");
  is_lively_ = false;
  for (Host& host : fleet_.hosts()) {
    if (!host.guests.empty()) ChangeTwice(host, AnyGuest(host));
  }
}

void Life::Heal() {
  trace_.Add("all becomes quiet");
  chef_.SetStorm(Storm::kNone);
  fleet_.SetLostEvents(0);
  for (Host& host : fleet_.hosts()) {
    fleet_.SetHealth(host, Health::kWell);
    if (host.answers_as != host.uuid) {
      host.answers_as = host.uuid;
      fleet_.DropConnections(host, "libvirtd restarts");
    }
    world_.Join(host.node);
  }
  world_.agents().Heal();
  if (world_.controller() == nullptr) world_.Boot();
  world_.TellDiscovered();
}

Hypervisors::Host& Life::AnyHost() {
  return fleet_.hosts()[dice_.Pick(world_.setup().hosts)];
}

std::string Life::NewUuid() {
  return absl::StrFormat("bbbbbbbb-0000-4000-8000-%012d", ++last_guest_);
}

void Life::Move(Host& from, Host& to, const std::string& uuid) {
  ++moves_;
  fleet_.Migrate(from, to, uuid);
  beliefs_.ExpectMove(from, to, uuid);
}

void Life::Live() {
  if (!is_lively_) return;
  DoSomething();
  scheduler_.After(
      dice_.Between(absl::ZeroDuration(), 2 * world_.setup().calm_of),
      [this] { Live(); });
}

void Life::DoSomething() {
  if (dice_.Chance(world_.setup().restarts)) return Restart();
  const int deed = dice_.Pick(100);
  if (deed < 76) return DoToGuest();
  if (deed < 90) return DoToHost();
  if (deed < 97) return DoToChef();
  if (world_.setup().clock_jumps) {
    world_.JumpWallClock(absl::Seconds(dice_.Pick(600) - 300));
  }
}

void Life::Restart() {
  if (!world_.setup().crashes || world_.controller() == nullptr) return;
  if (dice_.Chance(0.7)) {
    world_.Crash();
  } else {
    world_.Stop();
  }
  scheduler_.After(dice_.Between(absl::Milliseconds(100), absl::Seconds(20)),
                   [this] {
                     if (world_.controller() == nullptr) world_.Boot();
                   });
}

std::string Life::AnyGuest(const Host& host) {
  return std::next(host.guests.begin(),
                   dice_.Pick(static_cast<int>(host.guests.size())))
      ->first;
}

void Life::DoToGuest() {
  Host& host = AnyHost();
  if (host.guests.empty() || dice_.Chance(0.1)) {
    // A name that was another's, now and then.
    const std::string uuid = NewUuid();
    fleet_.Define(host, uuid,
                  absl::StrCat("web", dice_.Chance(0.2) ? 100000 + last_guest_
                                                        : last_guest_),
                  v1::GUEST_STATE_RUNNING);
    return beliefs_.ExpectShown(host, uuid);
  }
  const std::string uuid = AnyGuest(host);
  if (dice_.Chance(world_.setup().moves)) return TryMove(host, uuid);
  const int deed = dice_.Pick(100);
  if (deed < 60) {
    ChangeState(host, uuid);
  } else if (deed < 75) {
    ChangeTwice(host, uuid);
  } else if (deed < 90) {
    fleet_.SetMemory(host, uuid, 1024 * (1 + dice_.Pick(1024)));
  } else if (!host.leaving.contains(uuid)) {
    const std::string name = host.guests.at(uuid).name();
    fleet_.Undefine(host, uuid);
    if (dice_.Chance(0.3)) {
      fleet_.Define(host, NewUuid(), name, v1::GUEST_STATE_RUNNING);
    }
  }
}

void Life::ChangeState(Host& host, const std::string& uuid) {
  static constexpr v1::GuestState kStates[] = {v1::GUEST_STATE_RUNNING,
                                               v1::GUEST_STATE_PAUSED,
                                               v1::GUEST_STATE_SHUT_OFF};
  fleet_.SetState(host, uuid, kStates[dice_.Pick(3)]);
  beliefs_.ExpectShown(host, uuid);
}

void Life::ChangeTwice(Host& host, const std::string& uuid) {
  ChangeState(host, uuid);
  scheduler_.After(
      dice_.Between(absl::Milliseconds(5), absl::Milliseconds(200)),
      [this, &host, uuid] {
        if (host.guests.contains(uuid)) ChangeState(host, uuid);
      });
}

void Life::TryMove(Host& from, const std::string& uuid) {
  Host& to = AnyHost();
  if (&to == &from || from.health != Health::kWell ||
      (to.health != Health::kWell && to.health != Health::kSlow) ||
      to.guests.contains(uuid)) {
    return;
  }
  if (world_.setup().sick_hosts && dice_.Chance(world_.setup().slow_moves)) {
    // It hears of the guest, and is long in reading it.
    fleet_.SetHealth(to, Health::kSlow);
    scheduler_.After(absl::Seconds(10),
                     [this, &to] { fleet_.SetHealth(to, Health::kWell); });
  }
  Move(from, to, uuid);
}

void Life::DoToAgent(Host& host) {
  Agents& agents = world_.agents();
  const int deed = dice_.Pick(100);
  if (deed < 50) {
    agents.Break(host.node);
  } else if (deed < 75) {
    agents.Restart(host.node,
                   dice_.Between(absl::Milliseconds(100), absl::Seconds(90)));
  } else {
    agents.Delay(
        host.node, absl::Seconds(5),
        world_.now() + dice_.Between(absl::Seconds(2), absl::Seconds(40)));
  }
}

void Life::DoToHost() {
  Host& host = AnyHost();
  if (world_.agents().Has(host.node) && dice_.Chance(0.3)) {
    return DoToAgent(host);
  }
  const int deed = dice_.Pick(100);
  if (world_.setup().sick_hosts && deed < 45) {
    static constexpr Health kSick[] = {Health::kDown, Health::kHung,
                                       Health::kSlow, Health::kBroken};
    const Health health = kSick[dice_.Pick(4)];
    fleet_.SetHealth(host, health);
    scheduler_.After(dice_.Between(absl::Milliseconds(50), absl::Seconds(60)),
                     [this, &host] { fleet_.SetHealth(host, Health::kWell); });
  } else if (deed < 60) {
    trace_.Add(host.node, ": libvirtd restarts");
    host.health_since = world_.now();
    fleet_.DropConnections(host, "libvirtd restarts");
  } else if (deed < 70) {
    Host& to = AnyHost();
    if (&to == &host || host.health != Health::kWell ||
        to.health != Health::kWell) {
      return;
    }
    trace_.Add(host.node, ": is evacuated");
    std::vector<std::string> uuids;
    for (const auto& [uuid, guest] : host.guests) uuids.push_back(uuid);
    for (const std::string& uuid : uuids) {
      if (!to.guests.contains(uuid)) Move(host, to, uuid);
    }
  } else if (deed < 80 && world_.setup().identities) {
    const bool as_another = dice_.Chance(0.5);
    host.answers_as = as_another ? AnyHost().uuid : NewUuid();
    trace_.Add(host.node, ": answers as ", host.answers_as);
    host.health_since = world_.now();
    fleet_.DropConnections(host, "libvirtd restarts");
    scheduler_.After(dice_.Between(absl::Seconds(1), absl::Seconds(40)),
                     [this, &host] {
                       host.answers_as = host.uuid;
                       host.health_since = world_.now();
                       fleet_.DropConnections(host, "libvirtd restarts");
                     });
  } else if (world_.setup().joins) {
    if (world_.discovered() > 1 && world_.IsDiscovered(host.node)) {
      trace_.Add(host.node, ": leaves discovery");
      world_.Leave(host.node);
    } else {
      trace_.Add(host.node, ": joins discovery");
      world_.Join(host.node);
    }
    host.health_since = world_.now();
    world_.TellDiscovered();
  }
}

void Life::DoToChef() {
  Host& host = AnyHost();
  const ChefServer::Node& node = chef_.node(host.node);
  if (world_.controller() != nullptr && dice_.Chance(0.3)) {
    v1::HostSelector selector;
    const std::vector<v1::ResyncMode> modes =
        dice_.Chance(0.5)
            ? std::vector<v1::ResyncMode>{v1::RESYNC_MODE_REWRITE}
            : std::vector<v1::ResyncMode>{v1::RESYNC_MODE_REREAD,
                                          v1::RESYNC_MODE_REWRITE};
    const auto begun = world_.controller()->operations.Begin(selector, modes);
    trace_.Add("a resync of all begins: ", begun.status().ToString());
    world_.WakeSource();
    return;
  }
  if (!world_.setup().hands) return;
  std::string text = node.text;
  switch (dice_.Pick(3)) {
    case 0:
      text = With(text, "run_list",
                  absl::StrCat(R"(["role[hypervisor]","recipe[r)",
                               dice_.Pick(100), R"(]"])"));
      break;
    case 1:
      text = With(text, "normal",
                  absl::StrCat(R"({"tags":["t)", dice_.Pick(100), R"("]})"));
      break;
    default:
      text =
          With(text, "automatic", Without(*Find(text, {"automatic"}), "rehai"));
      break;
  }
  chef_.Save(host.node, text, ChefServer::Writer::kHand);
}

void Life::Storms() {
  scheduler_.After(dice_.Between(absl::Seconds(10), absl::Minutes(2)), [this] {
    if (!is_lively_) return;
    static constexpr Storm kStorms[] = {Storm::kErrors, Storm::kOutage,
                                        Storm::kSlow, Storm::kLag};
    chef_.SetStorm(kStorms[dice_.Pick(4)]);
    world_.SetTrouble(absl::InfiniteDuration());
    scheduler_.After(dice_.Between(absl::Seconds(2), absl::Minutes(1)), [this] {
      chef_.SetStorm(Storm::kNone);
      world_.SetTrouble(world_.now() + kStormWake);
    });
    Storms();
  });
}

void Life::Runs(const std::string& node) {
  const bool reports = world_.setup().messages;
  scheduler_.After(dice_.Between(absl::Seconds(5), absl::Minutes(3)),
                   [this, node, reports] {
                     if (!is_lively_) return;
                     world_.clients().BeginRun(node, reports);
                     Runs(node);
                   });
}

}  // namespace rehai::sim
