// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/cpu_time.h"

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::bench {
namespace {

absl::Duration UsedBy(int who) {
  rusage usage = {};
  getrusage(who, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

}  // namespace

absl::Duration OwnCpuTime() { return UsedBy(RUSAGE_SELF); }

absl::Duration CpuTimeOfChildren() { return UsedBy(RUSAGE_CHILDREN); }

absl::StatusOr<absl::Duration> CpuTimeOf(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string stat,
                   ReadFile(absl::StrCat("/proc/", pid, "/stat")));
  // "PID (NAME) STATE ...", and the name may hold anything. After it, utime and
  // stime are the 12th and the 13th (proc(5) counts from the PID: 14, 15).
  const std::vector<std::string> fields =
      absl::StrSplit(stat.substr(stat.rfind(')') + 2), ' ');
  int64_t user = 0;
  int64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) ||
      !absl::SimpleAtoi(fields[12], &system)) {
    return absl::InternalError(
        absl::StrCat("process ", pid, ": cannot read its stat: ", stat));
  }
  return absl::Seconds(user + system) / sysconf(_SC_CLK_TCK);
}

absl::Status AwaitQuiet(pid_t pid, absl::Duration timeout) {
  constexpr absl::Duration kLook = absl::Milliseconds(500);
  constexpr absl::Duration kQuiet = absl::Milliseconds(20);
  const Clock& clock = Clock::Real();
  const absl::Duration deadline = clock.Uptime() + timeout;
  ASSIGN_OR_RETURN(absl::Duration before, CpuTimeOf(pid));
  while (clock.Uptime() < deadline) {
    absl::SleepFor(kLook);
    ASSIGN_OR_RETURN(const absl::Duration now, CpuTimeOf(pid));
    if (now - before <= kQuiet) return absl::OkStatus();
    before = now;
  }
  return absl::DeadlineExceededError(
      absl::StrCat("process ", pid, ": still busy after ",
                   absl::FormatDuration(timeout), "; give it fewer nodes"));
}

}  // namespace rehai::bench
