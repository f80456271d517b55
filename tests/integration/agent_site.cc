// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/agent_site.h"

#include <httplib.h>
#include <signal.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/integration/node_view.h"
#include "tests/lab/fleet_file.h"

namespace rehai::integration {

absl::StatusOr<std::unique_ptr<AgentSite>> AgentSite::Start(
    lab::Lab& lab, const Options& options) {
  std::unique_ptr<AgentSite> site(new AgentSite(lab, options));
  RETURN_IF_ERROR(site->Launch());
  return site;
}

absl::Status AgentSite::Launch() {
  ASSIGN_OR_RETURN(folder_, lab::TempFolder::Create("site"));
  ASSIGN_OR_RETURN(chef_, lab::Goiardi::Start());
  ASSIGN_OR_RETURN(authorities_, lab::Authorities::Create());
  for (int i = 0; i < lab_.size(); ++i) {
    RETURN_IF_ERROR(chef_->CreateNode(SmallNode(node(i))));
    ASSIGN_OR_RETURN(std::string key,
                     chef_->CreateClient(node(i), /*admin=*/false));
    client_keys_.push_back(std::move(key));
  }
  lab::ControllerProcess::Options controller;
  controller.agents = absl::StrCat(authorities_->AgentsYaml(), options_.agents);
  controller.more_config =
      absl::StrCat("http: {listen: 127.0.0.1:0}\n", options_.more_config);
  controller.more_flags = {"--http_port_file", *folder_ / "http_port"};
  if (options_.by_file) {
    RETURN_IF_ERROR(lab::WriteFleetFile(hosts_file(), Hosts()));
    absl::StrAppend(&controller.more_config, "discovery: {files: [",
                    hosts_file(), "]}\n");
  } else {
    controller.hosts = Hosts();
  }
  ASSIGN_OR_RETURN(controller_, lab::ControllerProcess::Start(
                                    *chef_, std::move(controller)));
  front_end_ = std::make_unique<FrontEnd>(controller_->address());

  links_.resize(lab_.size());
  agents_.resize(lab_.size());
  if (options_.linked) {
    ASSIGN_OR_RETURN(relay_, lab::Relay::Start());
    for (auto& link : links_) {
      ASSIGN_OR_RETURN(link,
                       lab::Link::Open(*relay_, controller_->agents_port()));
    }
  }
  if (!options_.by_agent) return absl::OkStatus();
  for (int i = 0; i < lab_.size(); ++i) RETURN_IF_ERROR(StartAgent(i));
  return absl::OkStatus();
}

std::vector<lab::WatchedHost> AgentSite::Hosts() const {
  std::vector<lab::WatchedHost> hosts = lab::HostsOf(lab_);
  for (lab::WatchedHost& host : hosts) {
    if (!options_.by_uri) host.uri.clear();
  }
  return hosts;
}

std::string AgentSite::ChefNode(int host) const {
  return chef_->GetNode(node(host)).value_or("");
}

lab::AgentProcess::Options AgentSite::AgentOptions(int host) const {
  const int port = links_[host] != nullptr ? links_[host]->port()
                                           : controller_->agents_port();
  return {.node = node(host),
          .uri = lab_.host(host).local_uri(),
          .controller = absl::StrCat("127.0.0.1:", port),
          .controller_ca_file = authorities_->server_ca_file(),
          .client_key_file = client_keys_[host]};
}

absl::Status AgentSite::StartAgent(int host) {
  ASSIGN_OR_RETURN(agents_[host],
                   lab::AgentProcess::Start(*chef_, AgentOptions(host)));
  return absl::OkStatus();
}

std::string AgentSite::MetricsPage() const {
  int port = 0;
  const std::string text = ReadFile(*folder_ / "http_port").value_or("");
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port)) {
    return "";
  }
  httplib::Client client("127.0.0.1", port);
  const httplib::Result page = client.Get("/metrics");
  return page ? page->body : "";
}

absl::Status AgentSite::RestartController() {
  RETURN_IF_ERROR(controller_->Restart());
  front_end_ = std::make_unique<FrontEnd>(controller_->address());
  return absl::OkStatus();
}

absl::Status AgentSite::KillAndRestartController() {
  controller_->process().Signal(SIGKILL);
  return RestartController();
}

}  // namespace rehai::integration
