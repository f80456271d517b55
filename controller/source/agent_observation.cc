// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_observation.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

constexpr size_t kLongestSourceError = 1000;

using Uuids = google::protobuf::RepeatedPtrField<std::string>;

absl::Status Contradiction(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("a report that cannot be: ", what));
}

absl::Status TooMany(absl::string_view what, int count, int most) {
  return Contradiction(absl::StrCat(count, " ", what, ", and ", most,
                                    " is the most that is believed"));
}

// At most so many bytes of UTF-8, and no half of a character.
std::string Cut(absl::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

// What is quoted of an agent's text in a message of ours.
std::string Quoted(absl::string_view text) {
  constexpr size_t kMost = 60;
  return absl::StrCat("\"", Cut(text, kMost), "\"");
}

absl::Status CheckUuids(absl::string_view what, const Uuids& uuids) {
  if (uuids.size() > kMostGuestsOfReport) {
    return TooMany(what, uuids.size(), kMostGuestsOfReport);
  }
  for (const std::string& uuid : uuids) {
    if (IsCanonicalUuid(uuid)) continue;
    return Contradiction(
        absl::StrCat(what, " has ", Quoted(uuid), ", which is no UUID"));
  }
  return absl::OkStatus();
}

absl::Status CheckGuests(const v1::AgentReport& report) {
  if (report.guests_size() > kMostGuestsOfReport) {
    return TooMany("guests", report.guests_size(), kMostGuestsOfReport);
  }
  absl::flat_hash_set<absl::string_view> seen;
  seen.reserve(report.guests_size());
  for (const v1::Guest& guest : report.guests()) {
    if (!IsCanonicalUuid(guest.uuid())) {
      return Contradiction(absl::StrCat("guest ", Quoted(guest.name()),
                                        " has the UUID ", Quoted(guest.uuid()),
                                        ", which is none"));
    }
    if (!seen.insert(guest.uuid()).second) {
      return Contradiction(
          absl::StrCat("guest ", guest.uuid(), " is listed twice"));
    }
  }
  if (report.full()) return absl::OkStatus();
  for (const std::string& uuid : report.removed_uuids()) {
    if (seen.contains(uuid)) {
      return Contradiction(
          absl::StrCat("guest ", uuid, " is listed and removed"));
    }
  }
  return absl::OkStatus();
}

bool IsEmptyButForError(const v1::AgentReport& report) {
  return !report.full() && !report.has_age() && !report.has_facts() &&
         report.guests().empty() && report.removed_uuids().empty() &&
         report.unread_uuids().empty() && report.moving_uuids().empty() &&
         report.answers().empty();
}

}  // namespace

bool IsCanonicalUuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
      return false;
    }
  }
  return true;
}

absl::Status CheckReport(const v1::AgentReport& report) {
  if (!report.source_error().empty() && !IsEmptyButForError(report)) {
    return Contradiction("it says why nothing could be read, and what was");
  }
  if (report.full() && !report.has_facts()) {
    return Contradiction("it is full, and says nothing of the host itself");
  }
  const std::string& host_uuid = report.facts().uuid();
  if (!host_uuid.empty() && !IsCanonicalUuid(host_uuid)) {
    return Contradiction(
        absl::StrCat("host UUID ", Quoted(host_uuid), " is none"));
  }
  if (report.answers_size() > kMostAnswersOfReport) {
    return TooMany("answers", report.answers_size(), kMostAnswersOfReport);
  }
  RETURN_IF_ERROR(CheckUuids("removed_uuids", report.removed_uuids()));
  RETURN_IF_ERROR(CheckUuids("unread_uuids", report.unread_uuids()));
  RETURN_IF_ERROR(CheckUuids("moving_uuids", report.moving_uuids()));
  return CheckGuests(report);
}

absl::Duration AgeOf(const v1::AgentReport& report) {
  return std::clamp(FromProto(report.age()), absl::ZeroDuration(),
                    kOldestReading);
}

std::string SourceErrorOf(const v1::AgentReport& report) {
  return Cut(report.source_error(), kLongestSourceError);
}

v1::Observation ToObservation(v1::AgentReport report, absl::string_view agent,
                              absl::Time now) {
  v1::Observation seen;
  v1::Provenance& provenance = *seen.mutable_provenance();
  provenance.set_kind(v1::SOURCE_KIND_PUSH);
  provenance.set_origin(absl::StrCat("agent ", agent));
  *provenance.mutable_observed_at() = ToProto(now - AgeOf(report));
  seen.set_full(report.full());
  if (report.has_facts()) seen.mutable_facts()->Swap(report.mutable_facts());
  seen.mutable_guests()->Swap(report.mutable_guests());
  seen.mutable_removed_uuids()->Swap(report.mutable_removed_uuids());
  seen.mutable_unread_uuids()->Swap(report.mutable_unread_uuids());
  seen.mutable_moving_uuids()->Swap(report.mutable_moving_uuids());
  return seen;
}

}  // namespace rehai
