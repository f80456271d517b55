// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/race_fleet.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/exact_json.h"
#include "tests/lab/loopback.h"
#include "tests/lab/runfile.h"

namespace rehai::lab {
namespace {

constexpr char kToken[] = "a-token-of-the-lab";
constexpr char kGhost[] =
    R"({"guests":{"ghost":{"id":"7","state":"running","Name":"ghost"}}})";

// A real node; without what packages are installed, which is half of it, if it
// is to be small.
absl::StatusOr<nlohmann::json> RealNode(const std::string& name, bool small) {
  ASSIGN_OR_RETURN(const std::string file,
                   Runfile("tests/data/ohai_node.json"));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ASSIGN_OR_RETURN(nlohmann::json node, ParseExactly(text));
  node["name"] = name;
  nlohmann::json& automatic = node["automatic"];
  automatic.erase("libvirt");
  automatic["virtualization"].erase("kvm");
  if (small) {
    for (const char* key : {"packages", "sysconf", "filesystem"}) {
      automatic.erase(key);
    }
  }
  return node;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RaceFleet>> RaceFleet::Start(Options options) {
  std::unique_ptr<RaceFleet> fleet(new RaceFleet(std::move(options)));
  ASSIGN_OR_RETURN(fleet->folder_, TempFolder::Create("race"));
  ASSIGN_OR_RETURN(fleet->chef_, Goiardi::Start({.tls = false}));
  ASSIGN_OR_RETURN(
      fleet->proxy_,
      SlowProxy::Start(fleet->chef_->url(),
                       [delay = fleet->options_.put_delay](
                           const std::string& method, const std::string&) {
                         return method == "PUT" ? delay : absl::ZeroDuration();
                       }));
  for (int i = 1; i <= fleet->options_.hosts; ++i) {
    RETURN_IF_ERROR(fleet->AddHost(absl::StrCat("hv", i)));
  }
  RETURN_IF_ERROR(fleet->StartController());
  return fleet;
}

RaceFleet::RaceFleet(Options options) : options_(std::move(options)) {}

absl::Status RaceFleet::AddHost(const std::string& node) {
  ASSIGN_OR_RETURN(std::unique_ptr<FlatLibvirtd> libvirtd,
                   FlatLibvirtd::Start());
  ASSIGN_OR_RETURN(const nlohmann::json document,
                   RealNode(node, /*small=*/!hosts_.empty()));
  const std::string text = DumpExactly(document);
  RETURN_IF_ERROR(
      chef_->CreateNode(absl::string_view(text.data(), text.size())));
  ChefClientRun::Host client;
  client.node = node;
  client.account = {.server_url = chef_->url(), .client_name = node};
  ASSIGN_OR_RETURN(client.account.client_key_file,
                   chef_->CreateClient(node, /*admin=*/false));
  client.automatic = DumpExactly(document["automatic"]);
  if (hosts_.size() % 2 == 1) {
    client.kvm = [] { return std::string(kGhost); };
  }
  first_[node] = text;
  clients_.push_back(std::move(client));
  hosts_.push_back(std::move(libvirtd));
  paused_.push_back(false);
  return absl::OkStatus();
}

absl::Status RaceFleet::StartController() {
  ControllerProcess::Options options;
  for (int i = 0; i < size(); ++i) {
    options.hosts.push_back({node(i), hosts_[i]->uri()});
  }
  options.window = "50ms";
  options.server_url = proxy_->url();
  options.more_sync =
      absl::StrCat("  sweep_interval: ", options_.sweep_interval, "\n");
  if (options_.runs_report) {
    RETURN_IF_ERROR(WriteFileAtomically(*folder_ / "token", kToken, 0600));
    options.more_config = absl::StrCat(
        "http:\n  listen: 127.0.0.1:0\n  data_collector_token_file: ",
        *folder_ / "token", "\n");
    options.more_flags = {"--http_port_file", *folder_ / "http_port"};
  }
  ASSIGN_OR_RETURN(controller_,
                   ControllerProcess::Start(*chef_, std::move(options)));
  return options_.runs_report ? LetRunsReport() : absl::OkStatus();
}

absl::Status RaceFleet::LetRunsReport() {
  int port = 0;
  RETURN_IF_ERROR(controller_->process().WaitUntilReady(
      absl::Seconds(20), [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const std::string text,
                         ReadFile(*folder_ / "http_port"));
        if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()),
                              &port)) {
          return absl::InternalError(
              absl::StrCat("http_port: holds no port: ", text));
        }
        return CanConnect(port);
      }));
  for (ChefClientRun::Host& client : clients_) {
    client.data_collector_url =
        absl::StrCat("http://127.0.0.1:", port, "/data-collector");
    client.data_collector_token = kToken;
  }
  return absl::OkStatus();
}

absl::Status RaceFleet::ChangeGuest(int i) {
  RETURN_IF_ERROR(
      hosts_[i]->Virsh({paused_[i] ? "resume" : "suspend", "test"}).status());
  paused_[i] = !paused_[i];
  return absl::OkStatus();
}

}  // namespace rehai::lab
