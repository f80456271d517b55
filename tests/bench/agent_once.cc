// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What it takes a host to bring its own node up to date: by `rehai-agent
// --once`, and by a stand-in for the Rehai of 2014 (peer.rb: Debian's Ohai,
// then the node saved from Ruby), in turns on one machine, hypervisor and
// server, as the same Chef client. Each is a process from its start to its end.
// docs/benchmarks.md says how to read it.

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
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/lab/virsh.h"

ABSL_FLAG(int, rounds, 7, "Measured runs of each kind.");
ABSL_FLAG(int, guests, 6, "Guests of the host, all running.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr char kNode[] = "hv1";

// What the runs of one program took, in seconds.
struct Runs {
  std::vector<double> wall;
  std::vector<double> cpu;

  ordered_json ToJson() const {
    ordered_json each = ordered_json::array();
    for (const double seconds : wall) each.push_back(Rounded(seconds));
    return {{"seconds", Rounded(Median(wall))},
            {"seconds_of_each", each},
            {"cpu_seconds", Rounded(Median(cpu))}};
  }
};

// A host that Chef manages, and two programs that keep its node.
class ManagedHost {
 public:
  absl::StatusOr<ordered_json> Compare(int guests, int rounds) {
    RETURN_IF_ERROR(Prepare(guests));
    Runs peer;
    Runs once;
    // The first of each warms up: files are read, and the node grows.
    for (int i = 0; i <= rounds; ++i) {
      RETURN_IF_ERROR(Measure(peer_, i > 0, peer).status());
      ASSIGN_OR_RETURN(const std::string report, Measure(once_, i > 0, once));
      if (!absl::StrContains(report, "written")) {
        return absl::InternalError(
            absl::StrCat("rehai-agent wrote nothing: ", report));
      }
      if (i == 0) continue;
      Progress(absl::StrFormat("round %d of %d: peer %.2f s, agent %.3f s", i,
                               rounds, peer.wall.back(), once.wall.back()));
    }
    const auto ratio = [](const std::vector<double>& theirs,
                          const std::vector<double>& ours) {
      return Rounded(Median(theirs) / Median(ours));
    };
    return ordered_json({{"peer", peer.ToJson()},
                         {"once", once.ToJson()},
                         {"peer_over_once",
                          {{"seconds", ratio(peer.wall, once.wall)},
                           {"cpu_seconds", ratio(peer.cpu, once.cpu)}}}});
  }

 private:
  absl::Status Prepare(int guests) {
    ASSIGN_OR_RETURN(chef_, lab::Goiardi::Start());
    ASSIGN_OR_RETURN(libvirtd_, lab::FlatLibvirtd::Start());
    ASSIGN_OR_RETURN(folder_, lab::TempFolder::Create("managed-host"));
    // The test driver has one of its own.
    for (int i = 1; i < guests; ++i) {
      const std::string name = absl::StrFormat("web%02d", i);
      RETURN_IF_ERROR(
          lab::RunVirsh(libvirtd_->uri(), {"define", "/dev/stdin"},
                        lab::GuestXml(lab::Driver::kTest, {.name = name}))
              .status());
      RETURN_IF_ERROR(libvirtd_->Virsh({"start", name}).status());
    }
    RETURN_IF_ERROR(chef_->CreateNode(absl::StrCat(
        R"({"name":")", kNode, R"(","run_list":["recipe[kvm]"]})")));
    ASSIGN_OR_RETURN(const std::string key_file,
                     chef_->CreateClient(kNode, /*admin=*/false));
    const std::string client_rb =
        absl::StrCat("chef_server_url '", chef_->url(), "'\nnode_name '", kNode,
                     "'\nclient_key '", key_file, "'\nssl_ca_file '",
                     chef_->ca_file(), "'\n");
    RETURN_IF_ERROR(WriteFileAtomically(
        *folder_ / "client.rb",
        absl::string_view(client_rb.data(), client_rb.size()), 0600));
    ASSIGN_OR_RETURN(const std::string script,
                     lab::Runfile("tests/bench/peer.rb"));
    ASSIGN_OR_RETURN(const std::string agent,
                     lab::Runfile("agent/rehai-agent"));
    peer_ = {"ruby",           script, libvirtd_->uri(), chef_->url(),
             chef_->ca_file(), kNode,  key_file,         kNode};
    once_ = {agent,   "--once",
             "--uri", libvirtd_->uri(),
             "-c",    *folder_ / "client.rb"};
    return absl::OkStatus();
  }

  // A guest changes, the server comes to rest, and then it counts. What the
  // program printed.
  absl::StatusOr<std::string> Measure(const std::vector<std::string>& argv,
                                      bool counts, Runs& runs) {
    RETURN_IF_ERROR(
        libvirtd_->Virsh({paused_ ? "resume" : "suspend", "test"}).status());
    paused_ = !paused_;
    RETURN_IF_ERROR(AwaitQuiet(chef_->process().pid(), absl::Minutes(1)));
    const absl::Duration cpu = CpuTimeOfChildren();
    const absl::Duration begin = Clock::Real().Uptime();
    ASSIGN_OR_RETURN(std::string output,
                     lab::OutputOf({.argv = argv}, "", absl::Minutes(2)));
    const absl::Duration end = Clock::Real().Uptime();
    if (counts) {
      runs.wall.push_back(absl::ToDoubleSeconds(end - begin));
      runs.cpu.push_back(absl::ToDoubleSeconds(CpuTimeOfChildren() - cpu));
    }
    return output;
  }

  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
  std::unique_ptr<lab::TempFolder> folder_;
  std::vector<std::string> peer_;
  std::vector<std::string> once_;
  bool paused_ = false;
};

absl::StatusOr<ordered_json> Run() {
  const int rounds = absl::GetFlag(FLAGS_rounds);
  const int guests = absl::GetFlag(FLAGS_guests);
  if (rounds < 1 || guests < 1) {
    return absl::InvalidArgumentError("--rounds and --guests are 1 at least");
  }
  ordered_json result = {{"benchmark", "agent_once"},
                         {"machine", Machine()},
                         {"inputs", {{"rounds", rounds}, {"guests", guests}}}};
  ManagedHost host;
  ASSIGN_OR_RETURN(const ordered_json figures, host.Compare(guests, rounds));
  result.update(figures);
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Brings one host's node up to date as the Rehai of 2014 does and by "
      "rehai-agent --once, in turns.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
