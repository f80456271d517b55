// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "chef/settings.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

using chef::SettingKey;
using chef::Settings;

constexpr char kFile[] = "client.rb";

const std::set<SettingKey>& AllKeys() {
  static const auto* const keys = new std::set<SettingKey>{
      SettingKey::kServerUrl,  SettingKey::kClientName,
      SettingKey::kClientKey,  SettingKey::kCaFile,
      SettingKey::kVerifyMode, SettingKey::kTrustedCertsDir};
  return *keys;
}

const char* NameOf(SettingKey key) {
  switch (key) {
    case SettingKey::kServerUrl:
      return "chef_server_url";
    case SettingKey::kClientName:
      return "node_name";
    case SettingKey::kClientKey:
      return "client_key";
    case SettingKey::kCaFile:
      return "ssl_ca_file";
    case SettingKey::kTrustedCertsDir:
      return "trusted_certs_dir";
    case SettingKey::kVerifyMode:
      break;
  }
  return "ssl_verify_mode";
}

bool HaveEqualValues(const Settings& a, const Settings& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& one, const auto& other) {
                      return one.first == other.first &&
                             one.second.value == other.second.value;
                    });
}

std::string BrokenResult(const absl::StatusOr<Settings>& settings,
                         absl::string_view text) {
  if (!settings.ok()) {
    return absl::StartsWith(settings.status().message(), kFile)
               ? ""
               : "an error that does not name the file";
  }
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  for (const auto& [key, setting] : *settings) {
    if (setting.line < 1 || setting.line > lines) return "no line of the file";
  }
  return "";
}

// The settings as they are read when one after the other is asked for.
std::string BrokenOneByOne(const Settings& all, absl::string_view text) {
  for (const SettingKey key : AllKeys()) {
    const auto one = chef::ParseKnifeFile(kFile, text, {key});
    if (!one.ok()) return "a setting is no good alone";
    if (one->size() != all.count(key)) return "a setting is alone there or not";
    if (!one->empty() && one->at(key).value != all.at(key).value) {
      return "another value alone";
    }
  }
  return "";
}

std::string BrokenKnife(absl::string_view text) {
  const auto settings = chef::ParseKnifeFile(kFile, text, AllKeys());
  std::string broken = BrokenResult(settings, text);
  if (!broken.empty() || !settings.ok()) return broken;
  broken = BrokenOneByOne(*settings, text);
  if (!broken.empty()) return broken;
  std::string ruby;
  for (const auto& [key, setting] : *settings) {
    absl::StrAppend(
        &ruby, NameOf(key), " '",
        absl::StrReplaceAll(setting.value, {{"\\", "\\\\"}, {"'", "\\'"}}),
        "'\n");
  }
  const auto again = chef::ParseKnifeFile(kFile, ruby, AllKeys());
  return again.ok() && HaveEqualValues(*settings, *again)
             ? ""
             : "other settings when written again";
}

std::string BrokenCredentials(absl::string_view text,
                              absl::string_view profile) {
  const auto settings =
      chef::ParseCredentialsFile(kFile, text, profile, AllKeys());
  std::string broken = BrokenResult(settings, text);
  if (!broken.empty() || !settings.ok()) return broken;
  std::string toml = "[p]\n";
  for (const auto& [key, setting] : *settings) {
    // As Ruby's symbols are written, whose colon does not count.
    const char* const colon = key == SettingKey::kVerifyMode ? ":" : "";
    absl::StrAppend(
        &toml, NameOf(key), " = \"\"\"\n", colon,
        absl::StrReplaceAll(setting.value, {{"\\", "\\\\"}, {"\"", "\\\""}}),
        "\"\"\"\n");
  }
  const auto again = chef::ParseCredentialsFile(kFile, toml, "p", AllKeys());
  return again.ok() && HaveEqualValues(*settings, *again)
             ? ""
             : "other settings when written again";
}

}  // namespace

// The input is a profile's name, and from the first line break on a client.rb
// and a credentials file.
//   - An error names the file. A setting is on a line of it.
//   - A setting is the same whatever else is asked for (client.rb).
//   - Settings written down again are read as the same settings.
std::string BrokenProperty(absl::string_view input) {
  absl::string_view text = input;
  const absl::string_view profile = TakePart(text, "\n");
  std::string broken = BrokenKnife(text);
  return broken.empty() ? BrokenCredentials(text, profile) : broken;
}

}  // namespace rehai
