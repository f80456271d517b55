// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_IDENTITY_H_
#define CHEF_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "rehai/v1/config.pb.h"

namespace rehai::chef {

// Whom to talk to, as whom, and whom to trust.
struct Identity {
  std::string server_url;
  std::string client_name;
  // The private key itself. Never to be logged.
  std::string client_key_pem;
  // At most one of them set by the configuration; neither: the system's trust.
  std::string ca_file;
  std::string trusted_certs_dir;
};

// The configuration's own values, and what they leave open from its knife_file,
// then from its credentials_file. File names in `config` are absolute; those
// inside the files count from the file's folder. Reads and checks the key, and
// logs a warning if others on this machine can read it, too.
//
// kInvalidArgument: something is missing, is not what it should be, or would
// take Ruby to know; kNotFound, kPermissionDenied: a file. Every message names
// the file, and the configuration key to set. Never repeats key material.
absl::StatusOr<Identity> ResolveIdentity(const v1::ChefConfig& config);

}  // namespace rehai::chef

#endif  // CHEF_IDENTITY_H_
