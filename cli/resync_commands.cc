// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/resync_commands.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/program_output.h"
#include "cli/resync_view.h"
#include "cli/words.h"
#include "rehai/v1/resync.pb.h"

namespace rehai::cli {
namespace {

std::string WhatNext(const std::string& id) {
  return absl::StrCat("  watch it:   rehaictl resync watch ", id,
                      "\n  cancel it:  rehaictl resync cancel ", id, "\n");
}

// A line that is overwritten on a terminal; in a file, a line for each host.
void ShowProgress(const CommandRun& run, const ResyncView& view,
                  const std::vector<v1::HostResult>& ended) {
  if (IsStructured(run.format) || run.format == OutputFormat::kName) return;
  if (run.console.live()) {
    run.console.ShowLive(view.ProgressLine(run.Now()));
    return;
  }
  for (const v1::HostResult& host : ended) {
    run.console.PrintLine(HostResultLine(host, run.console.colours()));
  }
}

// For programs the whole, for people what it came to, and for -o name its id.
void ShowOperation(const CommandRun& run, const ResyncView& view) {
  if (PrintForPrograms(view.Whole(), run.format, run.console)) return;
  if (run.format == OutputFormat::kName) {
    run.console.PrintLine(view.Whole().id());
  } else {
    run.console.Print(view.Summary(run.console.colours()));
  }
}

// One line about what a command did.
void ShowDone(const CommandRun& run, const v1::Operation& operation,
              const std::string& what) {
  if (PrintForPrograms(operation, run.format, run.console)) return;
  run.console.PrintLine(
      absl::StrCat("resync ", operation.id(), ": ",
                   operation.has_ended_at() ? "has ended already" : what));
}

}  // namespace

absl::StatusOr<ExitStatus> RunResync(const CommandRun& run,
                                     const Interrupt& interrupt) {
  const Invocation& invocation = run.invocation;
  if (invocation.Has("wait") && invocation.Has("no-wait")) {
    return absl::InvalidArgumentError("--no-wait: contradicts --wait");
  }
  ASSIGN_OR_RETURN(const v1::ResyncStartRequest request,
                   ReadResyncStart(invocation));
  ASSIGN_OR_RETURN(const v1::ResyncStartResponse started,
                   run.client.StartResync(request));
  const std::string& id = started.operation().id();
  if (started.existed()) {
    run.console.Complain(
        absl::StrCat("resync ", id, ": has this idempotency key already"));
  }
  if (!invocation.Has("no-wait")) return AwaitResync(run, id, interrupt);
  ResyncView view;
  view.Take(started.operation());
  ShowOperation(run, view);
  if (run.format == OutputFormat::kTable) run.console.Print(WhatNext(id));
  return kDone;
}

absl::StatusOr<ExitStatus> AwaitResync(const CommandRun& run,
                                       const std::string& id,
                                       const Interrupt& interrupt) {
  ResyncView view;
  const absl::Status end =
      run.client.WatchResync(id, [&](const v1::Operation& step) {
        ShowProgress(run, view, view.Take(step));
      });
  if (interrupt.happened()) {
    run.console.Complain(absl::StrCat(
        "resync ", id, ": goes on in the controller\n", WhatNext(id)));
    return kInterrupted;
  }
  RETURN_IF_ERROR(end);
  ShowOperation(run, view);
  return view.status();
}

absl::StatusOr<ExitStatus> RunResyncList(const CommandRun& run) {
  v1::ResyncListRequest request;
  ASSIGN_OR_RETURN(const std::vector<std::string> states,
                   ReadList(run.invocation, "state"));
  for (const std::string& word : states) {
    ASSIGN_OR_RETURN(const v1::OperationState state,
                     ParseOperationState("--state", word));
    request.add_states(state);
  }
  ASSIGN_OR_RETURN(const int64_t limit, ReadLimit(run.invocation, 100));
  return ShowOrWatch(run, [&]() -> absl::StatusOr<Answer> {
    ASSIGN_OR_RETURN(v1::ResyncListResponse operations,
                     run.client.ListResyncs(request, limit));
    std::vector<std::string> names;
    for (const v1::Operation& operation : operations.operations()) {
      names.push_back(operation.id());
    }
    Answer answer = MakeAnswer<v1::ResyncListResponse>(
        std::move(operations),
        [](const v1::ResyncListResponse& all, const Look& look) {
          return OperationsTable(all, CommandRun::Now(), look);
        });
    answer.names = std::move(names);
    return answer;
  });
}

absl::StatusOr<ExitStatus> RunResyncShow(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::Operation operation,
                   run.client.GetResync(run.invocation.arguments[0]));
  ResyncView view;
  view.Take(operation);
  ShowOperation(run, view);
  return view.ended() ? view.status() : kDone;
}

absl::StatusOr<ExitStatus> RunResyncPause(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::Operation operation,
                   run.client.PauseResync(run.invocation.arguments[0]));
  ShowDone(run, operation, "paused; hosts under way finish");
  return kDone;
}

absl::StatusOr<ExitStatus> RunResyncResume(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::Operation operation,
                   run.client.ResumeResync(run.invocation.arguments[0]));
  ShowDone(run, operation, "goes on");
  return kDone;
}

absl::StatusOr<ExitStatus> RunResyncCancel(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::Operation operation,
                   run.client.CancelResync(run.invocation.arguments[0]));
  ShowDone(run, operation, "canceled; hosts under way finish");
  return kDone;
}

}  // namespace rehai::cli
