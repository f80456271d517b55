// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SETTINGS_H_
#define CHEF_SETTINGS_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What Chef's own tools have been told, from the files in which they were told
// it. Pure functions on text.
namespace rehai::chef {

// The things we take from such files. A name that Chef spells in two ways is
// one of these.
enum class SettingKey {
  kServerUrl,        // chef_server_url
  kClientName,       // node_name, client_name
  kClientKey,        // client_key: a file's name; in credentials also PEM text
  kCaFile,           // ssl_ca_file
  kTrustedCertsDir,  // trusted_certs_dir
  kVerifyMode,       // ssl_verify_mode, without its colon
};

struct Setting {
  std::string value;
  int line = 0;
};
using Settings = std::map<SettingKey, Setting>;

// The settings of a client.rb or knife.rb, which is Ruby: plain assignments
// like `node_name "x"` are read, other lines passed over. kInvalidArgument: a
// `wanted` key is set by Ruby that would have to be run, or twice; the message
// names the line and the configuration key to set instead.
absl::StatusOr<Settings> ParseKnifeFile(absl::string_view file_name,
                                        absl::string_view text,
                                        const std::set<SettingKey>& wanted);

// The settings of one profile of a credentials file, which is TOML. Values
// other than strings are passed over. kNotFound: no such profile; the message
// names those there are. kInvalidArgument: a string that does not end, or a
// `wanted` key that is not a string.
absl::StatusOr<Settings> ParseCredentialsFile(
    absl::string_view file_name, absl::string_view text,
    absl::string_view profile, const std::set<SettingKey>& wanted);

// The configuration key that takes a setting's place: "chef.server_url".
absl::string_view ConfigKey(SettingKey key);

}  // namespace rehai::chef

#endif  // CHEF_SETTINGS_H_
