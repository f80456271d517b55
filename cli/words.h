// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_WORDS_H_
#define CLI_WORDS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/table.h"
#include "google/protobuf/timestamp.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"

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
