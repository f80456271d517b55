// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A whole site: hundreds of real libvirt daemons behind sshds, the controller
// as operators run it, a stand-in Chef server, and guests that change all the
// time. docs/benchmarks.md says how to read it.

#include "tests/fleet/fleet.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/fleet_reader.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/lab/churn.h"
#include "tests/lab/process.h"

ABSL_FLAG(std::vector<std::string>, hosts, std::vector<std::string>({"300"}),
          "Sizes of the fleet, measured one after the other: 100,300,500.");
ABSL_FLAG(int, guests, 30, "Guests per host.");
ABSL_FLAG(int, seconds, 30, "How long guests change.");
ABSL_FLAG(double, changes_per_second, 20, "Over the whole fleet.");
ABSL_FLAG(int, node_bytes, 10240, "Of a node without what is Rehai's.");
ABSL_FLAG(absl::Duration, window, absl::Milliseconds(200),
          "The controller's coalescing window.");
ABSL_FLAG(int, workers, 8, "The controller's pull.workers.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr absl::Duration kPatience = absl::Minutes(5);

std::string NodeDocument(const std::string& name) {
  return SampleNode(name, absl::GetFlag(FLAGS_node_bytes));
}

double Seconds(absl::Duration duration) {
  return Rounded(absl::ToDoubleSeconds(duration));
}

ordered_json ToJson(const fleet::Footprint& footprint) {
  return {{"threads", footprint.threads},
          {"descriptors", footprint.descriptors},
          {"children", footprint.children.size()},
          {"resident_kib", footprint.resident_kib},
          {"private_kib", footprint.private_kib},
          {"children_private_kib", footprint.children_private_kib}};
}

// How long changes took to show in one place. Those that another change of the
// same guest overtook need not show.
class Visibility {
 public:
  // `shown` is when, if ever; `next` is when the guest was changed again.
  void Add(const lab::Change& change, std::optional<absl::Duration> shown,
           absl::Duration next) {
    if (shown.has_value() && *shown < next) {
      since_confirmed_.Add(
          std::max(*shown - change.confirmed, absl::ZeroDuration()));
    } else if (next < absl::InfiniteDuration()) {
      ++overtaken_;
    } else {
      ++missing_;
    }
  }

  ordered_json ToJson() const {
    ordered_json json = since_confirmed_.ToJson();
    json["overtaken"] = overtaken_;
    json["missing"] = missing_;
    return json;
  }

 private:
  Latencies since_confirmed_;
  int overtaken_ = 0;
  int missing_ = 0;
};

// A fleet of one size, measured.
class Cell {
 public:
  explicit Cell(int hosts) : hosts_(hosts) {}

  absl::StatusOr<ordered_json> Run() {
    Progress(absl::StrCat("starting ", hosts_, " hosts"));
    const absl::Duration begun = Now();
    ASSIGN_OR_RETURN(
        fleet_,
        fleet::Fleet::Start(
            {.hosts = hosts_,
             .guests = absl::GetFlag(FLAGS_guests),
             .pull = absl::StrCat("  workers: ", absl::GetFlag(FLAGS_workers),
                                  "\n"),
             .window = absl::FormatDuration(absl::GetFlag(FLAGS_window)),
             .node = NodeDocument}));
    result_ = {{"hosts", hosts_},
               {"guests", hosts_ * absl::GetFlag(FLAGS_guests)},
               {"lab_start_seconds", Seconds(Now() - begun)}};
    RETURN_IF_ERROR(MeasureOneHost());
    RETURN_IF_ERROR(MeasureColdStart());
    RETURN_IF_ERROR(MeasureChanges());
    RETURN_IF_ERROR(MeasureWarmReads());
    RETURN_IF_ERROR(MeasureStorm());
    return result_;
  }

 private:
  static absl::Duration Now() { return Clock::Real().Uptime(); }

  absl::StatusOr<absl::Duration> ControllerCpu() {
    return CpuTimeOf(fleet_->controller().process().pid());
  }

  // The records and Chef show every guest as it is. A fleet of hundreds is
  // never quite without keepalives and readings, so there is no quiet to wait
  // for.
  absl::Status AwaitAllShown() {
    return fleet_->AwaitTruth(fleet_->Truth(), kPatience);
  }

  // What the controller takes before it has a fleet to speak of.
  absl::Status MeasureOneHost() {
    RETURN_IF_ERROR(fleet_->StartController(/*hosts=*/1));
    RETURN_IF_ERROR(fleet_->AwaitCurrent(kPatience));
    ASSIGN_OR_RETURN(one_host_, fleet_->ControllerFootprint());
    result_["one_host"] = ToJson(one_host_);
    fleet_->StopController();
    return absl::OkStatus();
  }

  // From the program's start to every host's first complete reading, over ssh.
  absl::Status MeasureColdStart() {
    Progress("cold start");
    const absl::Duration begun = Now();
    RETURN_IF_ERROR(fleet_->StartController());
    RETURN_IF_ERROR(fleet_->AwaitCurrent(kPatience));
    const absl::Duration took = Now() - begun;
    ASSIGN_OR_RETURN(const absl::Duration cpu, ControllerCpu());
    result_["cold_start"] = {{"seconds", Seconds(took)},
                             {"controller_cpu_seconds", Seconds(cpu)}};
    // Chef's first sight of everything, and its memory, are not the start's.
    RETURN_IF_ERROR(AwaitAllShown());
    return MeasureFootprint("quiet");
  }

  absl::Status MeasureFootprint(const char* name) {
    ASSIGN_OR_RETURN(const fleet::Footprint now, fleet_->ControllerFootprint());
    ordered_json json = ToJson(now);
    const int more = std::max(hosts_ - 1, 1);
    json["private_kib_per_host"] = Rounded(
        static_cast<double>(now.private_kib - one_host_.private_kib) / more);
    json["child_private_kib_per_host"] =
        Rounded(static_cast<double>(now.children_private_kib) / hosts_);
    result_[name] = std::move(json);
    return absl::OkStatus();
  }

  absl::Status MeasureChanges() {
    Progress(absl::StrCat("changing guests for ", absl::GetFlag(FLAGS_seconds),
                          " s"));
    lab::Churn::Options options;
    options.changes_per_second = absl::GetFlag(FLAGS_changes_per_second);
    ASSIGN_OR_RETURN(const auto churn,
                     lab::Churn::Start(fleet_->hosts(), options));
    const absl::Duration begun = Now();
    ASSIGN_OR_RETURN(const absl::Duration cpu_before, ControllerCpu());
    const int writes_before = fleet_->chef().log().writes();
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_seconds)));
    churn->Stop();
    const absl::Duration took = Now() - begun;
    ASSIGN_OR_RETURN(const absl::Duration cpu_after, ControllerCpu());
    RETURN_IF_ERROR(churn->status());
    RETURN_IF_ERROR(fleet_->AwaitTruth(churn->Truth(), kPatience));
    const std::vector<lab::Change> changes = churn->Take();
    RETURN_IF_ERROR(AwaitUndefined(changes));
    ordered_json json = {
        {"made", changes.size()},
        {"per_second", Rounded(changes.size() / absl::ToDoubleSeconds(took))},
        {"controller_cpu_share",
         Rounded(absl::FDivDuration(cpu_after - cpu_before, took))},
        {"writes", fleet_->chef().log().writes() - writes_before},
        {"vanished", CountVanished(changes)}};
    AddVisibility(changes, json);
    result_["changes"] = std::move(json);
    return MeasureFootprint("after_changes");
  }

  // Until those that were undefined are shown to be gone: the truth does not
  // have them, so it was not waited for.
  absl::Status AwaitUndefined(const std::vector<lab::Change>& changes) {
    return lab::WaitUntil(kPatience, [&]() -> absl::Status {
      std::set<std::string> changed_later;
      for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        if (!changed_later.insert(change->uuid).second) continue;
        if (change->after.has_value()) continue;
        if (!ShownInRecord(*change).has_value() ||
            !ShownInChef(*change).has_value()) {
          return absl::UnavailableError(absl::StrCat(
              change->guest, " is still in ", change->node, " or its record"));
        }
      }
      return absl::OkStatus();
    });
  }

  // Guests that were shown nowhere, but for those that were undefined.
  int CountVanished(const std::vector<lab::Change>& changes) {
    std::set<std::string> undefined;
    for (const lab::Change& change : changes) {
      if (!change.after.has_value()) undefined.insert(change.uuid);
    }
    int count = 0;
    for (const auto& vanishing : fleet_->recorder().vanishings()) {
      if (!undefined.contains(vanishing.uuid)) ++count;
    }
    return count;
  }

  void AddVisibility(const std::vector<lab::Change>& changes,
                     ordered_json& json) {
    Visibility record;
    Visibility chef;
    std::map<std::string, absl::Duration> next;  // by UUID
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
      const auto again = next.find(change->uuid);
      const absl::Duration until =
          again == next.end() ? absl::InfiniteDuration() : again->second;
      record.Add(*change, ShownInRecord(*change), until);
      chef.Add(*change, ShownInChef(*change), until);
      next[change->uuid] = change->begun;
    }
    json["event_to_record_ms"] = record.ToJson();
    json["event_to_chef_ms"] = chef.ToJson();
  }

  std::optional<absl::Duration> ShownInRecord(const lab::Change& change) {
    std::optional<v1::GuestState> state;
    if (change.after.has_value()) state = fleet::ApiState(*change.after);
    return fleet_->recorder().ShownAt(change.node, change.uuid, state,
                                      change.begun);
  }

  std::optional<absl::Duration> ShownInChef(const lab::Change& change) {
    fleet::WriteLog::State state;
    if (change.after.has_value()) state = fleet::ChefState(*change.after);
    return fleet_->chef().log().ShownAt(change.node, change.uuid, state,
                                        change.begun);
  }

  // The controller's reader in this process, beside the controller's own
  // connections, which have nothing to do.
  absl::Status MeasureWarmReads() {
    Progress("warm reads");
    std::vector<std::string> uris;
    for (lab::Host* host : fleet_->hosts()) uris.push_back(host->uri());
    FleetReader reader(uris, absl::GetFlag(FLAGS_workers));
    // What the cold start cannot be faster than: as many dials and readings,
    // as many at once, and nothing made of them.
    ASSIGN_OR_RETURN(const Cost bare, Measure([&]() -> absl::Status {
                       RETURN_IF_ERROR(reader.DialAll());
                       return reader.RereadAll();
                     }));
    ASSIGN_OR_RETURN(const Cost check,
                     MeasureRounds(5, [&] { return reader.CheckAll(); }));
    ASSIGN_OR_RETURN(const Cost reread,
                     MeasureRounds(3, [&] { return reader.RereadAll(); }));
    result_["bare_dials_and_reads"] = bare.ToJson();
    result_["cold_start"]["over_bare"] =
        Rounded(result_["cold_start"]["seconds"].get<double>() /
                absl::ToDoubleSeconds(bare.wall));
    result_["warm_check"] = check.ToJson();
    result_["warm_reread"] = reread.ToJson();
    return absl::OkStatus();
  }

  // Every ssh ends at once.
  absl::Status MeasureStorm() {
    Progress("reconnect storm");
    ASSIGN_OR_RETURN(const fleet::Footprint before,
                     fleet_->ControllerFootprint());
    const absl::Duration begun = Now();
    for (const pid_t child : before.children) kill(child, SIGKILL);
    RETURN_IF_ERROR(fleet_->recorder().Await(
        kPatience, [this](const fleet::Recorder::Records& records) {
          return fleet::AreCurrent(records, hosts_).ok()
                     ? absl::UnavailableError("nobody has noticed")
                     : absl::OkStatus();
        }));
    RETURN_IF_ERROR(fleet_->AwaitCurrent(kPatience));
    result_["storm"] = {{"seconds", Seconds(Now() - begun)},
                        {"connections", before.children.size()}};
    RETURN_IF_ERROR(AwaitAllShown());
    return MeasureFootprint("after_storm");
  }

  const int hosts_;
  std::unique_ptr<fleet::Fleet> fleet_;
  fleet::Footprint one_host_;
  ordered_json result_;
};

absl::StatusOr<std::vector<int>> Sizes() {
  std::vector<int> sizes;
  for (const std::string& text : absl::GetFlag(FLAGS_hosts)) {
    int hosts = 0;
    if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()),
                          &hosts) ||
        hosts < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--hosts: \"", text, "\" is no size; write it like 100,300,500"));
    }
    sizes.push_back(hosts);
  }
  return sizes;
}

// One size in a process of its own, which is to begin with no libvirt
// connection, no file and no memory of another's.
absl::StatusOr<ordered_json> RunApart(const std::string& program,
                                      std::vector<std::string> flags,
                                      int hosts) {
  flags.insert(flags.begin(), program);
  flags.push_back(absl::StrCat("--hosts=", hosts));
  Progress(absl::StrCat(hosts, " hosts, in a process of their own"));
  ASSIGN_OR_RETURN(
      const std::string line,
      lab::OutputOf({.argv = std::move(flags)}, "", absl::Minutes(15)));
  const ordered_json result =
      ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (result.is_discarded()) {
    return absl::InternalError(absl::StrCat(hosts, " hosts: printed ", line));
  }
  return result["fleets"][0];
}

absl::StatusOr<ordered_json> Run(const std::string& program,
                                 const std::vector<std::string>& flags) {
  ASSIGN_OR_RETURN(const std::vector<int> sizes, Sizes());
  ordered_json cells = ordered_json::array();
  for (const int hosts : sizes) {
    ASSIGN_OR_RETURN(ordered_json cell, sizes.size() == 1
                                            ? Cell(hosts).Run()
                                            : RunApart(program, flags, hosts));
    cells.push_back(std::move(cell));
  }
  return ordered_json(
      {{"benchmark", "fleet"},
       {"machine", Machine()},
       {"inputs",
        {{"guests_per_host", absl::GetFlag(FLAGS_guests)},
         {"seconds", absl::GetFlag(FLAGS_seconds)},
         {"changes_per_second", absl::GetFlag(FLAGS_changes_per_second)},
         {"node_bytes", absl::GetFlag(FLAGS_node_bytes)},
         {"workers", absl::GetFlag(FLAGS_workers)},
         {"window", absl::FormatDuration(absl::GetFlag(FLAGS_window))}}},
       {"fleets", std::move(cells)}});
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures the controller on a fleet of real libvirt daemons.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  // The last --hosts counts.
  return rehai::bench::Finish(rehai::bench::Run(
      argv[0], std::vector<std::string>(argv + 1, argv + argc)));
}
