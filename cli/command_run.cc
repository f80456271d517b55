// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_run.h"

#include <algorithm>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "cli/structured_output.h"

namespace rehai::cli {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(2);
// Changes come in crowds; one look shows many.
constexpr absl::Duration kGap = absl::Milliseconds(200);

std::string Lines(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    absl::StrAppend(&out, Printable(name), "\n");
  }
  return out;
}

// One line for each answer, so that who reads them knows where each ends.
std::string StreamText(const google::protobuf::Message& message,
                       OutputFormat format) {
  return format == OutputFormat::kJson ? ToJsonLine(message)
                                       : absl::StrCat("---\n", ToYaml(message));
}

class AnswerWatch {
 public:
  AnswerWatch(const CommandRun& run,
              const std::function<absl::StatusOr<Answer>()>& ask,
              const v1::HostSelector* watched, absl::Duration interval)
      : run_(run), ask_(ask), watched_(watched), interval_(interval) {}

  absl::StatusOr<ExitStatus> Run() {
    bool shown = false;
    for (int failures = 0; clock_.Uptime() < end_;) {
      absl::StatusOr<Answer> answer = ask_();
      absl::Status trouble = answer.status();
      if (trouble.ok()) {
        RETURN_IF_ERROR(ShowAnswer(*answer));
        shown = true;
        trouble = AwaitChange(answer->revision);
      }
      if (trouble.ok()) {
        failures = 0;
        continue;
      }
      const bool passes =
          absl::IsUnavailable(trouble) || absl::IsDeadlineExceeded(trouble);
      if (!shown || !passes) return trouble;
      if (clock_.Uptime() >= end_) break;
      run_.console.Complain(
          absl::StrCat(trouble.message(), "; watching again"));
      static const BackoffOptions kRetry{.min = absl::Seconds(1),
                                         .max = absl::Seconds(30)};
      Sleep(BackoffDelay(kRetry, ++failures, random_));
    }
    return kDone;
  }

 private:
  absl::Status ShowAnswer(const Answer& answer) {
    if (!run_.console.live()) {
      std::string gist = answer.gist.value_or("");
      if (!answer.gist) answer.message->SerializeToString(&gist);
      if (last_gist_ == gist) return absl::OkStatus();
      last_gist_ = gist;
    }
    if (IsStructured(run_.format)) {
      run_.console.Print(StreamText(*answer.message, run_.format));
      return absl::OkStatus();
    }
    if (run_.format == OutputFormat::kName) return Show(run_, answer);
    const std::string text = absl::StrCat(
        "rehaictl ", run_.invocation.command, "  ",
        absl::FormatTime("%Y-%m-%d %H:%M:%S", run_.Now(),
                         absl::LocalTimeZone()),
        "\n\n", answer.table(run_.look()), run_.console.live() ? "" : "\n");
    run_.console.Redraw(text);
    return absl::OkStatus();
  }

  // Ok when it is time to ask again.
  absl::Status AwaitChange(int64_t revision) {
    if (watched_ == nullptr) {
      Sleep(interval_);
      return absl::OkStatus();
    }
    Sleep(kGap);
    v1::FleetWatchRequest request;
    *request.mutable_selector() = *watched_;
    request.set_after_revision(revision);
    // Ages on a terminal go on though nothing changes.
    if (run_.console.live()) {
      *request.mutable_bookmark_interval() =
          ToProto(std::max(interval_, absl::Seconds(1)));
    }
    const absl::Status end = run_.client.AwaitFleetChange(request);
    // Too old a revision: all may have changed.
    return absl::IsOutOfRange(end) ? absl::OkStatus() : end;
  }

  void Sleep(absl::Duration span) {
    const absl::Duration due = std::min(end_, clock_.Uptime() + span);
    Mutex mu;
    CondVar never;
    MutexLock lock(mu);
    while (clock_.Uptime() < due) clock_.WaitUntil(due, mu, never);
  }

  const CommandRun& run_;
  const std::function<absl::StatusOr<Answer>()>& ask_;
  const v1::HostSelector* const watched_;
  const absl::Duration interval_;
  Clock& clock_ = Clock::Real();
  const absl::Duration end_ = clock_.Uptime() + run_.watch_timeout;
  absl::BitGen random_;
  std::optional<std::string> last_gist_;
};

}  // namespace

Look CommandRun::look() const {
  Look look = console.look();
  look.wide = format == OutputFormat::kWide;
  return look;
}

absl::Time CommandRun::Now() { return Clock::Real().Now(); }

absl::Status Show(const CommandRun& run, const Answer& answer) {
  switch (run.format) {
    case OutputFormat::kJson:
      run.console.Print(ToJson(*answer.message));
      break;
    case OutputFormat::kYaml:
      run.console.Print(ToYaml(*answer.message));
      break;
    case OutputFormat::kName:
      if (!answer.names) {
        return absl::InvalidArgumentError(
            absl::StrCat("--output name: ", run.invocation.command,
                         " is not a list; table, json or yaml"));
      }
      run.console.Print(Lines(*answer.names));
      break;
    default:
      run.console.Print(answer.table(run.look()));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitStatus> ShowOrWatch(
    const CommandRun& run, const std::function<absl::StatusOr<Answer>()>& ask,
    const v1::HostSelector* watched) {
  ASSIGN_OR_RETURN(const absl::Duration interval,
                   ReadSpan(run.invocation, "interval", kInterval));
  if (run.invocation.Has("watch")) {
    return AnswerWatch(run, ask, watched, interval).Run();
  }
  if (run.invocation.Has("interval")) {
    return absl::InvalidArgumentError("--interval: only with --watch");
  }
  ASSIGN_OR_RETURN(const Answer answer, ask());
  RETURN_IF_ERROR(Show(run, answer));
  return answer.status;
}

}  // namespace rehai::cli
