// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/words.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "base/spelling.h"
#include "base/status_macros.h"
#include "google/protobuf/descriptor.h"

namespace rehai::cli {
namespace {

constexpr v1::GuestState kStates[] = {
    v1::GUEST_STATE_RUNNING,      v1::GUEST_STATE_BLOCKED,
    v1::GUEST_STATE_PAUSED,       v1::GUEST_STATE_SHUTTING_DOWN,
    v1::GUEST_STATE_SHUT_OFF,     v1::GUEST_STATE_CRASHED,
    v1::GUEST_STATE_PM_SUSPENDED, v1::GUEST_STATE_UNSPECIFIED};

constexpr v1::ConnectionState kConnectionStates[] = {
    v1::CONNECTION_STATE_UP,       v1::CONNECTION_STATE_DIALING,
    v1::CONNECTION_STATE_WAITING,  v1::CONNECTION_STATE_QUARANTINED,
    v1::CONNECTION_STATE_DEPARTED, v1::CONNECTION_STATE_AGENT,
    v1::CONNECTION_STATE_NO_URI};

// Letters only.
std::string Bare(absl::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (absl::ascii_isalpha(c)) bare += absl::ascii_tolower(c);
  }
  return bare;
}

int64_t Whole(absl::Duration duration, absl::Duration unit) {
  absl::Duration rest;
  return absl::IDivDuration(duration, unit, &rest);
}

// As it is written on a command line without quotes.
std::string FlagWord(v1::GuestState state) {
  std::string word = StateWord(state);
  std::replace(word.begin(), word.end(), ' ', '-');
  return word;
}

// The enum's values as flags take them are their names without a prefix: of the
// first of `prefixes` that they have.
struct Vocabulary {
  const google::protobuf::EnumDescriptor* values;
  std::vector<std::string> prefixes;

  std::string Word(int number) const {
    const auto* const value = values->FindValueByNumber(number);
    if (value == nullptr) return absl::StrCat(number);  // a newer controller's
    std::string word = value->name();
    for (const std::string& prefix : prefixes) {
      if (absl::StartsWith(word, prefix)) {
        word = word.substr(prefix.size());
        break;
      }
    }
    std::replace(word.begin(), word.end(), '_', '-');
    return absl::AsciiStrToLower(word);
  }

  // Without the one that says nothing.
  std::vector<std::string> Words() const {
    std::vector<std::string> words;
    for (int i = 0; i < values->value_count(); ++i) {
      const int number = values->value(i)->number();
      if (number != 0) words.push_back(Word(number));
    }
    return words;
  }

  absl::StatusOr<int> Parse(absl::string_view flag,
                            absl::string_view text) const {
    for (int i = 0; i < values->value_count(); ++i) {
      const int number = values->value(i)->number();
      if (number != 0 && Bare(Word(number)) == Bare(text)) return number;
    }
    const std::vector<std::string> words = Words();
    const std::string meant = ClosestWord(text, words);
    return absl::InvalidArgumentError(
        meant.empty() ? absl::StrCat(flag, " ", text, ": unknown; one of ",
                                     absl::StrJoin(words, ", "))
                      : absl::StrCat(flag, " ", text,
                                     ": unknown; did you mean ", meant, "?"));
  }
};

const Vocabulary& Events() {
  static const auto* const words = new Vocabulary{
      v1::EventKind_descriptor(), {"EVENT_KIND_GUEST_", "EVENT_KIND_"}};
  return *words;
}

const Vocabulary& Findings() {
  static const auto* const words =
      new Vocabulary{v1::FindingType_descriptor(), {"FINDING_TYPE_"}};
  return *words;
}

const Vocabulary& Levels() {
  static const auto* const words =
      new Vocabulary{v1::VisibilityLevel_descriptor(), {"VISIBILITY_LEVEL_"}};
  return *words;
}

const Vocabulary& Operations() {
  static const auto* const words =
      new Vocabulary{v1::OperationState_descriptor(), {"OPERATION_STATE_"}};
  return *words;
}

template <typename Enum>
absl::StatusOr<Enum> ParseAs(const Vocabulary& words, absl::string_view flag,
                             absl::string_view text) {
  ASSIGN_OR_RETURN(const int number, words.Parse(flag, text));
  return static_cast<Enum>(number);
}

// With blanks, for people.
std::string Spaced(std::string word) {
  std::replace(word.begin(), word.end(), '-', ' ');
  return word;
}

// What is said of a word for --state that is none of `words`.
absl::Status NoSuchState(absl::string_view text,
                         const std::vector<std::string>& words) {
  const std::string meant = ClosestWord(text, words);
  return absl::InvalidArgumentError(
      meant.empty()
          ? absl::StrCat("--state ", text, ": no such state; one of ",
                         absl::StrJoin(words, ", "))
          : absl::StrCat("--state ", text, ": no such state; did you mean ",
                         meant, "?"));
}

}  // namespace

std::string StateWord(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_UNSPECIFIED:
      return "no state";
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
    default:  // a newer controller's
      return absl::StrCat("state ", static_cast<int>(state));
  }
}

std::string PresenceWord(v1::Presence presence) {
  switch (presence) {
    case v1::PRESENCE_NEVER_SEEN:
      return "never seen";
    case v1::PRESENCE_CURRENT:
      return "current";
    case v1::PRESENCE_STALE:
      return "stale";
    case v1::PRESENCE_UNKNOWN:
      return "unknown";
    default:
      return "-";
  }
}

std::string SourceWord(v1::SourceKind kind) {
  switch (kind) {
    case v1::SOURCE_KIND_PULL:
      return "pull";
    case v1::SOURCE_KIND_PUSH:
      return "push";
    default:
      return "-";
  }
}

std::string SyncWord(v1::SyncState state) {
  switch (state) {
    case v1::SYNC_STATE_NOTHING_OBSERVED:
      return "nothing yet";
    case v1::SYNC_STATE_SYNCED:
      return "synced";
    case v1::SYNC_STATE_PENDING:
      return "pending";
    case v1::SYNC_STATE_PARKED:
      return "parked";
    case v1::SYNC_STATE_DRY_RUN:
      return "dry run";
    case v1::SYNC_STATE_HELD:
      return "held";
    default:
      return "-";
  }
}

std::string OutcomeWord(v1::HostOutcome outcome) {
  switch (outcome) {
    case v1::HOST_OUTCOME_WRITTEN:
      return "written";
    case v1::HOST_OUTCOME_UNCHANGED:
      return "unchanged";
    case v1::HOST_OUTCOME_UNREACHABLE:
      return "unreachable";
    case v1::HOST_OUTCOME_WRITE_FAILED:
      return "write failed";
    case v1::HOST_OUTCOME_CANCELED:
      return "canceled";
    case v1::HOST_OUTCOME_TIMED_OUT:
      return "timed out";
    case v1::HOST_OUTCOME_REMOVED:
      return "removed";
    case v1::HOST_OUTCOME_NO_AGENT:
      return "no agent";
    case v1::HOST_OUTCOME_OHAI_FAILED:
      return "ohai failed";
    case v1::HOST_OUTCOME_IN_PLACE:
      return "in place";
    case v1::HOST_OUTCOME_DIFFERENT:
      return "different";
    case v1::HOST_OUTCOME_WOULD_WRITE:
      return "would write";
    case v1::HOST_OUTCOME_WOULD_READ:
      return "would read";
    case v1::HOST_OUTCOME_WOULD_RUN_OHAI:
      return "would run ohai";
    default:
      return "-";
  }
}

std::string WriteOutcomeWord(v1::WriteOutcome outcome) {
  switch (outcome) {
    case v1::WRITE_OUTCOME_WRITTEN:
      return "written";
    case v1::WRITE_OUTCOME_UNCHANGED:
      return "unchanged";
    case v1::WRITE_OUTCOME_NODE_MISSING:
      return "node missing";
    case v1::WRITE_OUTCOME_FORBIDDEN:
      return "forbidden";
    case v1::WRITE_OUTCOME_TOO_LARGE:
      return "too large";
    case v1::WRITE_OUTCOME_REJECTED:
      return "rejected";
    case v1::WRITE_OUTCOME_UNAUTHENTICATED:
      return "not known to the server";
    case v1::WRITE_OUTCOME_RETRY:
      return "to be tried again";
    case v1::WRITE_OUTCOME_WOULD_WRITE:
      return "would be written";
    case v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED:
      return "overwritten and repaired";
    case v1::WRITE_OUTCOME_LOST_RACE:
      return "lost a race";
    default:
      return "-";
  }
}

std::string OverwriterWord(v1::Overwriter overwriter) {
  switch (overwriter) {
    case v1::OVERWRITER_CHEF_CLIENT:
      return "chef-client";
    case v1::OVERWRITER_SOMEBODY:
      return "somebody else";
    case v1::OVERWRITER_ROLLBACK:
      return "an older node";
    default:
      return "-";
  }
}

std::string CauseWord(v1::WriteCause cause) {
  switch (cause) {
    case v1::WRITE_CAUSE_CHANGE:
      return "change";
    case v1::WRITE_CAUSE_REQUEST:
      return "request";
    case v1::WRITE_CAUSE_REPAIR:
      return "repair";
    case v1::WRITE_CAUSE_RUN_ENDED:
      return "chef-client run ended";
    case v1::WRITE_CAUSE_DOUBT:
      return "doubt";
    default:
      return "-";
  }
}

std::string LaneWord(v1::Lane lane) {
  switch (lane) {
    case v1::LANE_USER:
      return "user";
    case v1::LANE_LIVE:
      return "live";
    case v1::LANE_REPAIR:
      return "repair";
    case v1::LANE_SWEEP:
      return "sweep";
    default:
      return "-";
  }
}

std::string ServerWord(v1::ServerState state) {
  switch (state) {
    case v1::SERVER_STATE_UP:
      return "up";
    case v1::SERVER_STATE_DOWN:
      return "down";
    case v1::SERVER_STATE_REFUSING:
      return "refusing us";
    default:
      return "not asked yet";
  }
}

std::string ConnectionWord(v1::ConnectionState state) {
  switch (state) {
    case v1::CONNECTION_STATE_DIALING:
      return "dialing";
    case v1::CONNECTION_STATE_UP:
      return "up";
    case v1::CONNECTION_STATE_WAITING:
      return "waiting";
    case v1::CONNECTION_STATE_QUARANTINED:
      return "quarantined";
    case v1::CONNECTION_STATE_DEPARTED:
      return "departed";
    case v1::CONNECTION_STATE_AGENT:
      return "agent";
    case v1::CONNECTION_STATE_NO_URI:
      return "agentless";
    default:
      return "-";
  }
}

std::string EventWord(v1::EventKind kind) { return Events().Word(kind); }

std::string FindingWord(v1::FindingType type) { return Findings().Word(type); }

std::string LevelWord(v1::VisibilityLevel level) {
  return level == v1::VISIBILITY_LEVEL_UNSPECIFIED ? "-" : Levels().Word(level);
}

std::string VerdictWord(v1::ExplainVerdict verdict) {
  return Spaced(
      Vocabulary{v1::ExplainVerdict_descriptor(), {"EXPLAIN_VERDICT_"}}.Word(
          verdict));
}

std::string ReasonWord(v1::ExplainReasonType reason) {
  return Spaced(
      Vocabulary{v1::ExplainReasonType_descriptor(), {"EXPLAIN_REASON_TYPE_"}}
          .Word(reason));
}

std::string DifferenceWord(v1::DifferenceKind kind) {
  return Vocabulary{v1::DifferenceKind_descriptor(), {"DIFFERENCE_KIND_"}}.Word(
      kind);
}

std::string OperationWord(v1::OperationState state) {
  return Operations().Word(state);
}

std::string ModeWord(v1::ResyncMode mode) {
  return Vocabulary{v1::ResyncMode_descriptor(), {"RESYNC_MODE_"}}.Word(mode);
}

std::vector<std::string> GuestStateWords() {
  std::vector<std::string> words;
  for (const v1::GuestState state : kStates) words.push_back(FlagWord(state));
  return words;
}

std::vector<std::string> ConnectionStateWords() {
  std::vector<std::string> words;
  for (const v1::ConnectionState state : kConnectionStates) {
    words.push_back(ConnectionWord(state));
  }
  return words;
}

std::vector<std::string> OperationStateWords() { return Operations().Words(); }

std::vector<std::string> EventWords() { return Events().Words(); }

std::vector<std::string> FindingWords() { return Findings().Words(); }

Colour StateColour(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_RUNNING:
    case v1::GUEST_STATE_BLOCKED:
      return Colour::kGreen;
    case v1::GUEST_STATE_CRASHED:
      return Colour::kRed;
    case v1::GUEST_STATE_SHUT_OFF:
      return Colour::kDim;
    default:
      return Colour::kYellow;
  }
}

Colour PresenceColour(v1::Presence presence) {
  switch (presence) {
    case v1::PRESENCE_CURRENT:
      return Colour::kGreen;
    case v1::PRESENCE_UNKNOWN:
      return Colour::kRed;
    default:
      return Colour::kYellow;
  }
}

Colour SyncColour(v1::SyncState state) {
  switch (state) {
    case v1::SYNC_STATE_SYNCED:
      return Colour::kGreen;
    case v1::SYNC_STATE_PARKED:
    case v1::SYNC_STATE_HELD:
      return Colour::kRed;
    case v1::SYNC_STATE_PENDING:
      return Colour::kYellow;
    default:
      return Colour::kDim;
  }
}

Colour OutcomeColour(v1::HostOutcome outcome) {
  switch (outcome) {
    case v1::HOST_OUTCOME_WRITTEN:
    case v1::HOST_OUTCOME_UNCHANGED:
    case v1::HOST_OUTCOME_IN_PLACE:
      return Colour::kGreen;
    case v1::HOST_OUTCOME_DIFFERENT:
    case v1::HOST_OUTCOME_WOULD_WRITE:
    case v1::HOST_OUTCOME_WOULD_READ:
    case v1::HOST_OUTCOME_WOULD_RUN_OHAI:
    case v1::HOST_OUTCOME_CANCELED:
    case v1::HOST_OUTCOME_REMOVED:
      return Colour::kYellow;
    default:
      return Colour::kRed;
  }
}

Colour ServerColour(v1::ServerState state) {
  switch (state) {
    case v1::SERVER_STATE_UP:
      return Colour::kGreen;
    case v1::SERVER_STATE_DOWN:
    case v1::SERVER_STATE_REFUSING:
      return Colour::kRed;
    default:
      return Colour::kYellow;
  }
}

Colour ConnectionColour(v1::ConnectionState state) {
  switch (state) {
    case v1::CONNECTION_STATE_UP:
    case v1::CONNECTION_STATE_AGENT:
      return Colour::kGreen;
    case v1::CONNECTION_STATE_QUARANTINED:
      return Colour::kRed;
    case v1::CONNECTION_STATE_DEPARTED:
      return Colour::kDim;
    default:
      return Colour::kYellow;
  }
}

absl::StatusOr<v1::GuestState> ParseState(absl::string_view text) {
  for (const v1::GuestState state : kStates) {
    if (Bare(text) == Bare(StateWord(state))) return state;
  }
  return NoSuchState(text, GuestStateWords());
}

absl::StatusOr<v1::ConnectionState> ParseConnectionState(
    absl::string_view text) {
  for (const v1::ConnectionState state : kConnectionStates) {
    if (Bare(text) == ConnectionWord(state)) return state;
  }
  return NoSuchState(text, ConnectionStateWords());
}

absl::StatusOr<v1::OperationState> ParseOperationState(absl::string_view flag,
                                                       absl::string_view text) {
  return ParseAs<v1::OperationState>(Operations(), flag, text);
}

absl::StatusOr<v1::EventKind> ParseEvent(absl::string_view flag,
                                         absl::string_view text) {
  return ParseAs<v1::EventKind>(Events(), flag, text);
}

absl::StatusOr<v1::FindingType> ParseFinding(absl::string_view flag,
                                             absl::string_view text) {
  return ParseAs<v1::FindingType>(Findings(), flag, text);
}

absl::StatusOr<v1::VisibilityLevel> ParseLevel(absl::string_view flag,
                                               absl::string_view text) {
  return ParseAs<v1::VisibilityLevel>(Levels(), flag, text);
}

std::string TimeText(const google::protobuf::Timestamp& moment, bool present) {
  if (!present) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(moment),
                          absl::LocalTimeZone());
}

std::string Age(absl::Duration age) {
  age = std::max(age, absl::ZeroDuration());
  const struct {
    absl::Duration unit;
    const char* letter;
  } units[] = {
      {absl::Hours(24), "d"}, {absl::Hours(1), "h"}, {absl::Minutes(1), "m"}};
  for (const auto& [unit, letter] : units) {
    // Two of a unit at least: "90s" says more than "1m".
    if (age >= 2 * unit) return absl::StrCat(Whole(age, unit), letter);
  }
  return absl::StrCat(Whole(age, absl::Seconds(1)), "s");
}

std::string AgeOf(const google::protobuf::Timestamp& moment, bool present,
                  absl::Time now) {
  return present ? Age(now - FromProto(moment)) : "-";
}

std::string MemoryText(int64_t kib) {
  if (kib < 1 << 20) return absl::StrFormat("%.0f MiB", kib / 1024.0);
  return absl::StrFormat("%.1f GiB", static_cast<double>(kib) / (1 << 20));
}

std::string BytesText(int64_t bytes) {
  const auto count = static_cast<double>(bytes);
  if (bytes >= 1 << 20) return absl::StrFormat("%.1f MiB", count / (1 << 20));
  if (bytes >= 1 << 10) return absl::StrFormat("%.1f KiB", count / (1 << 10));
  return absl::StrCat(bytes, " B");
}

std::string LatencyText(absl::Duration latency) {
  if (latency >= absl::Seconds(2)) return Age(latency);
  return absl::FormatDuration(absl::Trunc(latency, absl::Microseconds(100)));
}

std::string Count(int64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace rehai::cli
