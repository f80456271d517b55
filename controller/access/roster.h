// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_ROSTER_H_
#define CONTROLLER_ACCESS_ROSTER_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/access/name_pattern.h"
#include "controller/access/role.h"

namespace rehai {

// What a connection and a call's metadata show of who calls.
struct Evidence {
  // As gRPC writes it: "ipv4:192.0.2.7:40112", "unix:".
  std::string address = {};
  bool over_tls = false;
  // In the certificate that the client has proved to be its own.
  std::vector<CertificateName> names = {};
  // The values of "authorization".
  std::vector<std::string> authorization = {};
};

// Who calls.
struct Caller {
  // For people: a name, or the address if there is none. At most 256 bytes.
  std::string name;
  Role role = Role::kNone;
  // Whom limits per client are counted for; empty: nobody. Who connects in
  // clear from this machine without a token is nobody in particular.
  std::string client;
};

using Sha256Sum = std::array<uint8_t, 32>;

// One entry of api.roles.
struct RoleGrant {
  Role role = Role::kNone;
  std::string name = {};  // empty: what matched names the caller
  std::vector<std::string> certificates = {};  // patterns, see NameMatches()
  std::vector<Sha256Sum> tokens = {};
};

// Roster knows who has which role. Immutable, so thread-safe; no I/O.
class Roster {
 public:
  struct Options {
    // None: everybody who can connect is an admin.
    std::vector<RoleGrant> grants;
    // Where there are grants: for who matches none.
    Role default_role = Role::kNone;
  };

  explicit Roster(Options options) : options_(std::move(options)) {}

  // A token alone decides if there is one, so that who has a certificate can
  // also act as less; without one, the highest role that a name has.
  // kUnauthenticated: the token is not one of the configured, or cannot be
  // believed because others may have read it. It is no part of the message.
  absl::StatusOr<Caller> Identify(const Evidence& evidence) const;

  // kOk, or why who shows this may not: Identify()'s errors and CheckMay()'s.
  absl::Status Check(const Evidence& evidence, absl::string_view method,
                     Role needed) const;

  bool has_grants() const { return !options_.grants.empty(); }

 private:
  absl::StatusOr<Caller> IdentifyByToken(absl::string_view token,
                                         const Evidence& evidence) const;
  Caller IdentifyByNames(const Evidence& evidence) const;

  const Options options_;
};

// Reads 64 hexadecimal digits. kInvalidArgument.
absl::StatusOr<Sha256Sum> ParseSha256(absl::string_view hex);
Sha256Sum Sha256Of(absl::string_view text);

// kOk, or kPermissionDenied with what is needed and how to get it.
absl::Status CheckMay(const Caller& caller, const Evidence& evidence,
                      absl::string_view method, Role needed);

// Whom limits are counted for where no name is known: the IP address, or nobody
// ("") for who calls in clear from this machine.
std::string ClientOf(const Evidence& evidence);

// True if other machines cannot have sent or read it: loopback, unix sockets.
bool IsLocal(absl::string_view address);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_ROSTER_H_
