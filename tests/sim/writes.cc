// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/writes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/inventory/record.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai::sim {
namespace {

// A save over what is ours is found within a sweep, which may have to wait for
// the index once more, and then it is written.
constexpr absl::Duration kRepair = absl::Seconds(110);
// A PUT whose answer shows another's save is made again at once.
constexpr absl::Duration kRace = absl::Seconds(10);
constexpr absl::Duration kRaceWake = absl::Minutes(2);
// What a save that was rolled back takes to come back, from its message on.
constexpr absl::Duration kRestore = absl::Seconds(15);
// From the belief to Chef, where neither it nor the governor has much to do.
constexpr absl::Duration kSent = absl::Seconds(40);

}  // namespace

Writes::Writes(World& world, Beliefs& beliefs)
    : world_(world),
      beliefs_(beliefs),
      scheduler_(world.scheduler()),
      trace_(world.trace()),
      chef_(world.chef()) {
  chef_.SetOnOverwrite([this](const std::string& node, absl::Duration at) {
    scheduler_.After(kRepair,
                     [this, node, at] { JudgeRepair(node, at, kRepair); });
  });
  chef_.SetOnRollback(
      [this](const std::string& node, const ChefServer::Saved& saved) {
        JudgeRestore(node, saved);
      });
  chef_.SetOnRace([this](const std::string& node, absl::Duration at) {
    // With each race that is lost in a row, waits grow.
    const auto before = raced_at_.find(node);
    const bool is_first =
        before == raced_at_.end() || before->second + kRaceWake < at;
    raced_at_[node] = at;
    if (!is_first) return;
    scheduler_.After(kRace, [this, node, at] { JudgeRepair(node, at, kRace); });
  });
  chef_.SetMaySendOlder([this](const std::string& node, const std::string& uuid,
                               int64_t version) {
    return beliefs_.MaySendOlder(node, uuid, version);
  });
  beliefs_.SetOnVersion(
      [this](const std::string& node, const std::string& uuid,
             int64_t version) { ExpectSent(node, uuid, version); });
}

void Writes::ExpectSent(const std::string& node, const std::string& uuid,
                        int64_t version) {
  const absl::Duration at = world_.now();
  scheduler_.After(kSent, [this, node, uuid, version, at] {
    const RecordPtr belief = beliefs_.Find(node);
    if (world_.controller() == nullptr || world_.booted_at() >= at ||
        !world_.WasChefWellSince(at) || belief == nullptr ||
        beliefs_.WasInDoubtSince(node, at)) {
      return;
    }
    const auto& guests = belief->guests();
    const bool is_there =
        std::any_of(guests.begin(), guests.end(), [&](const v1::Guest& guest) {
          return guest.uuid() == uuid &&
                 Hypervisors::VersionOf(guest) >= version;
        });
    const v1::SyncState state =
        world_.controller()->syncer.Status(HostId{node}).state();
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

void Writes::JudgeRepair(const std::string& node, absl::Duration overwritten_at,
                         absl::Duration within) {
  if (world_.controller() == nullptr ||
      !world_.WasChefWellSince(overwritten_at) ||
      chef_.node(node).overwritten_at != overwritten_at ||
      world_.booted_at() > overwritten_at || !world_.IsDiscovered(node)) {
    return;
  }
  const v1::SyncState state =
      world_.controller()->syncer.Status(HostId{node}).state();
  if (state == v1::SYNC_STATE_PARKED || state == v1::SYNC_STATE_HELD ||
      state == v1::SYNC_STATE_NOTHING_OBSERVED) {
    return;
  }
  trace_.Expect(false, 4, node, ": what was saved over is not repaired after ",
                absl::FormatDuration(within));
}

void Writes::JudgeRestore(const std::string& node,
                          const ChefServer::Saved& saved) {
  const absl::Duration undone_at = world_.now();
  const std::string ohai_time = saved.ohai_time;
  scheduler_.After(
      absl::Seconds(10) + kRestore, [this, node, ohai_time, undone_at] {
        const ChefServer::Node& now = chef_.node(node);
        for (const ChefServer::Saved& one : now.saves) {
          if (one.ohai_time != ohai_time) continue;
          const bool is_told = one.told_at < one.at + absl::Seconds(10) &&
                               one.told_at < undone_at + absl::Seconds(10) &&
                               now.last_late_put_at < one.at - absl::Minutes(1);
          // Which save a PUT rolled back is told by the wall clock.
          if (world_.jumped_at() >= one.at - absl::Minutes(1)) return;
          if (beliefs_.WasInDoubtSince(node, one.at)) return;
          if (!is_told || world_.controller() == nullptr ||
              !world_.WasChefWellSince(one.at) || world_.booted_at() > one.at ||
              now.last_hand_at >= one.at || !world_.IsDiscovered(node)) {
            return;
          }
          trace_.Expect(OhaiTimeOf(now.text) >= OhaiTimeOf(one.text), 4, node,
                        ": a save that was rolled back is not restored");
        }
      });
}

}  // namespace rehai::sim
