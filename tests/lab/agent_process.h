// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_AGENT_PROCESS_H_
#define TESTS_LAB_AGENT_PROCESS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// The agent as it runs beside a hypervisor: the real program, over TLS, with a
// client.rb and a state folder of its own. It enrols with the key of the host's
// Chef client, unless it is given a certificate. Not thread-safe.
class AgentProcess {
 public:
  struct Options {
    std::string node = {};
    // The hypervisor beside it.
    std::string uri = {};
    // host:port, and who signed its certificate.
    std::string controller = {};
    std::string controller_ca_file = {};
    // The Chef client's.
    std::string client_key_file = {};
    // Both or none.
    std::string certificate_file = {};
    std::string certificate_key_file = {};
    std::vector<std::string> more_flags = {};
  };

  // Returns once the program runs; whether the controller lets it in is for
  // the controller to say.
  static absl::StatusOr<std::unique_ptr<AgentProcess>> Start(
      const Goiardi& chef, const Options& options);

  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // What the agent keeps over its restarts.
  std::string identity_file() const;
  std::string log_file() const { return *folder_ / "log"; }
  // What it has said, in all its lives.
  std::string Log() const;

  // From its next start on, its machine's wall clock is ahead by that.
  absl::Status SetClockAhead(absl::Duration ahead);

  // As kill -9 does. Returns once it is gone.
  void Kill();
  // As systemctl stop does.
  void Stop();
  // Starts it again, with what it kept; ends it first, if it runs.
  absl::Status Restart();

  Process& process() { return *process_; }

 private:
  AgentProcess(std::unique_ptr<TempFolder> folder, Command command)
      : folder_(std::move(folder)), command_(std::move(command)) {}

  const std::unique_ptr<TempFolder> folder_;
  Command command_;
  std::unique_ptr<Process> process_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_AGENT_PROCESS_H_
