// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_IDENTITY_H_
#define CHEF_IDENTITY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/request_signer.h"
#include "chef/rsa_key.h"
#include "chef/signer_source.h"
#include "rehai/v1/config.pb.h"

namespace rehai::chef {

// Whom to talk to, as whom, and whom to trust.
struct Identity {
  Identity() = default;
  // Leaves no key behind in memory.
  ~Identity() { Wipe(client_key_pem); }
  Identity(const Identity&) = default;
  Identity& operator=(const Identity&) = default;

  std::string server_url;
  std::string client_name;
  // The private key itself. Never to be logged.
  std::string client_key_pem;
  // Where it is from; empty if that is a credentials file.
  std::string client_key_file;
  // At most one of them set by the configuration; neither: the system's trust.
  std::string ca_file;
  std::string trusted_certs_dir;
};

// What holds where neither the configuration nor a file that it names says
// anything. Empty: that is an error, or for trust the system's.
struct IdentityDefaults {
  // Called only if it is needed: it may have to ask the DNS.
  std::function<absl::StatusOr<std::string>()> client_name = nullptr;
  std::string client_key_file = {};
  std::string trusted_certs_dir = {};
  // A folder, which need not exist: its *.rb are read after the knife_file, in
  // the order of their names, and what they set goes before what that sets.
  std::string client_d = {};
};

// The configuration's own values, and what they leave open from its knife_file,
// then from its credentials_file, then from `defaults`. File names in `config`
// are absolute; those inside the files count from the file's folder. Reads and
// checks the key.
//
// kInvalidArgument: something is missing, is not what it should be, or would
// take Ruby to know, or others on this machine can read the key or change it
// (its group may read it); kNotFound, kPermissionDenied: a file. Every message
// names the file, and what to set or to run. Never repeats key material.
absl::StatusOr<Identity> ResolveIdentity(const v1::ChefConfig& config,
                                         const IdentityDefaults& defaults = {});

// What signs as `identity`. A key that has a file of its own is read again when
// the file changes; `clock` must outlive what is returned. Errors as of
// KeyFile::Open().
absl::StatusOr<std::unique_ptr<SignerSource>> MakeSignerSource(
    const Identity& identity, SignVersion version, const Clock& clock);

}  // namespace rehai::chef

#endif  // CHEF_IDENTITY_H_
