// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/access_options.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "controller/access/role.h"

namespace rehai {
namespace {

using Complain = absl::FunctionRef<void(absl::string_view, absl::string_view)>;

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("._@-").find(c) != absl::string_view::npos;
}

void ReadTokens(const v1::RoleConfig& config, const std::string& key,
                std::set<Sha256Sum>& seen, RoleGrant& grant,
                Complain complain) {
  for (const std::string& hex : config.token_sha256()) {
    const absl::StatusOr<Sha256Sum> sum = ParseSha256(hex);
    if (!sum.ok()) {
      complain(key + ".token_sha256",
               absl::StrCat("one of them ", sum.status().message()));
      continue;
    }
    if (*sum == Sha256Of("")) {
      complain(key + ".token_sha256",
               "one of them is the sum of nothing at all; was the token's file "
               "empty?");
    }
    if (!seen.insert(*sum).second) {
      complain(key + ".token_sha256",
               "one of them is there twice; a token has one role");
    }
    grant.tokens.push_back(*sum);
  }
}

RoleGrant ReadGrant(const v1::RoleConfig& config, const std::string& key,
                    std::set<Sha256Sum>& seen, Complain complain) {
  RoleGrant grant;
  const std::optional<Role> role = ParseRole(config.role());
  if (!role.has_value() || *role == Role::kNone) {
    complain(key + ".role", "must be reader, operator or admin");
  } else {
    grant.role = *role;
  }
  grant.name = config.name();
  if (grant.name.size() > 100 ||
      !std::all_of(grant.name.begin(), grant.name.end(), IsNameCharacter)) {
    complain(key + ".name",
             "must be at most 100 letters, digits and \".\", \"_\", \"@\", "
             "\"-\"");
  }
  grant.certificates.assign(config.certificates().begin(),
                            config.certificates().end());
  for (const std::string& pattern : grant.certificates) {
    if (pattern.empty()) {
      complain(key + ".certificates",
               "one of them is empty, so it would mean nobody");
    }
  }
  ReadTokens(config, key, seen, grant, complain);
  if (config.certificates().empty() && config.token_sha256().empty()) {
    complain(key,
             "has neither certificates nor token_sha256, so it is for "
             "nobody");
  }
  return grant;
}

void CheckTogether(const v1::ApiConfig& config, Role default_role,
                   Complain complain) {
  if (config.roles().empty() && !config.default_role().empty()) {
    complain("api.default_role",
             "has no meaning without api.roles: everybody who can connect may "
             "do everything");
  }
  const bool has_tls = config.has_tls();
  const bool names_certificates = std::any_of(
      config.roles().begin(), config.roles().end(),
      [](const v1::RoleConfig& role) { return !role.certificates().empty(); });
  if (names_certificates && config.tls().client_ca_file().empty()) {
    complain("api.roles",
             "has certificates, but without api.tls.client_ca_file nobody can "
             "present one");
  }
  if (!has_tls || config.tls().client_certificates() != "optional") return;
  if (config.roles().empty()) {
    complain("api.tls.client_certificates",
             "\"optional\" without api.roles would let everybody do "
             "everything; say in api.roles who may do what");
  }
  if (default_role > Role::kReader) {
    complain("api.default_role",
             "must be none or reader where client certificates are optional: "
             "it is for everybody who can connect");
  }
}

template <typename T>
void ReadLimit(absl::string_view key, T value, Complain complain, T& out) {
  if (value < 0) complain(absl::StrCat("api.limits.", key), "must be above 0");
  if (value > 0) out = value;
}

}  // namespace

AccessOptions MakeAccessOptions(const v1::ApiConfig& config,
                                Complain complain) {
  AccessOptions out;
  std::set<Sha256Sum> seen;
  for (int i = 0; i < config.roles_size(); ++i) {
    out.roster.grants.push_back(ReadGrant(
        config.roles(i), absl::StrCat("api.roles[", i, "]"), seen, complain));
  }
  if (!config.default_role().empty()) {
    const std::optional<Role> role = ParseRole(config.default_role());
    if (role.has_value()) {
      out.roster.default_role = *role;
    } else {
      complain("api.default_role", "must be none, reader, operator or admin");
    }
  }
  CheckTogether(config, out.roster.default_role, complain);

  const v1::ApiLimitsConfig& limits = config.limits();
  ReadLimit("max_calls", limits.max_calls(), complain, out.limits.max_calls);
  ReadLimit("max_streams", limits.max_streams(), complain,
            out.limits.max_streams);
  ReadLimit("max_streams_per_client", limits.max_streams_per_client(), complain,
            out.limits.max_streams_per_client);
  ReadLimit("calls_per_second", limits.calls_per_second(), complain,
            out.limits.calls_per_second);
  ReadLimit("call_burst", limits.call_burst(), complain, out.limits.call_burst);
  return out;
}

}  // namespace rehai
