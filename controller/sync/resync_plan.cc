// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/resync_plan.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr int kMaxPlugins = 100;
constexpr size_t kMaxPluginName = 100;
constexpr size_t kMaxKey = 128;
constexpr double kMaxHostsPerSecond = 1000;
constexpr int kMaxHostsAtOnce = 1000;
constexpr absl::Duration kMinTimeout = absl::Seconds(1);
constexpr absl::Duration kMaxHostTimeout = absl::Hours(1);
constexpr absl::Duration kMaxTimeout = absl::Hours(7 * 24);

bool Has(const v1::Operation& operation, v1::ResyncMode mode) {
  const auto& modes = operation.modes();
  return std::find(modes.begin(), modes.end(), mode) != modes.end();
}

absl::Status CheckModes(const v1::Operation& operation) {
  const bool rewrites = Has(operation, v1::RESYNC_MODE_REWRITE);
  const bool verifies = Has(operation, v1::RESYNC_MODE_VERIFY_ONLY);
  if (operation.modes().empty()) {
    return absl::InvalidArgumentError(
        "resync: no mode; ask for REREAD, REWRITE or both, for VERIFY_ONLY, or "
        "for OHAI");
  }
  if (Has(operation, v1::RESYNC_MODE_OHAI) && operation.modes_size() > 1) {
    return absl::InvalidArgumentError(
        "resync: OHAI goes alone; ask for the others in a resync of their own");
  }
  if (verifies && rewrites) {
    return absl::InvalidArgumentError(
        "resync: VERIFY_ONLY writes nothing and REWRITE does; ask for one of "
        "them");
  }
  if (verifies && operation.dry_run()) {
    return absl::InvalidArgumentError(
        "resync: VERIFY_ONLY writes nothing anyway; leave dry_run out");
  }
  return absl::OkStatus();
}

absl::Status ReadModes(const v1::ResyncStartRequest& request,
                       v1::Operation& operation) {
  for (const int mode : request.modes()) {
    if (v1::ResyncMode_IsValid(mode) && mode != v1::RESYNC_MODE_UNSPECIFIED) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("modes: ", mode,
                     " is not a mode; give RESYNC_MODE_REREAD, "
                     "RESYNC_MODE_REWRITE or both, RESYNC_MODE_VERIFY_ONLY, or "
                     "RESYNC_MODE_OHAI"));
  }
  // Each once, in the order in which a host goes through them.
  for (const v1::ResyncMode mode :
       {v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE,
        v1::RESYNC_MODE_VERIFY_ONLY, v1::RESYNC_MODE_OHAI}) {
    const auto& modes = request.modes();
    if (std::find(modes.begin(), modes.end(), mode) != modes.end()) {
      operation.add_modes(mode);
    }
  }
  return CheckModes(operation);
}

// True if Ohai takes it for an attribute, and not for a flag of its own.
bool IsPluginName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxPluginName && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view("_-./:").find(c) != absl::string_view::npos;
         });
}

absl::Status CheckPlugins(const v1::Operation& operation) {
  const auto& plugins = operation.ohai_plugins();
  if (!plugins.empty() && !Has(operation, v1::RESYNC_MODE_OHAI)) {
    return absl::InvalidArgumentError(
        "resync: plugins are for OHAI only; ask for that, or leave them out");
  }
  if (plugins.size() > kMaxPlugins) {
    return absl::InvalidArgumentError(
        absl::StrCat("resync: ", plugins.size(), " plugins, and more than ",
                     kMaxPlugins, " are not taken; leave them out to run all"));
  }
  for (const std::string& plugin : plugins) {
    if (IsPluginName(plugin)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "resync: \"", absl::CHexEscape(plugin),
        "\" is no plugin of Ohai; name it as on ohai's command line: network"));
  }
  return absl::OkStatus();
}

absl::Status CheckKey(absl::string_view key) {
  const bool printable = std::all_of(
      key.begin(), key.end(), [](char c) { return absl::ascii_isgraph(c); });
  if (printable && key.size() <= kMaxKey) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "idempotency_key: \"", absl::CHexEscape(key.substr(0, kMaxKey)),
      "\" is not one; give up to ", kMaxKey,
      " printable characters without spaces, such as a UUID"));
}

absl::StatusOr<absl::Duration> ReadTimeout(
    absl::string_view field, const google::protobuf::Duration& timeout,
    absl::Duration max) {
  const absl::Duration read = FromProto(timeout);
  if (read >= kMinTimeout && read <= max) return read;
  return absl::InvalidArgumentError(absl::StrCat(
      field, ": ", absl::FormatDuration(read), " is not from ",
      absl::FormatDuration(kMinTimeout), " to ", absl::FormatDuration(max),
      "; leave it out for the default"));
}

absl::Status ReadPace(const v1::ResyncPace& asked, bool runs_ohai,
                      const ResyncDefaults& defaults, v1::ResyncPace& pace) {
  const double rate = asked.hosts_per_second();
  if (!std::isfinite(rate) || rate < 0 || rate > kMaxHostsPerSecond) {
    return absl::InvalidArgumentError(
        absl::StrCat("pace.hosts_per_second: ", rate, " is not from 0 to ",
                     kMaxHostsPerSecond, "; 0 means no limit"));
  }
  pace.set_hosts_per_second(rate);
  const int at_once = asked.hosts_at_once();
  if (at_once < 0 || at_once > kMaxHostsAtOnce) {
    return absl::InvalidArgumentError(
        absl::StrCat("pace.hosts_at_once: ", at_once, " is not from 0 to ",
                     kMaxHostsAtOnce, "; 0 means the default"));
  }
  const int usual =
      runs_ohai ? defaults.ohai_hosts_at_once : defaults.hosts_at_once;
  pace.set_hosts_at_once(at_once == 0 ? usual : at_once);
  absl::Duration host_timeout =
      runs_ohai ? defaults.ohai_host_timeout : defaults.host_timeout;
  if (asked.has_host_timeout()) {
    ASSIGN_OR_RETURN(host_timeout,
                     ReadTimeout("pace.host_timeout", asked.host_timeout(),
                                 kMaxHostTimeout));
  }
  *pace.mutable_host_timeout() = ToProto(host_timeout);
  return absl::OkStatus();
}

// The time that it has altogether.
absl::Duration TimeoutOf(const v1::Operation& operation) {
  return FromProto(operation.deadline()) - FromProto(operation.started_at());
}

// The first thing in which the two differ; empty if they do not.
absl::string_view DifferenceOf(const v1::Operation& a, const v1::Operation& b) {
  if (!std::equal(a.modes().begin(), a.modes().end(), b.modes().begin(),
                  b.modes().end())) {
    return "modes";
  }
  if (!MessageDifferencer::Equals(a.selector(), b.selector())) {
    return "selector";
  }
  if (!std::equal(a.ohai_plugins().begin(), a.ohai_plugins().end(),
                  b.ohai_plugins().begin(), b.ohai_plugins().end())) {
    return "ohai_plugins";
  }
  if (a.dry_run() != b.dry_run()) return "dry_run";
  if (!MessageDifferencer::Equals(a.pace(), b.pace())) return "pace";
  if (TimeoutOf(a) != TimeoutOf(b)) return "timeout";
  return "";
}

}  // namespace

absl::StatusOr<v1::Operation> PlanResync(const v1::ResyncStartRequest& request,
                                         const ResyncDefaults& defaults,
                                         absl::Time now) {
  v1::Operation operation;
  operation.set_dry_run(request.dry_run());
  *operation.mutable_ohai_plugins() = request.ohai_plugins();
  *operation.mutable_selector() = request.selector();
  operation.set_idempotency_key(request.idempotency_key());
  RETURN_IF_ERROR(ReadModes(request, operation));
  RETURN_IF_ERROR(CheckPlugins(operation));
  RETURN_IF_ERROR(CheckKey(operation.idempotency_key()));
  RETURN_IF_ERROR(ReadPace(request.pace(), Has(operation, v1::RESYNC_MODE_OHAI),
                           defaults, *operation.mutable_pace()));
  absl::Duration timeout = defaults.timeout;
  if (request.has_timeout()) {
    ASSIGN_OR_RETURN(timeout,
                     ReadTimeout("timeout", request.timeout(), kMaxTimeout));
  }
  operation.set_state(v1::OPERATION_STATE_RUNNING);
  *operation.mutable_started_at() = ToProto(now);
  *operation.mutable_deadline() = ToProto(now + timeout);
  return operation;
}

std::vector<v1::HostProgress> StepsOf(const v1::Operation& operation) {
  if (operation.dry_run()) {
    if (!Has(operation, v1::RESYNC_MODE_REWRITE)) return {};
    return {v1::HOST_PROGRESS_VERIFYING};
  }
  std::vector<v1::HostProgress> steps;
  if (Has(operation, v1::RESYNC_MODE_REREAD)) {
    steps.push_back(v1::HOST_PROGRESS_READING);
  }
  if (Has(operation, v1::RESYNC_MODE_OHAI)) {
    steps.push_back(v1::HOST_PROGRESS_RUNNING_OHAI);
  }
  if (Has(operation, v1::RESYNC_MODE_REWRITE) ||
      Has(operation, v1::RESYNC_MODE_OHAI)) {
    steps.push_back(v1::HOST_PROGRESS_WRITING);
  }
  if (Has(operation, v1::RESYNC_MODE_VERIFY_ONLY)) {
    steps.push_back(v1::HOST_PROGRESS_VERIFYING);
  }
  return steps;
}

absl::Status CheckSameRequest(const v1::Operation& known,
                              const v1::Operation& asked) {
  const absl::string_view difference = DifferenceOf(known, asked);
  if (difference.empty()) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      "idempotency_key \"", known.idempotency_key(), "\": resync ", known.id(),
      " was asked for with it, and with another ", difference,
      "; ask as then to get that one, or with another key to begin a new one"));
}

bool Matches(const v1::HostSelector& selector, const v1::Record& record) {
  const auto& nodes = selector.nodes();
  if (!nodes.empty() &&
      std::find(nodes.begin(), nodes.end(), record.node()) == nodes.end()) {
    return false;
  }
  return std::all_of(selector.labels().begin(), selector.labels().end(),
                     [&](const auto& label) {
                       const auto it = record.labels().find(label.first);
                       return it != record.labels().end() &&
                              it->second == label.second;
                     });
}

}  // namespace rehai
