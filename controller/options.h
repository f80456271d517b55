// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_OPTIONS_H_
#define CONTROLLER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "chef/rendering.h"
#include "controller/api/agent_server.h"
#include "controller/api/http_server.h"
#include "controller/api/server.h"
#include "controller/checks/fleet_checks.h"
#include "controller/discovery/discovery_options.h"
#include "controller/enrolment/enrolment.h"
#include "controller/inventory/brake.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/fleet_source.h"
#include "controller/state/sqlite_store.h"
#include "controller/sync/syncer.h"
#include "hypervisor/ssh_command.h"
#include "rehai/v1/config.pb.h"

namespace rehai {

// How agents are listened to.
struct AgentOptions {
  // Gives agents certificates.
  struct Certificates {
    std::string ca_certificate_file;
    std::string ca_key_file;
    Enrolment::Options enrolment;
  };

  // Without the enrolment's authority, whose file is not read yet.
  AgentServer::Options server;
  AgentSessions::Options sessions;
  std::optional<Certificates> certificates;  // nullopt: nobody is enrolled
  bool write_ohai_time = false;
};

// Everything the controller is told from outside, checked and with its
// defaults.
struct ControllerOptions {
  ApiServer::Options api;
  // Nullopt: no HTTP.
  std::optional<HttpServer::Options> http;
  std::string data_collector_token_file;  // empty: messages are not listened to
  v1::ChefConfig chef;  // file names made absolute; identity not resolved yet
  absl::Duration chef_request_timeout = absl::Seconds(10);
  int64_t max_node_bytes = 1'000'000;
  Syncer::Options sync;
  FleetSource::Options pull;
  hypervisor::SshOptions ssh;
  DiscoveryOptions discovery;
  BrakeOptions brake;
  FleetChecks::Options checks;
  // Nullopt: nothing is kept over a restart.
  std::optional<SqliteStore::Options> state;
  // Nullopt: agents are not listened to. How long their hosts wait for them is
  // in `pull`.
  std::optional<AgentOptions> agents;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  // What all of this was made of.
  v1::ControllerConfig config;
};

// Reads and checks a configuration file. kNotFound and kPermissionDenied name
// the file; kInvalidArgument lists every problem, a line each, with file, line
// or key, and what to do.
absl::StatusOr<ControllerOptions> LoadOptions(const std::string& config_file);

// The same for a configuration already read. `file_name` is for messages, and
// relative file names are taken from its folder.
absl::StatusOr<ControllerOptions> MakeOptions(
    const std::string& file_name, const v1::ControllerConfig& config);

// Sections and keys, as "sync" or "api.limits", in which the two differ and
// which Controller::Reload() does not take: it takes api.roles and
// api.default_role, log, and the names of TLS files where there is TLS in both.
std::vector<std::string> DifferBeyondReload(const v1::ControllerConfig& a,
                                            const v1::ControllerConfig& b);

}  // namespace rehai

#endif  // CONTROLLER_OPTIONS_H_
