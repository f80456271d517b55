// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMMAND_SPECS_H_
#define CLI_COMMAND_SPECS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "cli/command_line.h"

// rehaictl's commands by subject, for Rehaictl() in usage.h. Help, completion
// and the manual are made of them.
namespace rehai::cli {

// As many hosts as anyone names by hand.
inline constexpr size_t kManyHosts = 1000;

// What is where: hosts, guests, guest, summary, watch, findings.
std::vector<CommandSpec> FleetCommands();
// What was, and how far it has come: history, receipts, wait, explain, audit.
std::vector<CommandSpec> HistoryCommands();
std::vector<CommandSpec> ResyncCommands();
std::vector<CommandSpec> ChefCommands();
std::vector<CommandSpec> SourceCommands();
// About rehaictl itself, and what asks no controller: config, state,
// completion, man.
std::vector<CommandSpec> ProgramCommands();

// Flags that several commands take.
FlagSpec LabelFlag();
// One host, or several if it is repeated.
FlagSpec HostFlag(const std::string& help, bool repeated = true);
FlagSpec FilterFlag();
FlagSpec SortFlag();
FlagSpec FieldsFlag();
FlagSpec AsOfFlag();
FlagSpec SinceFlag();
FlagSpec UntilFlag();
FlagSpec LimitFlag();
// --watch and --interval.
std::vector<FlagSpec> WatchFlags();

// `flags` and then `more`.
std::vector<FlagSpec> With(std::vector<FlagSpec> flags,
                           const std::vector<FlagSpec>& more);

}  // namespace rehai::cli

#endif  // CLI_COMMAND_SPECS_H_
