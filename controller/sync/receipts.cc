// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/receipts.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

constexpr std::array kLevelOf = {v1::VISIBILITY_LEVEL_WRITTEN,
                                 v1::VISIBILITY_LEVEL_VERIFIED,
                                 v1::VISIBILITY_LEVEL_SEARCHABLE};

// The index of a level; kLevelOf.size() for those that Chef has no part in.
size_t IndexOf(v1::VisibilityLevel level) {
  return static_cast<size_t>(
      std::find(kLevelOf.begin(), kLevelOf.end(), level) - kLevelOf.begin());
}

void SetTime(absl::Time time,
             google::protobuf::Timestamp* (*field)(v1::Receipt&),
             v1::Receipt& receipt) {
  if (time != absl::InfinitePast()) *field(receipt) = ToProto(time);
}

}  // namespace

void Receipts::AddListener(Listener listener) {
  listeners_.push_back(std::move(listener));
}

void Receipts::Restore(const std::vector<v1::StoredNode>& nodes) {
  MutexLock lock(mu_);
  for (const v1::StoredNode& node : nodes) {
    if (node.digest().empty()) continue;
    HostReceipts& receipts = hosts_[HostId{node.node()}];
    for (const v1::VisibilityLevel level :
         {v1::VISIBILITY_LEVEL_WRITTEN, v1::VISIBILITY_LEVEL_VERIFIED}) {
      const size_t index = IndexOf(level);
      receipts.reached[index] = node.revision();
      if (node.has_verified_at()) {
        receipts.reached_at[index] = FromProto(node.verified_at());
      }
    }
  }
}

void Receipts::OnChange(const Change& change) {
  if (TakeChange(change)) Tell(change.host);
}

void Receipts::OnProgress(const std::vector<Progress>& progress) {
  for (const Progress& one : progress) {
    if (TakeProgress(one)) Tell(one.host);
  }
}

void Receipts::Tell(const HostId& host) {
  for (Listener& listener : listeners_) listener(host);
}

bool Receipts::TakeChange(const Change& change) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  if (change.record == nullptr) {
    const auto it = hosts_.find(change.host);
    if (it == hosts_.end()) return false;
    if (it->second.record != nullptr) {
      if (it->second.record->revision() > change.revision) return false;
      for (const v1::Guest& guest : it->second.record->guests()) {
        RememberGone(
            {change.host, change.revision, guest.uuid(), guest.name()});
      }
    }
    hosts_.erase(it);
    return true;
  }
  HostReceipts& receipts = hosts_[change.host];
  AddStep(change, now, receipts);
  const bool is_newest = receipts.record == nullptr ||
                         receipts.record->revision() < change.revision;
  if (is_newest) MarkGuests(change, receipts);
  return true;
}

void Receipts::AddStep(const Change& change, absl::Time now,
                       HostReceipts& receipts) {
  Step step = {.revision = change.revision, .received_at = now};
  // What is not from a reading (presence, labels, conditions) keeps the
  // provenance of the last one.
  const v1::Provenance& provenance = change.record->provenance();
  const bool is_reading =
      provenance.has_received_at() &&
      (receipts.record == nullptr ||
       FromProto(receipts.record->provenance().received_at()) !=
           FromProto(provenance.received_at()));
  if (is_reading) {
    step.observed_at = FromProto(provenance.observed_at());
    step.received_at = FromProto(provenance.received_at());
  }
  // Chef may have been quicker than the thread that tells of the change.
  for (size_t i = 0; i < kLevels; ++i) {
    if (receipts.reached[i] >= step.revision) {
      step.at[i] = receipts.reached_at[i];
    }
  }
  const auto place = std::lower_bound(
      receipts.steps.begin(), receipts.steps.end(), step.revision,
      [](const Step& a, Revision revision) { return a.revision < revision; });
  if (place != receipts.steps.end() && place->revision == step.revision) return;
  receipts.steps.insert(place, step);
  if (receipts.steps.size() > kChangesPerHost) receipts.steps.pop_front();
}

void Receipts::MarkGuests(const Change& change, HostReceipts& receipts) {
  const v1::Record& record = *change.record;
  std::vector<GuestMark> marks;
  marks.reserve(static_cast<size_t>(record.guests_size()));
  std::string bytes;
  int before = 0;
  const int before_end =
      receipts.record == nullptr ? 0 : receipts.record->guests_size();
  const auto pass_before = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const v1::Guest& guest = receipts.record->guests(before);
    RememberGone({change.host, change.revision, guest.uuid(), guest.name()});
    ++before;
  };
  // Both lists are in the order of their UUIDs.
  for (const v1::Guest& guest : record.guests()) {
    while (before < before_end &&
           receipts.record->guests(before).uuid() < guest.uuid()) {
      pass_before();
    }
    bytes.clear();
    guest.AppendToString(&bytes);
    GuestMark mark = {.fingerprint = absl::HashOf(bytes),
                      .revision = change.revision};
    if (before < before_end &&
        receipts.record->guests(before).uuid() == guest.uuid()) {
      const GuestMark& last = receipts.guests[static_cast<size_t>(before)];
      if (last.fingerprint == mark.fingerprint) mark = last;
      ++before;
    }
    marks.push_back(mark);
  }
  while (before < before_end) pass_before();
  receipts.guests = std::move(marks);
  receipts.record = change.record;
}

void Receipts::RememberGone(Gone gone) {
  gone_.push_back(std::move(gone));
  if (gone_.size() > kGoneGuests) gone_.pop_front();
}

bool Receipts::TakeProgress(const Progress& progress) {
  const size_t top = IndexOf(progress.level);
  MutexLock lock(mu_);
  const auto it = hosts_.find(progress.host);
  if (it == hosts_.end() || top == kLevels) return false;
  HostReceipts& receipts = it->second;
  bool is_news = false;
  for (size_t i = 0; i <= top; ++i) {
    if (receipts.reached[i] >= progress.revision) continue;
    is_news = true;
    for (Step& step : receipts.steps) {
      if (step.revision > progress.revision) break;
      if (step.at[i] == absl::InfinitePast() &&
          step.revision > receipts.reached[i]) {
        step.at[i] = progress.at;
      }
    }
    receipts.reached[i] = progress.revision;
    receipts.reached_at[i] = progress.at;
  }
  return is_news;
}

v1::Receipt Receipts::ReceiptOf(const HostId& host,
                                const HostReceipts& receipts,
                                const Step& step) {
  v1::Receipt receipt;
  receipt.set_node(host.node);
  receipt.set_revision(step.revision);
  receipt.set_level(v1::VISIBILITY_LEVEL_OBSERVED);
  for (size_t i = 0; i < kLevels; ++i) {
    if (receipts.reached[i] >= step.revision) receipt.set_level(kLevelOf[i]);
  }
  SetTime(
      step.observed_at, [](v1::Receipt& r) { return r.mutable_observed_at(); },
      receipt);
  SetTime(
      step.received_at, [](v1::Receipt& r) { return r.mutable_received_at(); },
      receipt);
  SetTime(
      step.at[0], [](v1::Receipt& r) { return r.mutable_written_at(); },
      receipt);
  SetTime(
      step.at[1], [](v1::Receipt& r) { return r.mutable_verified_at(); },
      receipt);
  SetTime(
      step.at[2], [](v1::Receipt& r) { return r.mutable_searchable_at(); },
      receipt);
  return receipt;
}

std::optional<v1::Receipt> Receipts::Find(const HostId& host,
                                          Revision revision) const {
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end()) return std::nullopt;
  for (const Step& step : it->second.steps) {
    if (step.revision == revision) return ReceiptOf(host, it->second, step);
  }
  return ReceiptOf(host, it->second, {.revision = revision});
}

std::vector<v1::Receipt> Receipts::Last(const HostId& host, size_t most) const {
  std::vector<v1::Receipt> last;
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end()) return last;
  const std::deque<Step>& steps = it->second.steps;
  for (auto step = steps.rbegin(); step != steps.rend() && last.size() < most;
       ++step) {
    last.push_back(ReceiptOf(host, it->second, *step));
  }
  return last;
}

std::vector<v1::Reached> Receipts::ReachedBy(const HostId& host) const {
  std::vector<v1::Reached> all;
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end()) return all;
  const auto add = [&](v1::VisibilityLevel level, Revision revision,
                       absl::Time at) {
    if (revision == 0) return;
    v1::Reached reached;
    reached.set_level(level);
    reached.set_revision(revision);
    if (at != absl::InfinitePast()) *reached.mutable_at() = ToProto(at);
    all.push_back(std::move(reached));
  };
  const HostReceipts& receipts = it->second;
  if (!receipts.steps.empty()) {
    const Step& newest = receipts.steps.back();
    add(v1::VISIBILITY_LEVEL_OBSERVED, newest.revision, newest.received_at);
  }
  for (size_t i = 0; i < kLevels; ++i) {
    add(kLevelOf[i], receipts.reached[i], receipts.reached_at[i]);
  }
  return all;
}

Revision Receipts::NewestOf(const HostId& host) const {
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end() || it->second.record == nullptr) return 0;
  return it->second.record->revision();
}

Receipts::Standing Receipts::StandingOf(const HostId& host,
                                        const HostReceipts& receipts,
                                        int index) {
  const v1::Guest& guest = receipts.record->guests(index);
  return {.host = host,
          .record = receipts.record,
          .guest = &guest,
          .revision = receipts.guests[static_cast<size_t>(index)].revision,
          .is_missing = IsMissing(*receipts.record, GuestId{guest.uuid()})};
}

std::optional<Receipts::Standing> Receipts::FindOn(const HostId& host,
                                                   const GuestId& guest) const {
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end() || it->second.record == nullptr) return std::nullopt;
  const auto& guests = it->second.record->guests();
  const auto place =
      std::lower_bound(guests.begin(), guests.end(), guest.uuid,
                       [](const v1::Guest& a, const std::string& uuid) {
                         return a.uuid() < uuid;
                       });
  if (place == guests.end() || place->uuid() != guest.uuid) return std::nullopt;
  return StandingOf(host, it->second, static_cast<int>(place - guests.begin()));
}

std::optional<Receipts::Standing> Receipts::FindOn(
    const HostId& host, const std::string& name) const {
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it == hosts_.end() || it->second.record == nullptr) return std::nullopt;
  const auto& guests = it->second.record->guests();
  for (int i = 0; i < guests.size(); ++i) {
    if (guests[i].name() == name) return StandingOf(host, it->second, i);
  }
  return std::nullopt;
}

std::optional<Receipts::Standing> Receipts::FindGone(
    const GuestId& guest) const {
  MutexLock lock(mu_);
  for (auto gone = gone_.rbegin(); gone != gone_.rend(); ++gone) {
    if (gone->uuid == guest.uuid) {
      return Standing{.host = gone->host, .revision = gone->revision};
    }
  }
  return std::nullopt;
}

std::optional<Receipts::Standing> Receipts::FindGone(
    const std::string& name) const {
  MutexLock lock(mu_);
  for (auto gone = gone_.rbegin(); gone != gone_.rend(); ++gone) {
    if (gone->name == name) {
      return Standing{.host = gone->host, .revision = gone->revision};
    }
  }
  return std::nullopt;
}

}  // namespace rehai
