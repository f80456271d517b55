// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/roster.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace rehai {
namespace {

constexpr size_t kMaxNameBytes = 250;

absl::Status BadToken(const Evidence& evidence, absl::string_view what) {
  return absl::UnauthenticatedError(
      absl::StrCat("caller at ", evidence.address, ": ", what));
}

// The value's token, or an error that does not show it.
absl::StatusOr<absl::string_view> ReadBearer(absl::string_view value,
                                             const Evidence& evidence) {
  constexpr absl::string_view kScheme = "bearer ";
  if (!absl::StartsWithIgnoreCase(value, kScheme)) {
    return BadToken(evidence,
                    "its authorization metadata is not of the kind Bearer; "
                    "write it like \"authorization: Bearer TOKEN\"");
  }
  value.remove_prefix(kScheme.size());
  return absl::StripAsciiWhitespace(value);
}

// "192.0.2.7" of "ipv4:192.0.2.7:40112".
absl::string_view WithoutPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  return address.substr(0, colon);
}

std::string Named(absl::string_view name) {
  return Excerpt(ToUtf8(name), kMaxNameBytes);
}

std::string ListOf(const std::vector<CertificateName>& names) {
  return absl::StrJoin(names, ", ",
                       [](std::string* out, const CertificateName& name) {
                         out->append(Named(name.Text()));
                       });
}

}  // namespace

absl::StatusOr<Caller> Roster::Identify(const Evidence& evidence) const {
  if (!has_grants() || evidence.authorization.empty()) {
    return IdentifyByNames(evidence);
  }
  if (evidence.authorization.size() > 1) {
    return BadToken(evidence,
                    "it has sent more than one authorization; send one");
  }
  if (!evidence.over_tls && !IsLocal(evidence.address)) {
    return BadToken(evidence,
                    "it has sent its token in clear, where others can read it; "
                    "make a new token, and connect over TLS");
  }
  ASSIGN_OR_RETURN(const absl::string_view token,
                   ReadBearer(evidence.authorization[0], evidence));
  return IdentifyByToken(token, evidence);
}

absl::Status Roster::Check(const Evidence& evidence, absl::string_view method,
                           Role needed) const {
  ASSIGN_OR_RETURN(const Caller caller, Identify(evidence));
  return CheckMay(caller, evidence, method, needed);
}

absl::StatusOr<Caller> Roster::IdentifyByToken(absl::string_view token,
                                               const Evidence& evidence) const {
  const Sha256Sum sum = Sha256Of(token);
  // Every token is looked at, and all of it, so that the time taken says
  // nothing of how near a guess was.
  const RoleGrant* found = nullptr;
  for (const RoleGrant& grant : options_.grants) {
    for (const Sha256Sum& known : grant.tokens) {
      const bool equal =
          CRYPTO_memcmp(known.data(), sum.data(), sum.size()) == 0;
      if (equal && (found == nullptr || grant.role > found->role)) {
        found = &grant;
      }
    }
  }
  if (found == nullptr) {
    return BadToken(evidence,
                    "its token is not one of api.roles; check the token, and "
                    "that its SHA-256 is in the controller's configuration");
  }
  Caller caller;
  caller.role = found->role;
  caller.name = found->name;
  if (caller.name.empty()) {
    const std::string hex = absl::BytesToHexString(absl::string_view(
        reinterpret_cast<const char*>(sum.data()), sum.size()));
    caller.name = absl::StrCat("token ", hex.substr(0, 8));
  }
  caller.client = caller.name;
  return caller;
}

Caller Roster::IdentifyByNames(const Evidence& evidence) const {
  Caller caller;
  caller.role = has_grants() ? options_.default_role : Role::kAdmin;
  if (!evidence.names.empty()) {
    caller.name = Named(evidence.names[0].value);
    caller.client = caller.name;
  } else {
    caller.name = evidence.address;
    caller.client = ClientOf(evidence);
  }
  const RoleGrant* best = nullptr;
  const CertificateName* by = nullptr;
  for (const RoleGrant& grant : options_.grants) {
    if (best != nullptr && grant.role <= best->role) continue;
    for (const CertificateName& name : evidence.names) {
      if (std::any_of(grant.certificates.begin(), grant.certificates.end(),
                      [&](const std::string& pattern) {
                        return NameMatches(pattern, name);
                      })) {
        best = &grant;
        by = &name;
        break;
      }
    }
  }
  if (best == nullptr) return caller;
  caller.role = best->role;
  // Clients that share an entry, by a pattern, do not share its limits.
  caller.client = Named(by->value);
  caller.name = best->name.empty() ? caller.client : best->name;
  return caller;
}

absl::StatusOr<Sha256Sum> ParseSha256(absl::string_view hex) {
  const bool all_hex =
      std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit);
  Sha256Sum sum{};
  if (hex.size() != 2 * sum.size() || !all_hex) {
    return absl::InvalidArgumentError(
        "is not a SHA-256 sum; write the 64 hexadecimal digits that "
        "\"printf %s TOKEN | sha256sum\" prints");
  }
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), sum.begin());
  return sum;
}

Sha256Sum Sha256Of(absl::string_view text) {
  Sha256Sum sum{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         sum.data());
  return sum;
}

absl::Status CheckMay(const Caller& caller, const Evidence& evidence,
                      absl::string_view method, Role needed) {
  if (caller.role >= needed) return absl::OkStatus();
  std::string shown;
  if (caller.role == Role::kNone) {
    shown = evidence.names.empty()
                ? "it shows neither a certificate nor a token"
                : absl::StrCat("no entry of api.roles names its certificate (",
                               ListOf(evidence.names), ")");
  } else {
    shown = absl::StrCat("its role is ", RoleName(caller.role));
  }
  return absl::PermissionDeniedError(absl::StrCat(
      method, ": \"", caller.name, "\" may not: it needs the role ",
      RoleName(needed), ", and ", shown,
      "; who runs the controller grants roles in api.roles of its "
      "configuration"));
}

std::string ClientOf(const Evidence& evidence) {
  if (!evidence.over_tls && IsLocal(evidence.address)) return "";
  return std::string(WithoutPort(evidence.address));
}

bool IsLocal(absl::string_view address) {
  return absl::StartsWith(address, "unix:") ||
         absl::StartsWith(address, "unix-abstract:") ||
         absl::StartsWith(address, "ipv4:127.") ||
         absl::StartsWith(address, "ipv6:[::1]") ||
         absl::StartsWith(address, "ipv6:%5B::1%5D");
}

}  // namespace rehai
