// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What it takes to see whether a whole fleet's nodes still hold what was
// written: one partial search per 1,000 nodes, beside a GET of each.
// docs/benchmarks.md says how to read it.

#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
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
#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/node_search.h"
#include "chef/request_signer.h"
#include "chef/subtree.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/bench/target.h"

ABSL_FLAG(std::vector<std::string>, nodes,
          std::vector<std::string>({"300", "1000"}), "Sizes of the fleet.");
ABSL_FLAG(int, guests, 6, "Guests per host.");
ABSL_FLAG(int, node_bytes, 10240, "Size of a node.");
ABSL_FLAG(int, connections, 8, "GETs under way at once.");
ABSL_FLAG(int, rounds, 5, "Measured rounds of each kind.");
ABSL_FLAG(std::string, target, "both", "\"standin\", \"goiardi\" or \"both\".");
ABSL_FLAG(std::string, stand_in_folder, "",
          "Not for you: this process is to be the stand-in server.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

// What one look at the whole fleet took.
struct Look {
  int64_t requests = 0;
  int64_t bytes_received = 0;
  absl::Duration elapsed;
  absl::Duration own_cpu;
  absl::Duration server_cpu;
};

double MedianOf(const std::vector<Look>& looks,
                const std::function<double(const Look&)>& figure) {
  std::vector<double> values;
  for (const Look& look : looks) values.push_back(figure(look));
  return Median(values);
}

double Milliseconds(const Look& look) {
  return absl::ToDoubleMilliseconds(look.elapsed);
}
double OwnCpuMs(const Look& look) {
  return absl::ToDoubleMilliseconds(look.own_cpu);
}
double ServerCpuMs(const Look& look) {
  return absl::ToDoubleMilliseconds(look.server_cpu);
}
double Bytes(const Look& look) {
  return static_cast<double>(look.bytes_received);
}

ordered_json ToJson(const std::vector<Look>& looks) {
  return {{"requests", looks.back().requests},
          {"body_bytes_received", MedianOf(looks, Bytes)},
          {"ms", Rounded(MedianOf(looks, Milliseconds))},
          {"cpu_ms", Rounded(MedianOf(looks, OwnCpuMs))},
          {"server_cpu_ms", Rounded(MedianOf(looks, ServerCpuMs))}};
}

// Looks at one fleet on one server, in both ways in turns.
class Contest {
 public:
  Contest(Target& target, const SampleFleet::Options& options)
      : target_(target), fleet_(options) {}

  absl::StatusOr<ordered_json> Run(int connections, int rounds) {
    RETURN_IF_ERROR(Prepare(connections));
    for (int i = 0; i <= rounds; ++i) {
      ASSIGN_OR_RETURN(const Look search, Measure([&] { return Search(); }));
      ASSIGN_OR_RETURN(const Look gets,
                       Measure([&] { return GetEach(connections); }));
      Progress(absl::StrFormat(
          "%d nodes, round %d of %d: search %.0f ms, GETs %.0f ms%s",
          fleet_.hosts(), i, rounds, Milliseconds(search), Milliseconds(gets),
          i == 0 ? " (warm-up)" : ""));
      if (i == 0) continue;
      searches_.push_back(search);
      gets_.push_back(gets);
    }
    const auto ratio = [&](double (*figure)(const Look&)) {
      return Rounded(MedianOf(gets_, figure) / MedianOf(searches_, figure));
    };
    return ordered_json({{"nodes", fleet_.hosts()},
                         {"search", ToJson(searches_)},
                         {"gets", ToJson(gets_)},
                         {"gets_over_search",
                          {{"ms", ratio(Milliseconds)},
                           {"cpu_ms", ratio(OwnCpuMs)},
                           {"server_cpu_ms", ratio(ServerCpuMs)},
                           {"body_bytes", ratio(Bytes)}}}});
  }

 private:
  absl::Status Prepare(int connections) {
    for (int host = 0; host < fleet_.hosts(); ++host) {
      ASSIGN_OR_RETURN(const std::string node,
                       fleet_.NodeWithGuests(host, 0, Clock::Real().Now()));
      RETURN_IF_ERROR(
          target_.CreateNode(absl::string_view(node.data(), node.size())));
    }
    // An index that is still at work answers late, and without what is new.
    RETURN_IF_ERROR(AwaitQuiet(target_.pid(), absl::Minutes(5)));
    const lab::Knife::Options account = target_.account();
    ASSIGN_OR_RETURN(const std::string key, ReadFile(account.client_key_file));
    ASSIGN_OR_RETURN(
        chef::RequestSigner signer,
        chef::RequestSigner::Create(account.client_name,
                                    absl::string_view(key.data(), key.size()),
                                    chef::SignVersion::k1_3));
    chef::Client::Options options;
    options.server_url = account.server_url;
    options.ca_file = account.ca_file;
    options.max_connections = connections;
    options.request_timeout = absl::Minutes(1);
    ASSIGN_OR_RETURN(client_, chef::Client::Create(options, std::move(signer),
                                                   Clock::Real()));
    search_ = std::make_unique<chef::NodeSearch>(chef::NodePath{"rehai"},
                                                 *client_, Clock::Real());
    return absl::OkStatus();
  }

  absl::StatusOr<Look> Measure(
      const std::function<absl::StatusOr<Look>()>& run) {
    RETURN_IF_ERROR(AwaitQuiet(target_.pid(), absl::Minutes(2)));
    ASSIGN_OR_RETURN(const absl::Duration server_cpu, CpuTimeOf(target_.pid()));
    const absl::Duration own_cpu = OwnCpuTime();
    const absl::Duration begin = Clock::Real().Uptime();
    ASSIGN_OR_RETURN(Look look, run());
    look.elapsed = Clock::Real().Uptime() - begin;
    look.own_cpu = OwnCpuTime() - own_cpu;
    ASSIGN_OR_RETURN(look.server_cpu, CpuTimeOf(target_.pid()));
    look.server_cpu -= server_cpu;
    return look;
  }

  // Fails unless the search shows every node with its stamp.
  absl::StatusOr<Look> Search() {
    std::promise<absl::StatusOr<chef::NodeSearch::Answer>> promise;
    search_->Find(fleet_.hosts(),
                  [&](absl::StatusOr<chef::NodeSearch::Answer> answer) {
                    promise.set_value(std::move(answer));
                  });
    ASSIGN_OR_RETURN(const chef::NodeSearch::Answer answer,
                     promise.get_future().get());
    int in_place = 0;
    for (const chef::NodeSearch::Found& found : answer.nodes) {
      if (!found.marks.digest.empty()) ++in_place;
    }
    if (in_place != fleet_.hosts()) {
      return absl::InternalError(absl::StrCat(
          "the search shows ", in_place, " of ", fleet_.hosts(), " nodes"));
    }
    Look look;
    look.requests = answer.searches;
    look.bytes_received = answer.bytes;
    return look;
  }

  absl::StatusOr<Look> GetEach(int connections) {
    Mutex mu;
    CondVar changed;
    int under_way = 0;
    Look look;
    absl::Status failure;
    for (int host = 0; host < fleet_.hosts(); ++host) {
      {
        MutexLock lock(mu);
        while (under_way == connections) changed.Wait(mu);
        ++under_way;
      }
      client_->Send({.method = "GET",
                     .path = absl::StrCat("/nodes/", fleet_.NodeName(host)),
                     .query = "",
                     .body = ""},
                    [&](absl::StatusOr<chef::Response> response) {
                      MutexLock lock(mu);
                      --under_way;
                      ++look.requests;
                      if (!response.ok()) {
                        failure = response.status();
                      } else if (response->status != 200) {
                        failure = absl::InternalError(response->body);
                      } else {
                        look.bytes_received += response->body.size();
                      }
                      changed.NotifyAll();
                    });
    }
    MutexLock lock(mu);
    while (under_way > 0) changed.Wait(mu);
    RETURN_IF_ERROR(failure);
    return look;
  }

  Target& target_;
  const SampleFleet fleet_;
  std::unique_ptr<chef::Client> client_;
  std::unique_ptr<chef::NodeSearch> search_;
  std::vector<Look> searches_;
  std::vector<Look> gets_;
};

absl::StatusOr<ordered_json> RunContests(const std::string& name) {
  ordered_json contests = ordered_json::array();
  for (const std::string& size : absl::GetFlag(FLAGS_nodes)) {
    SampleFleet::Options fleet;
    if (!absl::SimpleAtoi(size, &fleet.hosts) || fleet.hosts < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--nodes: ", size, " is no number of nodes"));
    }
    fleet.guests_per_host = absl::GetFlag(FLAGS_guests);
    fleet.node_bytes = absl::GetFlag(FLAGS_node_bytes);
    fleet.renderings.kvm_extensions = true;
    ASSIGN_OR_RETURN(
        const std::unique_ptr<Target> target,
        name == "goiardi" ? StartGoiardi() : StartStandIn("/proc/self/exe"));
    ASSIGN_OR_RETURN(ordered_json contest,
                     Contest(*target, fleet)
                         .Run(absl::GetFlag(FLAGS_connections),
                              absl::GetFlag(FLAGS_rounds)));
    contests.push_back(std::move(contest));
  }
  return contests;
}

absl::StatusOr<ordered_json> Run() {
  const std::string target = absl::GetFlag(FLAGS_target);
  const bool both = target == "both";
  if (!both && target != "standin" && target != "goiardi") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--target=", target, ": there are standin, goiardi and both"));
  }
  if (absl::GetFlag(FLAGS_connections) < 1 || absl::GetFlag(FLAGS_rounds) < 1) {
    return absl::InvalidArgumentError(
        "--connections and --rounds are 1 at least");
  }
  ordered_json result = {{"benchmark", "sweep"},
                         {"machine", Machine()},
                         {"inputs",
                          {{"guests_per_node", absl::GetFlag(FLAGS_guests)},
                           {"node_bytes", absl::GetFlag(FLAGS_node_bytes)},
                           {"connections", absl::GetFlag(FLAGS_connections)},
                           {"rounds", absl::GetFlag(FLAGS_rounds)}}}};
  for (const char* name : {"standin", "goiardi"}) {
    if (!both && target != name) continue;
    ASSIGN_OR_RETURN(result[name], RunContests(name));
  }
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Looks whether a fleet's nodes are in place, by search and by GETs in "
      "turns.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  if (const std::string folder = absl::GetFlag(FLAGS_stand_in_folder);
      !folder.empty()) {
    return rehai::bench::ServeAsStandIn(folder).ok() ? 0 : 1;
  }
  return rehai::bench::Finish(rehai::bench::Run());
}
