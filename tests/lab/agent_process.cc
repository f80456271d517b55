// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/agent_process.h"

#include <signal.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/runfile.h"

namespace rehai::lab {

absl::StatusOr<std::unique_ptr<AgentProcess>> AgentProcess::Start(
    const Goiardi& chef, const Options& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("agent"));
  ASSIGN_OR_RETURN(const std::string program, Runfile("agent/rehai-agent"));
  const std::string client_rb =
      absl::StrCat("chef_server_url \"", chef.url(), "\"\nnode_name \"",
                   options.node, "\"\nclient_key \"", options.client_key_file,
                   "\"\nssl_ca_file \"", chef.ca_file(), "\"\n");
  RETURN_IF_ERROR(WriteFileAtomically(
      *folder / "client.rb",
      absl::string_view(client_rb.data(), client_rb.size()), 0600));
  Command command = {
      .argv = {program, "--controller", options.controller, "--controller_ca",
               options.controller_ca_file, "--uri", options.uri,
               "--state_folder", *folder / "state", "-c", *folder / "client.rb",
               "-l", "info"},
      .log_file = *folder / "log"};
  if (!options.certificate_file.empty()) {
    command.argv.insert(
        command.argv.end(),
        {"--certificate", options.certificate_file, "--certificate_key",
         options.certificate_key_file, "-N", options.node});
  }
  command.argv.insert(command.argv.end(), options.more_flags.begin(),
                      options.more_flags.end());
  std::unique_ptr<AgentProcess> agent(
      new AgentProcess(std::move(folder), std::move(command)));
  RETURN_IF_ERROR(agent->Restart());
  return agent;
}

std::string AgentProcess::identity_file() const {
  return *folder_ / "state/controller-identity.pem";
}

std::string AgentProcess::Log() const {
  return ReadFile(log_file()).value_or("");
}

absl::Status AgentProcess::SetClockAhead(absl::Duration ahead) {
  ASSIGN_OR_RETURN(const std::string library,
                   Runfile("tests/lab/libwrong_clock.so"));
  command_.environment = {
      {"LD_PRELOAD", library},
      {"WRONG_CLOCK_SECONDS", absl::StrCat(absl::ToInt64Seconds(ahead))}};
  return absl::OkStatus();
}

void AgentProcess::Kill() {
  process_->Signal(SIGKILL);
  process_->Stop();
}

void AgentProcess::Stop() { process_->Stop(); }

absl::Status AgentProcess::Restart() {
  if (process_ != nullptr) process_->Stop();
  ASSIGN_OR_RETURN(process_, Process::Start(command_));
  return absl::OkStatus();
}

}  // namespace rehai::lab
