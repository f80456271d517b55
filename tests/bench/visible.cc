// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How long a guest's change takes to be seen in its host's Chef node, through a
// real hypervisor, the real controller and a real Chef server.
// docs/benchmarks.md says how to read it.

#include <array>
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
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/node_document.h"
#include "tests/bench/latencies.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/host.h"
#include "tests/lab/lab.h"
#include "tests/lab/process.h"

ABSL_FLAG(int, samples, 100, "Changes measured, at each size of node.");
ABSL_FLAG(int, guests, 4, "Guests per host, changed in turn.");
ABSL_FLAG(std::vector<std::string>, node_bytes,
          std::vector<std::string>({"10240", "90112"}),
          "Sizes of nodes without what is Rehai's; a host for each.");
ABSL_FLAG(absl::Duration, window, absl::Milliseconds(200),
          "The controller's coalescing window.");
ABSL_FLAG(absl::Duration, poll, absl::Milliseconds(5),
          "Pause between two looks at the node.");
ABSL_FLAG(std::string, hypervisor, "qemu",
          "\"qemu\": QEMU guests; \"test\": guests simulated by libvirt.");
ABSL_FLAG(std::string, controller, "controller/rehai-controller",
          "The controller's program.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

// What the change would wait for without us: chef-client's default interval. A
// change falls anywhere in it, so the mean wait is the half and the longest the
// whole of it, its own run time not counted.
constexpr absl::Duration kChefClientInterval = absl::Seconds(600);

constexpr absl::Duration kPatience = absl::Seconds(30);

struct Action {
  const char* verb;   // virsh's
  const char* state;  // in the node, once it is done
};
constexpr std::array kActions = {
    Action{"start", "running"}, Action{"suspend", "paused"},
    Action{"resume", "running"}, Action{"destroy", "shut"}};

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

std::string GuestName(int guest) { return absl::StrFormat("web%02d", guest); }

// What was measured at a host, whose node is of one size.
struct Measured {
  int64_t node_bytes = 0;
  Latencies from_done;    // since virsh returned
  Latencies from_called;  // since virsh was called
};

class Visible {
 public:
  // A hypervisor for each size of node, with its guests shown in Chef.
  absl::Status Start(const std::vector<int64_t>& sizes) {
    ASSIGN_OR_RETURN(goiardi_, lab::Goiardi::Start());
    const int count = static_cast<int>(sizes.size());
    const bool qemu = absl::GetFlag(FLAGS_hypervisor) == "qemu";
    ASSIGN_OR_RETURN(lab_, lab::Lab::Start({.qemu_hosts = qemu ? count : 0,
                                            .test_hosts = qemu ? 0 : count}));
    for (int i = 0; i < count; ++i) {
      RETURN_IF_ERROR(FillHost(lab_->host(i), sizes[i]));
      measured_.emplace_back().node_bytes = sizes[i];
    }
    RETURN_IF_ERROR(StartController());
    for (int i = 0; i < count; ++i) {
      for (int guest = 0; guest < absl::GetFlag(FLAGS_guests); ++guest) {
        RETURN_IF_ERROR(
            AwaitState(lab_->host(i).node(), GuestName(guest), "shut")
                .status());
      }
    }
    return absl::OkStatus();
  }

  // The `number`th change, at each host.
  absl::Status MeasureOne(int number) {
    const int guests = absl::GetFlag(FLAGS_guests);
    const std::string guest = GuestName(number % guests);
    const Action& action = kActions[number / guests % kActions.size()];
    for (int i = 0; i < lab_->size(); ++i) {
      const absl::Duration called = Clock::Real().Uptime();
      RETURN_IF_ERROR(lab_->host(i).Virsh({action.verb, guest}).status());
      const absl::Duration done = Clock::Real().Uptime();
      ASSIGN_OR_RETURN(const absl::Duration seen,
                       AwaitState(lab_->host(i).node(), guest, action.state));
      measured_[i].from_called.Add(seen - called);
      measured_[i].from_done.Add(seen - done);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ordered_json> Result() {
    const auto ratio = [](absl::Duration theirs, absl::Duration ours) {
      return Rounded(absl::FDivDuration(theirs, ours));
    };
    ordered_json result = ordered_json::array();
    for (int i = 0; i < lab_->size(); ++i) {
      const Measured& measured = measured_[i];
      ASSIGN_OR_RETURN(const std::string node,
                       goiardi_->GetNode(lab_->host(i).node()));
      result.push_back(
          {{"node_bytes", measured.node_bytes},
           {"node_bytes_served", node.size()},
           {"from_action_done_ms", measured.from_done.ToJson()},
           {"from_virsh_called_ms", measured.from_called.ToJson()},
           {"chef_client_mean_over_p50",
            ratio(kChefClientInterval / 2, measured.from_done.Percentile(50))},
           {"chef_client_worst_over_max",
            ratio(kChefClientInterval, measured.from_done.Percentile(100))}});
    }
    return result;
  }

 private:
  absl::Status FillHost(lab::Host& host, int64_t node_bytes) {
    for (int guest = 0; guest < absl::GetFlag(FLAGS_guests); ++guest) {
      RETURN_IF_ERROR(host.Define({.name = GuestName(guest)}));
    }
    return goiardi_->CreateNode(View(SampleNode(host.node(), node_bytes)));
  }

  std::string Config() const {
    std::string config =
        absl::StrCat("api: {listen: \"127.0.0.1:0\"}\n", "chef:\n",
                     "  server_url: ", goiardi_->url(), "\n",
                     "  client_name: ", goiardi_->admin_name(), "\n",
                     "  client_key_file: ", goiardi_->admin_key_file(), "\n",
                     "  ca_file: ", goiardi_->ca_file(), "\n",
                     "renderings: {kvm_extensions: true}\n", "sync: {window: ",
                     absl::ToInt64Milliseconds(absl::GetFlag(FLAGS_window)),
                     "ms}\n", "hosts:\n");
    for (int i = 0; i < lab_->size(); ++i) {
      absl::StrAppend(&config, "- {node: ", lab_->host(i).node(), ", uri: \"",
                      lab_->host(i).uri(), "\"}\n");
    }
    return config;
  }

  absl::Status StartController() {
    const std::string config_file = lab_->folder() / "rehai.yaml";
    const std::string port_file = lab_->folder() / "port";
    RETURN_IF_ERROR(WriteFileAtomically(config_file, View(Config()), 0600));
    ASSIGN_OR_RETURN(controller_,
                     lab::Process::Start(
                         {.argv = {absl::GetFlag(FLAGS_controller), "--config",
                                   config_file, "--port_file", port_file},
                          .log_file = lab_->folder() / "controller.log"}));
    return controller_->WaitUntilReady(
        kPatience, [&] { return ReadFile(port_file).status(); });
  }

  // When an answer that shows the guest in that state was here.
  absl::StatusOr<absl::Duration> AwaitState(const std::string& node,
                                            const std::string& guest,
                                            const std::string& state) {
    const std::vector<std::string> path = {
        "automatic", "virtualization", "kvm", "guests", guest, "state"};
    const std::string wanted = absl::StrCat("\"", state, "\"");
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (true) {
      ASSIGN_OR_RETURN(const std::string document, goiardi_->GetNode(node));
      const absl::Duration now = Clock::Real().Uptime();
      ASSIGN_OR_RETURN(const auto value, chef::FindValue(View(document), path));
      if (value == View(wanted)) return now;
      if (now >= deadline) {
        // The error that this returns says what the controller logged, too.
        return controller_->WaitUntilReady(absl::ZeroDuration(), [&] {
          return absl::DeadlineExceededError(absl::StrCat(
              "node ", node, ": guest ", guest, " is not shown as ", state,
              " within ", absl::FormatDuration(kPatience), ", but as ",
              value.value_or("nothing")));
        });
      }
      absl::SleepFor(absl::GetFlag(FLAGS_poll));
    }
  }

  // In the order in which each needs those before it.
  std::unique_ptr<lab::Goiardi> goiardi_;
  std::unique_ptr<lab::Lab> lab_;
  std::vector<Measured> measured_;  // by host
  std::unique_ptr<lab::Process> controller_;
};

absl::StatusOr<ordered_json> Run() {
  std::vector<int64_t> sizes;
  for (const std::string& text : absl::GetFlag(FLAGS_node_bytes)) {
    int64_t bytes = 0;
    if (!absl::SimpleAtoi(text, &bytes) || bytes < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--node_bytes=", text, ": not a size in bytes"));
    }
    sizes.push_back(bytes);
  }
  const int samples = absl::GetFlag(FLAGS_samples);
  if (samples < 1 || absl::GetFlag(FLAGS_guests) < 1) {
    return absl::InvalidArgumentError("--samples and --guests are 1 at least");
  }
  if (absl::GetFlag(FLAGS_hypervisor) != "qemu" &&
      absl::GetFlag(FLAGS_hypervisor) != "test") {
    return absl::InvalidArgumentError(
        absl::StrCat("--hypervisor=", absl::GetFlag(FLAGS_hypervisor),
                     ": there are qemu and test"));
  }
  Progress("visible: starting a Chef server, hypervisors and the controller");
  Visible visible;
  RETURN_IF_ERROR(visible.Start(sizes));
  for (int i = 0; i < samples; ++i) {
    if (i % 10 == 0) {
      Progress(absl::StrFormat("visible: %d of %d samples", i, samples));
    }
    RETURN_IF_ERROR(visible.MeasureOne(i));
  }
  ordered_json result = {
      {"benchmark", "visible"},
      {"machine", Machine()},
      {"inputs",
       {{"samples_per_size", samples},
        {"guests_per_host", absl::GetFlag(FLAGS_guests)},
        {"window_ms", RoundedMilliseconds(absl::GetFlag(FLAGS_window))},
        {"poll_ms", RoundedMilliseconds(absl::GetFlag(FLAGS_poll))},
        {"server", "goiardi"},
        {"hypervisor", absl::StrCat(absl::GetFlag(FLAGS_hypervisor), "+ssh")}}},
      {"chef_client",
       {{"interval_s", absl::ToDoubleSeconds(kChefClientInterval)},
        {"mean_ms", RoundedMilliseconds(kChefClientInterval / 2)},
        {"worst_ms", RoundedMilliseconds(kChefClientInterval)}}}};
  ASSIGN_OR_RETURN(result["sizes"], visible.Result());
  return result;
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures how long a guest's change takes to be seen in Chef.");
  absl::ParseCommandLine(argc, argv);
  return rehai::bench::Finish(rehai::bench::Run());
}
