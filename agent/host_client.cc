// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_client.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/flag_words.h"
#include "agent/host_name.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/identity.h"
#include "chef/request_signer.h"

namespace rehai::agent {
namespace {

constexpr char kDefaultKeyFile[] = "/etc/chef/client.pem";

// The flags' file names count from the working folder.
std::string Absolute(const std::string& file) {
  if (file.empty()) return file;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::current_path(error);
  return error ? file : ResolvePath(folder.string(), file);
}

// `folder`, if there is a certificate in it; otherwise nothing.
std::string IfCertificatesAreIn(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const std::string ending = entry->path().extension();
    if (ending == ".crt" || ending == ".pem") return folder;
  }
  return "";
}

void MakeAbsolute(v1::ChefConfig& config) {
  config.set_knife_file(Absolute(config.knife_file()));
  config.set_client_key_file(Absolute(config.client_key_file()));
  config.set_ca_file(Absolute(config.ca_file()));
  config.set_trusted_certs_dir(Absolute(config.trusted_certs_dir()));
}

absl::StatusOr<chef::Identity> Resolve(const v1::ChefConfig& config) {
  chef::IdentityDefaults defaults;
  defaults.client_name = [] { return NodeNameOf(LookUpHostNames()); };
  defaults.client_key_file = kDefaultKeyFile;
  const std::string folder = FolderOf(config.knife_file());
  defaults.trusted_certs_dir =
      IfCertificatesAreIn(absl::StrCat(folder, "/trusted_certs"));
  defaults.client_d = absl::StrCat(folder, "/client.d");
  return chef::ResolveIdentity(config, defaults);
}

absl::StatusOr<std::unique_ptr<chef::Client>> Open(const v1::ChefConfig& config,
                                                   const Clock& clock) {
  ASSIGN_OR_RETURN(const chef::Identity identity, Resolve(config));
  ASSIGN_OR_RETURN(auto signers, chef::MakeSignerSource(
                                     identity, chef::SignVersion::k1_3, clock));
  chef::Client::Options options;
  options.server_url = identity.server_url;
  options.ca_file = identity.ca_file;
  options.trusted_certs_dir = identity.trusted_certs_dir;
  // One request at a time.
  options.max_connections = 1;
  return chef::Client::Create(options, std::move(signers), clock);
}

}  // namespace

absl::StatusOr<std::unique_ptr<chef::Client>> OpenHostClient(
    v1::ChefConfig config, const Clock& clock) {
  MakeAbsolute(config);
  absl::StatusOr<std::unique_ptr<chef::Client>> client = Open(config, clock);
  if (client.ok()) return client;
  return absl::Status(client.status().code(),
                      InFlagWords(client.status().message()));
}

absl::StatusOr<chef::Identity> HostIdentity(v1::ChefConfig config) {
  MakeAbsolute(config);
  absl::StatusOr<chef::Identity> identity = Resolve(config);
  if (identity.ok()) return identity;
  return absl::Status(identity.status().code(),
                      InFlagWords(identity.status().message()));
}

}  // namespace rehai::agent
