// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/commands.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/chef_commands.h"
#include "cli/client.h"
#include "cli/command_run.h"
#include "cli/config_commands.h"
#include "cli/fleet_commands.h"
#include "cli/history_commands.h"
#include "cli/interrupt.h"
#include "cli/program_commands.h"
#include "cli/resync_commands.h"
#include "cli/settings.h"
#include "cli/source_command.h"
#include "cli/state_command.h"
#include "cli/watch_command.h"

namespace rehai::cli {
namespace {

using Runner = absl::StatusOr<ExitStatus> (*)(const CommandRun&);

// Null for a command that nobody runs.
Runner FindRunner(const std::string& name) {
  static const auto* const runners = new std::map<std::string, Runner>{
      {"audit", RunAudit},
      {"chef cost", RunChefCost},
      {"chef limits", RunChefLimits},
      {"chef status", RunChefStatus},
      {"diff", RunDiff},
      {"explain", RunExplain},
      {"findings", RunFindings},
      {"guest", RunGuest},
      {"guests", RunGuests},
      {"history", RunHistory},
      {"history diff", RunHistoryDiff},
      {"hosts", RunHosts},
      {"receipts", RunReceipts},
      {"resync cancel", RunResyncCancel},
      {"resync list", RunResyncList},
      {"resync pause", RunResyncPause},
      {"resync resume", RunResyncResume},
      {"resync show", RunResyncShow},
      {"summary", RunSummary},
      {"wait", RunWait},
      {"watch", RunWatch},
  };
  const auto found = runners->find(name);
  if (found != runners->end()) return found->second;
  return absl::StartsWith(name, "source ") ? RunSource : nullptr;
}

// A resync, or the waiting for one: Ctrl-C ends the waiting alone.
absl::StatusOr<ExitStatus> RunInterruptibly(const Invocation& invocation,
                                            OutputFormat format,
                                            const Client::Options& options,
                                            Console& console) {
  std::unique_ptr<Client> client;
  // Before gRPC starts its threads, and ended before the client is.
  std::atomic<Client*> waiting = nullptr;
  const Interrupt interrupt([&waiting] {
    if (Client* const client = waiting) client->CancelWatch();
  });
  ASSIGN_OR_RETURN(client, Client::Create(options));
  waiting = client.get();
  if (interrupt.happened()) return kInterrupted;
  const CommandRun run{invocation, format, *client, console,
                       options.watch_timeout};
  return invocation.command == "resync"
             ? RunResync(run, interrupt)
             : AwaitResync(run, invocation.arguments[0], interrupt);
}

absl::StatusOr<ExitStatus> Dispatch(const Invocation& invocation,
                                    Console& console) {
  ASSIGN_OR_RETURN(const OutputFormat format, ReadOutputFormat(invocation));
  const std::string& name = invocation.command;
  if (name == "completion") return RunCompletion(invocation, console);
  if (name == "man") return RunMan(invocation, console);
  if (absl::StartsWith(name, "state ")) return BecomeRehaiState(invocation);
  if (absl::StartsWith(name, "config ")) {
    return RunConfig(invocation, format, console);
  }
  ASSIGN_OR_RETURN(const Settings settings, ReadSettings(invocation));
  ASSIGN_OR_RETURN(const Client::Options options, ToClientOptions(settings));
  if (name == "resync" || name == "resync watch") {
    return RunInterruptibly(invocation, format, options, console);
  }
  const Runner runner = FindRunner(name);
  if (runner == nullptr) {
    return absl::InternalError(absl::StrCat(name, ": nobody runs it"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                   Client::Create(options));
  return runner({invocation, format, *client, console, options.watch_timeout});
}

}  // namespace

ExitStatus RunCommand(const Invocation& invocation, Console& console) {
  const absl::StatusOr<ExitStatus> result = Dispatch(invocation, console);
  if (result.ok()) return *result;
  console.Complain(result.status().message());
  return ExitStatusFor(result.status());
}

}  // namespace rehai::cli
