// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How fast our subtrees are put into a node, beside the way that everybody
// takes: parse it, change it, write it out. docs/benchmarks.md says how to read
// it.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "base/status_macros.h"
#include "chef/node_change.h"
#include "chef/node_document.h"
#include "chef/rendering.h"
#include "chef/subtree.h"
#include "rehai/v1/model.pb.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"

ABSL_FLAG(int, node_bytes, 120 << 10, "Size of the node.");
ABSL_FLAG(int, guests, 24, "Guests of the host.");
ABSL_FLAG(int, rounds, 9, "Measured rounds of each way, taken in turns.");
ABSL_FLAG(int, round_ms, 200, "CPU time of a round, at least.");

namespace rehai::bench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The node as it is, and what is to be in it.
struct Job {
  std::string node;
  chef::NodeUpdate update;
  std::vector<chef::Subtree> subtrees;
};

absl::StatusOr<Job> MakeJob() {
  SampleFleet::Options options;
  options.hosts = 1;
  options.guests_per_host = absl::GetFlag(FLAGS_guests);
  options.node_bytes = absl::GetFlag(FLAGS_node_bytes);
  options.renderings.kvm_extensions = true;
  const SampleFleet fleet(options);
  Job job;
  ASSIGN_OR_RETURN(job.node, fleet.NodeWithGuests(0, 0, absl::UnixEpoch()));
  const v1::Observation seen = fleet.Observation(0, 1, absl::UnixEpoch());
  v1::Record record;
  record.set_node(seen.node());
  *record.mutable_facts() = seen.facts();
  *record.mutable_guests() = seen.guests();
  job.update.node = record.node();
  job.update.rendering = chef::Render(record, options.renderings);
  job.update.stamp.digest = job.update.rendering.digest;
  job.subtrees = chef::Stamped(job.update.rendering, job.update.stamp);
  return job;
}

// The three ways; each returns the new node's size, so that none is left out.
size_t Spliced(const Job& job) {
  const auto node = chef::Splice(job.node, job.subtrees);
  return node.ok() ? node->size() : 0;
}

size_t Planned(const Job& job) {
  const auto change = chef::PlanChange(job.node, job.update);
  return change.ok() && change->document.has_value() ? change->document->size()
                                                     : 0;
}

size_t ParsedAndDumped(const Job& job) {
  json node = json::parse(job.node, nullptr, /*allow_exceptions=*/false);
  for (const chef::Subtree& subtree : job.subtrees) {
    json* at = &node;
    for (const std::string& key : subtree.path) at = &(*at)[key];
    // Already parsed in a program that works this way, so not counted against
    // it: the values go in as strings of the same length.
    if (subtree.json.has_value()) *at = *subtree.json;
  }
  return node.dump().size();
}

// Megabytes (10^6) of node per second of CPU.
double Throughput(const Job& job, size_t (*way)(const Job&)) {
  const absl::Duration least =
      absl::Milliseconds(absl::GetFlag(FLAGS_round_ms));
  const absl::Duration begin = OwnCpuTime();
  absl::Duration used = absl::ZeroDuration();
  double nodes = 0;
  do {
    if (way(job) == 0) return 0;
    ++nodes;
    used = OwnCpuTime() - begin;
  } while (used < least);
  return nodes * static_cast<double>(job.node.size()) / 1e6 /
         absl::ToDoubleSeconds(used);
}

absl::StatusOr<ordered_json> Run() {
  if (absl::GetFlag(FLAGS_rounds) < 1 || absl::GetFlag(FLAGS_node_bytes) < 1 ||
      absl::GetFlag(FLAGS_guests) < 0) {
    return absl::InvalidArgumentError(
        "--rounds and --node_bytes are 1 at least, --guests 0");
  }
  ASSIGN_OR_RETURN(const Job job, MakeJob());
  if (Spliced(job) == 0 || Planned(job) == 0 || ParsedAndDumped(job) == 0) {
    return absl::InternalError("the sample node cannot be spliced");
  }
  std::vector<double> splice, plan, dump;
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    splice.push_back(Throughput(job, Spliced));
    plan.push_back(Throughput(job, Planned));
    dump.push_back(Throughput(job, ParsedAndDumped));
  }
  size_t ours = 0;
  for (const chef::Subtree& subtree : job.subtrees) {
    ours += subtree.json.value_or("").size();
  }
  return ordered_json{{"benchmark", "splice"},
                      {"machine", Machine()},
                      {"inputs",
                       {{"node_bytes", job.node.size()},
                        {"our_bytes", ours},
                        {"subtrees", job.subtrees.size()},
                        {"rounds", absl::GetFlag(FLAGS_rounds)}}},
                      {"megabytes_per_cpu_second",
                       {{"splice", Rounded(Median(splice))},
                        {"splice_and_checks_of_a_write", Rounded(Median(plan))},
                        {"parse_modify_dump", Rounded(Median(dump))}}},
                      {"ratio", Rounded(Median(splice) / Median(dump))}};
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Puts our subtrees into a node, by spans of bytes and by parsing it.");
  absl::ParseCommandLine(argc, argv);
  return rehai::bench::Finish(rehai::bench::Run());
}
