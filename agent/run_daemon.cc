// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/run_daemon.h"

#include <malloc.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/background_ohai.h"
#include "agent/controller_credentials.h"
#include "agent/daemon.h"
#include "agent/host_client.h"
#include "agent/ohai_runner.h"
#include "agent/service.h"
#include "agent/session.h"
#include "agent/snapshot_keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/identity.h"
#include "hypervisor/libvirt_dialer.h"

namespace rehai::agent {
namespace {

constexpr char kVersion[] = "0.1.0";
// systemd and people wait for it.
constexpr absl::Duration kStopWithin = absl::Milliseconds(1500);
// An Ohai that is told to end must have ended before.
constexpr absl::Duration kOhaiPatience = absl::Milliseconds(300);

// As whom the agent speaks: the host's node, and the key that proves it.
struct Speaker {
  std::string node;
  std::string client_key_file;
};

absl::StatusOr<Speaker> SpeakerOf(const Arguments& arguments) {
  const bool enrols = !arguments.plaintext && arguments.certificate_key.empty();
  if (!enrols && !arguments.chef.client_name().empty()) {
    // Then this host need not be Chef's at all.
    return Speaker{.node = arguments.chef.client_name(), .client_key_file = ""};
  }
  ASSIGN_OR_RETURN(const chef::Identity identity, HostIdentity(arguments.chef));
  return Speaker{.node = identity.client_name,
                 .client_key_file = identity.client_key_file};
}

absl::StatusOr<std::unique_ptr<ControllerCredentials>> CredentialsOf(
    const Arguments& arguments, const Speaker& speaker) {
  return ControllerCredentials::Create(
      {.controller = arguments.controller,
       .plaintext = arguments.plaintext,
       .ca_file = arguments.controller_ca,
       .tls_server_name = arguments.controller_name,
       .certificate_file = arguments.certificate,
       .key_file = arguments.certificate_key,
       .node = speaker.node,
       .client_key_file = speaker.client_key_file,
       .state_folder = arguments.state_folder},
      Clock::Real());
}

// glibc gives threads that allocate at the same time an arena each; most of
// ours wait most of the time.
void ShareArenas() { mallopt(M_ARENA_MAX, 2); }

}  // namespace

absl::Status RunDaemon(const Arguments& arguments) {
  ShareArenas();
  ASSIGN_OR_RETURN(const Speaker speaker, SpeakerOf(arguments));
  ASSIGN_OR_RETURN(auto credentials, CredentialsOf(arguments, speaker));
  Clock& clock = Clock::Real();
  Service service(clock);
  RETURN_IF_ERROR(service.Open());
  log::Info("agent started", {{"node", speaker.node},
                              {"uri", arguments.uri},
                              {"controller", arguments.controller},
                              {"version", kVersion}});
  OhaiRunner::Request ohai_request = arguments.ohai_request;
  ohai_request.patience = kOhaiPatience;
  BackgroundOhai ohai(speaker.node, ohai_request, clock);
  SnapshotKeeper snapshot({.folder = arguments.state_folder,
                           .node = speaker.node,
                           .uri = arguments.uri,
                           .rendering = arguments.rendering},
                          clock);
  hypervisor::LibvirtDialer dialer(clock);
  Daemon daemon(
      {.watch = {.node = speaker.node, .uri = arguments.uri},
       .session = {.node = speaker.node, .agent_version = kVersion},
       .channels = {.controller = arguments.controller}},
      dialer, std::move(credentials),
      [&ohai](const v1::RunOhai& request, Session::OhaiDone done) {
        ohai.Start(request, std::move(done));
      },
      [&service] { service.Changed(); }, clock, &snapshot);
  daemon.Start();
  service.Wait([&daemon]() -> Service::Standing {
    const Daemon::Standing standing = daemon.standing();
    return {.is_ready = standing.is_ready, .text = standing.text};
  });
  const bool has_stopped = service.StopWithin(kStopWithin, [&daemon, &ohai] {
    ohai.Stop();
    daemon.Stop();
  });
  if (has_stopped) return absl::OkStatus();
  log::Warning("stopped without waiting for those that do not answer");
  _exit(0);
}

}  // namespace rehai::agent
