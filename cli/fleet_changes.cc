// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/fleet_changes.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

using google::protobuf::util::MessageDifferencer;

std::map<std::string, const v1::Guest*> ByUuid(const v1::Record& record) {
  std::map<std::string, const v1::Guest*> guests;
  for (const v1::Guest& guest : record.guests()) guests[guest.uuid()] = &guest;
  return guests;
}

std::string Reason(const v1::Guest& guest) {
  return guest.state_reason().empty()
             ? ""
             : absl::StrCat(" (", guest.state_reason(), ")");
}

// What somebody did to a guest that went from one state to another.
std::string Verb(v1::GuestState before, v1::GuestState after) {
  const bool was_up = before == v1::GUEST_STATE_PAUSED ||
                      before == v1::GUEST_STATE_PM_SUSPENDED ||
                      before == v1::GUEST_STATE_BLOCKED;
  switch (after) {
    case v1::GUEST_STATE_RUNNING:
      return was_up ? "resumed" : "started";
    case v1::GUEST_STATE_SHUT_OFF:
      return "stopped";
    default:
      return StateWord(after);
  }
}

void DescribeGuest(const v1::Guest& before, const v1::Guest& after,
                   std::vector<ChangeLine>& lines) {
  if (before.name() != after.name()) {
    lines.push_back(
        {absl::StrCat(before.name(), " renamed to ", after.name())});
  }
  if (before.state() != after.state()) {
    lines.push_back(
        {absl::StrCat(after.name(), " ", Verb(before.state(), after.state()),
                      Reason(after)),
         StateColour(after.state())});
    return;
  }
  v1::Guest renamed = before;
  renamed.set_name(after.name());
  if (!MessageDifferencer::Equals(renamed, after)) {
    lines.push_back({absl::StrCat(after.name(), " changed")});
  }
}

// Why a host is not reached is told with its presence.
constexpr char kUnreachable[] = "Unreachable";

const v1::Condition* FindCondition(const v1::Record& record,
                                   const std::string& type) {
  for (const v1::Condition& condition : record.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

void DescribePresence(const v1::Record& before, const v1::Record& after,
                      std::vector<ChangeLine>& lines) {
  if (before.presence() == after.presence()) return;
  std::string text = PresenceWord(after.presence());
  const v1::Condition* const why = FindCondition(after, kUnreachable);
  if (after.presence() != v1::PRESENCE_CURRENT && why != nullptr) {
    absl::StrAppend(&text, ": ", why->message());
  }
  lines.push_back({text, PresenceColour(after.presence())});
}

void DescribeConditions(const v1::Record& before, const v1::Record& after,
                        std::vector<ChangeLine>& lines) {
  for (const v1::Condition& condition : after.conditions()) {
    if (condition.type() != kUnreachable &&
        FindCondition(before, condition.type()) == nullptr) {
      lines.push_back(
          {absl::StrCat(condition.type(), ": ", condition.message()),
           Colour::kRed});
    }
  }
  for (const v1::Condition& condition : before.conditions()) {
    if (condition.type() != kUnreachable &&
        FindCondition(after, condition.type()) == nullptr) {
      lines.push_back({absl::StrCat(condition.type(), " no more")});
    }
  }
}

bool IsMissing(const v1::Record& record, const std::string& uuid) {
  return std::binary_search(record.missing_uuids().begin(),
                            record.missing_uuids().end(), uuid);
}

// A guest that its host does not list any more, or lists again.
void DescribeMissing(const v1::Record& before, const v1::Record& after,
                     const v1::Guest& guest, std::vector<ChangeLine>& lines) {
  const bool was_missing = IsMissing(before, guest.uuid());
  const bool is_missing = IsMissing(after, guest.uuid());
  if (was_missing == is_missing) return;
  lines.push_back(
      {absl::StrCat(guest.name(), is_missing ? " missing" : " back"),
       is_missing ? Colour::kYellow : Colour::kPlain});
}

}  // namespace

std::vector<ChangeLine> DescribeChange(const v1::Record& before,
                                       const v1::Record& after) {
  std::vector<ChangeLine> lines;
  DescribePresence(before, after, lines);
  DescribeConditions(before, after, lines);

  const auto old_guests = ByUuid(before);
  const auto new_guests = ByUuid(after);
  for (const auto& [uuid, guest] : old_guests) {
    if (!new_guests.contains(uuid)) {
      lines.push_back({absl::StrCat(guest->name(), " gone"), Colour::kRed});
    }
  }
  for (const auto& [uuid, guest] : new_guests) {
    const auto old = old_guests.find(uuid);
    if (old == old_guests.end()) {
      lines.push_back({absl::StrCat(guest->name(), " appeared, ",
                                    StateWord(guest->state())),
                       StateColour(guest->state())});
    } else {
      DescribeGuest(*old->second, *guest, lines);
    }
    DescribeMissing(before, after, *guest, lines);
  }

  if (!MessageDifferencer::Equals(before.facts(), after.facts())) {
    lines.push_back({"host facts changed"});
  }
  v1::Record relabelled = before;
  *relabelled.mutable_labels() = after.labels();
  if (!MessageDifferencer::Equals(relabelled, before)) {
    lines.push_back({"labels changed"});
  }
  return lines;
}

}  // namespace rehai::cli
