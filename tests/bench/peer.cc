// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What it takes to bring one host's node up to date: by Rehai, and by a
// stand-in for the Rehai of 2014 on the same machine, hypervisor and server.
// docs/benchmarks.md says how to read it.

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/host_refresh.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/virsh.h"

ABSL_FLAG(int, rounds, 7, "Measured refreshes of each kind.");
ABSL_FLAG(int, guests, 6, "Guests of the host, all running.");
ABSL_FLAG(std::string, refresh_once, "",
          "Not for you: this process is to refresh the host at this libvirt "
          "URI once, with the flags below, and print what it took.");
ABSL_FLAG(std::string, server_url, "", "See --refresh_once.");
ABSL_FLAG(std::string, ca_file, "", "See --refresh_once.");
ABSL_FLAG(std::string, client, "", "See --refresh_once.");
ABSL_FLAG(std::string, key_file, "", "See --refresh_once.");
ABSL_FLAG(std::string, node, "", "See --refresh_once.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr char kNode[] = "hv1";

// What one refresh took.
struct Refresh {
  RefreshCost cost;
  absl::Duration elapsed;
  absl::Duration own_cpu;  // of the refreshing program and its children
  absl::Duration libvirtd_cpu;
  absl::Duration server_cpu;
};

double MedianOf(const std::vector<Refresh>& refreshes,
                const std::function<double(const Refresh&)>& figure) {
  std::vector<double> values;
  for (const Refresh& refresh : refreshes) values.push_back(figure(refresh));
  return Median(values);
}

double Seconds(const Refresh& refresh) {
  return absl::ToDoubleSeconds(refresh.elapsed);
}
double CpuSeconds(const Refresh& refresh) {
  return absl::ToDoubleSeconds(refresh.own_cpu);
}
double Bytes(const Refresh& refresh) {
  return static_cast<double>(refresh.cost.bytes_sent +
                             refresh.cost.bytes_received);
}

ordered_json ToJson(const std::vector<Refresh>& refreshes) {
  ordered_json each = ordered_json::array();
  for (const Refresh& refresh : refreshes) {
    each.push_back(Rounded(Seconds(refresh)));
  }
  const auto median = [&](double (*figure)(const Refresh&)) {
    return Rounded(MedianOf(refreshes, figure));
  };
  return {{"seconds", median(Seconds)},
          {"seconds_of_each", each},
          {"cpu_seconds", median(CpuSeconds)},
          {"libvirtd_cpu_seconds", median([](const Refresh& refresh) {
             return absl::ToDoubleSeconds(refresh.libvirtd_cpu);
           })},
          {"server_cpu_seconds", median([](const Refresh& refresh) {
             return absl::ToDoubleSeconds(refresh.server_cpu);
           })},
          {"requests", median([](const Refresh& refresh) {
             return static_cast<double>(refresh.cost.requests);
           })},
          {"body_bytes_sent", median([](const Refresh& refresh) {
             return static_cast<double>(refresh.cost.bytes_sent);
           })},
          {"body_bytes_received", median([](const Refresh& refresh) {
             return static_cast<double>(refresh.cost.bytes_received);
           })}};
}

ordered_json Ratios(const std::vector<Refresh>& peer,
                    const std::vector<Refresh>& ours) {
  const auto ratio = [&](double (*figure)(const Refresh&)) {
    return Rounded(MedianOf(peer, figure) / MedianOf(ours, figure));
  };
  return {{"seconds", ratio(Seconds)},
          {"cpu_seconds", ratio(CpuSeconds)},
          {"body_bytes", ratio(Bytes)}};
}

// A host whose guests change, its node, and those who keep the two alike.
class Contest {
 public:
  absl::StatusOr<ordered_json> Run(int guests, int rounds) {
    RETURN_IF_ERROR(Prepare(guests));
    // The first of each warms up: files are read, and nodes are new.
    for (int i = 0; i <= rounds; ++i) {
      ASSIGN_OR_RETURN(const Refresh peer, Measure([&] { return Peer(); }));
      ASSIGN_OR_RETURN(const Refresh once, Measure([&] { return Once(); }));
      ASSIGN_OR_RETURN(const Refresh warm,
                       Measure([&] { return warm_->Run(); }));
      Progress(absl::StrFormat(
          "round %d of %d: peer %.2f s, a process of ours %.3f s, the "
          "controller's path %.3f s%s",
          i, rounds, Seconds(peer), Seconds(once), Seconds(warm),
          i == 0 ? " (warm-up)" : ""));
      if (i == 0) continue;
      peer_rounds_.push_back(peer);
      once_rounds_.push_back(once);
      warm_rounds_.push_back(warm);
    }
    return Result();
  }

 private:
  absl::Status Prepare(int guests) {
    ASSIGN_OR_RETURN(chef_, lab::Goiardi::Start());
    ASSIGN_OR_RETURN(libvirtd_, lab::FlatLibvirtd::Start());
    ASSIGN_OR_RETURN(script_, lab::Runfile("tests/bench/peer.rb"));
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
    account_ = {.server_url = chef_->url(),
                .ca_file = chef_->ca_file(),
                .client_name = chef_->admin_name(),
                .client_key_file = chef_->admin_key_file()};
    // The node is at its full size before anyone is measured.
    RETURN_IF_ERROR(Peer().status());
    ASSIGN_OR_RETURN(warm_,
                     HostRefresh::Create(libvirtd_->uri(), account_, kNode));
    return absl::OkStatus();
  }

  // A guest changes, the server comes to rest, and then it counts.
  absl::StatusOr<Refresh> Measure(
      const std::function<absl::StatusOr<RefreshCost>()>& run) {
    RETURN_IF_ERROR(
        libvirtd_->Virsh({paused_ ? "resume" : "suspend", "test"}).status());
    paused_ = !paused_;
    const pid_t server = chef_->process().pid();
    RETURN_IF_ERROR(AwaitQuiet(server, absl::Minutes(1)));
    ASSIGN_OR_RETURN(const absl::Duration server_cpu, CpuTimeOf(server));
    ASSIGN_OR_RETURN(const absl::Duration libvirtd_cpu,
                     CpuTimeOf(libvirtd_->process().pid()));
    const absl::Duration cpu = OwnCpuTime() + CpuTimeOfChildren();
    const absl::Duration begin = Clock::Real().Uptime();
    Refresh refresh;
    ASSIGN_OR_RETURN(refresh.cost, run());
    refresh.elapsed = Clock::Real().Uptime() - begin;
    refresh.own_cpu = OwnCpuTime() + CpuTimeOfChildren() - cpu;
    ASSIGN_OR_RETURN(refresh.libvirtd_cpu,
                     CpuTimeOf(libvirtd_->process().pid()));
    refresh.libvirtd_cpu -= libvirtd_cpu;
    // Its index goes on after the answer.
    RETURN_IF_ERROR(AwaitQuiet(server, absl::Minutes(1)));
    ASSIGN_OR_RETURN(refresh.server_cpu, CpuTimeOf(server));
    refresh.server_cpu -= server_cpu;
    return refresh;
  }

  absl::StatusOr<RefreshCost> Peer() {
    return CostOf({"ruby", script_, libvirtd_->uri(), account_.server_url,
                   account_.ca_file, account_.client_name,
                   account_.client_key_file, kNode});
  }

  absl::StatusOr<RefreshCost> Once() {
    return CostOf({"/proc/self/exe",
                   absl::StrCat("--refresh_once=", libvirtd_->uri()),
                   absl::StrCat("--server_url=", account_.server_url),
                   absl::StrCat("--ca_file=", account_.ca_file),
                   absl::StrCat("--client=", account_.client_name),
                   absl::StrCat("--key_file=", account_.client_key_file),
                   absl::StrCat("--node=", kNode)});
  }

  // Runs a program that prints its cost.
  static absl::StatusOr<RefreshCost> CostOf(std::vector<std::string> argv) {
    ASSIGN_OR_RETURN(
        const std::string output,
        lab::OutputOf({.argv = std::move(argv)}, "", absl::Minutes(2)));
    const auto cost = nlohmann::json::parse(output, nullptr, false);
    if (!cost.is_object()) {
      return absl::InternalError(absl::StrCat("printed no JSON: ", output));
    }
    return RefreshCost{
        .requests = cost.value("requests", 0),
        .bytes_sent = cost.value("bytes_sent", int64_t{0}),
        .bytes_received = cost.value("bytes_received", int64_t{0})};
  }

  ordered_json Result() const {
    return {{"peer", ToJson(peer_rounds_)},
            {"process", ToJson(once_rounds_)},
            {"controller", ToJson(warm_rounds_)},
            {"peer_over_process", Ratios(peer_rounds_, once_rounds_)},
            {"peer_over_controller", Ratios(peer_rounds_, warm_rounds_)}};
  }

  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
  std::string script_;
  lab::Knife::Options account_;
  std::unique_ptr<HostRefresh> warm_;
  bool paused_ = false;
  std::vector<Refresh> peer_rounds_;
  std::vector<Refresh> once_rounds_;
  std::vector<Refresh> warm_rounds_;
};

absl::StatusOr<ordered_json> RefreshOnce() {
  ASSIGN_OR_RETURN(
      const auto refresh,
      HostRefresh::Create(absl::GetFlag(FLAGS_refresh_once),
                          {.server_url = absl::GetFlag(FLAGS_server_url),
                           .ca_file = absl::GetFlag(FLAGS_ca_file),
                           .client_name = absl::GetFlag(FLAGS_client),
                           .client_key_file = absl::GetFlag(FLAGS_key_file)},
                          absl::GetFlag(FLAGS_node)));
  ASSIGN_OR_RETURN(const RefreshCost cost, refresh->Run());
  return ordered_json({{"requests", cost.requests},
                       {"bytes_sent", cost.bytes_sent},
                       {"bytes_received", cost.bytes_received}});
}

absl::StatusOr<ordered_json> Run() {
  if (!absl::GetFlag(FLAGS_refresh_once).empty()) return RefreshOnce();
  const int rounds = absl::GetFlag(FLAGS_rounds);
  const int guests = absl::GetFlag(FLAGS_guests);
  if (rounds < 1 || guests < 1) {
    return absl::InvalidArgumentError("--rounds and --guests are 1 at least");
  }
  ordered_json result = {{"benchmark", "peer"},
                         {"machine", Machine()},
                         {"inputs", {{"rounds", rounds}, {"guests", guests}}}};
  Contest contest;
  ASSIGN_OR_RETURN(const ordered_json figures, contest.Run(guests, rounds));
  result.update(figures);
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Refreshes one host's node, as the Rehai of 2014 does and as this one "
      "does, in turns.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
