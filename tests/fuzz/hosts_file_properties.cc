// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <google/protobuf/repeated_field.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chef/node_name.h"
#include "controller/discovery/hosts_file.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

constexpr char kFile[] = "hosts.yaml";

// yaml-cpp takes nothing longer for a key.
constexpr size_t kLongestKey = 1000;

std::string BrokenRefusal(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) {
    return "an error of another code";
  }
  if (!absl::StartsWith(status.message(), kFile)) {
    return "an error that does not name the file";
  }
  if (!CanBeSent(status.message())) return "an error that is not UTF-8";
  return "";
}

std::string BrokenHosts(const std::vector<FoundHost>& hosts) {
  std::set<std::string> nodes;
  for (const FoundHost& found : hosts) {
    if (!chef::CheckNodeName(found.host.node).ok()) return "no node's name";
    if (!nodes.insert(found.host.node).second) return "a node twice";
    if (!CanBeSent(found.uri)) return "a URI that is not UTF-8";
    for (const auto& [key, value] : found.labels) {
      if (!CanBeSent(key) || !CanBeSent(value))
        return "a label that is not UTF-8";
    }
  }
  return "";
}

bool AreEqual(const std::vector<FoundHost>& a,
              const std::vector<FoundHost>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].host != b[i].host || a[i].uri != b[i].uri ||
        a[i].labels != b[i].labels) {
      return false;
    }
  }
  return true;
}

// The same hosts, in JSON, which is YAML; empty if yaml-cpp would not take it.
std::string Rewritten(const std::vector<FoundHost>& hosts) {
  nlohmann::json list = nlohmann::json::array();
  for (const FoundHost& found : hosts) {
    nlohmann::json entry = {{"node", found.host.node}, {"uri", found.uri}};
    for (const auto& [key, value] : found.labels) {
      if (key.size() > kLongestKey) return "";
      entry["labels"][key] = value;
    }
    list.push_back(std::move(entry));
  }
  // Escaped: YAML has more line breaks, and characters that it does not print.
  return nlohmann::json({{"hosts", std::move(list)}}).dump(1, ' ', true);
}

}  // namespace

// The input is a hosts file.
//   - A problem names the file.
//   - Hosts have names that can be nodes', each once, and text is UTF-8.
//   - A file that is good where URIs are needed is good where they are not, and
//     has the same hosts.
//   - The hosts, written down again, are read as the same hosts.
std::string BrokenProperty(absl::string_view input) {
  const std::string text(input);
  const auto strict = ParseHostsFile(kFile, text, HostUri::kNeeded);
  const auto hosts = ParseHostsFile(kFile, text, HostUri::kOptional);
  if (!strict.ok()) {
    std::string broken = BrokenRefusal(strict.status());
    if (!broken.empty()) return broken;
  } else if (!hosts.ok() || !AreEqual(*strict, *hosts)) {
    return "a URI more is worse than one less";
  }
  if (!hosts.ok()) return BrokenRefusal(hosts.status());
  std::string broken = BrokenHosts(*hosts);
  if (!broken.empty()) return broken;

  const std::string rewritten = Rewritten(*hosts);
  // Surrogates in pairs are what yaml-cpp does not know.
  if (rewritten.empty() || absl::StrContains(rewritten, "\\ud")) return "";
  const auto again = ParseHostsFile(kFile, rewritten, HostUri::kOptional);
  if (!again.ok()) {
    return absl::StrCat("refused when written again: ",
                        again.status().message());
  }
  return AreEqual(*hosts, *again) ? "" : "other hosts when written again";
}

}  // namespace rehai
