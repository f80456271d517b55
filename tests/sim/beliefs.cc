// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/beliefs.h"

#include <algorithm>
#include <set>

#include "absl/time/time.h"
#include "base/proto_time.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai::sim {
namespace {

// From an event to the record, on a host that is well, whatever others do.
constexpr absl::Duration kShown = absl::Seconds(2);

}  // namespace

Beliefs::Beliefs(World& world)
    : world_(world),
      scheduler_(world.scheduler()),
      trace_(world.trace()),
      fleet_(world.fleet()) {}

void Beliefs::Forget() {
  beliefs_.clear();
  shown_versions_.clear();
  kept_versions_.clear();
  read_.clear();
  doubted_at_.clear();
  moving_.clear();
}

RecordPtr Beliefs::Find(const std::string& node) const {
  const auto belief = beliefs_.find(node);
  return belief == beliefs_.end() ? nullptr : belief->second;
}

void Beliefs::OnChange(const Change& change) {
  const std::string& node = change.host.node;
  Host& host = *fleet_.FindHost(node);
  RecordPtr& before = beliefs_[node];
  if (change.record == nullptr) {
    trace_.Add("belief: ", node, " is forgotten");
    trace_.Expect(!world_.IsDiscovered(node), 1, node,
                  " is forgotten and has not left");
    beliefs_.erase(node);
    return;
  }
  const v1::Record& record = *change.record;
  trace_.Add("belief: ", node, " revision ", record.revision() % 100000000,
             " presence ", record.presence(), " guests ", record.guests_size(),
             " missing ", record.missing_uuids_size());
  trace_.Expect(record.revision() > newest_revision_, 3, node,
                ": a revision that is not newer than all before");
  newest_revision_ = record.revision();
  if (before != nullptr) JudgeGone(host, *before, record);
  NoteDoubt(record, before);
  if (record.presence() == v1::PRESENCE_CURRENT) read_.insert(node);
  // The first that is heard of a host is what was kept.
  const bool is_kept = before == nullptr && world_.controller() == nullptr;
  for (const v1::Guest& guest : record.guests()) {
    if (is_kept) {
      kept_versions_[{node, guest.uuid()}] = Hypervisors::VersionOf(guest);
    }
    int64_t& shown = shown_versions_[{node, guest.uuid()}];
    const int64_t version = Hypervisors::VersionOf(guest);
    trace_.Expect(version >= shown || version == 0, 3, node, ": ", guest.uuid(),
                  " is believed as v", version, " after v", shown);
    if (version > shown && on_version_ != nullptr)
      on_version_(node, guest.uuid(), version);
    shown = std::max(shown, version);
  }
  JudgeAges(host, record);
  before = change.record;
  JudgeMoves();
}

void Beliefs::JudgeGone(const Host& host, const v1::Record& before,
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
    // On its way it is at both, and is believed where it was seen last.
    if (world_.controller()
            ->inventory.FindGuest(GuestId{guest.uuid()})
            .has_value()) {
      continue;
    }
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

void Beliefs::JudgeAges(const Host& host, const v1::Record& record) {
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

void Beliefs::ExpectShown(Host& host, const std::string& uuid) {
  const absl::Duration now = world_.now();
  if (!world_.IsReadable(host, now - absl::Minutes(2)) ||
      host.untold_at == now) {
    return;
  }
  const auto belief = beliefs_.find(host.node);
  if (belief == beliefs_.end() || host.connections.empty() ||
      belief->second->presence() != v1::PRESENCE_CURRENT) {
    return;
  }
  const int64_t version = Hypervisors::VersionOf(host.guests.at(uuid));
  scheduler_.After(kShown, [this, &host, uuid, version, now] {
    if (!world_.IsReadable(host, now)) return;
    const auto guest = host.guests.find(uuid);
    if (guest == host.guests.end() || WasInDoubtSince(host.node, now)) {
      return;
    }
    const int64_t shown = shown_versions_[{host.node, uuid}];
    trace_.Expect(shown >= version, 6, host.node, ": ", uuid, " v", version,
                  " is not seen after ", absl::FormatDuration(kShown),
                  ", only v", shown);
  });
}

void Beliefs::ExpectMove(Host& from, Host& to, const std::string& uuid) {
  const absl::Duration now = world_.now();
  if (!world_.IsReadable(from, now - absl::Minutes(2)) ||
      !world_.controller()->inventory.FindGuest(GuestId{uuid}).has_value()) {
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

bool Beliefs::WasInDoubtSince(const std::string& node,
                              absl::Duration since) const {
  const auto doubted = doubted_at_.find(node);
  return doubted != doubted_at_.end() && doubted->second >= since;
}

bool Beliefs::MaySendOlder(const std::string& node, const std::string& uuid,
                           int64_t version) const {
  const auto kept = kept_versions_.find({node, uuid});
  const RecordPtr record = Find(node);
  return world_.crashes() > 0 && record != nullptr &&
         kept != kept_versions_.end() && kept->second == version &&
         read_.contains(node);
}

// Doubt lasts until the change by which it is over.
void Beliefs::NoteDoubt(const v1::Record& record, const RecordPtr& before) {
  const auto is_doubted = [](const v1::Record& one) {
    return std::any_of(one.conditions().begin(), one.conditions().end(),
                       [](const v1::Condition& condition) {
                         return condition.type() == kHostUuidChanged ||
                                condition.type() == kDuplicateHostUuid;
                       });
  };
  if (is_doubted(record)) {
    doubted_at_[record.node()] = absl::InfiniteDuration();
  } else if (before != nullptr && is_doubted(*before)) {
    doubted_at_[record.node()] = world_.now();
  }
}

void Beliefs::JudgeMoves() {
  const absl::Duration now = world_.now();
  std::erase_if(moving_, [&](const Moving& move) {
    const auto unlisted = move.to->last_unlisted.find(move.uuid);
    return now - move.at > absl::Seconds(20) ||
           !world_.IsReadable(*move.from, move.at) ||
           !world_.IsDiscovered(move.to->node) ||
           !move.to->guests.contains(move.uuid) ||
           move.to->answers_as != move.to->uuid ||
           (unlisted != move.to->last_unlisted.end() &&
            unlisted->second > move.at - absl::Seconds(30));
  });
  for (const Moving& move : moving_) {
    trace_.Expect(world_.controller()
                      ->inventory.FindGuest(GuestId{move.uuid})
                      .has_value(),
                  3, "guest ", move.uuid, ", which moves from ",
                  move.from->node, " to ", move.to->node, ", is nowhere");
  }
}

}  // namespace rehai::sim
