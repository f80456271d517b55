// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/ending.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/inventory/record.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "tests/sim/json_text.h"

namespace rehai::sim {
namespace {

using Host = Hypervisors::Host;

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

}  // namespace

Ending::Ending(World& world)
    : world_(world),
      trace_(world.trace()),
      fleet_(world.fleet()),
      chef_(world.chef()) {}

void Ending::Run() {
  world_.RunFor(absl::Minutes(6));
  if (world_.IsOver()) return;
  SettleByHand();
  world_.RunFor(absl::Minutes(2));
  if (world_.IsOver()) return;
  // Whose identity was accepted may only now be seen to lack guests.
  SettleByHand();
  world_.RunFor(absl::Minutes(12));
  if (world_.IsOver()) return;
  JudgeSame();
  if (world_.IsOver()) return;
  JudgeQuiet();
  if (world_.IsOver()) return;
  JudgeRestart();
  if (world_.IsOver()) return;
  JudgeOverwrittenMeanwhile();
}

void Ending::SettleByHand() {
  // What is an operator's to settle.
  v1::HostSelector parked;
  const auto view = world_.controller()->inventory.View();
  for (const RecordPtr& record : view->records) {
    const HostId id{record->node()};
    if (HasCondition(*record, kMassDisappearance)) {
      (void)world_.controller()->inventory.ConfirmDisappearance(id);
      trace_.Add("an operator confirms what ", id.node, " lacks");
    }
    if (HasCondition(*record, kHostUuidChanged)) {
      // It was first seen as another after the last start.
      (void)world_.controller()->source.AcceptIdentity(id);
      world_.WakeSource();
      trace_.Add("an operator accepts the identity of ", id.node);
    }
    if (world_.controller()->syncer.Status(id).state() ==
        v1::SYNC_STATE_PARKED) {
      parked.add_nodes(id.node);
      trace_.Add("an operator asks for ", id.node);
    }
  }
  if (parked.nodes_size() > 0) {
    (void)world_.controller()->operations.Begin(parked,
                                                {v1::RESYNC_MODE_REWRITE});
  }
}

void Ending::JudgeSame() {
  for (const Host& host : fleet_.hosts()) {
    const RecordPtr record =
        world_.controller()->inventory.Find(HostId{host.node});
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
    trace_.Expect(held == wanted, 3, host.node, ": Chef holds\n", held,
                  "and the hypervisor has\n", wanted, "sync state ",
                  world_.controller()
                      ->syncer.Status(HostId{host.node})
                      .ShortDebugString());
  }
}

// The most searches of one page in a quiet time. Sweeps are spread: each comes
// up to a tenth early.
int64_t Ending::MostSweeps(absl::Duration time) {
  return static_cast<int64_t>(time / (0.9 * kSweep)) + 1;
}

void Ending::JudgeQuiet() {
  trace_.Add(
      "chef status ",
      world_.controller()->syncer.ChefStatus().sweep().ShortDebugString());
  constexpr absl::Duration kQuiet = absl::Minutes(30);
  ExpectIdle("in a quiet time", kQuiet, MostSweeps(kQuiet));
}

void Ending::JudgeRestart() {
  if (!world_.setup().keeps_state) return;
  StopController();
  Dice& dice = world_.dice();
  world_.RunFor(dice.Between(absl::Milliseconds(100), absl::Minutes(3)));
  world_.Boot();
  // One search tells whether Chef holds what it did, before the first sweep.
  constexpr absl::Duration kFirst = absl::Seconds(20);
  ExpectIdle("after a restart", kFirst, 1);
  constexpr absl::Duration kQuiet = absl::Minutes(5);
  ExpectIdle("after a restart", kQuiet, MostSweeps(kQuiet));
}

void Ending::JudgeOverwrittenMeanwhile() {
  if (!world_.setup().keeps_state) return;
  Dice& dice = world_.dice();
  const std::string node = fleet_.hosts()[dice.Pick(world_.setup().hosts)].node;
  // An agent comes back when it likes to, and nothing is written before.
  if (world_.agents().Has(node)) return;
  StopController();
  const std::string& text = chef_.node(node).text;
  chef_.Save(
      node,
      With(text, "automatic", Without(*Find(text, {"automatic"}), "rehai")),
      ChefServer::Writer::kHand);
  world_.RunFor(dice.Between(absl::Seconds(5), absl::Minutes(1)));
  std::map<std::string, int64_t> serials;
  for (const Host& host : fleet_.hosts()) {
    serials[host.node] = chef_.node(host.node).serial;
  }
  world_.Boot();
  // What is kept is believed of nobody whom the search does not show as then.
  constexpr absl::Duration kRepaired = absl::Seconds(20);
  world_.RunFor(kRepaired);
  trace_.Expect(!chef_.node(node).overwritten_at.has_value(), 4, node,
                ": what was saved over while the controller was down is not "
                "repaired after ",
                absl::FormatDuration(kRepaired));
  for (const Host& host : fleet_.hosts()) {
    trace_.Expect(
        host.node == node || chef_.node(host.node).serial == serials[host.node],
        5, host.node, ": a PUT, where only ", node,
        " was saved over while the controller was down");
  }
}

void Ending::StopController() {
  if (world_.dice().Chance(0.5)) {
    world_.Crash();
  } else {
    world_.Stop();
  }
}

void Ending::ExpectIdle(const std::string& when, absl::Duration time,
                        int64_t most_searches) {
  const ChefServer::Counts before = chef_.counts();
  world_.RunFor(time);
  const ChefServer::Counts& after = chef_.counts();
  trace_.Expect(after.puts == before.puts, 5, after.puts - before.puts,
                " PUTs ", when);
  trace_.Expect(after.gets == before.gets, 5, after.gets - before.gets,
                " nodes are read ", when);
  trace_.Expect(after.searches - before.searches <= most_searches, 5,
                after.searches - before.searches, " searches ", when,
                ", where one page is looked at ", most_searches,
                " times at the most");
}

}  // namespace rehai::sim
