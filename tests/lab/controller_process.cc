// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/controller_process.h"

#include <stdio.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"
#include "tests/lab/runfile.h"

namespace rehai::lab {
namespace {

std::string Config(const Knife::Options& account,
                   const ControllerProcess::Options& options,
                   const std::optional<ReservedPort>& agents_port) {
  return absl::StrCat(
      "api:\n  listen: 127.0.0.1:0\n", options.api, "chef:\n  server_url: ",
      options.server_url.empty() ? account.server_url : options.server_url,
      "\n  client_name: ", account.client_name,
      "\n  client_key_file: ", account.client_key_file,
      "\n  ca_file: ", account.ca_file, "\nrenderings:\n  kvm_extensions: ",
      options.kvm_extensions ? "true" : "false",
      "\n  ohai_libvirt: ", options.ohai_libvirt ? "true" : "false",
      "\nsync:\n  window: ", options.window, "\n", options.more_sync,
      agents_port.has_value()
          ? absl::StrCat("agents:\n  listen: 127.0.0.1:", agents_port->number(),
                         "\n", options.agents)
          : "",
      options.more_config, "hosts:\n", HostsYaml(options.hosts));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControllerProcess>> ControllerProcess::Start(
    const Goiardi& chef, Options options) {
  return Start({.server_url = chef.url(),
                .ca_file = chef.ca_file(),
                .client_name = chef.admin_name(),
                .client_key_file = chef.admin_key_file()},
               std::move(options));
}

absl::StatusOr<std::unique_ptr<ControllerProcess>> ControllerProcess::Start(
    const Knife::Options& account, Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("controller"));
  ASSIGN_OR_RETURN(const std::string program,
                   Runfile("controller/rehai-controller"));
  std::optional<ReservedPort> agents_port;
  if (!options.agents.empty()) {
    ASSIGN_OR_RETURN(ReservedPort port, ReservedPort::Take());
    agents_port.emplace(std::move(port));
  }
  const std::string config = Config(account, options, agents_port);
  RETURN_IF_ERROR(WriteFileAtomically(
      *folder / "rehai.yaml", absl::string_view(config.data(), config.size()),
      0600));
  std::vector<std::string> argv = std::move(options.launcher);
  argv.insert(argv.end(), {program, "--config", *folder / "rehai.yaml",
                           "--port_file", *folder / "port"});
  if (agents_port.has_value()) {
    argv.insert(argv.end(), {"--agents_port_file", *folder / "agents_port"});
  }
  argv.insert(argv.end(), options.more_flags.begin(), options.more_flags.end());
  std::unique_ptr<ControllerProcess> controller(new ControllerProcess(
      std::move(folder), std::move(agents_port), std::move(argv)));
  RETURN_IF_ERROR(controller->Launch());
  return controller;
}

ControllerProcess::ControllerProcess(std::unique_ptr<TempFolder> folder,
                                     std::optional<ReservedPort> agents_port,
                                     std::vector<std::string> argv)
    : folder_(std::move(folder)),
      agents_port_(std::move(agents_port)),
      argv_(std::move(argv)) {}

absl::StatusOr<int> ControllerProcess::Listens(
    const std::string& port_file) const {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(port_file));
  int port = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port)) {
    return absl::InternalError(absl::StrCat(port_file, ": holds no port"));
  }
  RETURN_IF_ERROR(CanConnect(port));
  return port;
}

absl::Status ControllerProcess::Launch() {
  const std::string port_file = *folder_ / "port";
  const std::string agents_port_file = *folder_ / "agents_port";
  remove(port_file.c_str());
  remove(agents_port_file.c_str());
  ASSIGN_OR_RETURN(process_,
                   Process::Start({.argv = argv_, .log_file = log_file()}));
  return process_->WaitUntilReady(absl::Minutes(1), [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const int port, Listens(port_file));
    address_ = absl::StrCat("127.0.0.1:", port);
    if (!agents_port_.has_value()) return absl::OkStatus();
    return Listens(agents_port_file).status();
  });
}

absl::Status ControllerProcess::Restart() {
  process_->Stop();
  return Launch();
}

}  // namespace rehai::lab
