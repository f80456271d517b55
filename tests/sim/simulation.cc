// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/simulation.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/run_message.h"
#include "controller/discovery/found_host.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "tests/sim/chef_clients.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/json_text.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/strands.h"

namespace rehai::sim {
namespace {

using Health = Hypervisors::Health;
using Host = Hypervisors::Host;
using Storm = ChefServer::Storm;

constexpr absl::Duration kSweep = absl::Minutes(1);
// A save over what is ours is found within a sweep, which may have to wait for
// the index once more, and then it is written.
constexpr absl::Duration kRepair = absl::Seconds(110);
// After the server's trouble, waits may have grown and the search may be
// distrusted for so long.
constexpr absl::Duration kStormWake = absl::Minutes(12);
constexpr absl::Duration kCrashWake = absl::Minutes(4);
// A PUT whose answer shows another's save is made again at once.
constexpr absl::Duration kRace = absl::Seconds(10);
// What a save that was rolled back takes to come back, from its message on.
constexpr absl::Duration kRestore = absl::Seconds(15);
// From an event to the record, on a host that is well, whatever others do.
constexpr absl::Duration kShown = absl::Seconds(2);
// From the belief to Chef, where neither it nor the governor has much to do.
constexpr absl::Duration kSent = absl::Seconds(40);
constexpr BrakeOptions kBrake;

std::string StateWord(v1::GuestState state) {
  return state == v1::GUEST_STATE_RUNNING    ? "\"running\""
         : state == v1::GUEST_STATE_PAUSED   ? "\"paused\""
         : state == v1::GUEST_STATE_SHUT_OFF ? "\"shut_off\""
                                             : "?";
}

bool HasCondition(const v1::Record& record, const std::string& type) {
  return std::any_of(
      record.conditions().begin(), record.conditions().end(),
      [&](const v1::Condition& one) { return one.type() == type; });
}

// How one run is set up.
struct Setup {
  explicit Setup(Dice& dice) {
    hosts = 3 + dice.Pick(dice.Chance(0.2) ? 18 : 5);
    lost_events = dice.Chance(0.5) ? 0.05 : 0;
    storms = dice.Chance(0.6);
    crashes = dice.Chance(0.4);
    sick_hosts = dice.Chance(0.6);
    messages = dice.Chance(0.6);
    hands = dice.Chance(0.4);
    clock_jumps = dice.Chance(0.2);
    identities = dice.Chance(0.2);
    joins = dice.Chance(0.3);
    calm_of = dice.Between(absl::Milliseconds(300), absl::Seconds(4));
    lasts = dice.Between(absl::Minutes(2), absl::Minutes(7));
    renderings.kvm_extensions = dice.Chance(0.3);
    renderings.ohai_libvirt = dice.Chance(0.3);
    limits.requests_per_second = 5 + dice.Pick(45);
    limits.request_burst = 10 + dice.Pick(90);
    limits.max_in_flight = 1 + dice.Pick(8);
  }

  int hosts;
  double lost_events;
  bool storms;
  bool crashes;
  bool sick_hosts;
  bool messages;
  bool hands;
  bool clock_jumps;
  bool identities;
  bool joins;
  absl::Duration calm_of;  // between two deeds, about
  absl::Duration lasts;
  chef::RenderingOptions renderings;
  ServerLimits limits;
};

// The product's parts, put together as controller.cc does.
struct Controller {
  Controller(const Setup& setup, uint64_t seed, hypervisor::Dialer& dialer,
             std::unique_ptr<ChefServer::Client> chef_client,
             const std::vector<FoundHost>& hosts, const Clock& clock)
      : inventory(clock, kBrake),
        client(std::move(chef_client)),
        writer({}, *client, clock),
        search(chef::SearchedStampPath(setup.renderings), *client, clock),
        sink(writer, &search),
        syncer(SyncOptions(setup, seed), inventory, sink, clock),
        source(PullOptions(seed), {}, dialer, inventory, clock),
        operations(
            ResyncOptions(seed), inventory, syncer,
            [this](const HostId& host,
                   absl::AnyInvocable<void(absl::Status)> done) {
              source.Reread(host, std::move(done));
            },
            clock) {
    inventory.AddListener(
        [this](const Change& change) { syncer.OnChange(change); });
    // What a store has kept is to be taken in here, before any host is known.
    source.SetHosts(hosts);
  }

  static Syncer::Options SyncOptions(const Setup& setup, uint64_t seed) {
    Syncer::Options options;
    options.renderings = setup.renderings;
    options.limits = setup.limits;
    options.retry = {.min = absl::Seconds(1), .max = absl::Minutes(1)};
    options.sweep_interval = kSweep;
    options.seed = seed;
    return options;
  }
  static FleetSource::Options PullOptions(uint64_t seed) {
    FleetSource::Options options;
    options.workers = 4;
    options.reconnect = {.min = absl::Seconds(1), .max = absl::Minutes(1)};
    options.relist_interval = absl::Minutes(3);
    options.keep_departed = absl::Minutes(20);
    options.unknown_after = absl::Seconds(30);
    options.seed = seed;
    return options;
  }
  static ResyncOperations::Options ResyncOptions(uint64_t seed) {
    ResyncOperations::Options options;
    options.seed = seed;
    return options;
  }

  Inventory inventory;
  std::unique_ptr<ChefServer::Client> client;
  chef::NodeWriter writer;
  chef::NodeSearch search;
  ChefSink sink;
  Syncer syncer;
  FleetSource source;
  ResyncOperations operations;
};

class Simulation {
 public:
  Simulation(uint64_t seed, bool keeps_lines)
      : dice_(seed),
        setup_(dice_),
        trace_(scheduler_, keeps_lines),
        strands_(scheduler_),
        fleet_(setup_.hosts, dice_, scheduler_, strands_, trace_),
        chef_(dice_, scheduler_, trace_),
        clients_(chef_, dice_, scheduler_, trace_,
                 [this](const std::string& body) { return Hear(body); }) {}

  Outcome Run();

 private:
  // Time.
  void RunFor(absl::Duration time);
  void Settle();
  bool RunOne();
  void TickSource();
  bool IsOver() const { return trace_.broken().has_value(); }

  // The controller.
  std::vector<FoundHost> Found() const;
  void Boot();
  void Crash();
  bool Hear(const std::string& body);

  // Deeds.
  void Live();
  void DoSomething();
  void DoToGuest();
  void DoToHost();
  void DoToChef();
  void Storms();
  void Runs(const std::string& node);
  Host& AnyHost() { return fleet_.hosts()[dice_.Pick(setup_.hosts)]; }
  std::string NewUuid() {
    return absl::StrFormat("bbbbbbbb-0000-4000-8000-%012d", ++last_guest_);
  }
  void ExpectShown(Host& host, const std::string& uuid);
  void Move(Host& from, Host& to, const std::string& uuid);

  // Promises.
  void OnChange(const Change& change);
  void JudgeGone(const Host& host, const v1::Record& before,
                 const v1::Record& after);
  void JudgeAges(const Host& host, const v1::Record& record);
  void JudgeMoves();
  void ExpectSent(const std::string& node, const std::string& uuid,
                  int64_t version);
  void JudgeRepair(const std::string& node, absl::Duration overwritten_at,
                   absl::Duration within);
  void JudgeRestore(const std::string& node, const ChefServer::Saved& saved);
  void JudgeEnd();
  void JudgeQuiet();
  bool WasChefWellSince(absl::Duration time) const {
    return time > trouble_until_;
  }
  // The host could have been read at any time since then.
  bool IsReadable(const Host& host, absl::Duration since) const;

  Dice dice_;
  Scheduler scheduler_;
  const Setup setup_;
  Trace trace_;
  Strands strands_;
  Hypervisors fleet_;
  ChefServer chef_;
  ChefClients clients_;
  // Each is kept after its crash, as its requests may still be under way.
  std::vector<std::unique_ptr<ChefServer::Client>> dead_clients_;
  std::unique_ptr<Controller> controller_;
  std::set<std::string> discovered_;
  std::map<std::string, absl::Duration> left_at_;

  absl::Duration source_next_ = absl::ZeroDuration();
  bool source_is_due_ = true;
  int64_t ticks_ended_ = 0;
  bool is_lively_ = true;
  absl::Duration booted_at_;
  absl::Duration trouble_until_ = -absl::InfiniteDuration();
  absl::Time latest_wall_ = absl::InfinitePast();
  int last_guest_ = 0;

  // Of the controller that runs.
  std::map<std::string, RecordPtr> beliefs_;
  std::map<std::pair<std::string, std::string>, int64_t> shown_versions_;
  struct Moving {
    std::string uuid;
    Host* from;
    Host* to;
    absl::Duration at;
  };
  std::vector<Moving> moving_;

  int64_t crashes_ = 0;
  int64_t moves_ = 0;
};

Outcome Simulation::Run() {
  trace_.Add(setup_.hosts, " hosts");
  fleet_.SetOnEvent([this] { source_is_due_ = true; });
  fleet_.SetLostEvents(setup_.lost_events);
  chef_.SetOnOverwrite([this](const std::string& node, absl::Duration at) {
    scheduler_.After(kRepair,
                     [this, node, at] { JudgeRepair(node, at, kRepair); });
  });
  chef_.SetOnRollback(
      [this](const std::string& node, const ChefServer::Saved& saved) {
        JudgeRestore(node, saved);
      });
  chef_.SetOnRace([this](const std::string& node, absl::Duration at) {
    scheduler_.After(kRace, [this, node, at] { JudgeRepair(node, at, kRace); });
  });
  chef_.SetOnGet([this](const std::string& node) { clients_.Tempt(node); });
  for (Host& host : fleet_.hosts()) {
    discovered_.insert(host.node);
    chef_.AddNode(host.node, MadeUpNode(host.node, "1795520000.2500", dice_));
    for (int guests = dice_.Pick(8); guests > 0; --guests) {
      const std::string uuid = NewUuid();
      fleet_.Define(host, uuid, absl::StrCat("web", last_guest_),
                    dice_.Chance(0.7) ? v1::GUEST_STATE_RUNNING
                                      : v1::GUEST_STATE_SHUT_OFF);
    }
    Runs(host.node);
  }
  Boot();
  RunFor(absl::Seconds(10));
  Live();
  if (setup_.storms) Storms();
  RunFor(setup_.lasts);
  JudgeEnd();
  if (!IsOver()) JudgeQuiet();
  if (controller_ != nullptr) Crash();
  scheduler_.Clear();

  Outcome outcome;
  outcome.broken = trace_.broken();
  outcome.digest = trace_.digest();
  outcome.lines = trace_.lines();
  outcome.hosts = setup_.hosts;
  outcome.checks = trace_.checks();
  outcome.puts = chef_.counts().puts;
  outcome.rolled_back = chef_.counts().rolled_back;
  outcome.crashes = crashes_;
  outcome.moves = moves_;
  return outcome;
}

// Time.

void Simulation::TickSource() {
  while (source_is_due_ || source_next_ <= scheduler_.now()) {
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

void Simulation::Settle() {
  do {
    if (controller_ == nullptr) continue;
    TickSource();
    controller_->operations.Tick();
    controller_->syncer.Tick();
  } while (!IsOver() && RunOne());
}

bool Simulation::RunOne() {
  // A call that ends may make room for another.
  if (strands_.busy() > 0) source_is_due_ = true;
  return scheduler_.RunOne();
}

void Simulation::RunFor(absl::Duration time) {
  const absl::Duration end = scheduler_.now() + time;
  int steps_at_once = 0;
  while (!IsOver()) {
    Settle();
    absl::Duration next = std::min(end, scheduler_.NextAt());
    if (controller_ != nullptr) {
      next = std::min({next, source_next_, controller_->operations.Tick(),
                       controller_->syncer.Tick()});
    }
    if (next > scheduler_.now()) {
      steps_at_once = 0;
    } else {
      trace_.Expect(++steps_at_once < 1000, 8, "something is due all the time");
    }
    if (next >= end) break;
    scheduler_.AdvanceTo(absl::Ceil(next, absl::Microseconds(1)));
  }
  scheduler_.AdvanceTo(end);
}

// The controller.

std::vector<FoundHost> Simulation::Found() const {
  std::vector<FoundHost> found;
  for (const std::string& node : discovered_) {
    found.push_back({.host = {node},
                     .uri = absl::StrCat("sim://", node, "/system"),
                     .found_by = "sim"});
  }
  return found;
}

void Simulation::Boot() {
  trace_.Add("the controller starts");
  booted_at_ = scheduler_.now();
  // Revisions begin with the wall clock where nothing is kept.
  if (scheduler_.clock().Now() < latest_wall_) chef_.ForgetRevisions();
  controller_ = std::make_unique<Controller>(setup_, dice_.Roll(), fleet_,
                                             chef_.Connect(setup_.limits),
                                             Found(), scheduler_.clock());
  controller_->inventory.AddListener(
      [this](const Change& change) { OnChange(change); });
  source_is_due_ = true;
}

void Simulation::Crash() {
  trace_.Add("the controller dies");
  ++crashes_;
  beliefs_.clear();
  shown_versions_.clear();
  moving_.clear();
  std::unique_ptr<Controller> dead = std::move(controller_);
  // Nothing that it does from here on has an effect.
  dead->client->Abandon();
  dead->source.Stop();
  strands_.EndAll();
  dead->operations.Stop();
  dead->syncer.Stop();
  std::unique_ptr<ChefServer::Client> client = std::move(dead->client);
  dead.reset();
  dead_clients_.push_back(std::move(client));
  source_next_ = absl::InfiniteDuration();
  trouble_until_ = std::max(trouble_until_, scheduler_.now() + kCrashWake);
  latest_wall_ = std::max(latest_wall_, scheduler_.clock().Now());
}

bool Simulation::Hear(const std::string& body) {
  if (controller_ == nullptr) return false;
  const auto message = chef::ParseRunMessage(body);
  trace_.Expect(message.ok(), 4,
                "a message is not understood: ", message.status().message());
  if (message.ok()) controller_->syncer.OnRun(*message);
  return true;
}

// Deeds.

void Simulation::Live() {
  if (!is_lively_) return;
  DoSomething();
  scheduler_.After(dice_.Between(absl::ZeroDuration(), 2 * setup_.calm_of),
                   [this] { Live(); });
}

void Simulation::DoSomething() {
  const int deed = dice_.Pick(100);
  if (deed < 75) return DoToGuest();
  if (deed < 90) return DoToHost();
  if (deed < 97) return DoToChef();
  if (setup_.crashes && controller_ != nullptr && deed < 99) {
    Crash();
    scheduler_.After(dice_.Between(absl::Milliseconds(100), absl::Seconds(20)),
                     [this] {
                       if (controller_ == nullptr) Boot();
                     });
  } else if (setup_.clock_jumps) {
    latest_wall_ = std::max(latest_wall_, scheduler_.clock().Now());
    const absl::Duration jump = absl::Seconds(dice_.Pick(600) - 300);
    trace_.Add("the wall clock jumps by ", absl::FormatDuration(jump));
    scheduler_.clock().JumpWall(jump);
  }
}

void Simulation::DoToGuest() {
  Host& host = AnyHost();
  if (host.guests.empty() || dice_.Chance(0.1)) {
    // A name that was another's, now and then.
    const std::string uuid = NewUuid();
    fleet_.Define(host, uuid,
                  absl::StrCat("web", dice_.Chance(0.2) ? 100000 + last_guest_
                                                        : last_guest_),
                  v1::GUEST_STATE_RUNNING);
    return ExpectShown(host, uuid);
  }
  const std::string uuid =
      std::next(host.guests.begin(),
                dice_.Pick(static_cast<int>(host.guests.size())))
          ->first;
  const int deed = dice_.Pick(100);
  if (deed < 55) {
    static constexpr v1::GuestState kStates[] = {v1::GUEST_STATE_RUNNING,
                                                 v1::GUEST_STATE_PAUSED,
                                                 v1::GUEST_STATE_SHUT_OFF};
    fleet_.SetState(host, uuid, kStates[dice_.Pick(3)]);
    ExpectShown(host, uuid);
  } else if (deed < 65) {
    fleet_.SetMemory(host, uuid, 1024 * (1 + dice_.Pick(1024)));
  } else if (deed < 73) {
    const std::string name = host.guests.at(uuid).name();
    fleet_.Undefine(host, uuid);
    if (dice_.Chance(0.3)) {
      fleet_.Define(host, NewUuid(), name, v1::GUEST_STATE_RUNNING);
    }
  } else {
    Host& to = AnyHost();
    if (&to != &host && host.health == Health::kWell &&
        (to.health == Health::kWell || to.health == Health::kSlow) &&
        !to.guests.contains(uuid)) {
      if (setup_.sick_hosts && dice_.Chance(0.3)) {
        // It hears of the guest, and is long in reading it.
        fleet_.SetHealth(to, Health::kSlow);
        scheduler_.After(absl::Seconds(10),
                         [this, &to] { fleet_.SetHealth(to, Health::kWell); });
      }
      Move(host, to, uuid);
    }
  }
}

void Simulation::DoToHost() {
  Host& host = AnyHost();
  const int deed = dice_.Pick(100);
  if (setup_.sick_hosts && deed < 45) {
    static constexpr Health kSick[] = {Health::kDown, Health::kHung,
                                       Health::kSlow, Health::kBroken};
    const Health health = kSick[dice_.Pick(4)];
    fleet_.SetHealth(host, health);
    scheduler_.After(dice_.Between(absl::Milliseconds(50), absl::Seconds(60)),
                     [this, &host] { fleet_.SetHealth(host, Health::kWell); });
  } else if (deed < 60) {
    trace_.Add(host.node, ": libvirtd restarts");
    host.health_since = scheduler_.now();
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
  } else if (deed < 80 && setup_.identities) {
    const bool as_another = dice_.Chance(0.5);
    host.answers_as = as_another ? AnyHost().uuid : NewUuid();
    trace_.Add(host.node, ": answers as ", host.answers_as);
    host.health_since = scheduler_.now();
    fleet_.DropConnections(host, "libvirtd restarts");
    scheduler_.After(dice_.Between(absl::Seconds(1), absl::Seconds(40)),
                     [this, &host] {
                       host.answers_as = host.uuid;
                       host.health_since = scheduler_.now();
                       fleet_.DropConnections(host, "libvirtd restarts");
                     });
  } else if (setup_.joins) {
    if (discovered_.size() > 1 && discovered_.erase(host.node) > 0) {
      trace_.Add(host.node, ": leaves discovery");
      left_at_[host.node] = scheduler_.now();
    } else {
      trace_.Add(host.node, ": joins discovery");
      discovered_.insert(host.node);
    }
    host.health_since = scheduler_.now();
    if (controller_ != nullptr) controller_->source.SetHosts(Found());
    source_is_due_ = true;
  }
}

void Simulation::DoToChef() {
  Host& host = AnyHost();
  const ChefServer::Node& node = chef_.node(host.node);
  if (controller_ != nullptr && dice_.Chance(0.3)) {
    v1::HostSelector selector;
    const std::vector<v1::ResyncMode> modes =
        dice_.Chance(0.5)
            ? std::vector<v1::ResyncMode>{v1::RESYNC_MODE_REWRITE}
            : std::vector<v1::ResyncMode>{v1::RESYNC_MODE_REREAD,
                                          v1::RESYNC_MODE_REWRITE};
    const auto begun = controller_->operations.Begin(selector, modes);
    trace_.Add("a resync of all begins: ", begun.status().ToString());
    source_is_due_ = true;
    return;
  }
  if (!setup_.hands) return;
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

void Simulation::Storms() {
  scheduler_.After(dice_.Between(absl::Seconds(10), absl::Minutes(2)), [this] {
    if (!is_lively_) return;
    static constexpr Storm kStorms[] = {Storm::kErrors, Storm::kOutage,
                                        Storm::kSlow, Storm::kLag};
    chef_.SetStorm(kStorms[dice_.Pick(4)]);
    trouble_until_ = absl::InfiniteDuration();
    scheduler_.After(dice_.Between(absl::Seconds(2), absl::Minutes(1)), [this] {
      chef_.SetStorm(Storm::kNone);
      trouble_until_ = scheduler_.now() + kStormWake;
    });
    Storms();
  });
}

void Simulation::Runs(const std::string& node) {
  const bool reports = setup_.messages;
  scheduler_.After(dice_.Between(absl::Seconds(5), absl::Minutes(3)),
                   [this, node, reports] {
                     if (!is_lively_) return;
                     clients_.BeginRun(node, reports);
                     Runs(node);
                   });
}

// Promises.

bool Simulation::IsReadable(const Host& host, absl::Duration since) const {
  return controller_ != nullptr && booted_at_ < since &&
         host.health == Health::kWell && host.health_since < since &&
         discovered_.contains(host.node);
}

void Simulation::ExpectShown(Host& host, const std::string& uuid) {
  const absl::Duration now = scheduler_.now();
  if (!IsReadable(host, now - absl::Minutes(2)) || host.untold_at == now) {
    return;
  }
  const auto belief = beliefs_.find(host.node);
  if (belief == beliefs_.end() || host.connections.empty() ||
      belief->second->presence() != v1::PRESENCE_CURRENT) {
    return;
  }
  const int64_t version = Hypervisors::VersionOf(host.guests.at(uuid));
  scheduler_.After(kShown, [this, &host, uuid, version, now] {
    if (!IsReadable(host, now)) return;
    const auto guest = host.guests.find(uuid);
    if (guest == host.guests.end()) return;
    const int64_t shown = shown_versions_[{host.node, uuid}];
    trace_.Expect(shown >= version, 6, host.node, ": ", uuid, " v", version,
                  " is not seen after ", absl::FormatDuration(kShown),
                  ", only v", shown);
  });
}

void Simulation::Move(Host& from, Host& to, const std::string& uuid) {
  ++moves_;
  fleet_.Migrate(from, to, uuid);
  const absl::Duration now = scheduler_.now();
  if (!IsReadable(from, now - absl::Minutes(2)) ||
      !controller_->inventory.FindGuest(GuestId{uuid}).has_value()) {
    return;
  }
  for (const Host* host : {&from, &to}) {
    if (host->connections.empty() || !beliefs_.contains(host->node) ||
        beliefs_[host->node]->presence() != v1::PRESENCE_CURRENT) {
      return;
    }
  }
  moving_.push_back({uuid, &from, &to, now});
}

void Simulation::JudgeMoves() {
  const absl::Duration now = scheduler_.now();
  std::erase_if(moving_, [&](const Moving& move) {
    const auto unlisted = move.to->last_unlisted.find(move.uuid);
    return now - move.at > absl::Seconds(20) ||
           !IsReadable(*move.from, move.at) ||
           !discovered_.contains(move.to->node) ||
           !move.to->guests.contains(move.uuid) ||
           move.to->answers_as != move.to->uuid ||
           (unlisted != move.to->last_unlisted.end() &&
            unlisted->second > move.at - absl::Seconds(30));
  });
  for (const Moving& move : moving_) {
    trace_.Expect(
        controller_->inventory.FindGuest(GuestId{move.uuid}).has_value(), 3,
        "guest ", move.uuid, ", which moves from ", move.from->node, " to ",
        move.to->node, ", is nowhere");
  }
}

void Simulation::OnChange(const Change& change) {
  if (controller_ == nullptr) return;
  const std::string& node = change.host.node;
  Host& host = *fleet_.FindHost(node);
  RecordPtr& before = beliefs_[node];
  if (change.record == nullptr) {
    trace_.Add("belief: ", node, " is forgotten");
    trace_.Expect(!discovered_.contains(node) || left_at_.contains(node), 1,
                  node, " is forgotten and has not left");
    beliefs_.erase(node);
    return;
  }
  const v1::Record& record = *change.record;
  trace_.Add("belief: ", node, " revision ", record.revision() % 100000000,
             " presence ", record.presence(), " guests ", record.guests_size(),
             " missing ", record.missing_uuids_size());
  if (before != nullptr) {
    trace_.Expect(record.revision() > before->revision(), 3, node,
                  ": a revision that is not newer");
    JudgeGone(host, *before, record);
  }
  for (const v1::Guest& guest : record.guests()) {
    int64_t& shown = shown_versions_[{node, guest.uuid()}];
    const int64_t version = Hypervisors::VersionOf(guest);
    trace_.Expect(version >= shown || version == 0, 3, node, ": ", guest.uuid(),
                  " is believed as v", version, " after v", shown);
    if (version > shown) ExpectSent(node, guest.uuid(), version);
    shown = std::max(shown, version);
  }
  JudgeAges(host, record);
  before = change.record;
  JudgeMoves();
}

void Simulation::ExpectSent(const std::string& node, const std::string& uuid,
                            int64_t version) {
  const absl::Duration at = scheduler_.now();
  scheduler_.After(kSent, [this, node, uuid, version, at] {
    const auto belief = beliefs_.find(node);
    if (controller_ == nullptr || booted_at_ >= at || !WasChefWellSince(at) ||
        belief == beliefs_.end()) {
      return;
    }
    const auto& guests = belief->second->guests();
    const bool is_there =
        std::any_of(guests.begin(), guests.end(), [&](const v1::Guest& guest) {
          return guest.uuid() == uuid &&
                 Hypervisors::VersionOf(guest) >= version;
        });
    const v1::SyncState state =
        controller_->syncer.Status(HostId{node}).state();
    if (!is_there || state == v1::SYNC_STATE_PARKED ||
        state == v1::SYNC_STATE_HELD) {
      return;
    }
    const auto& sent = chef_.node(node).sent_versions;
    const auto last = sent.find(absl::StrCat("\"", uuid, "\""));
    const int64_t newest = last == sent.end() ? 0 : last->second;
    trace_.Expect(newest >= version, 3, node, ": ", uuid, " is believed as v",
                  version, " and only v", newest, " was sent after ",
                  absl::FormatDuration(kSent));
  });
}

void Simulation::JudgeGone(const Host& host, const v1::Record& before,
                           const v1::Record& after) {
  std::set<std::string> stays;
  for (const v1::Guest& guest : after.guests()) stays.insert(guest.uuid());
  const auto read =
      host.reads.find(FromProto(before.provenance().observed_at()));
  const absl::Duration seen =
      read == host.reads.end() ? -absl::InfiniteDuration() : read->second;
  int unlisted = 0;
  for (const v1::Guest& guest : before.guests()) {
    if (stays.contains(guest.uuid())) continue;
    if (!host.guests.contains(guest.uuid())) continue;
    const auto absent = host.last_absent.find(guest.uuid());
    if (absent != host.last_absent.end() && absent->second >= seen) continue;
    const auto hidden = host.last_unlisted.find(guest.uuid());
    const bool is_unlisted =
        hidden != host.last_unlisted.end() && hidden->second >= seen;
    trace_.Expect(is_unlisted, 1, host.node, ": ", guest.uuid(),
                  " is believed gone, and was always there");
    // One that an event has told of besides counts as gone.
    const auto event = host.last_event.find(guest.uuid());
    const bool is_told = event != host.last_event.end() &&
                         event->second >= seen - absl::Seconds(30);
    if (is_unlisted && !is_told) ++unlisted;
  }
  trace_.Expect(unlisted <= kBrake.count ||
                    unlisted <= kBrake.share * before.guests_size(),
                1, host.node, ": ", unlisted, " of ", before.guests_size(),
                " guests are believed gone at once, and are there");
}

void Simulation::JudgeAges(const Host& host, const v1::Record& record) {
  if (!record.provenance().has_observed_at()) return;
  const absl::Time observed_at = FromProto(record.provenance().observed_at());
  const auto read = host.reads.find(observed_at);
  trace_.Expect(read != host.reads.end(), 7, host.node, ": is said to be of ",
                absl::FormatTime(observed_at), ", when no read began");
  if (read == host.reads.end()) return;
  // What a slow host cannot tell of a guest stays as it was.
  if (host.slow_until > read->second) return;
  const std::set<std::string> missing(record.missing_uuids().begin(),
                                      record.missing_uuids().end());
  for (const v1::Guest& guest : record.guests()) {
    const auto versions = host.versions.find(guest.uuid());
    if (versions == host.versions.end() || missing.contains(guest.uuid()) ||
        !host.guests.contains(guest.uuid())) {
      continue;
    }
    int64_t then = 0;
    for (const auto& [version, begun] : versions->second) {
      if (begun <= read->second) then = version;
    }
    const int64_t version = Hypervisors::VersionOf(guest);
    trace_.Expect(version >= then, 7, host.node, ": ", guest.uuid(), " is v",
                  version, " and was v", then,
                  " at the time that it is said to be of");
  }
}

void Simulation::JudgeRepair(const std::string& node,
                             absl::Duration overwritten_at,
                             absl::Duration within) {
  if (controller_ == nullptr || !WasChefWellSince(overwritten_at) ||
      chef_.node(node).overwritten_at != overwritten_at ||
      booted_at_ > overwritten_at || !discovered_.contains(node)) {
    return;
  }
  const v1::SyncState state = controller_->syncer.Status(HostId{node}).state();
  if (state == v1::SYNC_STATE_PARKED || state == v1::SYNC_STATE_HELD ||
      state == v1::SYNC_STATE_NOTHING_OBSERVED) {
    return;
  }
  trace_.Expect(false, 4, node, ": what was saved over is not repaired after ",
                absl::FormatDuration(within));
}

void Simulation::JudgeRestore(const std::string& node,
                              const ChefServer::Saved& saved) {
  const absl::Duration undone_at = scheduler_.now();
  const std::string ohai_time = saved.ohai_time;
  scheduler_.After(
      absl::Seconds(10) + kRestore, [this, node, ohai_time, undone_at] {
        const ChefServer::Node& now = chef_.node(node);
        for (const ChefServer::Saved& one : now.saves) {
          if (one.ohai_time != ohai_time) continue;
          const bool is_told = one.told_at < one.at + absl::Seconds(10) &&
                               one.told_at < undone_at + absl::Seconds(10) &&
                               now.last_late_put_at < one.at - absl::Minutes(1);
          if (!is_told || controller_ == nullptr || !WasChefWellSince(one.at) ||
              booted_at_ > one.at || now.last_hand_at >= one.at ||
              !discovered_.contains(node)) {
            return;
          }
          trace_.Expect(OhaiTimeOf(now.text) >= OhaiTimeOf(one.text), 4, node,
                        ": a save that was rolled back is not restored");
        }
      });
}

void Simulation::JudgeEnd() {
  if (IsOver()) return;
  trace_.Add("all becomes quiet");
  is_lively_ = false;
  chef_.SetStorm(Storm::kNone);
  fleet_.SetLostEvents(0);
  for (Host& host : fleet_.hosts()) {
    fleet_.SetHealth(host, Health::kWell);
    if (host.answers_as != host.uuid) {
      host.answers_as = host.uuid;
      fleet_.DropConnections(host, "libvirtd restarts");
    }
    discovered_.insert(host.node);
  }
  if (controller_ == nullptr) Boot();
  controller_->source.SetHosts(Found());
  source_is_due_ = true;
  RunFor(absl::Minutes(6));
  if (IsOver()) return;
  // What is an operator's to settle.
  v1::HostSelector parked;
  const auto view = controller_->inventory.View();
  for (const RecordPtr& record : view->records) {
    const HostId id{record->node()};
    if (HasCondition(*record, kMassDisappearance)) {
      (void)controller_->inventory.ConfirmDisappearance(id);
      trace_.Add("an operator confirms what ", id.node, " lacks");
    }
    if (HasCondition(*record, kHostUuidChanged)) {
      // It was first seen as another after the last start.
      (void)controller_->source.AcceptIdentity(id);
      source_is_due_ = true;
      trace_.Add("an operator accepts the identity of ", id.node);
    }
    if (controller_->syncer.Status(id).state() == v1::SYNC_STATE_PARKED) {
      parked.add_nodes(id.node);
      trace_.Add("an operator asks for ", id.node);
    }
  }
  if (parked.nodes_size() > 0) {
    (void)controller_->operations.Begin(parked, {v1::RESYNC_MODE_REWRITE});
  }
  RunFor(absl::Minutes(14));
  if (IsOver()) return;

  for (const Host& host : fleet_.hosts()) {
    const RecordPtr record = controller_->inventory.Find(HostId{host.node});
    trace_.Expect(record != nullptr, 3, host.node, " is not known");
    if (record == nullptr) return;
    const std::string guests(
        Find(chef_.node(host.node).text, {"automatic", "rehai", "guests"})
            .value_or("none"));
    std::string wanted;
    for (const auto& [uuid, guest] : host.guests) {
      absl::StrAppend(&wanted, uuid, " ", guest.name(), " ", guest.title(), " ",
                      StateWord(guest.state()), " ", guest.memory_kib(), "\n");
    }
    std::string held;
    for (const auto& [uuid, guest] : MembersOf(guests)) {
      const auto text = [&guest = guest](absl::string_view key) {
        return Find(guest, {key}).value_or("\"\"");
      };
      const absl::string_view name = text("name");
      const absl::string_view title = text("title");
      absl::StrAppend(&held, uuid.substr(1, uuid.size() - 2), " ",
                      name.substr(1, name.size() - 2), " ",
                      title.substr(1, title.size() - 2), " ", text("state"),
                      " ", text("memory_kib"), "\n");
    }
    trace_.Expect(
        held == wanted, 3, host.node, ": Chef holds\n", held,
        "and the hypervisor has\n", wanted, "sync state ",
        controller_->syncer.Status(HostId{host.node}).ShortDebugString());
  }
}

void Simulation::JudgeQuiet() {
  trace_.Add("chef status ",
             controller_->syncer.ChefStatus().sweep().ShortDebugString());
  const ChefServer::Counts before = chef_.counts();
  const absl::Duration quiet = absl::Minutes(30);
  RunFor(quiet);
  const ChefServer::Counts& after = chef_.counts();
  trace_.Expect(after.puts == before.puts, 5, after.puts - before.puts,
                " PUTs in a quiet time");
  // Sweeps are spread: each comes up to a tenth early.
  const auto most = static_cast<int64_t>(quiet / (0.9 * kSweep)) + 1;
  trace_.Expect(after.searches - before.searches <= most, 5,
                after.searches - before.searches,
                " searches, where sweeps of one page are ", most,
                " at the most");
  trace_.Expect(after.gets == before.gets, 5, after.gets - before.gets,
                " nodes are read in a quiet time");
}

}  // namespace

Outcome Simulate(uint64_t seed, bool keeps_lines) {
  return Simulation(seed, keeps_lines).Run();
}

}  // namespace rehai::sim
