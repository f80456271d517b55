// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/controller.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/client_keys.h"
#include "chef/identity.h"
#include "chef/key_file.h"
#include "chef/node_query.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/request_signer.h"
#include "chef/rsa_key.h"
#include "chef/signer_source.h"
#include "controller/api/agent_server.h"
#include "controller/api/audit_service.h"
#include "controller/api/history_service.h"
#include "controller/api/http_server.h"
#include "controller/api/metrics.h"
#include "controller/api/process_figures.h"
#include "controller/api/run_listener.h"
#include "controller/api/server.h"
#include "controller/discovery/discovery.h"
#include "controller/enrolment/certificate_authority.h"
#include "controller/enrolment/enrolment.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "controller/keeping.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/fleet_source.h"
#include "controller/state/null_store.h"
#include "controller/state/past.h"
#include "controller/state/sqlite_past.h"
#include "controller/state/sqlite_store.h"
#include "controller/state/store.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/ohai_intake.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "controller/witness.h"
#include "hypervisor/libvirt_dialer.h"
#include "hypervisor/ssh_command.h"
#include "rehai/v1/source.pb.h"

namespace rehai {
namespace {

// How long calls under way may take to end when the service stops.
constexpr absl::Duration kApiGrace = absl::Seconds(2);

// To Chef. The governor decides how many are in use, and may be told to use
// more while the service runs.
constexpr int kMostChefConnections = 64;

absl::StatusOr<std::unique_ptr<chef::Client>> MakeChefClient(
    const ControllerOptions& options, const Clock& clock) {
  ASSIGN_OR_RETURN(const chef::Identity identity,
                   chef::ResolveIdentity(options.chef));
  const std::string& version = options.chef.sign_version();
  ASSIGN_OR_RETURN(const chef::SignVersion sign_version,
                   chef::ParseSignVersion(version.empty() ? "1.3" : version));
  ASSIGN_OR_RETURN(std::unique_ptr<chef::SignerSource> signers,
                   chef::MakeSignerSource(identity, sign_version, clock));
  chef::Client::Options client;
  client.server_url = identity.server_url;
  client.ca_file = identity.ca_file;
  client.trusted_certs_dir = identity.trusted_certs_dir;
  const auto& pins = options.chef.pinned_public_keys();
  client.pinned_public_keys.assign(pins.begin(), pins.end());
  client.max_connections =
      std::max(options.sync.limits.max_in_flight, kMostChefConnections);
  client.request_timeout = options.chef_request_timeout;
  return chef::Client::Create(std::move(client), std::move(signers), clock);
}

Syncer::Options SyncOptions(const ControllerOptions& options,
                            const chef::Client& client) {
  Syncer::Options sync = options.sync;
  sync.server_url = client.server_url();
  sync.client_name = client.client_name();
  sync.max_node_bytes = options.max_node_bytes;
  return sync;
}

FleetSource::Options PullOptions(const ControllerOptions& options,
                                 const hypervisor::SshCommand& ssh) {
  FleetSource::Options pull = options.pull;
  pull.dial.ssh_command = ssh.path();
  return pull;
}

ResyncOperations::Options ResyncOptions(const ControllerOptions& options) {
  ResyncOperations::Options resync;
  if (options.agents.has_value()) {
    const AgentOptions& agents = *options.agents;
    resync.write_ohai_time = agents.write_ohai_time;
    // The agent's own, and as much again for what waits there and for a write.
    resync.defaults.ohai_host_timeout = 2 * agents.sessions.ohai_timeout;
  }
  return resync;
}

// Null if the configuration has no token.
absl::StatusOr<std::unique_ptr<RunListener>> MakeRunListener(
    const ControllerOptions& options, Syncer& syncer, const Clock& clock) {
  const std::string& file = options.data_collector_token_file;
  if (file.empty()) return nullptr;
  RunListener::Options listener;
  ASSIGN_OR_RETURN(listener.token, ReadTokenFile(file));
  return std::make_unique<RunListener>(
      std::move(listener),
      [&syncer](const chef::RunMessage& message) { syncer.OnRun(message); },
      clock);
}

bool IsInFleet(const Inventory& inventory, const HostId& host) {
  const RecordPtr record = inventory.Find(host);
  if (record == nullptr) return false;
  const auto& conditions = record->conditions();
  return std::none_of(conditions.begin(), conditions.end(),
                      [](const v1::Condition& condition) {
                        return condition.type() == kLeftDiscovery;
                      });
}

// What there is where agents are listened to. Members are destroyed in reverse
// order: first the server, then what it calls.
struct Agents {
  std::unique_ptr<OhaiIntake> ohai;
  std::unique_ptr<AgentSessions> sessions;
  std::unique_ptr<chef::ClientKeys> keys;
  std::unique_ptr<Enrolment> enrolment;  // null: nobody is enrolled
  std::unique_ptr<AgentServer> server;
};

// The authority that signs agents' certificates.
absl::StatusOr<std::unique_ptr<CertificateAuthority>> LoadAuthority(
    const AgentOptions::Certificates& files, const Clock& clock) {
  ASSIGN_OR_RETURN(const std::string certificate,
                   ReadFile(files.ca_certificate_file));
  ASSIGN_OR_RETURN(std::string key, chef::ReadKeyFile(files.ca_key_file));
  absl::StatusOr<std::unique_ptr<CertificateAuthority>> authority =
      CertificateAuthority::Create(certificate, key, clock);
  chef::Wipe(key);
  if (!authority.ok()) {
    return absl::Status(
        authority.status().code(),
        absl::StrCat("agents.enrolment (", files.ca_certificate_file, ", ",
                     files.ca_key_file, "): ", authority.status().message()));
  }
  return authority;
}

}  // namespace

// In the order of construction, which is the order of starting.
struct Controller::Parts {
  Parts(const ControllerOptions& options, Clock& clock,
        std::unique_ptr<SqliteStore> kept_store,
        std::unique_ptr<chef::Client> chef_client,
        std::unique_ptr<hypervisor::SshCommand> ssh_command)
      : sqlite(std::move(kept_store)),
        chronicle(clock),
        inventory(clock, options.brake),
        client(std::move(chef_client)),
        writer({.dry_run = options.sync.dry_run,
                .max_node_bytes = options.max_node_bytes},
               *client, clock),
        search(chef::SearchedStampPath(options.sync.renderings), *client,
               clock),
        sink(writer, chef::SearchedStampPath(options.sync.renderings).empty()
                         ? nullptr
                         : &search),
        syncer(SyncOptions(options, *client), inventory, sink, clock),
        witness(inventory, syncer, options.sync.renderings, options.checks,
                clock),
        ssh(std::move(ssh_command)),
        dialer(clock),
        source(PullOptions(options, *ssh), {}, dialer, inventory, clock),
        query(*client, clock),
        discovery(
            options.discovery,
            [this](chef::NodeQuery::Question question,
                   Discovery::AskDone done) {
              query.Ask(std::move(question), std::move(done));
            },
            [this](const std::vector<FoundHost>& fleet) {
              source.SetHosts(fleet);
            },
            clock),
        operations(
            ResyncOptions(options), inventory, syncer,
            [this](const HostId& host,
                   absl::AnyInvocable<void(absl::Status)> done) {
              source.Reread(host, std::move(done));
            },
            clock, RunOhaiOf(options)),
        started_at(clock.Now()),
        config(options.config) {
    inventory.AddListener(
        [this](const Change& change) { syncer.OnChange(change); });
    if (sqlite != nullptr) {
      sqlite_past.emplace(SqlitePast::Options{.folder = options.state->folder},
                          clock);
    }
    const KeptParts kept{inventory, source, syncer, operations, chronicle};
    KeepChanges(kept, store());
    Store::Contents contents = store().TakeContents();
    const std::vector<v1::StoredNode> nodes = contents.nodes;
    RestoreParts(std::move(contents), kept, store());
    witness.Restore(nodes);
  }

  Store& store() {
    return sqlite == nullptr ? static_cast<Store&>(nothing) : *sqlite;
  }

  Past& past() {
    return sqlite_past.has_value() ? static_cast<Past&>(*sqlite_past) : no_past;
  }

  // Null where agents are not listened to.
  ResyncOperations::RunOhai RunOhaiOf(const ControllerOptions& options) {
    if (!options.agents.has_value()) return nullptr;
    return [this](const HostId& host, const std::vector<std::string>& plugins,
                  AgentSessions::OhaiDone done) {
      agents.sessions->RunOhai(host, plugins, std::move(done));
    };
  }

  std::string MetricsPage() const {
    MetricsSnapshot snapshot;
    snapshot.started_at = started_at;
    snapshot.chef = syncer.ChefStatus();
    if (runs != nullptr) snapshot.runs = runs->Counts();
    snapshot.fleet = CountFleet(*inventory.View());
    snapshot.source = SourceStatus();
    snapshot.process = ReadProcessFigures();
    if (sqlite != nullptr) snapshot.state = sqlite->health();
    snapshot.resyncs = operations.counts();
    const VisibleWaits::Counts waits = witness.WaitCounts();
    snapshot.visibility = {.waiting = waits.waiting,
                           .answered = waits.answered,
                           .expired = waits.expired,
                           .refused = waits.refused};
    snapshot.findings = witness.FindingCounts();
    snapshot.calls = api->calls();
    snapshot.reloads = {.taken = reloads_taken, .refused = reloads_refused};
    snapshot.certificates = CertificateExpiries();
    return MetricsText(snapshot);
  }

  // Of each server that has one, when.
  std::map<std::string, absl::Time> CertificateExpiries() const {
    std::map<std::string, absl::Time> expiries;
    const auto add = [&expiries](const char* server,
                                 std::optional<absl::Time> expires_at) {
      if (expires_at.has_value()) expiries[server] = *expires_at;
    };
    add("api", api->certificate_expires_at());
    if (agents.server != nullptr) {
      add("agents", agents.server->certificate_expires_at());
    }
    if (http != nullptr) add("http", http->certificate_expires_at());
    return expiries;
  }

  v1::SourceStatus SourceStatus() const {
    v1::SourceStatus status;
    *status.mutable_pull() = source.Status();
    *status.mutable_discovery() = discovery.Status();
    if (agents.server != nullptr) *status.mutable_push() = PushStatus();
    return status;
  }

  v1::PushStatus PushStatus() const {
    v1::PushStatus status = agents.sessions->Status();
    const CertificateCounts certificates = agents.server->certificates();
    status.set_certificates_issued(certificates.issued);
    status.set_enrolments_refused(certificates.refused);
    return status;
  }

  absl::Status MakeAgents(const AgentOptions& options, Clock& clock) {
    agents.ohai =
        std::make_unique<OhaiIntake>(syncer, clock, options.write_ohai_time);
    agents.sessions = std::make_unique<AgentSessions>(
        options.sessions, source,
        [this](const HostId& host, const v1::OhaiResult& result) {
          agents.ohai->Take(host, result);
        },
        clock);
    AgentServer::Options server = options.server;
    if (options.certificates.has_value()) {
      ASSIGN_OR_RETURN(std::unique_ptr<CertificateAuthority> authority,
                       LoadAuthority(*options.certificates, clock));
      server.enrolment_ca_pem = authority->certificate_pem();
      agents.keys = std::make_unique<chef::ClientKeys>(*client, clock);
      agents.enrolment = std::make_unique<Enrolment>(
          options.certificates->enrolment, std::move(authority),
          Enrolment::Questions{
              .is_in_fleet =
                  [this](const HostId& host) {
                    return IsInFleet(inventory, host);
                  },
              .keys =
                  [this](const std::string& name, Enrolment::KeysDone done) {
                    agents.keys->Fetch(name, std::move(done));
                  }},
          clock);
    }
    ASSIGN_OR_RETURN(
        agents.server,
        AgentServer::Create(
            std::move(server),
            [this](AgentPeer peer, std::shared_ptr<AgentStream> stream) {
              return agents.sessions->Open(std::move(peer), std::move(stream));
            },
            agents.enrolment.get(), clock));
    return absl::OkStatus();
  }

  // Controller::Reload().
  absl::Status Take(const ControllerOptions& options) {
    // First all that may fail.
    std::vector<std::function<void()>> take;
    ASSIGN_OR_RETURN(take.emplace_back(), api->PrepareReload(options.api));
    if (agents.server != nullptr && options.agents.has_value()) {
      ASSIGN_OR_RETURN(take.emplace_back(), agents.server->PrepareReload(
                                                options.agents->server.tls));
    }
    if (http != nullptr && options.http.has_value()) {
      ASSIGN_OR_RETURN(take.emplace_back(),
                       http->PrepareReload(options.http->tls));
    }
    for (const std::function<void()>& change : take) change();
    log::Configure(options.log_level, options.log_format);

    const std::vector<std::string> waiting =
        DifferBeyondReload(config, options.config);
    log::Info("configuration reloaded",
              {{"roles", options.api.access.grants.size()}});
    if (!waiting.empty()) {
      log::Warning("some of the configuration waits for a restart",
                   {{"changed", absl::StrJoin(waiting, ", ")}});
    }
    return absl::OkStatus();
  }

  SourceAnswers AnswersAboutSources() {
    return {
        .status = [this] { return SourceStatus(); },
        .connections = [this] { return source.Connections(); },
        .agents =
            [this] {
              return agents.sessions == nullptr ? std::vector<v1::AgentState>()
                                                : agents.sessions->Agents();
            },
        .retry =
            [this](const std::vector<HostId>& hosts) {
              return source.Retry(hosts);
            },
        .confirm_discovery =
            [this](int expected) { return discovery.Confirm(expected); },
        .confirm_disappearance =
            [this](const HostId& host) {
              return inventory.ConfirmDisappearance(host);
            },
        .accept_identity =
            [this](const HostId& host) { return source.AcceptIdentity(host); },
    };
  }

  // What "/healthz" says beside that the process answers; empty: all is well.
  std::string Ailments() const {
    if (sqlite == nullptr) return "";
    const Store::Health health = sqlite->health();
    std::string ailments;
    if (!health.status.ok()) {
      absl::StrAppend(&ailments, "state is not kept: ", health.status.message(),
                      "\n");
    }
    if (!health.moved_aside.empty()) {
      absl::StrAppend(
          &ailments,
          "state began anew: the last run's file was damaged and is "
          "now ",
          health.moved_aside, "\n");
    }
    return ailments;
  }

  std::unique_ptr<SqliteStore> sqlite;  // null: nothing is kept
  NullStore nothing;
  std::optional<SqlitePast> sqlite_past;  // where something is kept
  NullPast no_past;
  Chronicle chronicle;
  Inventory inventory;
  std::unique_ptr<chef::Client> client;
  chef::NodeWriter writer;
  chef::NodeSearch search;
  ChefSink sink;
  Syncer syncer;
  Witness witness;
  std::unique_ptr<hypervisor::SshCommand> ssh;
  hypervisor::LibvirtDialer dialer;
  FleetSource source;
  chef::NodeQuery query;
  Discovery discovery;
  ResyncOperations operations;
  Agents agents;
  std::unique_ptr<ApiServer> api;
  std::unique_ptr<RunListener> runs;  // null: chef-client's runs are not heard
  std::unique_ptr<HttpServer> http;   // null: no HTTP
  const absl::Time started_at;
  const v1::ControllerConfig config;  // as of the start
  std::atomic<int64_t> reloads_taken = 0;
  std::atomic<int64_t> reloads_refused = 0;
  bool running = false;
};

absl::StatusOr<std::unique_ptr<Controller>> Controller::Create(
    const ControllerOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<chef::Client> client,
                   MakeChefClient(options, clock));
  log::Info("controller made",
            {{"hosts", options.discovery.static_hosts.size()},
             {"chef", client->server_url()},
             {"client", client->client_name()},
             {"dry_run", options.sync.dry_run ? "yes" : "no"}});
  ASSIGN_OR_RETURN(auto ssh, hypervisor::SshCommand::Create(options.ssh));
  std::unique_ptr<SqliteStore> store;
  if (options.state.has_value()) {
    ASSIGN_OR_RETURN(store, SqliteStore::Create(*options.state, clock));
  }
  auto parts = std::make_unique<Parts>(options, clock, std::move(store),
                                       std::move(client), std::move(ssh));
  if (options.agents.has_value()) {
    RETURN_IF_ERROR(parts->MakeAgents(*options.agents, clock));
  }
  std::vector<NamedService> more_services = parts->witness.Services();
  more_services.push_back(
      {"rehai.v1.History", MakeHistoryService(parts->past())});
  more_services.push_back({"rehai.v1.Audit", MakeAuditService(parts->past())});
  ApiServer::Options api = options.api;
  api.audit = [p = parts.get()](v1::AuditEntry entry) {
    p->store().Append(std::move(entry));
  };
  ASSIGN_OR_RETURN(
      parts->api,
      ApiServer::Create(std::move(api), parts->inventory, parts->syncer,
                        parts->operations,
                        /*chef=*/std::nullopt, parts->AnswersAboutSources(),
                        std::move(more_services)));
  if (options.http.has_value()) {
    ASSIGN_OR_RETURN(parts->runs,
                     MakeRunListener(options, parts->syncer, clock));
    ASSIGN_OR_RETURN(
        parts->http,
        HttpServer::Create(
            *options.http, [p = parts.get()] { return p->MetricsPage(); },
            parts->runs.get(), clock,
            [p = parts.get()] { return p->Ailments(); }));
  }
  return std::unique_ptr<Controller>(new Controller(std::move(parts)));
}

Controller::Controller(std::unique_ptr<Parts> parts)
    : parts_(std::move(parts)) {}

Controller::~Controller() { Stop(); }

absl::Status Controller::Start() {
  // Listening first costs nothing and finds a taken address before a hypervisor
  // or Chef is touched.
  RETURN_IF_ERROR(parts_->api->Start());
  if (parts_->http != nullptr) RETURN_IF_ERROR(parts_->http->Start());
  if (parts_->sqlite != nullptr) parts_->sqlite->Start();
  if (parts_->sqlite_past.has_value()) parts_->sqlite_past->Start();
  parts_->syncer.Start();
  parts_->witness.Start();
  if (parts_->runs != nullptr) parts_->runs->Start();
  parts_->source.Start();
  parts_->discovery.Start();
  parts_->operations.Start();
  parts_->running = true;
  if (parts_->agents.server != nullptr) {
    // Once the hosts are known that agents may speak for.
    parts_->agents.sessions->Start();
    if (absl::Status started = parts_->agents.server->Start(); !started.ok()) {
      Stop();
      return started;
    }
    parts_->agents.server->SetReady(true);
  }
  parts_->api->SetReady(true);
  if (parts_->http != nullptr) parts_->http->SetReady(true);
  log::Info("serving", {{"port", port()},
                        {"http_port", http_port()},
                        {"agents_port", agents_port()}});
  return absl::OkStatus();
}

absl::Status Controller::Reload(
    const absl::StatusOr<ControllerOptions>& options) {
  absl::Status status = options.status();
  if (options.ok()) status = parts_->Take(*options);
  ++(status.ok() ? parts_->reloads_taken : parts_->reloads_refused);
  if (!status.ok()) {
    log::Error("configuration not reloaded: all is as before",
               {{"problem", status.message()}});
  }
  return status;
}

void Controller::Stop() {
  if (!std::exchange(parts_->running, false)) return;
  parts_->api->SetReady(false);
  if (parts_->http != nullptr) {
    parts_->http->SetReady(false);
    parts_->http->Stop(kApiGrace);
  }
  if (parts_->agents.server != nullptr) {
    // Agents are told when to come back, and then have a moment to go.
    parts_->agents.sessions->Stop();
    parts_->agents.server->Stop(kApiGrace);
  }
  parts_->witness.Stop();
  parts_->api->Stop(kApiGrace);
  if (parts_->sqlite_past.has_value()) parts_->sqlite_past->Stop();
  if (parts_->runs != nullptr) parts_->runs->Stop();
  parts_->operations.Stop();
  parts_->discovery.Stop();
  parts_->source.Stop();
  parts_->syncer.Stop();
  KeepAges(parts_->inventory, parts_->store());
  if (parts_->sqlite != nullptr) parts_->sqlite->Stop();
  log::Info("stopped");
}

int Controller::port() const { return parts_->api->port(); }

int Controller::agents_port() const {
  return parts_->agents.server == nullptr ? 0 : parts_->agents.server->port();
}

int Controller::http_port() const {
  return parts_->http == nullptr ? 0 : parts_->http->port();
}

}  // namespace rehai
