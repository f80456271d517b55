// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/options.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "base/yaml.h"
#include "chef/node_name.h"
#include "controller/access/access_options.h"
#include "controller/api/tls_files.h"
#include "controller/sync/server_limits.h"
#include "rehai/v1/checks.pb.h"

namespace rehai {
namespace {

// Turns a configuration into options and gathers what is wrong with it.
class Checker {
 public:
  explicit Checker(std::string file_name)
      : file_name_(std::move(file_name)), folder_(FolderOf(file_name_)) {}

  void Complain(absl::string_view key, absl::string_view problem) {
    problems_.push_back(absl::StrCat(file_name_, ": ", key, ": ", problem));
  }

  void Complain(absl::string_view problem) {
    problems_.push_back(absl::StrCat(file_name_, ": ", problem));
  }

  std::string File(const std::string& name) const {
    return name.empty() ? name : ResolvePath(folder_, name);
  }

  // `out` keeps its default where nothing is set.
  void Positive(absl::string_view key, bool is_set,
                const google::protobuf::Duration& value, absl::Duration& out) {
    if (!is_set) return;
    out = FromProto(value);
    if (out <= absl::ZeroDuration()) Complain(key, "must be longer than 0");
  }

  // As above, and 0 switches something off.
  void NotNegative(absl::string_view key, bool is_set,
                   const google::protobuf::Duration& value,
                   absl::Duration& out) {
    if (!is_set) return;
    out = FromProto(value);
    if (out < absl::ZeroDuration()) Complain(key, "must not be negative");
  }

  template <typename T>
  void Positive(absl::string_view key, T value, T& out) {
    if (value < 0) Complain(key, "must be more than 0");
    if (value > 0) out = value;
  }

  absl::Status status() const {
    return problems_.empty()
               ? absl::OkStatus()
               : absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  const std::string file_name_;
  const std::string folder_;
  std::vector<std::string> problems_;
};

TlsFiles ReadTls(const v1::ServerTlsConfig& config, const Checker& check) {
  return {.certificate = check.File(config.certificate_file()),
          .key = check.File(config.key_file()),
          .client_ca = check.File(config.client_ca_file())};
}

void ReadApi(const v1::ApiConfig& config, Checker& check,
             ApiServer::Options& out) {
  if (!config.listen().empty()) out.listen = config.listen();
  out.allow_plaintext_from_anywhere = config.allow_plaintext_from_anywhere();
  out.tls = ReadTls(config.tls(), check);
  const std::string& certificates = config.tls().client_certificates();
  if (certificates == "optional") {
    out.client_certificates = ClientCertificates::kOptional;
  } else if (!certificates.empty() && certificates != "required") {
    check.Complain("api.tls.client_certificates",
                   "must be required or optional");
  }
  AccessOptions access = MakeAccessOptions(
      config, [&check](absl::string_view key, absl::string_view problem) {
        check.Complain(key, problem);
      });
  out.access = std::move(access.roster);
  out.limits = access.limits;
}

// Only the API has callers who may come without.
void CheckNoClientCertificates(absl::string_view section,
                               const v1::ServerTlsConfig& config,
                               Checker& check) {
  if (config.client_certificates().empty()) return;
  check.Complain(absl::StrCat(section, ".tls.client_certificates"),
                 "is for api.tls only; leave it out");
}

void ReadHttp(const v1::HttpConfig& config, Checker& check,
              ControllerOptions& out) {
  if (config.listen().empty()) {
    check.Complain("http.listen",
                   "is not set; write it like 127.0.0.1:7421, or leave http "
                   "out");
  }
  HttpServer::Options& http = out.http.emplace();
  http.listen = config.listen();
  http.allow_plaintext_from_anywhere = config.allow_plaintext_from_anywhere();
  http.tls = ReadTls(config.tls(), check);
  CheckNoClientCertificates("http", config.tls(), check);
  out.data_collector_token_file =
      check.File(config.data_collector_token_file());
}

void ReadChef(const v1::ChefConfig& config, Checker& check,
              ControllerOptions& out) {
  out.chef = config;
  out.chef.set_client_key_file(check.File(config.client_key_file()));
  out.chef.set_knife_file(check.File(config.knife_file()));
  out.chef.set_credentials_file(check.File(config.credentials_file()));
  out.chef.set_ca_file(check.File(config.ca_file()));
  out.chef.set_trusted_certs_dir(check.File(config.trusted_certs_dir()));
  if (config.server_url().empty() && config.knife_file().empty() &&
      config.credentials_file().empty()) {
    check.Complain("chef",
                   "no Chef server; set server_url, client_name and "
                   "client_key_file, or knife_file, or credentials_file");
  }
  check.Positive("chef.max_node_bytes", config.max_node_bytes(),
                 out.max_node_bytes);
  check.Positive("chef.request_timeout", config.has_request_timeout(),
                 config.request_timeout(), out.chef_request_timeout);
}

void ReadPlaces(const v1::PlacesConfig& config, Checker& check,
                chef::Places& out) {
  if (config.has_automatic()) out.automatic = config.automatic();
  if (!config.normal_prefix().empty()) {
    out.normal_prefix = absl::StrSplit(config.normal_prefix(), '.');
  }
  out.data_bag = config.data_bag();
  for (const std::string& key : out.normal_prefix) {
    if (!key.empty()) continue;
    check.Complain("renderings.places.normal_prefix",
                   absl::StrCat("\"", config.normal_prefix(),
                                "\" has an empty part; write it like rehai or "
                                "site.rehai"));
    break;
  }
  if (absl::Status named = chef::CheckNodeName(out.data_bag);
      !out.data_bag.empty() && !named.ok()) {
    check.Complain("renderings.places.data_bag",
                   absl::StrCat("\"", out.data_bag,
                                "\" cannot be a data bag's name; use letters, "
                                "digits, \"_\", \"-\" and \".\""));
  }
  if (!out.automatic && out.normal_prefix.empty() && out.data_bag.empty()) {
    check.Complain("renderings.places",
                   "every place is off, so nothing would ever be written; "
                   "switch one on");
  }
}

void ReadRenderings(const v1::RenderingsConfig& config, Checker& check,
                    ControllerOptions& out) {
  chef::RenderingOptions& renderings = out.sync.renderings;
  renderings.kvm_extensions = config.kvm_extensions();
  renderings.ohai_libvirt = config.ohai_libvirt();
  if (config.has_rehai()) renderings.rehai = config.rehai();
  renderings.volatile_values = config.volatile_values();
  ReadPlaces(config.places(), check, renderings.places);
  if (!renderings.kvm_extensions && !renderings.ohai_libvirt &&
      !renderings.rehai) {
    check.Complain("renderings",
                   "every rendering is off, so nothing would ever be written; "
                   "switch one on");
  }
  // Read from the hypervisors only what is going to be shown.
  hypervisor::ReadOptions& read = out.pull.dial.read;
  read.volumes = renderings.ohai_libvirt;
  read.messages = renderings.kvm_extensions;
  absl::Duration volatile_interval = absl::Hours(1);
  check.Positive("renderings.volatile_interval", config.has_volatile_interval(),
                 config.volatile_interval(), volatile_interval);
  if (renderings.volatile_values) {
    out.pull.volatile_interval = volatile_interval;
  }
}

void ReadSync(const v1::SyncConfig& config, Checker& check,
              Syncer::Options& out) {
  check.Positive("sync.window", config.has_window(), config.window(),
                 out.window);
  check.Positive("sync.requests_per_second", config.requests_per_second(),
                 out.limits.requests_per_second);
  check.Positive("sync.request_burst", config.request_burst(),
                 out.limits.request_burst);
  check.Positive("sync.bytes_per_second", config.bytes_per_second(),
                 out.limits.bytes_per_second);
  check.Positive("sync.byte_burst", config.byte_burst(), out.limits.byte_burst);
  check.Positive("sync.max_in_flight", config.max_in_flight(),
                 out.limits.max_in_flight);
  check.Positive("sync.server_share", config.server_share(),
                 out.limits.server_share);
  check.Positive("sync.retry_min", config.has_retry_min(), config.retry_min(),
                 out.retry.min);
  check.Positive("sync.retry_max", config.has_retry_max(), config.retry_max(),
                 out.retry.max);
  if (out.retry.min > out.retry.max) {
    check.Complain("sync.retry_min", "must not be longer than sync.retry_max");
  }
  check.NotNegative("sync.sweep_interval", config.has_sweep_interval(),
                    config.sweep_interval(), out.sweep_interval);
  check.Positive("sync.max_run", config.has_max_run(), config.max_run(),
                 out.max_run);
  if (absl::Status limits = Validate(out.limits); !limits.ok()) {
    check.Complain(absl::StrCat("sync.", limits.message()));
  }
  if (out.limits.request_burst == 1) {
    check.Complain("sync.request_burst",
                   "must be 2 or more: a write is a GET and a PUT");
  }
}

void ReadPull(const v1::PullConfig& config, Checker& check,
              FleetSource::Options& out) {
  check.Positive("pull.workers", config.workers(), out.workers);
  check.Positive("pull.connect_timeout", config.has_connect_timeout(),
                 config.connect_timeout(), out.dial.connect_timeout);
  check.Positive("pull.keepalive_interval", config.has_keepalive_interval(),
                 config.keepalive_interval(), out.dial.keepalive_interval);
  if (config.has_keepalive_interval() &&
      out.dial.keepalive_interval < absl::Seconds(1)) {
    check.Complain("pull.keepalive_interval", "must be 1s or longer");
  }
  check.Positive("pull.keepalive_count", config.keepalive_count(),
                 out.dial.keepalive_count);
  check.Positive("pull.reconnect_min", config.has_reconnect_min(),
                 config.reconnect_min(), out.reconnect.min);
  check.Positive("pull.reconnect_max", config.has_reconnect_max(),
                 config.reconnect_max(), out.reconnect.max);
  if (out.reconnect.min > out.reconnect.max) {
    check.Complain("pull.reconnect_min",
                   "must not be longer than pull.reconnect_max");
  }
  check.Positive("pull.relist_interval", config.has_relist_interval(),
                 config.relist_interval(), out.relist_interval);
  check.Positive("pull.event_window", config.has_event_window(),
                 config.event_window(), out.event_window);
  check.Positive("pull.unknown_after", config.has_unknown_after(),
                 config.unknown_after(), out.unknown_after);
  check.Positive("pull.read_timeout", config.has_read_timeout(),
                 config.read_timeout(), out.dial.read_timeout);
  check.Positive("pull.dials_per_second", config.dials_per_second(),
                 out.dials_per_second);
}

void ReadSsh(const v1::SshConfig& config, Checker& check,
             ControllerOptions& out) {
  hypervisor::SshOptions& ssh = out.ssh;
  ssh.user = config.user();
  ssh.key_file = check.File(config.key_file());
  ssh.known_hosts_file = check.File(config.known_hosts_file());
  check.Positive("pull.ssh.port", config.port(), ssh.port);
  ssh.jump = config.jump();
  const bool named =
      !config.config_file().empty() && config.config_file() != "none";
  ssh.config_file =
      named ? check.File(config.config_file()) : config.config_file();
  ssh.connect_timeout = out.pull.dial.connect_timeout;
  ssh.keepalive_interval = out.pull.dial.keepalive_interval;
  ssh.keepalive_count = out.pull.dial.keepalive_count;
  if (const auto text = hypervisor::SshConfigText(ssh); !text.ok()) {
    check.Complain(text.status().message());
  }
}

void ReadInventory(const v1::InventoryConfig& config, Checker& check,
                   BrakeOptions& out) {
  check.Positive("inventory.brake_share", config.brake_share(), out.share);
  if (out.share > 1) {
    check.Complain("inventory.brake_share", "must be at most 1");
  }
  check.Positive("inventory.brake_count", config.brake_count(), out.count);
}

void ReadChecks(const v1::ChecksConfig& config, Checker& check,
                FleetChecks::Options& out) {
  check.Positive("checks.host_not_in_chef_after",
                 config.has_host_not_in_chef_after(),
                 config.host_not_in_chef_after(), out.limits.not_in_chef);
  check.Positive("checks.host_silent_after", config.has_host_silent_after(),
                 config.host_silent_after(), out.limits.silent);
  for (int i = 0; i < config.ignore_size(); ++i) {
    v1::FindingType type = v1::FINDING_TYPE_UNSPECIFIED;
    const bool is_known = v1::FindingType_Parse(
        absl::StrCat("FINDING_TYPE_", absl::AsciiStrToUpper(config.ignore(i))),
        &type);
    if (!is_known || type == v1::FINDING_TYPE_UNSPECIFIED) {
      check.Complain(absl::StrCat("checks.ignore[", i, "]"),
                     "is no finding; docs/visibility.md has their names, "
                     "written like duplicate_name");
      continue;
    }
    out.ignored.insert(type);
  }
}

// Between the two; `out` keeps its default where nothing is set.
void ReadWithin(const std::string& key, bool is_set,
                const google::protobuf::Duration& value, absl::Duration least,
                absl::Duration most, Checker& check, absl::Duration& out) {
  if (!is_set) return;
  out = FromProto(value);
  if (out < least || out > most) {
    check.Complain(key, absl::StrCat("must be ", absl::FormatDuration(least),
                                     " to ", absl::FormatDuration(most)));
  }
}

void ReadEnrolment(const v1::EnrolmentConfig& config, Checker& check,
                   AgentOptions& out) {
  AgentOptions::Certificates& certificates = out.certificates.emplace();
  certificates.ca_certificate_file = check.File(config.ca_certificate_file());
  certificates.ca_key_file = check.File(config.ca_key_file());
  if (config.ca_certificate_file().empty() || config.ca_key_file().empty()) {
    check.Complain("agents.enrolment",
                   "needs ca_certificate_file and ca_key_file, an authority "
                   "for this use only; docs/security.md says how to make one");
  }
  // An agent renews after two thirds of it, and must have time for that; and
  // a stolen certificate is good for as long.
  ReadWithin("agents.enrolment.certificate_lifetime",
             config.has_certificate_lifetime(), config.certificate_lifetime(),
             absl::Minutes(10), absl::Hours(24 * 366), check,
             certificates.enrolment.certificate_lifetime);
  if (out.server.tls.empty()) {
    check.Complain("agents.enrolment",
                   "needs agents.tls: certificates mean nothing in clear");
  }
}

void ReadOhai(const v1::OhaiConfig& config, Checker& check, AgentOptions& out) {
  absl::Duration interval = absl::ZeroDuration();
  check.NotNegative("agents.ohai.interval", config.has_interval(),
                    config.interval(), interval);
  if (interval > absl::ZeroDuration() && interval < absl::Minutes(1)) {
    check.Complain("agents.ohai.interval",
                   "must be 1m or longer, or 0s for only when asked: a run "
                   "costs its host seconds of CPU time");
  }
  *out.sessions.settings.mutable_ohai_interval() = ToProto(interval);
  ReadWithin("agents.ohai.timeout", config.has_timeout(), config.timeout(),
             absl::Seconds(1), absl::Hours(1), check,
             out.sessions.ohai_timeout);
  for (const std::string& plugin : config.plugins()) {
    if (plugin.empty()) {
      check.Complain("agents.ohai.plugins",
                     "has an empty name; leave plugins out for all of them");
    }
  }
  out.sessions.ohai_plugins.assign(config.plugins().begin(),
                                   config.plugins().end());
  out.write_ohai_time = config.write_ohai_time();
}

// After pull and renderings, whose intervals agents share.
void ReadAgents(const v1::AgentsConfig& config, Checker& check,
                ControllerOptions& out) {
  AgentOptions& agents = out.agents.emplace();
  if (config.listen().empty()) {
    check.Complain("agents.listen",
                   "is not set; write it like 0.0.0.0:7422, or leave agents "
                   "out");
  }
  agents.server.listen = config.listen();
  agents.server.tls = ReadTls(config.tls(), check);
  CheckNoClientCertificates("agents", config.tls(), check);
  agents.server.allow_plaintext_from_anywhere =
      config.allow_plaintext_from_anywhere();
  if (config.has_enrolment()) {
    ReadEnrolment(config.enrolment(), check, agents);
  }

  absl::Duration heartbeat = absl::Seconds(10);
  ReadWithin("agents.heartbeat_interval", config.has_heartbeat_interval(),
             config.heartbeat_interval(), absl::Seconds(1), absl::Minutes(10),
             check, heartbeat);
  absl::Duration relist = absl::Minutes(5);
  ReadWithin("agents.relist_interval", config.has_relist_interval(),
             config.relist_interval(), absl::Seconds(10), absl::Hours(24),
             check, relist);
  check.Positive("agents.fallback_after", config.has_fallback_after(),
                 config.fallback_after(), out.pull.fallback_after);
  check.Positive("agents.max_sessions", config.max_sessions(),
                 agents.sessions.max_sessions);
  check.Positive("agents.sessions_per_second", config.sessions_per_second(),
                 agents.sessions.sessions_per_second);
  if (agents.sessions.max_sessions > 100'000) {
    check.Complain("agents.max_sessions", "must be at most 100000");
  }

  v1::AgentSettings& settings = agents.sessions.settings;
  *settings.mutable_heartbeat_interval() = ToProto(heartbeat);
  *settings.mutable_relist_interval() = ToProto(relist);
  *settings.mutable_event_window() = ToProto(out.pull.event_window);
  const absl::Duration volatile_interval = out.pull.volatile_interval;
  *settings.mutable_volatile_interval() = ToProto(
      volatile_interval == absl::InfiniteDuration() ? absl::ZeroDuration()
                                                    : volatile_interval);
  settings.set_read_volumes(out.pull.dial.read.volumes);
  settings.set_read_messages(out.pull.dial.read.messages);
  ReadOhai(config.ohai(), check, agents);
}

void ReadState(const v1::StateConfig& config, Checker& check,
               ControllerOptions& out) {
  SqliteStore::Options& state = out.state.emplace();
  if (config.dir().empty()) {
    check.Complain("state.dir",
                   "is not set; write it like /var/lib/rehai, or leave state "
                   "out");
  }
  state.folder = check.File(config.dir());
  const auto days = [&check](absl::string_view key, int32_t value,
                             absl::Duration& age) {
    int32_t days = 0;
    check.Positive(key, value, days);
    if (days > 0) age = days * absl::Hours(24);
  };
  days("state.history_days", config.history_days(),
       state.retention.history_age);
  days("state.audit_days", config.audit_days(), state.retention.audit_age);
  check.Positive("state.history_events", config.history_events(),
                 state.retention.history_rows);
  check.Positive("state.audit_entries", config.audit_entries(),
                 state.retention.audit_rows);
}

void ReadLog(const v1::LogConfig& config, Checker& check,
             ControllerOptions& out) {
  const std::string& level = config.level();
  if (level == "debug") {
    out.log_level = log::Level::kDebug;
  } else if (level == "warning") {
    out.log_level = log::Level::kWarning;
  } else if (level == "error") {
    out.log_level = log::Level::kError;
  } else if (!level.empty() && level != "info") {
    check.Complain("log.level", "must be debug, info, warning or error");
  }
  if (config.format() == "json") {
    out.log_format = log::Format::kJson;
  } else if (!config.format().empty() && config.format() != "text") {
    check.Complain("log.format", "must be text or json");
  }
}

// Without what may change while the server runs.
void ClearReloadedTls(const v1::ServerTlsConfig& other,
                      v1::ServerTlsConfig& tls) {
  const bool has_tls = !tls.certificate_file().empty();
  if (!has_tls || other.certificate_file().empty()) return;
  tls.clear_certificate_file();
  tls.clear_key_file();
  tls.clear_client_ca_file();
}

v1::ControllerConfig WithoutReloaded(const v1::ControllerConfig& other,
                                     v1::ControllerConfig config) {
  config.clear_log();
  config.mutable_api()->clear_roles();
  config.mutable_api()->clear_default_role();
  ClearReloadedTls(other.api().tls(), *config.mutable_api()->mutable_tls());
  if (config.has_http()) {
    ClearReloadedTls(other.http().tls(), *config.mutable_http()->mutable_tls());
  }
  if (config.has_agents()) {
    ClearReloadedTls(other.agents().tls(),
                     *config.mutable_agents()->mutable_tls());
  }
  return config;
}

// Notes the fields that differ, and inside the sections of servers which.
void AddDifferences(const google::protobuf::Message& a,
                    const google::protobuf::Message& b,
                    absl::string_view prefix, std::vector<std::string>& out) {
  using google::protobuf::util::MessageDifferencer;
  const google::protobuf::Descriptor& type = *a.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = type.field(i);
    MessageDifferencer differencer;
    if (differencer.CompareWithFields(a, b, {field}, {field})) continue;
    const std::string name = absl::StrCat(prefix, field->name());
    const bool is_server = name == "api" || name == "http" || name == "agents";
    if (is_server) {
      AddDifferences(a.GetReflection()->GetMessage(a, field),
                     b.GetReflection()->GetMessage(b, field),
                     absl::StrCat(name, "."), out);
    } else {
      out.push_back(name);
    }
  }
}

}  // namespace

std::vector<std::string> DifferBeyondReload(const v1::ControllerConfig& a,
                                            const v1::ControllerConfig& b) {
  std::vector<std::string> differ;
  AddDifferences(WithoutReloaded(b, a), WithoutReloaded(a, b), "", differ);
  return differ;
}

absl::StatusOr<ControllerOptions> MakeOptions(
    const std::string& file_name, const v1::ControllerConfig& config) {
  Checker check(file_name);
  ControllerOptions out;
  ReadApi(config.api(), check, out.api);
  if (config.has_http()) ReadHttp(config.http(), check, out);
  ReadChef(config.chef(), check, out);
  ReadRenderings(config.renderings(), check, out);
  ReadSync(config.sync(), check, out.sync);
  ReadPull(config.pull(), check, out.pull);
  ReadSsh(config.pull().ssh(), check, out);
  if (config.has_agents()) ReadAgents(config.agents(), check, out);
  ReadInventory(config.inventory(), check, out.brake);
  ReadChecks(config.checks(), check, out.checks);
  if (config.has_state()) ReadState(config.state(), check, out);
  out.discovery = MakeDiscoveryOptions(
      config, FolderOf(file_name),
      [&check](absl::string_view key, absl::string_view problem) {
        check.Complain(key, problem);
      });
  check.Positive("discovery.keep_departed",
                 config.discovery().has_keep_departed(),
                 config.discovery().keep_departed(), out.pull.keep_departed);
  ReadLog(config.log(), check, out);
  out.config = config;
  RETURN_IF_ERROR(check.status());
  return out;
}

absl::StatusOr<ControllerOptions> LoadOptions(const std::string& config_file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(config_file));
  v1::ControllerConfig config;
  RETURN_IF_ERROR(ParseYaml(config_file, text, config));
  return MakeOptions(config_file, config);
}

}  // namespace rehai
