// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/lab/churn.h"
#include "tests/lab/ending_signals.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_command.h"
#include "tests/lab/lab_console.h"

ABSL_FLAG(int, hosts, 10, "Simulated hosts: sim1.example.net, ...");
ABSL_FLAG(int, guests, 30, "Guests of each simulated host.");
ABSL_FLAG(int, qemu_hosts, 0, "Hosts with real QEMU: kvm1.example.net, ...");
ABSL_FLAG(std::string, fleet_file, "",
          "Where to write what a controller's discovery reads. Default: in the "
          "lab's folder, which is removed with the lab.");
ABSL_FLAG(double, changes_per_second, 0,
          "Change guests of the simulated hosts at this rate.");
ABSL_FLAG(uint64_t, seed, 1, "Which changes: the same seed, the same ones.");
ABSL_FLAG(bool, linked, false,
          "Put a link before each simulated host's sshd, which can be slow, a "
          "black hole or cut.");

namespace rehai::lab {
namespace {

absl::Status CheckFlags() {
  for (const auto& [name, value] :
       {std::pair("hosts", absl::GetFlag(FLAGS_hosts)),
        std::pair("guests", absl::GetFlag(FLAGS_guests)),
        std::pair("qemu_hosts", absl::GetFlag(FLAGS_qemu_hosts))}) {
    if (value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, "=", value, ": less than none"));
    }
  }
  const double rate = absl::GetFlag(FLAGS_changes_per_second);
  if (!(rate >= 0 && rate < 1e6)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--changes_per_second=", rate, ": no rate; write 20, or 0 for none"));
  }
  if (absl::GetFlag(FLAGS_hosts) + absl::GetFlag(FLAGS_qemu_hosts) == 0) {
    return absl::InvalidArgumentError("--hosts=0: a lab needs at least one");
  }
  if (geteuid() != 0) {
    return absl::PermissionDeniedError(
        "private hypervisors need mounts and processes of their own, which "
        "only root may make; run it as root: sudo bazel run //tests/lab");
  }
  return absl::OkStatus();
}

// Null without guests to change.
absl::StatusOr<std::unique_ptr<Churn>> StartChurn(Lab& lab) {
  std::vector<Host*> hosts;
  for (int i = 0; i < lab.size(); ++i) {
    if (lab.host(i).driver() == Driver::kTest) hosts.push_back(&lab.host(i));
  }
  if (hosts.empty() || absl::GetFlag(FLAGS_guests) == 0) {
    return std::unique_ptr<Churn>();
  }
  return Churn::Start(
      std::move(hosts),
      {.changes_per_second = absl::GetFlag(FLAGS_changes_per_second),
       .seed = absl::GetFlag(FLAGS_seed),
       .max_changes = 0});
}

// What a controller needs to know.
std::string ControllerConfig(const Lab& lab, const std::string& fleet_file) {
  return absl::StrCat("discovery:\n  files: [", fleet_file, "]\n",
                      PullSsh(lab));
}

// Takes commands until quit, the end of the input, or a signal: kCancelled.
absl::Status TakeCommands(LabConsole& console, const EndingSignals& signals) {
  std::string input;
  while (true) {
    std::cout << "> " << std::flush;
    size_t end;
    while ((end = input.find('\n')) == std::string::npos) {
      if (signals.WaitFor(STDIN_FILENO)) return absl::CancelledError("stopped");
      char buffer[4096];
      const ssize_t got = read(STDIN_FILENO, buffer, sizeof(buffer));
      if (got <= 0) return absl::OkStatus();
      input.append(buffer, got);
    }
    const auto command = ParseLabCommand(absl::string_view(input.data(), end));
    input.erase(0, end + 1);
    if (command.ok() && command->verb == LabCommand::Verb::kQuit) {
      return absl::OkStatus();
    }
    const absl::StatusOr<std::string> answer =
        command.ok() ? console.Execute(*command) : command.status();
    std::cout << (answer.ok() ? *answer
                              : absl::StrCat(answer.status().message(), "\n"));
  }
}

absl::Status Run(const EndingSignals& signals) {
  RETURN_IF_ERROR(CheckFlags());
  const absl::Duration begin = Clock::Real().Uptime();
  const int hosts = absl::GetFlag(FLAGS_hosts);
  std::cout << "starting the hosts\n" << std::flush;
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Lab> lab,
      Lab::Start({.qemu_hosts = absl::GetFlag(FLAGS_qemu_hosts),
                  .test_hosts = hosts,
                  .guests = absl::GetFlag(FLAGS_guests),
                  .linked_hosts = absl::GetFlag(FLAGS_linked) ? hosts : 0,
                  .gives_up = [&signals] { return signals.Pending(); }}));
  const std::string flag = absl::GetFlag(FLAGS_fleet_file);
  const std::string fleet_file =
      flag.empty() ? lab->folder() / "fleet.yaml" : flag;
  RETURN_IF_ERROR(WriteFleetFile(fleet_file, FleetOf(*lab)));
  std::cout << lab->size() << " hosts are up, after "
            << absl::FormatDuration(absl::Trunc(Clock::Real().Uptime() - begin,
                                                absl::Milliseconds(100)))
            << "\n\nA controller finds and reaches them with:\n\n"
            << ControllerConfig(*lab, fleet_file)
            << "\nCommands, until Ctrl-C:\n"
            << LabCommandHelp();
  ASSIGN_OR_RETURN(const std::unique_ptr<Churn> churn, StartChurn(*lab));
  LabConsole console(*lab, churn.get());
  const absl::Status ended = TakeCommands(console, signals);
  std::cout << "\nputting everything away\n" << std::flush;
  if (churn != nullptr) {
    churn->Stop();
    RETURN_IF_ERROR(churn->status());
  }
  return ended;
}

int Main() {
  const EndingSignals signals;
  const absl::Status status = Run(signals);
  if (status.ok()) return 0;
  if (absl::IsCancelled(status)) return 130;
  std::cerr << "lab: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

}  // namespace
}  // namespace rehai::lab

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "A fleet of private hypervisors for a controller to watch, which can be "
      "changed and hurt by commands on standard input.\n\n"
      "  bazel run //tests/lab -- --hosts=300 --guests=30 "
      "--changes_per_second=20");
  const auto rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::cerr << "lab: unexpected argument \"" << rest[1]
              << "\"; it takes none, see --help\n";
    return 2;
  }
  return rehai::lab::Main();
}
