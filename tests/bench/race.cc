// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What chef-client's runs do to what we write, and for how long: how long a
// node shows wrong guests after each run, how wide our own window is, and how
// many saves it rolls back. docs/benchmarks.md says how to read it.

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/host_refresh.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/chef_client_saver.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/race_fleet.h"
#include "tests/lab/race_log.h"

ABSL_FLAG(int, hosts, 4, "Hosts of the fleet.");
ABSL_FLAG(int, runs, 12, "chef-client runs of each host, of each kind.");
ABSL_FLAG(absl::Duration, run_interval, absl::Seconds(6),
          "Between two runs of a host; more than the sweep interval.");
ABSL_FLAG(absl::Duration, sweep_interval, absl::Seconds(4),
          "The controller's.");
ABSL_FLAG(absl::Duration, put_delay, absl::Milliseconds(200),
          "How much wider the window is made to count rolled-back saves.");
ABSL_FLAG(int, windows, 100, "Writes whose window is measured.");
ABSL_FLAG(int, node_bytes, 88'000, "Size of the node at which it is.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

// chef-client's default: a run every half hour.
constexpr absl::Duration kUsualInterval = absl::Minutes(30);

lab::ChefClientSaver::Options Savers(const lab::RaceFleet& fleet) {
  lab::ChefClientSaver::Options savers;
  savers.hosts = fleet.clients();
  savers.interval = absl::GetFlag(FLAGS_run_interval);
  savers.splay = absl::Seconds(1);
  savers.converge_min = absl::Milliseconds(100);
  savers.converge_max = absl::Seconds(1);
  savers.failed_share = savers.override_share = 0;
  savers.runs_per_host = absl::GetFlag(FLAGS_runs);
  return savers;
}

// Ours are in every node.
absl::Status AwaitWritten(lab::RaceFleet& fleet) {
  for (int i = 0; i < fleet.size(); ++i) {
    RETURN_IF_ERROR(lab::WaitUntil(absl::Seconds(30), [&]() -> absl::Status {
      ASSIGN_OR_RETURN(const std::string node,
                       fleet.chef().GetNode(fleet.node(i)));
      return absl::StrContains(node, "\"digest\":")
                 ? absl::OkStatus()
                 : absl::UnavailableError(absl::StrCat(
                       fleet.node(i), ": nothing of ours is in it"));
    }));
  }
  return absl::OkStatus();
}

// Waits until every node holds what its chef-client saved last, where that is
// to be put back: a rolled-back save that is not there then is left standing.
void AwaitLastSaves(lab::RaceFleet& fleet,
                    const std::vector<lab::ChefClientRun::Log>& runs) {
  std::map<std::string, std::string> last;
  for (const lab::ChefClientRun::Log& run : runs) {
    if (!run.saved.empty()) last[run.node] = run.ohai_time;
  }
  for (const auto& [node, ohai_time] : last) {
    (void)lab::WaitUntil(absl::Seconds(30), [&]() -> absl::Status {
      ASSIGN_OR_RETURN(const std::string document, fleet.chef().GetNode(node));
      return lab::OhaiTimeOf(document) == ohai_time
                 ? absl::OkStatus()
                 : absl::UnavailableError("not yet");
    });
  }
}

// How long each save's node was without our attributes: until they were back,
// or until the next run. Nothing is known of a host's last run if nothing came
// after it.
ordered_json StaleTimes(const lab::Race& race) {
  Latencies stale;
  absl::Duration stale_in_all;
  absl::Duration in_all;
  int repaired = 0;
  for (const lab::Save& save : race.saves) {
    if (save.repaired_at < save.superseded_at) ++repaired;
    const absl::Time until = std::min(save.repaired_at, save.superseded_at);
    if (until == absl::InfiniteFuture()) continue;
    stale.Add(until - save.end);
    if (save.superseded_at == absl::InfiniteFuture()) continue;
    stale_in_all += until - save.end;
    in_all += save.superseded_at - save.end;
  }
  return {{"saves", race.saves.size()},
          {"repaired", repaired},
          {"stale_ms", stale.ToJson()},
          {"stale_share", Rounded(absl::FDivDuration(stale_in_all, in_all))}};
}

// Guests stay as they are, so that nothing but a repair repairs.
absl::StatusOr<ordered_json> MeasureStaleTimes(
    const std::string& name, lab::RaceFleet::Options options) {
  Progress(absl::StrCat("stale times: ", name));
  const bool repairs = options.runs_report || options.sweep_interval != "0s";
  ASSIGN_OR_RETURN(const auto fleet, lab::RaceFleet::Start(std::move(options)));
  RETURN_IF_ERROR(AwaitWritten(*fleet));
  lab::ChefClientSaver savers(Savers(*fleet));
  if (!savers.AwaitEnd(absl::Minutes(10))) {
    return absl::DeadlineExceededError("the chef-clients do not end");
  }
  if (repairs) RETURN_IF_ERROR(AwaitWritten(*fleet));
  ASSIGN_OR_RETURN(const lab::Race race,
                   lab::JudgeRace(fleet->first(), savers.Runs(),
                                  fleet->proxy().Exchanges()));
  return StaleTimes(race);
}

// Guests change all the time, and each write's window is made wide.
absl::StatusOr<ordered_json> CountRolledBack(const std::string& name,
                                             lab::RaceFleet::Options options) {
  Progress(absl::StrCat("rolled-back saves: ", name));
  options.put_delay = absl::GetFlag(FLAGS_put_delay);
  ASSIGN_OR_RETURN(const auto fleet, lab::RaceFleet::Start(std::move(options)));
  RETURN_IF_ERROR(AwaitWritten(*fleet));
  const absl::Time begin = Clock::Real().Now();
  lab::ChefClientSaver savers(Savers(*fleet));
  for (int i = 0; !savers.AwaitEnd(absl::Milliseconds(250)); ++i) {
    RETURN_IF_ERROR(fleet->ChangeGuest(i % fleet->size()));
  }
  const absl::Time end = Clock::Real().Now();
  AwaitLastSaves(*fleet, savers.Runs());
  ASSIGN_OR_RETURN(const lab::Race race,
                   lab::JudgeRace(fleet->first(), savers.Runs(),
                                  fleet->proxy().Exchanges()));
  Latencies windows;
  absl::Duration open;
  for (const lab::Write& write : race.writes) {
    windows.Add(write.end - write.read_at);
    open += write.end - write.read_at;
  }
  int rolled_back = 0;
  int left = 0;
  for (const lab::Save& save : race.saves) {
    if (!save.rolled_back) continue;
    ++rolled_back;
    if (save.repaired_at == absl::InfiniteFuture()) ++left;
  }
  return ordered_json(
      {{"saves", race.saves.size()},
       {"writes", race.writes.size()},
       {"window_ms", windows.ToJson()},
       // So often a save of one host falls into a write of the same.
       {"expected", Rounded(absl::FDivDuration(open, end - begin) *
                            race.saves.size() / fleet->size())},
       {"rolled_back", rolled_back},
       {"left_standing", left}});
}

// A write's window on a quiet server, over TLS, with nothing in between.
absl::StatusOr<ordered_json> MeasureWindow() {
  Progress("the window");
  ASSIGN_OR_RETURN(const auto chef, lab::Goiardi::Start());
  ASSIGN_OR_RETURN(const auto libvirtd, lab::FlatLibvirtd::Start());
  const std::string node = SampleNode("hv1", absl::GetFlag(FLAGS_node_bytes));
  RETURN_IF_ERROR(
      chef->CreateNode(absl::string_view(node.data(), node.size())));
  ASSIGN_OR_RETURN(
      const auto refresh,
      HostRefresh::Create(libvirtd->uri(),
                          {.server_url = chef->url(),
                           .ca_file = chef->ca_file(),
                           .client_name = chef->admin_name(),
                           .client_key_file = chef->admin_key_file()},
                          "hv1"));
  RETURN_IF_ERROR(refresh->Run().status());
  Latencies windows;
  for (int i = 0; i < absl::GetFlag(FLAGS_windows); ++i) {
    RETURN_IF_ERROR(
        libvirtd->Virsh({i % 2 == 0 ? "suspend" : "resume", "test"}).status());
    // Without the index's work for the write before.
    RETURN_IF_ERROR(AwaitQuiet(chef->process().pid(), absl::Minutes(1)));
    ASSIGN_OR_RETURN(const RefreshCost cost, refresh->Run());
    windows.Add(cost.window);
  }
  const auto odds = [&](double percent) {
    return absl::FDivDuration(windows.Percentile(percent), kUsualInterval);
  };
  return ordered_json(
      {{"window_ms", windows.ToJson()},
       {"odds_per_write", {{"p50", odds(50)}, {"p99", odds(99)}}}});
}

absl::StatusOr<ordered_json> Run() {
  const int hosts = absl::GetFlag(FLAGS_hosts);
  if (hosts < 1 || absl::GetFlag(FLAGS_runs) < 1 ||
      absl::GetFlag(FLAGS_windows) < 1) {
    return absl::InvalidArgumentError(
        "--hosts, --runs and --windows are 1 at least");
  }
  const std::string interval =
      absl::FormatDuration(absl::GetFlag(FLAGS_sweep_interval));
  const lab::RaceFleet::Options nothing = {.hosts = hosts};
  const lab::RaceFleet::Options sweep = {.hosts = hosts,
                                         .sweep_interval = interval};
  const lab::RaceFleet::Options messages = {.hosts = hosts,
                                            .runs_report = true};
  ordered_json result = {
      {"benchmark", "race"},
      {"machine", Machine()},
      {"inputs",
       {{"hosts", hosts},
        {"runs_per_host", absl::GetFlag(FLAGS_runs)},
        {"run_interval_ms",
         RoundedMilliseconds(absl::GetFlag(FLAGS_run_interval))},
        {"sweep_interval_ms",
         RoundedMilliseconds(absl::GetFlag(FLAGS_sweep_interval))},
        {"put_delay_ms", RoundedMilliseconds(absl::GetFlag(FLAGS_put_delay))},
        {"node_bytes", absl::GetFlag(FLAGS_node_bytes)}}}};
  ASSIGN_OR_RETURN(result["window"], MeasureWindow());
  ordered_json& stale = result["stale"];
  ASSIGN_OR_RETURN(stale["nothing"], MeasureStaleTimes("nothing", nothing));
  ASSIGN_OR_RETURN(stale["sweep"], MeasureStaleTimes("sweep", sweep));
  ASSIGN_OR_RETURN(stale["messages"], MeasureStaleTimes("messages", messages));
  ordered_json& rolled_back = result["rolled_back"];
  ASSIGN_OR_RETURN(rolled_back["sweep"], CountRolledBack("sweep", sweep));
  ASSIGN_OR_RETURN(rolled_back["messages"],
                   CountRolledBack("messages", messages));
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Races chef-clients and the controller for a fleet's nodes.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
