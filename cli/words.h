// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_WORDS_H_
#define CLI_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/table.h"
#include "google/protobuf/timestamp.pb.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/explain.pb.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"
#include "rehai/v1/visibility.pb.h"

// How people read what protos hold. Pure.
namespace rehai::cli {

std::string StateWord(v1::GuestState state);
std::string PresenceWord(v1::Presence presence);
std::string SourceWord(v1::SourceKind kind);
std::string SyncWord(v1::SyncState state);
std::string OutcomeWord(v1::HostOutcome outcome);
std::string WriteOutcomeWord(v1::WriteOutcome outcome);
std::string OverwriterWord(v1::Overwriter overwriter);
std::string CauseWord(v1::WriteCause cause);
std::string LaneWord(v1::Lane lane);
std::string ServerWord(v1::ServerState state);
std::string ConnectionWord(v1::ConnectionState state);

// The enum's own name in small letters, with dashes, as flags take it:
// "moved-in" of EVENT_KIND_GUEST_MOVED_IN.
std::string EventWord(v1::EventKind kind);
std::string FindingWord(v1::FindingType type);
std::string LevelWord(v1::VisibilityLevel level);
std::string VerdictWord(v1::ExplainVerdict verdict);
std::string ReasonWord(v1::ExplainReasonType reason);
std::string DifferenceWord(v1::DifferenceKind kind);
std::string OperationWord(v1::OperationState state);
std::string ModeWord(v1::ResyncMode mode);

// All the words that flags take for them.
std::vector<std::string> GuestStateWords();
std::vector<std::string> ConnectionStateWords();
std::vector<std::string> OperationStateWords();
std::vector<std::string> EventWords();
std::vector<std::string> FindingWords();

Colour StateColour(v1::GuestState state);
Colour PresenceColour(v1::Presence presence);
Colour SyncColour(v1::SyncState state);
Colour OutcomeColour(v1::HostOutcome outcome);
Colour ServerColour(v1::ServerState state);
Colour ConnectionColour(v1::ConnectionState state);

// The state of this name, in any spelling of its words: "shut off", "shut-off",
// "shutoff". kInvalidArgument lists the states.
absl::StatusOr<v1::GuestState> ParseState(absl::string_view text);

// The connection's state of this name. kInvalidArgument lists the states.
absl::StatusOr<v1::ConnectionState> ParseConnectionState(
    absl::string_view text);

// The enum's value of this word, given to `flag`. kInvalidArgument says what
// may have been meant, or lists the words.
absl::StatusOr<v1::OperationState> ParseOperationState(absl::string_view flag,
                                                       absl::string_view text);
absl::StatusOr<v1::EventKind> ParseEvent(absl::string_view flag,
                                         absl::string_view text);
absl::StatusOr<v1::FindingType> ParseFinding(absl::string_view flag,
                                             absl::string_view text);
absl::StatusOr<v1::VisibilityLevel> ParseLevel(absl::string_view flag,
                                               absl::string_view text);

// A moment as tables show it, in local time: "2026-11-26 14:05:03"; "-" if it
// is absent.
std::string TimeText(const google::protobuf::Timestamp& moment, bool present);

// In its largest unit: "12s", "5m", "3h", "2d". Negative counts as "0s": clocks
// of two machines differ.
std::string Age(absl::Duration age);
// The age of a moment; "-" if it is absent.
std::string AgeOf(const google::protobuf::Timestamp& moment, bool present,
                  absl::Time now);

// "2.0 GiB", and below that "512 MiB".
std::string MemoryText(int64_t kib);

// "1.9 MiB", "12.0 KiB", "42 B".
std::string BytesText(int64_t bytes);

// A time as requests take it: "20.1ms", and from two seconds on as Age().
std::string LatencyText(absl::Duration latency);

// "1 host", "2 hosts".
std::string Count(int64_t count, absl::string_view noun);

}  // namespace rehai::cli

#endif  // CLI_WORDS_H_
