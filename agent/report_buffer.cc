// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/report_buffer.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/proto_time.h"
#include "hypervisor/last_word.h"

namespace rehai::agent {
namespace {

// Neither has a map, so equal messages have equal bytes.
bool HaveSameBytes(const google::protobuf::MessageLite& a,
                   const google::protobuf::MessageLite& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

v1::Guest WithoutVolatile(v1::Guest guest) {
  guest.clear_cpu_time_ns();
  return guest;
}

v1::HostFacts WithoutVolatile(v1::HostFacts facts) {
  facts.clear_free_memory_kib();
  for (v1::StoragePool& pool : *facts.mutable_storage_pools()) {
    for (v1::StorageVolume& volume : *pool.mutable_volumes()) {
      volume.clear_allocation_bytes();
    }
  }
  return facts;
}

// A reading without volatile values has nothing to say against those of an
// earlier one.
template <typename Message>
bool SaysTheSame(const Message& known, const Message& seen,
                 bool with_volatile) {
  if (with_volatile) return HaveSameBytes(known, seen);
  return HaveSameBytes(WithoutVolatile(known), seen);
}

}  // namespace

void ReportBuffer::Take(const hypervisor::Inventory& found,
                        absl::Duration begun, const LastWords& told) {
  begun_ = begun;
  const bool with_volatile = found.facts.has_free_memory_kib();
  if (!read_ || !SaysTheSame(facts_, found.facts, with_volatile)) {
    facts_ = found.facts;
    facts_standing_ = Standing::kUnsent;
  }
  const std::set<std::string> unread(found.unread_uuids.begin(),
                                     found.unread_uuids.end());
  std::set<std::string> listed;
  for (const v1::Guest& guest : found.guests) {
    listed.insert(guest.uuid());
    const bool is_unread = unread.contains(guest.uuid());
    const auto [entry, is_new] = guests_.try_emplace(guest.uuid());
    Entry& known = entry->second;
    if (!is_new && known.listed && known.unread == is_unread &&
        SaysTheSame(known.guest, guest, guest.has_cpu_time_ns())) {
      continue;
    }
    known = {.guest = guest, .unread = is_unread};
  }
  for (auto& [uuid, entry] : guests_) {
    // Not listed and not read either: it keeps what is known of it.
    if (listed.contains(uuid) || unread.contains(uuid)) continue;
    const auto word = told.find({uuid});
    Lacks(uuid, entry,
          word == told.end() ? hypervisor::GuestEvent::kChanged : word->second);
  }
  std::erase_if(guests_, [this](const auto& entry) {
    return IsSettled(entry.first, entry.second);
  });
  read_ = true;
  if (!source_error_.empty()) {
    // The controller holds the host for unreachable until it hears of it.
    source_error_.clear();
    error_standing_ = Standing::kUnsent;
  }
  // Who asks doubts what was reported.
  if (!asked_.empty()) need_full_ = true;
  answered_.insert(answered_.end(), asked_.begin(), asked_.end());
  asked_.clear();
}

void ReportBuffer::Lacks(const std::string& uuid, Entry& known,
                         hypervisor::GuestEvent word) {
  const bool was_listed = std::exchange(known.listed, false);
  const bool was_told = known.told;
  if (was_listed) known.gone_since = begun_;
  if (word == hypervisor::GuestEvent::kPresent) {
    known.told = false;
  } else {
    known.told |= hypervisor::SaysGone(word, known.guest.persistent());
  }
  if (!was_listed && known.told == was_told) return;
  known.standing = Standing::kUnsent;
  if (!known.told && !Moves(uuid)) need_full_ = true;
}

bool ReportBuffer::IsSettled(const std::string& uuid,
                             const Entry& known) const {
  if (known.listed || Moves(uuid) ||
      known.standing != Standing::kAcknowledged) {
    return false;
  }
  return known.told || begun_ - known.gone_since >= kLateEvent;
}

void ReportBuffer::SetMoving(std::set<std::string> uuids) {
  moving_.swap(uuids);
  for (const std::string& uuid : uuids) {
    if (Moves(uuid)) continue;
    // The controller may know one that was never listed here: by the agent
    // before this one.
    const auto [entry, is_new] = guests_.try_emplace(uuid);
    Entry& known = entry->second;
    if (is_new) {
      known.listed = false;
      known.guest.set_persistent(true);  // for all that is known
    }
    if (known.listed) continue;
    known.standing = Standing::kUnsent;  // it is gone after all
    if (!known.told) need_full_ = true;
  }
}

void ReportBuffer::SetSourceError(std::string error) {
  if (source_error_ == error && asked_.empty()) return;
  source_error_ = std::move(error);
  error_standing_ = Standing::kUnsent;
  asked_.clear();
}

void ReportBuffer::WantAnswer(int64_t request_id) {
  asked_.push_back(request_id);
}

void ReportBuffer::Begin(int64_t epoch, bool need_full) {
  ForgetUnderWay();
  epoch_ = epoch;
  sequence_ = 0;
  need_full_ = need_full || LacksUntold();
  // Until it hears of it, the controller holds the host for unreachable: a
  // session that goes on where the last one was has to say so.
  error_standing_ = Standing::kUnsent;
  // Requests were of the session that has ended.
  asked_.clear();
  answered_.clear();
}

void ReportBuffer::End() {
  ForgetUnderWay();
  epoch_ = 0;
}

std::optional<v1::AgentReport> ReportBuffer::Next(absl::Duration now) {
  if (epoch_ == 0 || under_way_ || !HasNews()) return std::nullopt;
  v1::AgentReport report;
  report.set_epoch(epoch_);
  report.set_sequence(++sequence_);
  under_way_ = true;
  error_standing_ = Standing::kUnderWay;
  if (!source_error_.empty()) {
    report.set_source_error(source_error_);
    return report;
  }
  *report.mutable_age() = ToProto(std::max(now - begun_, absl::ZeroDuration()));
  AddAll(report);
  return report;
}

bool ReportBuffer::LacksUntold() const {
  return std::any_of(guests_.begin(), guests_.end(), [this](const auto& entry) {
    const Entry& known = entry.second;
    return !known.listed && !known.told && !Moves(entry.first) &&
           known.standing != Standing::kAcknowledged;
  });
}

bool ReportBuffer::HasNews() const {
  const bool error_is_news = error_standing_ == Standing::kUnsent;
  if (!source_error_.empty() || !read_) {
    return error_is_news && !source_error_.empty();
  }
  return error_is_news || need_full_ || facts_standing_ == Standing::kUnsent ||
         !answered_.empty() ||
         std::any_of(guests_.begin(), guests_.end(), [](const auto& entry) {
           return entry.second.standing == Standing::kUnsent;
         });
}

void ReportBuffer::AddAll(v1::AgentReport& report) {
  report.set_full(need_full_);
  if (need_full_ || facts_standing_ != Standing::kAcknowledged) {
    *report.mutable_facts() = facts_;
    facts_standing_ = Standing::kUnderWay;
  }
  AddGuests(need_full_, report);
  report.mutable_moving_uuids()->Add(moving_.begin(), moving_.end());
  report.mutable_answers()->Add(answered_.begin(), answered_.end());
  answers_under_way_ = answered_.size();
  need_full_ = false;
}

void ReportBuffer::AddGuests(bool full, v1::AgentReport& report) {
  for (auto& [uuid, entry] : guests_) {
    if (!full && entry.standing == Standing::kAcknowledged) continue;
    entry.standing = Standing::kUnderWay;
    if (!entry.listed) {
      // One that moves is kept by the controller until it is seen elsewhere.
      if (!Moves(uuid) && entry.told) report.add_removed_uuids(uuid);
      continue;
    }
    *report.add_guests() = entry.guest;
    if (entry.unread) report.add_unread_uuids(uuid);
  }
}

void ReportBuffer::Acknowledged(int64_t sequence) {
  if (!under_way_ || sequence != sequence_) return;
  under_way_ = false;
  acknowledged_epoch_ = epoch_;
  acknowledged_ = sequence;
  const auto settle = [](Standing& standing) {
    if (standing == Standing::kUnderWay) standing = Standing::kAcknowledged;
  };
  settle(facts_standing_);
  settle(error_standing_);
  for (auto& [uuid, entry] : guests_) settle(entry.standing);
  std::erase_if(guests_, [this](const auto& entry) {
    return IsSettled(entry.first, entry.second);
  });
  answered_.erase(answered_.begin(), answered_.begin() + answers_under_way_);
  answers_under_way_ = 0;
}

void ReportBuffer::NeedFull() {
  ForgetUnderWay();
  need_full_ = true;
}

void ReportBuffer::ForgetUnderWay() {
  under_way_ = false;
  answers_under_way_ = 0;
  const auto doubt = [](Standing& standing) {
    if (standing == Standing::kUnderWay) standing = Standing::kUnsent;
  };
  doubt(facts_standing_);
  doubt(error_standing_);
  for (auto& [uuid, entry] : guests_) doubt(entry.standing);
}

}  // namespace rehai::agent
