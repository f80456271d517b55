// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_ARGUMENTS_H_
#define CLI_ARGUMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/command_line.h"
#include "google/protobuf/timestamp.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"

// What the words of a command line mean. Pure. Errors are kInvalidArgument and
// name the flag.
namespace rehai::cli {

enum class OutputFormat { kTable, kWide, kJson, kYaml, kName };

// True of those that programs read as messages.
bool IsStructured(OutputFormat format);

absl::StatusOr<OutputFormat> ReadOutputFormat(const Invocation& invocation);

// The hosts named by `nodes` and --label.
absl::StatusOr<v1::HostSelector> ReadSelector(
    const Invocation& invocation, const std::vector<std::string>& nodes);

// HOST... and --label as a selector, and --filter, --sort and --fields.
absl::StatusOr<v1::ListHostsRequest> ReadHostQuestion(
    const Invocation& invocation);

// --state, --name and --filter as a filter, --host and --label as a selector,
// and --sort and --fields.
absl::StatusOr<v1::ListGuestsRequest> ReadGuestQuestion(
    const Invocation& invocation);

// --by, --filter, --host and --label.
absl::StatusOr<v1::SummarizeRequest> ReadSummaryQuestion(
    const Invocation& invocation);

// What is repeated, or has commas between, one by one. An empty one is an
// error.
absl::StatusOr<std::vector<std::string>> ReadList(const Invocation& invocation,
                                                  const std::string& flag);

bool LooksLikeUuid(absl::string_view word);

// --mac, --ip or the argument, of which there must be one: by UUID if it looks
// like one, else by name.
absl::StatusOr<v1::GetGuestRequest> ReadGuestKey(const Invocation& invocation);

// --label, HOST... and --all, which of them there must be one: of a command
// that must not mean every host by mistake.
absl::StatusOr<v1::HostSelector> ReadChosenHosts(const Invocation& invocation);

// --state of connections, each of them one or several with commas between.
absl::StatusOr<std::vector<v1::ConnectionState>> ReadConnectionStates(
    const Invocation& invocation);

// --held, which is above zero.
absl::StatusOr<int> ReadHeld(const Invocation& invocation);

// Which hosts, and all the flags of resync but --wait and --no-wait. The modes
// are --reread and --rewrite, both if neither is given; --verify-only alone or
// after --reread; or --ohai, which goes alone, with --plugins.
absl::StatusOr<v1::ResyncStartRequest> ReadResyncStart(
    const Invocation& invocation);

// --since and --until; `now` is what ages are counted from.
absl::Status ReadPeriod(const Invocation& invocation, absl::Time now,
                        google::protobuf::Timestamp& from,
                        google::protobuf::Timestamp& until);

// The time that a flag names; `otherwise` without it.
absl::StatusOr<absl::Time> ReadMoment(const Invocation& invocation,
                                      const std::string& flag, absl::Time now,
                                      absl::Time otherwise);

// The span of time that a flag names; `otherwise` without it.
absl::StatusOr<absl::Duration> ReadSpan(const Invocation& invocation,
                                        const std::string& flag,
                                        absl::Duration otherwise);

// --limit, or `otherwise`. 0 means all.
absl::StatusOr<int64_t> ReadLimit(const Invocation& invocation,
                                  int64_t otherwise);

// The limits that flags name; none of them set if there are no such flags.
absl::StatusOr<v1::ChefLimits> ReadLimits(const Invocation& invocation);

// --after, or 0.
absl::StatusOr<int64_t> ReadAfterRevision(const Invocation& invocation);

}  // namespace rehai::cli

#endif  // CLI_ARGUMENTS_H_
