// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How many nodes a second the controller rewrites, beside the raw limit: the
// same requests by a bare load generator. docs/benchmarks.md says how to read
// it.

#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/bench/load_generator.h"
#include "tests/bench/result_line.h"
#include "tests/bench/round.h"
#include "tests/bench/sample_fleet.h"
#include "tests/bench/target.h"
#include "tests/bench/write_path.h"

ABSL_FLAG(std::vector<std::string>, fleets, {"300"},
          "Nodes of the fleet, all rewritten in each round; several: one after "
          "the other.");
ABSL_FLAG(int, goiardi_nodes, 200,
          "The most for goiardi, which takes bursts only: its index drains "
          "slower than it accepts.");
ABSL_FLAG(int, guests, 6, "Guests per host.");
ABSL_FLAG(std::vector<std::string>, sizes, {"10240"},
          "Bytes of a node; several: each with each fleet.");
ABSL_FLAG(int, connections, 8, "Connections, of the controller and raw.");
ABSL_FLAG(int, rounds, 7, "Measured rounds of each kind.");
ABSL_FLAG(std::string, target, "both", "\"standin\", \"goiardi\" or \"both\".");
ABSL_FLAG(std::string, stand_in_folder, "",
          "Not for you: this process is to be the stand-in server.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

// All rounds of one kind.
struct Series {
  std::vector<Round> rounds;

  double MedianOf(const std::function<double(const Round&)>& figure) const {
    std::vector<double> values;
    for (const Round& round : rounds) values.push_back(figure(round));
    return Median(values);
  }
};

double NodesPerSecond(const Round& round) {
  return round.writes.count() / absl::ToDoubleSeconds(round.elapsed);
}

double CpuMsPerNode(const Round& round) {
  return absl::ToDoubleMilliseconds(round.own_cpu) / round.writes.count();
}

double ServerCpuMsPerNode(const Round& round) {
  return absl::ToDoubleMilliseconds(round.server_cpu) / round.writes.count();
}

ordered_json ToJson(const Series& series) {
  Latencies writes;
  int64_t requests = 0, sent = 0, received = 0;
  ordered_json each = ordered_json::array();
  for (const Round& round : series.rounds) {
    writes.Add(round.writes);
    requests += round.requests;
    sent += round.body_bytes_sent;
    received += round.body_bytes_received;
    each.push_back(Rounded(NodesPerSecond(round)));
  }
  return {
      {"nodes_per_second", Rounded(series.MedianOf(NodesPerSecond))},
      {"nodes_per_second_of_rounds", each},
      {"write_ms", writes.ToJson()},
      {"cpu_ms_per_node", Rounded(series.MedianOf(CpuMsPerNode))},
      {"server_cpu_ms_per_node", Rounded(series.MedianOf(ServerCpuMsPerNode))},
      {"requests", requests},
      {"body_bytes_sent", sent},
      {"body_bytes_received", received}};
}

// Measures the controller and the raw load in turns against one server.
class Contest {
 public:
  Contest(std::string name, Target& target, const SampleFleet::Options& fleet)
      : name_(std::move(name)),
        target_(target),
        options_(fleet),
        fleet_(fleet),
        raw_fleet_(RawFleet(fleet)) {}

  absl::StatusOr<ordered_json> Run(int connections, int rounds) {
    RETURN_IF_ERROR(Prepare(connections));
    // The first of each warms up: it dials, and its nodes are new.
    for (int i = 0; i <= rounds; ++i) {
      ASSIGN_OR_RETURN(Round raw, RawRound());
      ASSIGN_OR_RETURN(Round controller, ControllerRound());
      Progress(
          absl::StrFormat("%s: round %d of %d: controller %.0f nodes/s, "
                          "raw %.0f nodes/s%s",
                          name_, i, rounds, NodesPerSecond(controller),
                          NodesPerSecond(raw), i == 0 ? " (warm-up)" : ""));
      if (i == 0) continue;
      raw_.rounds.push_back(std::move(raw));
      controller_.rounds.push_back(std::move(controller));
    }
    return Result();
  }

 private:
  // Nodes of its own: on the controller's it would be another writer, whom the
  // controller finds, repairs and reports.
  static SampleFleet::Options RawFleet(SampleFleet::Options fleet) {
    fleet.prefix = "rw";
    return fleet;
  }

  absl::Status Prepare(int connections) {
    std::vector<std::string> names;
    for (int host = 0; host < fleet_.hosts(); ++host) {
      names.push_back(fleet_.NodeName(host));
      for (const SampleFleet* const fleet : {&fleet_, &raw_fleet_}) {
        ASSIGN_OR_RETURN(const std::string node, fleet->Node(host));
        RETURN_IF_ERROR(
            target_.CreateNode(absl::string_view(node.data(), node.size())));
      }
    }
    ASSIGN_OR_RETURN(raw_path_,
                     LoadGenerator::Create(target_.account(), connections));
    ASSIGN_OR_RETURN(controller_path_,
                     WritePath::Create(target_.account(), connections,
                                       options_.renderings, names));
    return absl::OkStatus();
  }

  // What the controller will send in its next round, but for two stamps, made
  // beforehand.
  absl::StatusOr<Round> RawRound() {
    std::vector<LoadGenerator::NodeBody> nodes;
    for (int host = 0; host < fleet_.hosts(); ++host) {
      ASSIGN_OR_RETURN(
          std::string body,
          raw_fleet_.NodeWithGuests(host, next_round_, Clock::Real().Now()));
      nodes.push_back({raw_fleet_.NodeName(host), std::move(body)});
    }
    ++next_round_;
    return Measure([&] { return raw_path_->Run(nodes); });
  }

  absl::StatusOr<Round> ControllerRound() {
    std::vector<v1::Observation> observations;
    for (int host = 0; host < fleet_.hosts(); ++host) {
      observations.push_back(
          fleet_.Observation(host, next_round_, Clock::Real().Now()));
    }
    ++next_round_;
    return Measure([&] { return controller_path_->Run(observations); });
  }

  // Begins on a quiet server, so that no round pays for the one before it.
  absl::StatusOr<Round> Measure(
      const std::function<absl::StatusOr<Round>()>& run) {
    RETURN_IF_ERROR(AwaitQuiet(target_.pid(), absl::Minutes(2)));
    ASSIGN_OR_RETURN(const absl::Duration server_cpu, CpuTimeOf(target_.pid()));
    const absl::Duration own_cpu = OwnCpuTime();
    ASSIGN_OR_RETURN(Round round, run());
    round.own_cpu = OwnCpuTime() - own_cpu;
    ASSIGN_OR_RETURN(round.server_cpu, CpuTimeOf(target_.pid()));
    round.server_cpu -= server_cpu;
    return round;
  }

  ordered_json Result() const {
    return {
        {"nodes", fleet_.hosts()},
        {"node_bytes", options_.node_bytes},
        {"node_bytes_put", Rounded(controller_.MedianOf([](const Round& round) {
           return static_cast<double>(round.body_bytes_sent) /
                  round.writes.count();
         }))},
        {"controller", ToJson(controller_)},
        {"raw", ToJson(raw_)},
        {"ratio", Rounded(controller_.MedianOf(NodesPerSecond) /
                          raw_.MedianOf(NodesPerSecond))},
        {"cpu_ratio", Rounded(controller_.MedianOf(CpuMsPerNode) /
                              raw_.MedianOf(CpuMsPerNode))}};
  }

  const std::string name_;
  Target& target_;
  const SampleFleet::Options options_;
  const SampleFleet fleet_;      // the controller's
  const SampleFleet raw_fleet_;  // the load generator's
  int next_round_ = 0;
  std::unique_ptr<LoadGenerator> raw_path_;
  std::unique_ptr<WritePath> controller_path_;
  Series raw_;
  Series controller_;
};

absl::StatusOr<ordered_json> RunContest(const std::string& name, int nodes,
                                        int node_bytes) {
  SampleFleet::Options fleet;
  fleet.hosts = nodes;
  fleet.guests_per_host = absl::GetFlag(FLAGS_guests);
  fleet.node_bytes = node_bytes;
  fleet.renderings.kvm_extensions = true;
  // Afresh for each: none pays for what another has left behind.
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Target> target,
      name == "goiardi" ? StartGoiardi() : StartStandIn("/proc/self/exe"));
  return Contest(absl::StrCat(name, " ", nodes, " x ", node_bytes), *target,
                 fleet)
      .Run(absl::GetFlag(FLAGS_connections), absl::GetFlag(FLAGS_rounds));
}

absl::StatusOr<std::vector<int>> Numbers(
    absl::string_view flag, const std::vector<std::string>& texts) {
  std::vector<int> numbers;
  for (const std::string& text : texts) {
    int number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", flag, ": \"", text, "\" is not a number of 1 at least"));
    }
    numbers.push_back(number);
  }
  return numbers;
}

// Each size with each fleet.
absl::StatusOr<ordered_json> RunMatrix(const std::string& name,
                                       const std::vector<int>& sizes,
                                       const std::vector<int>& fleets) {
  ordered_json cells = ordered_json::array();
  for (const int size : sizes) {
    for (const int fleet : fleets) {
      ASSIGN_OR_RETURN(ordered_json cell, RunContest(name, fleet, size));
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

// The fleets that goiardi takes: none twice.
std::vector<int> WithinItsMeans(const std::vector<int>& fleets) {
  std::set<int> taken;
  for (const int fleet : fleets) {
    taken.insert(std::min(fleet, absl::GetFlag(FLAGS_goiardi_nodes)));
  }
  return {taken.begin(), taken.end()};
}

absl::StatusOr<ordered_json> Run() {
  const std::string target = absl::GetFlag(FLAGS_target);
  const bool both = target == "both";
  if (!both && target != "standin" && target != "goiardi") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--target=", target, ": there are standin, goiardi and both"));
  }
  for (const int value :
       {absl::GetFlag(FLAGS_goiardi_nodes), absl::GetFlag(FLAGS_connections),
        absl::GetFlag(FLAGS_rounds)}) {
    if (value < 1) {
      return absl::InvalidArgumentError(
          "--goiardi_nodes, --connections and --rounds are 1 at least");
    }
  }
  ASSIGN_OR_RETURN(const std::vector<int> sizes,
                   Numbers("sizes", absl::GetFlag(FLAGS_sizes)));
  ASSIGN_OR_RETURN(const std::vector<int> fleets,
                   Numbers("fleets", absl::GetFlag(FLAGS_fleets)));
  ordered_json result = {{"benchmark", "rewrite"},
                         {"machine", Machine()},
                         {"inputs",
                          {{"guests_per_node", absl::GetFlag(FLAGS_guests)},
                           {"connections", absl::GetFlag(FLAGS_connections)},
                           {"rounds", absl::GetFlag(FLAGS_rounds)},
                           {"requests_per_node", 2},
                           {"window_ms", 0}}}};
  if (both || target == "standin") {
    ASSIGN_OR_RETURN(result["standin"], RunMatrix("standin", sizes, fleets));
  }
  if (both || target == "goiardi") {
    ASSIGN_OR_RETURN(result["goiardi"],
                     RunMatrix("goiardi", sizes, WithinItsMeans(fleets)));
  }
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Rewrites all nodes of a fleet, by the controller's write path and by a "
      "bare load generator in turns.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  if (const std::string folder = absl::GetFlag(FLAGS_stand_in_folder);
      !folder.empty()) {
    return rehai::bench::ServeAsStandIn(folder).ok() ? 0 : 1;
  }
  return rehai::bench::Finish(rehai::bench::Run());
}
