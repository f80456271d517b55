// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/identity.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/key_file.h"
#include "chef/rsa_key.h"
#include "chef/settings.h"

namespace rehai::chef {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

// An identity in the making: a key may still be a file's name.
struct Draft {
  Identity identity;
  std::string client_key_origin;  // for messages: where the key is from
};

// What is still open. Trust is one matter: a CA file from the configuration is
// not widened by a folder that a knife file names.
std::set<SettingKey> Wanted(const Draft& draft) {
  const Identity& identity = draft.identity;
  std::set<SettingKey> wanted;
  if (identity.server_url.empty()) wanted.insert(SettingKey::kServerUrl);
  if (identity.client_name.empty()) wanted.insert(SettingKey::kClientName);
  if (draft.identity.client_key_file.empty() &&
      identity.client_key_pem.empty()) {
    wanted.insert(SettingKey::kClientKey);
  }
  if (identity.ca_file.empty() && identity.trusted_certs_dir.empty()) {
    wanted.insert({SettingKey::kCaFile, SettingKey::kTrustedCertsDir,
                   SettingKey::kVerifyMode});
  }
  return wanted;
}

absl::Status Take(const std::string& file, const Settings& settings,
                  Draft& draft) {
  const std::string folder = FolderOf(file);
  for (const auto& [key, setting] : settings) {
    const std::string& value = setting.value;
    switch (key) {
      case SettingKey::kServerUrl:
        draft.identity.server_url = value;
        break;
      case SettingKey::kClientName:
        draft.identity.client_name = value;
        break;
      case SettingKey::kClientKey:
        draft.client_key_origin = absl::StrCat(file, ":", setting.line);
        Wipe(draft.identity.client_key_pem);
        draft.identity.client_key_file.clear();
        if (absl::StrContains(value, "-----BEGIN")) {
          draft.identity.client_key_pem = value;
        } else {
          draft.identity.client_key_file = ResolvePath(folder, value);
        }
        break;
      case SettingKey::kCaFile:
        draft.identity.ca_file = ResolvePath(folder, value);
        break;
      case SettingKey::kTrustedCertsDir:
        draft.identity.trusted_certs_dir = ResolvePath(folder, value);
        break;
      case SettingKey::kVerifyMode:
        if (!absl::EqualsIgnoreCase(value, "verify_none")) break;
        return absl::InvalidArgumentError(absl::StrCat(
            file, ":", setting.line,
            ": ssl_verify_mode :verify_none asks not to verify the server's "
            "certificate, and Rehai always does; set chef.ca_file or "
            "chef.trusted_certs_dir in Rehai's configuration to the "
            "certificate to trust"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadNamedFile(absl::string_view config_key,
                                          const std::string& file) {
  absl::StatusOr<std::string> text = ReadFile(file, kMaxFileBytes);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat(config_key, ": ", text.status().message(),
                                   "; name a file that Rehai's user can read"));
}

// The files in `folder` that Chef would read, in its order.
std::vector<std::string> RubyFilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    // A hidden one is none of Ruby's globs.
    const bool is_hidden = path.filename().string()[0] == '.';
    std::error_code unknown;
    if (path.extension() == ".rb" && !is_hidden &&
        entry->is_regular_file(unknown)) {
      files.push_back(path.string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status TakeFromKnifeFiles(const std::string& file,
                                const std::string& client_d, Draft& draft) {
  std::vector<std::string> files = RubyFilesIn(client_d);
  files.insert(files.begin(), file);
  // Of all of them the same: the last that says something counts.
  const std::set<SettingKey> wanted = Wanted(draft);
  for (const std::string& each : files) {
    ASSIGN_OR_RETURN(const std::string text,
                     ReadNamedFile("chef.knife_file", each));
    ASSIGN_OR_RETURN(const Settings settings,
                     ParseKnifeFile(each, text, wanted));
    RETURN_IF_ERROR(Take(each, settings, draft));
  }
  return absl::OkStatus();
}

absl::Status TakeFromCredentials(const v1::ChefConfig& config, Draft& draft) {
  const std::string& file = config.credentials_file();
  ASSIGN_OR_RETURN(std::string text,
                   ReadNamedFile("chef.credentials_file", file));
  const std::string profile = config.credentials_profile().empty()
                                  ? "default"
                                  : config.credentials_profile();
  absl::StatusOr<Settings> settings =
      ParseCredentialsFile(file, text, profile, Wanted(draft));
  Wipe(text);
  RETURN_IF_ERROR(settings.status());
  RETURN_IF_ERROR(Take(file, *settings, draft));
  for (auto& [key, setting] : *settings) Wipe(setting.value);
  if (draft.identity.client_key_pem.empty()) return absl::OkStatus();
  struct stat found = {};
  if (stat(file.c_str(), &found) != 0) return absl::OkStatus();
  return CheckKeyPermissions(file, found);
}

absl::Status NotSet(SettingKey key, absl::string_view in_files,
                    const v1::ChefConfig& config) {
  std::string searched;
  for (const std::string& file :
       {config.knife_file(), config.credentials_file()}) {
    if (!file.empty())
      absl::StrAppend(&searched, " (not in ", file, " either)");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      ConfigKey(key), ": is not set", searched, "; set it, or ", in_files,
      " in the file that chef.knife_file or chef.credentials_file names"));
}

// Fills in what is still open.
absl::Status TakeDefaults(const IdentityDefaults& defaults, Draft& draft) {
  Identity& identity = draft.identity;
  if (identity.client_name.empty() && defaults.client_name != nullptr) {
    ASSIGN_OR_RETURN(identity.client_name, defaults.client_name());
  }
  if (identity.client_key_file.empty() && identity.client_key_pem.empty()) {
    identity.client_key_file = defaults.client_key_file;
  }
  if (identity.ca_file.empty() && identity.trusted_certs_dir.empty()) {
    identity.trusted_certs_dir = defaults.trusted_certs_dir;
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const Draft& draft, const v1::ChefConfig& config) {
  if (draft.identity.server_url.empty()) {
    return NotSet(SettingKey::kServerUrl, "chef_server_url", config);
  }
  if (draft.identity.client_name.empty()) {
    return NotSet(SettingKey::kClientName, "node_name", config);
  }
  if (draft.identity.client_key_file.empty() &&
      draft.identity.client_key_pem.empty()) {
    return NotSet(SettingKey::kClientKey, "client_key", config);
  }
  return absl::OkStatus();
}

// Reads the key if it is in a file, and checks that it is one.
absl::Status LoadKey(Draft& draft) {
  std::string subject = absl::StrCat("client key in ", draft.client_key_origin);
  if (!draft.identity.client_key_file.empty()) {
    subject = absl::StrCat("client key ", draft.identity.client_key_file,
                           draft.client_key_origin.empty() ? "" : " (named by ",
                           draft.client_key_origin,
                           draft.client_key_origin.empty() ? "" : ")");
    absl::StatusOr<std::string> pem =
        ReadKeyFile(draft.identity.client_key_file);
    if (!pem.ok()) {
      if (absl::IsInvalidArgument(pem.status())) return pem.status();
      return absl::Status(
          pem.status().code(),
          absl::StrCat(subject, ": ", pem.status().message(),
                       "; put the key of client \"", draft.identity.client_name,
                       "\" there, or set chef.client_key_file"));
    }
    draft.identity.client_key_pem = *std::move(pem);
  }
  const absl::Status status =
      ParseRsaPrivateKey(draft.identity.client_key_pem).status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(subject, ": ", status.message(),
                     "; chef.client_key_file takes the private key that the "
                     "Chef server made for the client"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Identity> ResolveIdentity(const v1::ChefConfig& config,
                                         const IdentityDefaults& defaults) {
  Draft draft;
  draft.identity.server_url = config.server_url();
  draft.identity.client_name = config.client_name();
  draft.identity.client_key_file = config.client_key_file();
  draft.identity.ca_file = config.ca_file();
  draft.identity.trusted_certs_dir = config.trusted_certs_dir();
  if (!config.knife_file().empty()) {
    RETURN_IF_ERROR(
        TakeFromKnifeFiles(config.knife_file(), defaults.client_d, draft));
  }
  if (!config.credentials_file().empty()) {
    RETURN_IF_ERROR(TakeFromCredentials(config, draft));
  }
  RETURN_IF_ERROR(TakeDefaults(defaults, draft));
  RETURN_IF_ERROR(CheckComplete(draft, config));
  RETURN_IF_ERROR(LoadKey(draft));
  return draft.identity;
}

absl::StatusOr<std::unique_ptr<SignerSource>> MakeSignerSource(
    const Identity& identity, SignVersion version, const Clock& clock) {
  if (identity.client_key_file.empty()) {
    ASSIGN_OR_RETURN(RequestSigner signer,
                     RequestSigner::Create(identity.client_name,
                                           identity.client_key_pem, version));
    return std::make_unique<FixedSigner>(std::move(signer));
  }
  return KeyFile::Open(identity.client_name, identity.client_key_file, version,
                       clock);
}

}  // namespace rehai::chef
