// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Real parts under everything at once, for minutes or hours; docs/testing.md
// says how to run it and to read what it prints. Ends with 1 if a promise was
// broken, and with 2 if the soak itself failed.

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/fault/faulty_proxy.h"
#include "tests/fault/soak_site.h"
#include "tests/lab/ending_signals.h"
#include "tests/lab/process.h"

ABSL_FLAG(double, minutes, 10, "How long everybody is at it.");
ABSL_FLAG(int, hosts, 6, "Hypervisors of the fleet.");
ABSL_FLAG(int, guests, 8, "Guests of each at first.");
ABSL_FLAG(uint64_t, seed, 1, "Of all that is drawn.");
ABSL_FLAG(double, changes, 2, "Changes of guests per second.");
ABSL_FLAG(absl::Duration, kill_interval, absl::Seconds(20),
          "Between two kills of the controller, half of it to one and a half. "
          "0: it is not killed.");
ABSL_FLAG(absl::Duration, run_interval, absl::Seconds(15),
          "Between two chef-client runs of a host.");
ABSL_FLAG(absl::Duration, edit_interval, absl::Seconds(2),
          "Between two edits of a node by people.");
ABSL_FLAG(double, late, 0.05, "Share of Chef requests that arrive late.");
ABSL_FLAG(absl::Duration, longest_delay, absl::Seconds(3), "So late at most.");
ABSL_FLAG(double, reset, 0.04,
          "Share of Chef requests that end with a reset: half of them before "
          "the server knows, half after.");
ABSL_FLAG(double, error, 0.06,
          "Share of Chef requests that are answered 429 or 5xx: half of them "
          "before the server knows, half after.");
ABSL_FLAG(double, truncated, 0.02,
          "Share of Chef requests whose answers end halfway.");
ABSL_FLAG(std::string, keep_log, "",
          "Where to copy the controller's log to, if a promise was broken.");

namespace rehai::fault {
namespace {

using nlohmann::ordered_json;

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kProgress = absl::Seconds(10);
// With nobody at it any more, Chef is as the hypervisors are within this.
constexpr absl::Duration kConverges = absl::Minutes(2);
// And then there are no writes for so long.
constexpr absl::Duration kQuiet = absl::Seconds(12);
constexpr size_t kMostShown = 20;

void Progress(const std::string& line) {
  fprintf(stderr, "%s\n", line.c_str());
  fflush(stderr);
}

SoakSite::Options SiteOptions() {
  using Fault = FaultyProxy::Fault;
  const double reset = absl::GetFlag(FLAGS_reset);
  const double error = absl::GetFlag(FLAGS_error);
  return {.hosts = absl::GetFlag(FLAGS_hosts),
          .guests = absl::GetFlag(FLAGS_guests),
          .seed = absl::GetFlag(FLAGS_seed),
          .changes_per_second = absl::GetFlag(FLAGS_changes),
          .edit_interval = absl::GetFlag(FLAGS_edit_interval),
          .run_interval = absl::GetFlag(FLAGS_run_interval),
          .fault_shares = {{Fault::kLate, absl::GetFlag(FLAGS_late)},
                           {Fault::kResetBefore, reset / 2},
                           {Fault::kResetAfter, reset / 2},
                           {Fault::kRefused, error / 2},
                           {Fault::kErrorAfter, error / 2},
                           {Fault::kTruncated, absl::GetFlag(FLAGS_truncated)}},
          .longest_delay = absl::GetFlag(FLAGS_longest_delay)};
}

absl::Status CheckFlags() {
  const double faults = absl::GetFlag(FLAGS_late) + absl::GetFlag(FLAGS_reset) +
                        absl::GetFlag(FLAGS_error) +
                        absl::GetFlag(FLAGS_truncated);
  if (absl::GetFlag(FLAGS_hosts) < 1 || absl::GetFlag(FLAGS_guests) < 1 ||
      absl::GetFlag(FLAGS_minutes) <= 0) {
    return absl::InvalidArgumentError(
        "--hosts and --guests are 1 at least, --minutes more than 0");
  }
  if (faults < 0 || faults > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--late, --reset, --error and --truncated are shares of all requests, "
        "together 1 at most, and are ",
        faults));
  }
  return absl::OkStatus();
}

class Soak {
 public:
  explicit Soak(std::unique_ptr<SoakSite> site)
      : site_(std::move(site)), random_(absl::GetFlag(FLAGS_seed)) {}

  // The summary. An error: the soak itself failed.
  absl::StatusOr<ordered_json> Run(const lab::EndingSignals& signals) {
    const absl::Duration begin = Clock::Real().Uptime();
    const absl::Duration end =
        begin + absl::Minutes(absl::GetFlag(FLAGS_minutes));
    RETURN_IF_ERROR(site_->Begin());
    absl::Duration kill_at = begin + NextKill();
    absl::Duration progress_at = begin + kProgress;
    while (Clock::Real().Uptime() < end && !signals.Pending()) {
      Pause(kTick);
      if (!site_->ControllerRuns()) {
        breaks_.push_back("the controller ended by itself; see its log");
        RETURN_IF_ERROR(site_->Revive());
      }
      (void)site_->Poll();
      const absl::Duration now = Clock::Real().Uptime();
      if (now >= kill_at) {
        RETURN_IF_ERROR(Kill());
        kill_at = Clock::Real().Uptime() + NextKill();
      }
      if (now >= progress_at) {
        Progress(absl::StrCat(
            absl::FormatDuration(absl::Floor(now - begin, absl::Seconds(1))),
            ": ", Counts().dump()));
        progress_at = now + kProgress;
      }
    }
    took_ = Clock::Real().Uptime() - begin;
    site_->Quiet();
    RETURN_IF_ERROR(site_->Troubles());
    RETURN_IF_ERROR(JudgeEnd());
    return Summary();
  }

  bool has_broken() const { return !breaks_.empty(); }
  const std::vector<std::string>& breaks() const { return breaks_; }
  SoakSite& site() { return *site_; }

 private:
  absl::Duration NextKill() {
    const absl::Duration interval = absl::GetFlag(FLAGS_kill_interval);
    if (interval <= absl::ZeroDuration()) return absl::InfiniteDuration();
    return interval * (0.5 + static_cast<double>(random_() % 1000) / 1000);
  }

  static void Pause(absl::Duration time) {
    (void)lab::WaitUntil(
        time, [] { return absl::UnavailableError("the time is not over"); },
        absl::Milliseconds(100));
  }

  absl::Status Kill() {
    RETURN_IF_ERROR(site_->KillController());
    ++kills_;
    // Things happen that it does not see.
    Pause(absl::Milliseconds(random_() % 3000));
    RETURN_IF_ERROR(site_->Revive());
    ++restarts_;
    return absl::OkStatus();
  }

  absl::Status JudgeEnd() {
    Progress("all is quiet; Chef is compared with libvirt");
    const absl::Duration begin = Clock::Real().Uptime();
    std::vector<std::string> wrong;
    (void)lab::WaitUntil(
        kConverges,
        [&] {
          wrong = site_->WrongNodes();
          return wrong.empty() ? absl::OkStatus()
                               : absl::UnavailableError(wrong[0]);
        },
        absl::Milliseconds(200));
    converged_in_ = Clock::Real().Uptime() - begin;
    Add("promise 3: ", wrong);
    ASSIGN_OR_RETURN(const std::vector<std::string> lost, site_->LostEdits());
    Add("promise 2: ", lost);
    Add("promise 3, after a resync: ", site_->WrongNodes());
    if (const int64_t writes = site_->WritesWithin(kQuiet); writes > 0) {
      breaks_.push_back(
          absl::StrCat("promise 5: ", writes, " writes, and nothing changes"));
    }
    Add("promise 1 or 2: ", site_->BadWrites());
    (void)site_->Poll();
    return absl::OkStatus();
  }

  void Add(const std::string& promise, const std::vector<std::string>& broken) {
    for (const std::string& what : broken) {
      breaks_.push_back(absl::StrCat(promise, what));
    }
  }

  ordered_json Counts() const {
    const SoakSite::Counts counts = site_->counts();
    ordered_json faults = ordered_json::object();
    const auto injected = site_->proxy().injected();
    for (const FaultyProxy::Fault fault : FaultyProxy::kFaults) {
      const auto count = injected.find(fault);
      faults[NameOf(fault)] = count == injected.end() ? 0 : count->second;
    }
    return {{"requests", site_->proxy().requests()},
            {"faults", std::move(faults)},
            {"kills", kills_},
            {"restarts", restarts_},
            {"changes", site_->changes()},
            {"saves", site_->saves()},
            {"edits", site_->edits()},
            {"writes", site_->writes()},
            {"repairs", counts.repairs},
            {"restored", counts.restored},
            {"retries", counts.retries}};
  }

  ordered_json Summary() const {
    ordered_json summary = {{"soak",
                             {{"hosts", absl::GetFlag(FLAGS_hosts)},
                              {"seed", absl::GetFlag(FLAGS_seed)},
                              {"seconds", absl::ToInt64Seconds(took_)}}}};
    summary.update(Counts());
    summary["rolled_back"] = site_->rolled_back();
    summary["converged_ms"] = absl::ToInt64Milliseconds(converged_in_);
    summary["breaks"] = breaks_.size();
    return summary;
  }

  const std::unique_ptr<SoakSite> site_;
  std::mt19937_64 random_;
  std::vector<std::string> breaks_;
  absl::Duration took_;
  absl::Duration converged_in_;
  int kills_ = 0;
  int restarts_ = 0;
};

int RunSoak(const lab::EndingSignals& signals) {
  constexpr int kBroken = 1;
  constexpr int kFailed = 2;
  const auto fail = [](const absl::Status& status) {
    fprintf(stderr, "soak: %s\n", status.ToString().c_str());
    return kFailed;
  };
  if (const absl::Status flags = CheckFlags(); !flags.ok()) return fail(flags);
  auto site = SoakSite::Start(SiteOptions());
  if (!site.ok()) return fail(site.status());
  Soak soak(*std::move(site));
  const absl::StatusOr<ordered_json> summary = soak.Run(signals);
  for (size_t i = 0; i < std::min(soak.breaks().size(), kMostShown); ++i) {
    Progress(absl::StrCat("BROKEN: ", soak.breaks()[i]));
  }
  const std::string keep = absl::GetFlag(FLAGS_keep_log);
  if (!keep.empty() && (soak.has_broken() || !summary.ok())) {
    const auto log = ReadFile(soak.site().log_file());
    if (log.ok()) {
      (void)WriteFileAtomically(
          keep, absl::string_view(log->data(), log->size()), 0644);
    }
  }
  if (!summary.ok()) return fail(summary.status());
  printf("%s\n", summary->dump().c_str());
  return soak.has_broken() ? kBroken : 0;
}

}  // namespace
}  // namespace rehai::fault

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Soaks the controller among changing hypervisors, chef-clients, people "
      "and a Chef server behind a bad network, and kills it now and then.");
  absl::ParseCommandLine(argc, argv);
  const rehai::lab::EndingSignals signals;
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::fault::RunSoak(signals);
}
