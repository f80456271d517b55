// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/watch_command.h"

#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/fleet_narrator.h"
#include "cli/structured_output.h"
#include "cli/table.h"

namespace rehai::cli {
namespace {

class WatchCommand {
 public:
  WatchCommand(OutputFormat format, Client& client, Console& console)
      : format_(format), client_(client), console_(console) {}

  // One stream. Its end, which is always an error.
  absl::Status RunStream(const v1::HostSelector& selector,
                         const std::string& filter, int64_t after) {
    narrator_.BeginStream(/*whole_state=*/after == 0);
    v1::FleetWatchRequest request;
    *request.mutable_selector() = selector;
    request.set_filter(filter);
    request.set_after_revision(after);
    const absl::Status end = client_.WatchFleet(
        request, [this](const v1::FleetWatchResponse& step) { Show(step); });
    if (!end.ok()) return end;
    return absl::UnavailableError("watch: the server ended it");
  }

  // Steps of the stream that runs or ran last, and the revision of the last one
  // of any.
  int steps() const { return steps_; }
  int64_t last_revision() const { return last_revision_; }

  // Waits longer after each failure in a row.
  void WaitBeforeRetry(int failures) {
    static const BackoffOptions kRetry{.min = absl::Seconds(1),
                                       .max = absl::Seconds(30)};
    const Clock& clock = Clock::Real();
    const absl::Duration due =
        clock.Uptime() + BackoffDelay(kRetry, failures, random_);
    Mutex mu;
    CondVar never;
    MutexLock lock(mu);
    while (clock.Uptime() < due) clock.WaitUntil(due, mu, never);
  }

  void ResetSteps() { steps_ = 0; }

 private:
  void Show(const v1::FleetWatchResponse& step) {
    ++steps_;
    last_revision_ = step.revision();
    if (format_ == OutputFormat::kJson) return console_.Print(ToJsonLine(step));
    if (format_ == OutputFormat::kYaml) {
      return console_.Print(absl::StrCat("---\n", ToYaml(step)));
    }
    const std::string time = absl::FormatTime("%H:%M:%S", Clock::Real().Now(),
                                              absl::LocalTimeZone());
    for (const NarratedLine& line : narrator_.Take(step)) {
      console_.PrintLine(Printable(absl::StrCat(time, "  ", line.node,
                                                line.node.empty() ? "" : "  ",
                                                line.change.text)),
                         line.change.colour);
    }
  }

  const OutputFormat format_;
  Client& client_;
  Console& console_;
  absl::BitGen random_;
  FleetNarrator narrator_;
  int steps_ = 0;
  int64_t last_revision_ = 0;
};

}  // namespace

absl::StatusOr<ExitStatus> RunWatch(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  ASSIGN_OR_RETURN(const v1::HostSelector selector,
                   ReadSelector(invocation, invocation.arguments));
  ASSIGN_OR_RETURN(int64_t after, ReadAfterRevision(invocation));
  WatchCommand watch(run.format, run.client, run.console);
  bool was_connected = false;
  for (int failures = 0;; ++failures) {
    watch.ResetSteps();
    const absl::Status end =
        watch.RunStream(selector, invocation.Get("filter"), after);
    if (watch.steps() > 0) {
      was_connected = true;
      failures = 0;
    }
    if (!was_connected) return end;
    if (absl::IsDeadlineExceeded(end)) return kDone;  // as long as was asked
    after = absl::IsOutOfRange(end) ? 0 : watch.last_revision();
    if (!absl::IsOutOfRange(end) && !absl::IsUnavailable(end)) return end;
    run.console.Complain(absl::StrCat(end.message(), "; watching again"));
    watch.WaitBeforeRetry(failures + 1);
  }
}

}  // namespace rehai::cli
