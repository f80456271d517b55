// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_CONTROLLER_PROCESS_H_
#define TESTS_LAB_CONTROLLER_PROCESS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/knife.h"
#include "tests/lab/loopback.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// The controller as operators run it: the real program, with a configuration
// file, on a free port. Not thread-safe.
class ControllerProcess {
 public:
  struct Options {
    std::vector<WatchedHost> hosts = {};
    // More of the section api: "  tls: {...}\n".
    std::string api = {};
    std::string window = "200ms";
    // More of the section sync: "  sweep_interval: 2s\n".
    std::string more_sync = {};
    // What stands between it and the Chef server. Empty: nothing.
    std::string server_url = {};
    bool kvm_extensions = true;
    bool ohai_libvirt = true;
    // Not empty: it listens to agents, over TLS as Authorities::AgentsYaml()
    // says: that, and more of the section.
    std::string agents = {};
    // More of the configuration file, whole top-level keys: "pull: {...}\n".
    std::string more_config = {};
    std::vector<std::string> more_flags = {};
    // What runs the program: {"valgrind", "--quiet"}. Empty: nothing does.
    std::vector<std::string> launcher = {};
  };

  // Returns once its API answers. Writes to that server as its administrator.
  static absl::StatusOr<std::unique_ptr<ControllerProcess>> Start(
      const Goiardi& chef, Options options);
  // Writes as that client.
  static absl::StatusOr<std::unique_ptr<ControllerProcess>> Start(
      const Knife::Options& account, Options options);

  ControllerProcess(const ControllerProcess&) = delete;
  ControllerProcess& operator=(const ControllerProcess&) = delete;

  // "127.0.0.1:PORT" of its API.
  const std::string& address() const { return address_; }
  // The port of 127.0.0.1 for agents, the same in each of its lives; 0 if it
  // does not listen to them.
  int agents_port() const {
    return agents_port_.has_value() ? agents_port_->number() : 0;
  }
  std::string config_file() const { return *folder_ / "rehai.yaml"; }
  std::string log_file() const { return *folder_ / "log"; }

  // Ends it, if it runs, and starts it anew with the same configuration.
  absl::Status Restart();

  Process& process() { return *process_; }

 private:
  ControllerProcess(std::unique_ptr<TempFolder> folder,
                    std::optional<ReservedPort> agents_port,
                    std::vector<std::string> argv);

  absl::Status Launch();
  // The ports that it has written down, once it accepts connections there.
  absl::StatusOr<int> Listens(const std::string& port_file) const;

  const std::unique_ptr<TempFolder> folder_;
  const std::optional<ReservedPort> agents_port_;
  const std::vector<std::string> argv_;
  std::string address_;
  std::unique_ptr<Process> process_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_CONTROLLER_PROCESS_H_
