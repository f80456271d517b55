// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/controller.h"

#include <utility>

#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/identity.h"
#include "chef/node_writer.h"
#include "chef/request_signer.h"
#include "controller/api/server.h"
#include "controller/inventory/inventory.h"
#include "controller/source/pull_source.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "hypervisor/libvirt_dialer.h"

namespace rehai {
namespace {

// How long calls under way may take to end when the service stops.
constexpr absl::Duration kApiGrace = absl::Seconds(2);

absl::StatusOr<std::unique_ptr<chef::Client>> MakeChefClient(
    const ControllerOptions& options, const Clock& clock) {
  ASSIGN_OR_RETURN(const chef::Identity identity,
                   chef::ResolveIdentity(options.chef));
  const std::string& version = options.chef.sign_version();
  ASSIGN_OR_RETURN(const chef::SignVersion sign_version,
                   chef::ParseSignVersion(version.empty() ? "1.3" : version));
  ASSIGN_OR_RETURN(
      chef::RequestSigner signer,
      chef::RequestSigner::Create(identity.client_name, identity.client_key_pem,
                                  sign_version));
  chef::Client::Options client;
  client.server_url = identity.server_url;
  client.ca_file = identity.ca_file;
  client.trusted_certs_dir = identity.trusted_certs_dir;
  client.max_connections = options.sync.limits.max_in_flight;
  client.request_timeout = options.chef_request_timeout;
  return chef::Client::Create(std::move(client), std::move(signer), clock);
}

}  // namespace

// In the order of construction, which is the order of starting.
struct Controller::Parts {
  Parts(const ControllerOptions& options, Clock& clock,
        std::unique_ptr<chef::Client> chef_client)
      : inventory(clock),
        client(std::move(chef_client)),
        writer({.dry_run = options.sync.dry_run,
                .max_node_bytes = options.max_node_bytes},
               *client, clock),
        sink(writer),
        syncer(options.sync, inventory, sink, clock),
        dialer(clock),
        source(options.pull, options.hosts, dialer, inventory, clock),
        operations(
            {}, inventory, syncer,
            [this](const HostId& host,
                   absl::AnyInvocable<void(absl::Status)> done) {
              source.Reread(host, std::move(done));
            },
            clock) {
    inventory.AddListener(
        [this](const Change& change) { syncer.OnChange(change); });
  }

  Inventory inventory;
  std::unique_ptr<chef::Client> client;
  chef::NodeWriter writer;
  ChefSink sink;
  Syncer syncer;
  hypervisor::LibvirtDialer dialer;
  PullSource source;
  ResyncOperations operations;
  std::unique_ptr<ApiServer> api;
  bool running = false;
};

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(
    const ControllerOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<chef::Client> client,
                   MakeChefClient(options, clock));
  log::Info("controller made",
            {{"hosts", options.hosts.size()},
             {"chef", client->server_url()},
             {"client", client->client_name()},
             {"dry_run", options.sync.dry_run ? "yes" : "no"}});
  auto parts = std::make_unique<Parts>(options, clock, std::move(client));
  ASSIGN_OR_RETURN(parts->api,
                   ApiServer::Create(options.api, parts->inventory,
                                     parts->syncer, parts->operations));
  return std::unique_ptr<Controller>(new Controller(std::move(parts)));
}

Controller::Controller(std::unique_ptr<Parts> parts)
    : parts_(std::move(parts)) {}

Controller::~Controller() { Stop(); }

absl::Status Controller::Start() {
  // Listening first costs nothing and finds a taken address before a hypervisor
  // or Chef is touched.
  RETURN_IF_ERROR(parts_->api->Start());
  parts_->syncer.Start();
  parts_->source.Start();
  parts_->operations.Start();
  parts_->api->SetReady(true);
  parts_->running = true;
  log::Info("serving", {{"port", port()}});
  return absl::OkStatus();
}

void Controller::Stop() {
  if (!std::exchange(parts_->running, false)) return;
  parts_->api->SetReady(false);
  parts_->api->Stop(kApiGrace);
  parts_->operations.Stop();
  parts_->source.Stop();
  parts_->syncer.Stop();
  log::Info("stopped");
}

int Controller::port() const { return parts_->api->port(); }

}  // namespace rehai
