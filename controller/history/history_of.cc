// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/history_of.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "controller/history/differing_fields.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// libvirt's reason of a guest that is off here because it runs elsewhere.
constexpr char kMigrated[] = "migrated";

bool IsPaused(const v1::Guest& guest) {
  return guest.state() == v1::GUEST_STATE_PAUSED ||
         guest.state() == v1::GUEST_STATE_PM_SUSPENDED;
}

const char* StateName(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_RUNNING:
      return "running";
    case v1::GUEST_STATE_BLOCKED:
      return "blocked";
    case v1::GUEST_STATE_PAUSED:
      return "paused";
    case v1::GUEST_STATE_SHUTTING_DOWN:
      return "shutting down";
    case v1::GUEST_STATE_SHUT_OFF:
      return "shut off";
    case v1::GUEST_STATE_CRASHED:
      return "crashed";
    case v1::GUEST_STATE_PM_SUSPENDED:
      return "suspended";
    default:
      return "no state";
  }
}

// "shut off (destroyed)"
std::string StateWords(const v1::Guest& guest) {
  std::string words = StateName(guest.state());
  if (!guest.state_reason().empty()) {
    absl::StrAppend(&words, " (", guest.state_reason(), ")");
  }
  return words;
}

const v1::Condition* FindCondition(const v1::Record& record,
                                   const std::string& type) {
  for (const v1::Condition& condition : record.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

// Builds the events of one change.
class Telling {
 public:
  // The node's and the host's newer record; of a host that left, its last one.
  Telling(const v1::Record* before, const v1::Record* after,
          ElsewhereQuestion elsewhere)
      : before_(before == nullptr ? none_ : *before),
        after_(after == nullptr ? none_ : *after),
        joined_(before == nullptr),
        left_(after == nullptr),
        elsewhere_(elsewhere) {}

  std::vector<v1::HistoryEvent> Tell() && {
    if (!left_) TellHost();
    TellGuests();
    if (left_) Host(v1::EVENT_KIND_HOST_LEFT, "");
    return std::move(events_);
  }

 private:
  v1::HistoryEvent& Event(v1::EventKind kind, std::string detail) {
    v1::HistoryEvent& event = events_.emplace_back();
    const v1::Record& record = left_ ? before_ : after_;
    event.set_kind(kind);
    event.set_node(record.node());
    event.set_detail(std::move(detail));
    event.set_revision(record.revision());
    event.set_source(record.provenance().kind());
    event.set_origin(record.provenance().origin());
    if (record.provenance().has_observed_at()) {
      *event.mutable_observed_at() = record.provenance().observed_at();
    }
    return event;
  }

  v1::HistoryEvent& Host(v1::EventKind kind, std::string detail) {
    v1::HistoryEvent& event = Event(kind, std::move(detail));
    // Of a host that was never seen nothing can be shown.
    if (left_ || !after_.has_provenance()) return event;
    v1::HostSnapshot& host = *event.mutable_host();
    *host.mutable_labels() = after_.labels();
    host.set_presence(after_.presence());
    *host.mutable_facts() = WithoutVolatile(after_.facts());
    *host.mutable_conditions() = after_.conditions();
    return event;
  }

  void TellHost() {
    if (joined_) Host(v1::EVENT_KIND_HOST_JOINED, "");
    if (!before_.has_provenance() && after_.has_provenance()) {
      Host(v1::EVENT_KIND_HOST_FIRST_SEEN, after_.facts().hostname());
    } else {
      TellFacts();
    }
    if (!joined_) TellLabels();
    TellPresence();
    TellConditions();
  }

  void TellFacts() {
    const std::vector<std::string> fields =
        DifferingFields(before_.facts(), after_.facts());
    if (fields.empty()) return;
    v1::HistoryEvent& event = Host(v1::EVENT_KIND_HOST_FACTS_CHANGED, "");
    event.mutable_changed_fields()->Assign(fields.begin(), fields.end());
    if (before_.facts().libvirt_version() != after_.facts().libvirt_version()) {
      event.set_detail(absl::StrCat("libvirt ",
                                    before_.facts().libvirt_version(), " -> ",
                                    after_.facts().libvirt_version()));
    }
  }

  void TellLabels() {
    const auto& was = before_.labels();
    const auto& is = after_.labels();
    const bool equal =
        was.size() == is.size() &&
        std::all_of(was.begin(), was.end(), [&is](const auto& label) {
          const auto found = is.find(label.first);
          return found != is.end() && found->second == label.second;
        });
    if (!equal) Host(v1::EVENT_KIND_HOST_LABELS_CHANGED, "");
  }

  void TellPresence() {
    const v1::Condition* const lost = FindCondition(after_, kUnreachable);
    const bool was_lost = FindCondition(before_, kUnreachable) != nullptr;
    const std::string why = lost == nullptr ? "" : lost->message();
    const v1::Presence was = before_.presence();
    const v1::Presence is = after_.presence();
    if (is == v1::PRESENCE_UNKNOWN && was != v1::PRESENCE_UNKNOWN) {
      Host(v1::EVENT_KIND_HOST_UNKNOWN, why);
    } else if ((lost != nullptr && !was_lost) ||
               (is == v1::PRESENCE_STALE && was == v1::PRESENCE_CURRENT)) {
      Host(v1::EVENT_KIND_HOST_UNREACHABLE, why);
    } else if (is == v1::PRESENCE_CURRENT &&
               (was == v1::PRESENCE_STALE || was == v1::PRESENCE_UNKNOWN)) {
      Host(v1::EVENT_KIND_HOST_REACHABLE, "");
    } else if (was_lost && lost == nullptr) {
      Host(v1::EVENT_KIND_HOST_REACHABLE, "");
    }
  }

  void TellConditions() {
    for (const v1::Condition& condition : after_.conditions()) {
      if (condition.type() == kUnreachable ||
          FindCondition(before_, condition.type()) != nullptr) {
        continue;
      }
      Host(v1::EVENT_KIND_HOST_CONDITION_BEGAN,
           absl::StrCat(condition.type(), ": ", condition.message()));
    }
    for (const v1::Condition& condition : before_.conditions()) {
      if (condition.type() == kUnreachable ||
          FindCondition(after_, condition.type()) != nullptr) {
        continue;
      }
      Host(v1::EVENT_KIND_HOST_CONDITION_ENDED, condition.type());
    }
  }

  // Both lists are sorted by UUID.
  void TellGuests() {
    auto was = before_.guests().begin();
    auto is = after_.guests().begin();
    while (was != before_.guests().end() || is != after_.guests().end()) {
      const bool only_was =
          is == after_.guests().end() ||
          (was != before_.guests().end() && was->uuid() < is->uuid());
      const bool only_is =
          was == before_.guests().end() ||
          (is != after_.guests().end() && is->uuid() < was->uuid());
      if (only_was) {
        TellGone(*was++);
      } else if (only_is) {
        TellCome(*is++);
      } else {
        TellChange(*was++, *is++);
      }
    }
  }

  // `shown`: it is on this host after this.
  v1::HistoryEvent& Guest(v1::EventKind kind, const v1::Guest& guest,
                          bool shown, std::string detail) {
    v1::HistoryEvent& event = Event(kind, std::move(detail));
    event.set_guest_uuid(guest.uuid());
    event.set_guest_name(guest.name());
    if (!shown) return event;
    *event.mutable_guest() = WithoutVolatile(guest);
    event.set_missing(IsMissing(after_, GuestId{guest.uuid()}));
    return event;
  }

  void TellGone(const v1::Guest& guest) {
    if (left_) {
      Guest(v1::EVENT_KIND_GUEST_UNWATCHED, guest, false, "");
      return;
    }
    const std::string other = elsewhere_(GuestId{guest.uuid()});
    if (other.empty()) {
      Guest(v1::EVENT_KIND_GUEST_GONE, guest, false,
            absl::StrCat("was ", StateWords(guest)));
    } else {
      Guest(v1::EVENT_KIND_GUEST_MOVED_OUT, guest, false, "")
          .set_other_node(other);
    }
  }

  void TellCome(const v1::Guest& guest) {
    if (!before_.has_provenance()) {
      Guest(v1::EVENT_KIND_GUEST_FOUND, guest, true, StateWords(guest));
      return;
    }
    const std::string other = elsewhere_(GuestId{guest.uuid()});
    if (!other.empty()) {
      Guest(v1::EVENT_KIND_GUEST_MOVED_IN, guest, true, StateWords(guest))
          .set_other_node(other);
      return;
    }
    Guest(v1::EVENT_KIND_GUEST_CREATED, guest, true, StateWords(guest));
    if (IsActive(guest)) {
      Guest(v1::EVENT_KIND_GUEST_STARTED, guest, true, StateWords(guest));
    }
  }

  void TellChange(const v1::Guest& was, const v1::Guest& is) {
    const GuestId id{is.uuid()};
    const std::vector<std::string> fields = DifferingFields(was, is);
    const bool was_missing = IsMissing(before_, id);
    const bool is_missing = IsMissing(after_, id);
    if (fields.empty() && was_missing == is_missing) return;
    const size_t first = events_.size();
    if (was_missing && !is_missing) {
      Guest(v1::EVENT_KIND_GUEST_FOUND_AGAIN, is, true, StateWords(is));
    }
    TellState(was, is);
    if (was.name() != is.name()) {
      Guest(v1::EVENT_KIND_GUEST_RENAMED, is, true,
            absl::StrCat("was ", was.name()));
    }
    if (!was_missing && is_missing) {
      Guest(v1::EVENT_KIND_GUEST_MISSING, is, true, StateWords(is));
    }
    if (events_.size() == first) {
      Guest(v1::EVENT_KIND_GUEST_CHANGED, is, true, "");
    }
    events_[first].mutable_changed_fields()->Assign(fields.begin(),
                                                    fields.end());
  }

  void TellState(const v1::Guest& was, const v1::Guest& is) {
    if (!IsActive(was) && IsActive(is)) {
      const std::string other = elsewhere_(GuestId{is.uuid()});
      const bool came = is.state_reason() == kMigrated && !other.empty();
      v1::HistoryEvent& event = Guest(
          came ? v1::EVENT_KIND_GUEST_MOVED_IN : v1::EVENT_KIND_GUEST_STARTED,
          is, true, StateWords(is));
      if (came) event.set_other_node(other);
    } else if (IsActive(was) && !IsActive(is)) {
      const bool went = is.state_reason() == kMigrated;
      v1::HistoryEvent& event = Guest(
          went ? v1::EVENT_KIND_GUEST_MOVED_OUT : v1::EVENT_KIND_GUEST_STOPPED,
          is, true, StateWords(is));
      if (went) event.set_other_node(elsewhere_(GuestId{is.uuid()}));
    } else if (was.has_id() && is.has_id() && was.id() != is.id()) {
      Guest(v1::EVENT_KIND_GUEST_STARTED, is, true,
            absl::StrCat(StateWords(is), ", and off for a moment before"));
    } else if (IsActive(is) && !IsPaused(was) && IsPaused(is)) {
      Guest(v1::EVENT_KIND_GUEST_PAUSED, is, true, StateWords(is));
    } else if (IsActive(is) && IsPaused(was) && !IsPaused(is)) {
      Guest(v1::EVENT_KIND_GUEST_RESUMED, is, true, StateWords(is));
    }
  }

  const v1::Record none_;
  const v1::Record& before_;
  const v1::Record& after_;
  const bool joined_;
  const bool left_;
  const ElsewhereQuestion elsewhere_;
  std::vector<v1::HistoryEvent> events_;
};

}  // namespace

std::vector<v1::HistoryEvent> HistoryOf(const v1::Record* before,
                                        const v1::Record* after,
                                        ElsewhereQuestion elsewhere) {
  return Telling(before, after, elsewhere).Tell();
}

v1::Record WithoutRestart(const v1::Record* before, v1::Record record) {
  if (!IsBeforeRestart(record)) return record;
  auto& conditions = *record.mutable_conditions();
  conditions.erase(std::remove_if(conditions.begin(), conditions.end(),
                                  [](const v1::Condition& condition) {
                                    return condition.type() == kBeforeRestart;
                                  }),
                   conditions.end());
  if (before == nullptr) return record;
  if (record.presence() == v1::PRESENCE_STALE &&
      FindCondition(record, kUnreachable) == nullptr) {
    record.set_presence(before->presence());
  }
  // What this run has not had the time to find out about stands as it stood.
  for (const v1::Condition& condition : before->conditions()) {
    if (FindCondition(record, condition.type()) == nullptr) {
      *conditions.Add() = condition;
    }
  }
  return record;
}

}  // namespace rehai
