// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/commands.h"

#include <google/protobuf/message.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/chef_view.h"
#include "cli/client.h"
#include "cli/interrupt.h"
#include "cli/program_output.h"
#include "cli/resync_view.h"
#include "cli/source_command.h"
#include "cli/views.h"
#include "cli/watch_command.h"

namespace rehai::cli {
namespace {

// One command's run. Each Run...() gives the exit status of a command that was
// done, or the error that it could not be done for.
class Command {
 public:
  Command(const Invocation& invocation, OutputFormat format, Client& client,
          Console& console)
      : invocation_(invocation),
        format_(format),
        client_(client),
        console_(console) {}

  absl::StatusOr<ExitStatus> Run() {
    const std::string& name = invocation_.command;
    if (name == "hosts") return RunHosts();
    if (name == "guests") return RunGuests();
    if (name == "guest") return RunGuest();
    if (name == "diff") return RunDiff();
    if (name == "chef status") return RunChefStatus();
    if (name == "chef cost") return RunChefCost();
    if (name == "chef limits") return RunChefLimits();
    if (name == "resync get") return RunResyncGet();
    if (name == "resync cancel") return RunResyncCancel();
    return absl::InternalError(absl::StrCat(name, ": nobody runs it"));
  }

  absl::StatusOr<ExitStatus> RunResync(const Interrupt& interrupt) {
    ASSIGN_OR_RETURN(const v1::HostSelector selector,
                     ReadChosenHosts(invocation_));
    ASSIGN_OR_RETURN(const std::vector<v1::ResyncMode> modes,
                     ReadModes(invocation_));
    ASSIGN_OR_RETURN(const std::vector<std::string> plugins,
                     ReadPlugins(invocation_));
    ASSIGN_OR_RETURN(const v1::Operation started,
                     client_.StartResync(selector, modes, plugins));
    if (!invocation_.Has("no-wait")) return Await(started.id(), interrupt);
    ResyncView view;
    view.Take(started);
    if (!Structured(started)) {
      console_.Print(view.Summary(console_.colours()));
      console_.Print(WhatNext(started.id()));
    }
    return kDone;
  }

  // Shows a resync's progress until it ends or somebody presses Ctrl-C.
  absl::StatusOr<ExitStatus> Await(const std::string& id,
                                   const Interrupt& interrupt) {
    ResyncView view;
    const absl::Status end =
        client_.WatchResync(id, [&](const v1::Operation& step) {
          ShowProgress(view, view.Take(step));
        });
    if (interrupt.happened()) {
      console_.Complain(absl::StrCat(
          "resync ", id, ": goes on in the controller\n", WhatNext(id)));
      return kInterrupted;
    }
    RETURN_IF_ERROR(end);
    if (!Structured(view.Whole())) {
      console_.Print(view.Summary(console_.colours()));
    }
    return view.Failed() ? kDifferent : kDone;
  }

 private:
  absl::StatusOr<ExitStatus> RunHosts() {
    ASSIGN_OR_RETURN(const v1::HostSelector selector,
                     ReadSelector(invocation_, invocation_.arguments));
    ASSIGN_OR_RETURN(const v1::ListHostsResponse hosts,
                     client_.ListHosts(selector));
    if (!Structured(hosts)) {
      console_.Print(HostsTable(hosts, Now(), console_.colours()));
      // Whoever names one host wants to know more of it.
      if (invocation_.arguments.size() == 1 && hosts.hosts_size() == 1) {
        const v1::Host& host = hosts.hosts(0);
        console_.Print(absl::StrCat(
            "\n", ConditionDetails(host, Now(), console_.colours()),
            SyncDetails(host.sync(), Now(), console_.colours())));
      }
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunGuests() {
    ASSIGN_OR_RETURN(const v1::ListGuestsRequest question,
                     ReadGuestQuestion(invocation_));
    ASSIGN_OR_RETURN(const v1::ListGuestsResponse guests,
                     client_.ListGuests(question));
    if (!Structured(guests)) {
      console_.Print(GuestsTable(guests, Now(), console_.colours()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunGuest() {
    ASSIGN_OR_RETURN(const v1::GetGuestResponse response,
                     client_.GetGuest(ReadGuestKey(invocation_.arguments[0])));
    if (!Structured(response.guest())) {
      console_.Print(GuestDetails(response.guest(), Now(), console_.colours()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunDiff() {
    ASSIGN_OR_RETURN(const v1::ResyncDiffResponse diff,
                     client_.Diff(invocation_.arguments[0]));
    if (!Structured(diff)) {
      console_.Print(DiffText(diff, console_.colours()));
    }
    return diff.differences().empty() ? kDone : kDifferent;
  }

  absl::StatusOr<ExitStatus> RunChefStatus() {
    ASSIGN_OR_RETURN(const v1::ChefStatus status, client_.ChefStatus());
    if (!Structured(status)) {
      console_.Print(ChefStatusPage(status, Now(), console_.colours()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunChefCost() {
    ASSIGN_OR_RETURN(const v1::ChefCostResponse cost,
                     client_.ChefCost(invocation_.arguments[0]));
    if (!Structured(cost)) {
      console_.Print(ChefCostPage(cost, console_.colours()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunChefLimits() {
    ASSIGN_OR_RETURN(const v1::ChefLimits changes, ReadLimits(invocation_));
    v1::ChefLimits limits;
    if (changes.ByteSizeLong() > 0) {
      ASSIGN_OR_RETURN(limits, client_.SetChefLimits(changes));
    } else {
      ASSIGN_OR_RETURN(const v1::ChefStatus status, client_.ChefStatus());
      limits = status.limits();
    }
    if (!Structured(limits)) {
      console_.Print(ChefLimitsTable(limits, console_.colours()));
    }
    return kDone;
  }

  absl::StatusOr<ExitStatus> RunResyncGet() {
    ASSIGN_OR_RETURN(const v1::Operation operation,
                     client_.GetResync(invocation_.arguments[0]));
    return ShowOperation(operation);
  }

  absl::StatusOr<ExitStatus> RunResyncCancel() {
    ASSIGN_OR_RETURN(const v1::Operation operation,
                     client_.CancelResync(invocation_.arguments[0]));
    if (!Structured(operation)) {
      console_.PrintLine(absl::StrCat(
          "resync ", operation.id(),
          operation.has_ended_at() ? ": has ended already"
                                   : ": canceled; hosts under way finish"));
    }
    return kDone;
  }

  ExitStatus ShowOperation(const v1::Operation& operation) {
    ResyncView view;
    view.Take(operation);
    if (!Structured(operation)) {
      console_.Print(view.Summary(console_.colours()));
    }
    return view.ended() && view.Failed() ? kDifferent : kDone;
  }

  // A line that is overwritten on a terminal; in a file, a line for each host.
  void ShowProgress(const ResyncView& view,
                    const std::vector<v1::HostResult>& ended) {
    if (format_ != OutputFormat::kTable) return;
    if (console_.live()) {
      console_.ShowLive(view.ProgressLine(Now()));
      return;
    }
    for (const v1::HostResult& host : ended) {
      console_.PrintLine(HostResultLine(host, console_.colours()));
    }
  }

  static std::string WhatNext(const std::string& id) {
    return absl::StrCat("  watch it:   rehaictl resync watch ", id,
                        "\n  cancel it:  rehaictl resync cancel ", id, "\n");
  }

  bool Structured(const google::protobuf::Message& message) {
    return PrintForPrograms(message, format_, console_);
  }

  static absl::Time Now() { return Clock::Real().Now(); }

  const Invocation& invocation_;
  const OutputFormat format_;
  Client& client_;
  Console& console_;
};

absl::StatusOr<ExitStatus> Dispatch(const Invocation& invocation,
                                    Console& console) {
  ASSIGN_OR_RETURN(const OutputFormat format, ReadOutputFormat(invocation));
  ASSIGN_OR_RETURN(const Client::Options options,
                   ReadClientOptions(invocation));
  std::unique_ptr<Client> client;
  const std::string& name = invocation.command;
  if (name == "resync" || name == "resync watch") {
    // Before gRPC starts its threads, and ended before the client is.
    std::atomic<Client*> waiting = nullptr;
    const Interrupt interrupt([&waiting] {
      if (Client* const client = waiting) client->CancelWatch();
    });
    ASSIGN_OR_RETURN(client, Client::Create(options));
    waiting = client.get();
    if (interrupt.happened()) return kInterrupted;
    Command command(invocation, format, *client, console);
    return name == "resync" ? command.RunResync(interrupt)
                            : command.Await(invocation.arguments[0], interrupt);
  }
  ASSIGN_OR_RETURN(client, Client::Create(options));
  if (name == "watch") return RunWatch(invocation, format, *client, console);
  if (absl::StartsWith(name, "source ")) {
    return RunSource(invocation, format, *client, console);
  }
  return Command(invocation, format, *client, console).Run();
}

}  // namespace

ExitStatus RunCommand(const Invocation& invocation, Console& console) {
  const absl::StatusOr<ExitStatus> result = Dispatch(invocation, console);
  if (result.ok()) return *result;
  console.Complain(result.status().message());
  return ExitStatusFor(result.status());
}

}  // namespace rehai::cli
