// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_AGENT_SITE_H_
#define TESTS_INTEGRATION_AGENT_SITE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/integration/front_end.h"
#include "tests/lab/agent_process.h"
#include "tests/lab/authorities.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/lab/link.h"
#include "tests/lab/relay.h"

namespace rehai::integration {

// All that stands around the hypervisors of a lab: a Chef server with a node
// and a client for each, a controller that listens to agents over TLS, and an
// agent beside each hypervisor. Several sites can share a lab, each with its
// own view of it. Not thread-safe.
class AgentSite {
 public:
  struct Options {
    // The controller has the hosts' URIs; else only agents tell of them.
    bool by_uri = true;
    // Agents are started. Else StartAgent() is for the test to call.
    bool by_agent = true;
    // Agents reach the controller over a link each.
    bool linked = false;
    // The controller is told of the hosts by hosts_file(), which can change.
    bool by_file = false;
    // More of the section `agents`, as Authorities::AgentsYaml() says.
    std::string agents = {};
    // More of the configuration, whole top-level keys.
    std::string more_config = {};
  };

  // Returns once the controller answers; agents may be on their way.
  static absl::StatusOr<std::unique_ptr<AgentSite>> Start(
      lab::Lab& lab, const Options& options);

  AgentSite(const AgentSite&) = delete;
  AgentSite& operator=(const AgentSite&) = delete;

  lab::Lab& lab() { return lab_; }
  lab::Goiardi& chef() { return *chef_; }
  lab::Authorities& authorities() { return *authorities_; }
  lab::ControllerProcess& controller() { return *controller_; }
  FrontEnd& front_end() { return *front_end_; }

  std::string node(int host) const { return lab_.host(host).node(); }
  // The host's Chef node as the server holds it; empty if it does not answer.
  std::string ChefNode(int host) const;
  // The private key of the host's Chef client.
  const std::string& client_key_file(int host) const {
    return client_keys_[host];
  }
  // The controller's metrics; empty if it does not answer.
  std::string MetricsPage() const;
  std::string hosts_file() const { return *folder_ / "hosts.yaml"; }
  // The hosts as the controller is told of them.
  std::vector<lab::WatchedHost> Hosts() const;

  // What an agent of that host is started with, to be changed.
  lab::AgentProcess::Options AgentOptions(int host) const;
  absl::Status StartAgent(int host);
  // Null before it was started, or if it was taken away.
  std::unique_ptr<lab::AgentProcess>& agent(int host) { return agents_[host]; }
  // Null unless linked.
  lab::Link* link(int host) { return links_[host].get(); }

  // Ends the controller, kindly or by SIGKILL, and starts it again.
  absl::Status RestartController();
  absl::Status KillAndRestartController();

 private:
  AgentSite(lab::Lab& lab, Options options)
      : lab_(lab), options_(std::move(options)) {}

  absl::Status Launch();

  lab::Lab& lab_;
  const Options options_;
  std::unique_ptr<lab::TempFolder> folder_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::Authorities> authorities_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
  std::unique_ptr<lab::Relay> relay_;
  // By host.
  std::vector<std::string> client_keys_;
  std::vector<std::unique_ptr<lab::Link>> links_;
  std::vector<std::unique_ptr<lab::AgentProcess>> agents_;
};

}  // namespace rehai::integration

#endif  // TESTS_INTEGRATION_AGENT_SITE_H_
