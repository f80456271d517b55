// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_ARGUMENTS_H_
#define CLI_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"

// What the words of a command line mean. Pure but for the environment variable
// REHAI_SERVER. Errors are kInvalidArgument and name the flag.
namespace rehai::cli {

enum class OutputFormat { kTable, kJson, kYaml };

absl::StatusOr<OutputFormat> ReadOutputFormat(const Invocation& invocation);

absl::StatusOr<Client::Options> ReadClientOptions(const Invocation& invocation);

// The hosts named by `nodes` and --label.
absl::StatusOr<v1::HostSelector> ReadSelector(
    const Invocation& invocation, const std::vector<std::string>& nodes);

// --state, --name, --host and --label, as a filter and a selector.
absl::StatusOr<v1::ListGuestsRequest> ReadGuestQuestion(
    const Invocation& invocation);

// By UUID if the word looks like one, else by name.
v1::GetGuestRequest ReadGuestKey(const std::string& word);

// --label, HOST... and --all, which of them there must be one: of a command
// that must not mean every host by mistake.
absl::StatusOr<v1::HostSelector> ReadChosenHosts(const Invocation& invocation);

// --state of connections, each of them one or several with commas between.
absl::StatusOr<std::vector<v1::ConnectionState>> ReadConnectionStates(
    const Invocation& invocation);

// --held, which is above zero.
absl::StatusOr<int> ReadHeld(const Invocation& invocation);

// --reread and --rewrite; both if neither is given. Or --ohai, which goes
// alone.
absl::StatusOr<std::vector<v1::ResyncMode>> ReadModes(
    const Invocation& invocation);

// --plugins, each of them one or several with commas between. Only with --ohai.
absl::StatusOr<std::vector<std::string>> ReadPlugins(
    const Invocation& invocation);

// The limits that flags name; none of them set if there are no such flags.
absl::StatusOr<v1::ChefLimits> ReadLimits(const Invocation& invocation);

// --after, or 0.
absl::StatusOr<int64_t> ReadAfterRevision(const Invocation& invocation);

}  // namespace rehai::cli

#endif  // CLI_ARGUMENTS_H_
