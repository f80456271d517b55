// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include <iostream>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/core_dumps.h"
#include "controller/controller.h"
#include "controller/discovery/host_files.h"
#include "controller/options.h"

ABSL_FLAG(std::string, config, "/etc/rehai/rehai.yaml",
          "Configuration file; docs/configuration.md describes every key.");
ABSL_FLAG(bool, dry_run, false,
          "Write nothing to Chef; log what would change, path by path.");
ABSL_FLAG(bool, check_config, false,
          "Check the configuration and the files it names, and exit.");
ABSL_FLAG(bool, allow_core_dumps, false,
          "Let the system write core dumps. They hold the private key: use a "
          "key that can be thrown away afterwards.");
ABSL_FLAG(std::string, port_file, "",
          "Write the API's port to this file once it answers.");
ABSL_FLAG(std::string, agents_port_file, "",
          "Write the port that agents come to to this file once it answers.");
ABSL_FLAG(std::string, http_port_file, "",
          "Write the HTTP port to this file once it answers.");

namespace rehai {
namespace {

// Signals that end the service or make it read its configuration again. Blocked
// in every thread, so that they are only ever taken by the wait below and
// interrupt no call.
sigset_t AwaitedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return signals;
}

absl::Status WritePort(int port, const std::string& file) {
  if (file.empty()) return absl::OkStatus();
  return WriteFileAtomically(file, absl::StrCat(port, "\n"), 0644);
}

// glibc gives threads that allocate at the same time an arena each, up to eight
// per core, and what one has freed the others cannot use. Most of our threads
// wait for hypervisors most of the time: two arenas serve them as well, with a
// fifth less memory after some hundred reconnects.
void ShareArenas() { mallopt(M_ARENA_MAX, 2); }

absl::Status Run(const ControllerOptions& options) {
  if (!absl::GetFlag(FLAGS_allow_core_dumps)) {
    RETURN_IF_ERROR(chef::ForbidCoreDumps());
  }
  ASSIGN_OR_RETURN(const auto controller,
                   Controller::Create(options, Clock::Real()));
  if (absl::GetFlag(FLAGS_check_config)) {
    RETURN_IF_ERROR(
        CheckHostFiles(options.discovery.files, options.discovery.host_uri));
    std::cout << absl::GetFlag(FLAGS_config) << ": good, "
              << options.discovery.static_hosts.size() << " hosts\n";
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(controller->Start());
  RETURN_IF_ERROR(
      WritePort(controller->port(), absl::GetFlag(FLAGS_port_file)));
  RETURN_IF_ERROR(
      WritePort(controller->http_port(), absl::GetFlag(FLAGS_http_port_file)));
  RETURN_IF_ERROR(WritePort(controller->agents_port(),
                            absl::GetFlag(FLAGS_agents_port_file)));
  const sigset_t signals = AwaitedSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    // If it is wrong the service goes on as before, and says so.
    controller->Reload(LoadOptions(absl::GetFlag(FLAGS_config))).IgnoreError();
  }
  log::Info("stopping", {{"signal", signal}});
  controller->Stop();
  return absl::OkStatus();
}

int Main() {
  ShareArenas();
  const sigset_t signals = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  absl::StatusOr<ControllerOptions> options =
      LoadOptions(absl::GetFlag(FLAGS_config));
  if (!options.ok()) {
    std::cerr << options.status().message() << "\n";
    return 2;
  }
  options->sync.dry_run = absl::GetFlag(FLAGS_dry_run);
  // A look at the configuration is not to wait for who uses the folder.
  if (absl::GetFlag(FLAGS_check_config)) options->state.reset();
  log::Configure(options->log_level, options->log_format);
  if (absl::Status status = Run(*options); !status.ok()) {
    std::cerr << status.message() << "\n";
    const bool by_config = status.code() != absl::StatusCode::kUnavailable;
    return by_config ? 2 : 1;
  }
  return 0;
}

}  // namespace
}  // namespace rehai

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Keeps Chef true about the guests of a fleet of hypervisors.\n\n"
      "  rehai-controller --config /etc/rehai/rehai.yaml\n"
      "  rehai-controller --config rehai.yaml --dry_run\n"
      "  rehai-controller --config rehai.yaml --check_config");
  const auto rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::cerr << "unexpected argument \"" << rest[1]
              << "\"; everything is given by flags, see --help\n";
    return 2;
  }
  return rehai::Main();
}
