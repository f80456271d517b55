// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What it costs to read a whole fleet: the controller's own reader, on a real
// libvirt daemon per host, beside virsh told to do the same work.
// docs/benchmarks.md says how to read it.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/fleet_reader.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/lab/lab.h"
#include "tests/lab/parallel.h"
#include "tests/lab/virsh.h"

ABSL_FLAG(int, hosts, 100, "Simulated hosts, a libvirt daemon for each.");
ABSL_FLAG(int, guests, 30, "Guests per host.");
ABSL_FLAG(int, workers, 8, "Hosts read at once, by the reader and by virsh.");
ABSL_FLAG(int, rounds, 5, "Of each reading; the median counts.");
ABSL_FLAG(bool, ssh, true, "Over ssh; otherwise over unix sockets.");
ABSL_FLAG(bool, virsh, true, "Also measure virsh.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

// What an operator's script does: which guests there are, then all of each, and
// of the host. Two processes a host, the second with all its questions.
absl::Status ReadByVirsh(const std::string& uri) {
  ASSIGN_OR_RETURN(
      const std::string names,
      lab::RunVirsh(uri, {"--readonly", "list", "--all", "--name"}));
  std::string questions =
      "nodeinfo; capabilities; version; net-list --all; pool-list --all; "
      "list --all; list --all --autostart; list --all --transient";
  for (const absl::string_view name :
       absl::StrSplit(absl::string_view(names.data(), names.size()), '\n',
                      absl::SkipWhitespace())) {
    absl::StrAppend(&questions, "; dumpxml ", name);
  }
  return lab::RunVirsh(uri, {"--readonly", questions}).status();
}

absl::StatusOr<ordered_json> MeasureReader(
    const std::vector<std::string>& uris) {
  const int rounds = absl::GetFlag(FLAGS_rounds);
  FleetReader reader(uris, absl::GetFlag(FLAGS_workers));
  Progress("dialling");
  ASSIGN_OR_RETURN(const Cost dial, Measure([&] { return reader.DialAll(); }));
  Progress("reading");
  ASSIGN_OR_RETURN(const Cost first,
                   Measure([&] { return reader.RereadAll(); }));
  ASSIGN_OR_RETURN(const Cost reread,
                   MeasureRounds(rounds, [&] { return reader.RereadAll(); }));
  ASSIGN_OR_RETURN(const Cost check,
                   MeasureRounds(rounds, [&] { return reader.CheckAll(); }));
  return ordered_json({{"guests", reader.guests()},
                       {"dial", dial.ToJson()},
                       {"first_read", first.ToJson()},
                       {"reread", reread.ToJson()},
                       {"check", check.ToJson()}});
}

absl::StatusOr<ordered_json> MeasureVirsh(
    const std::vector<std::string>& uris) {
  const int count = static_cast<int>(uris.size());
  const auto read_all = [&](int workers) {
    return [&, workers] {
      return lab::ForEachInParallel(
          count, workers, [&](int host) { return ReadByVirsh(uris[host]); });
    };
  };
  Progress("virsh, one host after the other");
  ASSIGN_OR_RETURN(const Cost sequential, Measure(read_all(1)));
  Progress("virsh, in parallel");
  ASSIGN_OR_RETURN(const Cost parallel,
                   Measure(read_all(absl::GetFlag(FLAGS_workers))));
  return ordered_json(
      {{"sequential_seconds", Rounded(absl::ToDoubleSeconds(sequential.wall))},
       {"parallel_seconds", Rounded(absl::ToDoubleSeconds(parallel.wall))}});
}

absl::StatusOr<ordered_json> Run() {
  const int hosts = absl::GetFlag(FLAGS_hosts);
  Progress(absl::StrCat("starting ", hosts, " hosts"));
  ASSIGN_OR_RETURN(const auto fleet,
                   lab::Lab::Start({.test_hosts = hosts,
                                    .ssh = absl::GetFlag(FLAGS_ssh),
                                    .guests = absl::GetFlag(FLAGS_guests)}));
  std::vector<std::string> uris;
  for (int i = 0; i < fleet->size(); ++i) {
    uris.push_back(fleet->host(i).uri());
  }
  ordered_json result = {
      {"benchmark", "relist"},
      {"machine", Machine()},
      {"inputs",
       {{"hosts", hosts},
        {"guests_per_host", absl::GetFlag(FLAGS_guests)},
        {"workers", absl::GetFlag(FLAGS_workers)},
        {"rounds", absl::GetFlag(FLAGS_rounds)},
        {"transport", absl::GetFlag(FLAGS_ssh) ? "ssh" : "unix"}}}};
  ASSIGN_OR_RETURN(result["reader"], MeasureReader(uris));
  if (!absl::GetFlag(FLAGS_virsh)) return result;
  ASSIGN_OR_RETURN(result["virsh"], MeasureVirsh(uris));
  const auto seconds = [&](const char* what) {
    return result["reader"][what]["seconds"].get<double>();
  };
  const double parallel = result["virsh"]["parallel_seconds"].get<double>();
  result["virsh_over_dial_and_first_read"] =
      Rounded(parallel / (seconds("dial") + seconds("first_read")));
  result["virsh_over_reread"] = Rounded(parallel / seconds("reread"));
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures what reading a whole fleet costs.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
