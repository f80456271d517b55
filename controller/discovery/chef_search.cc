// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/chef_search.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "chef/node_name.h"

namespace rehai {
namespace {

// Strings and numbers. Lists, groups and booleans are no words.
std::map<std::string, std::string> WordsOf(const chef::NodeQuery::Row& row) {
  std::map<std::string, std::string> words;
  for (const auto& [name, value] : row.values) {
    const char first = value.text.empty() ? '\0' : value.text.front();
    if (value.is_string || first == '-' ||
        absl::ascii_isdigit(static_cast<unsigned char>(first))) {
      words[name] = value.text;
    }
  }
  return words;
}

absl::StatusOr<FoundHost> HostOf(const ChefSearch& search,
                                 const chef::NodeQuery::Row& row) {
  const std::map<std::string, std::string> words = WordsOf(row);
  if (absl::Status named = chef::CheckNodeName(row.node); !named.ok()) {
    return named;
  }
  absl::StatusOr<std::string> uri = search.uri.Expand(words);
  if (!uri.ok()) return uri.status();
  FoundHost host = {
      .host = {row.node}, .uri = *std::move(uri), .found_by = search.name()};
  for (const auto& [label, attribute] : search.labels) {
    const auto word = words.find(attribute);
    if (word != words.end()) host.labels[label] = word->second;
  }
  return host;
}

}  // namespace

chef::NodeQuery::Question QuestionOf(const ChefSearch& search) {
  std::set<std::string> wanted = search.uri.attributes();
  for (const auto& [label, attribute] : search.labels) wanted.insert(attribute);
  chef::NodeQuery::Question question = {.query = search.query};
  for (const std::string& attribute : wanted) {
    question.attributes[attribute] = absl::StrSplit(attribute, '.');
  }
  return question;
}

SearchedHosts HostsOf(const ChefSearch& search,
                      const chef::NodeQuery::Answer& answer,
                      const std::vector<FoundHost>& before) {
  absl::flat_hash_map<std::string, const FoundHost*> known;
  for (const FoundHost& host : before) known[host.host.node] = &host;
  SearchedHosts found;
  for (const chef::NodeQuery::Row& row : answer.rows) {
    absl::StatusOr<FoundHost> host = HostOf(search, row);
    if (host.ok()) {
      found.hosts.push_back(*std::move(host));
      continue;
    }
    found.refused.push_back(
        absl::StrCat("node ", row.node, ": ", host.status().message()));
    const auto as_it_was = known.find(row.node);
    if (as_it_was != known.end()) found.hosts.push_back(*as_it_was->second);
  }
  std::sort(
      found.hosts.begin(), found.hosts.end(),
      [](const FoundHost& a, const FoundHost& b) { return a.host < b.host; });
  std::sort(found.refused.begin(), found.refused.end());
  return found;
}

}  // namespace rehai
