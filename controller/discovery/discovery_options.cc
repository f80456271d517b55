// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/discovery_options.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "controller/discovery/host_files.h"

namespace rehai {
namespace {

// A server that is searched more often has something better to do.
constexpr absl::Duration kMinInterval = absl::Seconds(1);

void ReadInterval(bool is_set, const google::protobuf::Duration& value,
                  const std::string& key, Complain complain,
                  absl::Duration& out) {
  if (!is_set) return;
  out = FromProto(value);
  if (out < kMinInterval) complain(key, "must be 1s or longer");
}

void ReadSearch(const v1::ChefSearchConfig& config, const std::string& key,
                Complain complain, std::vector<ChefSearch>& out) {
  if (config.query().empty()) {
    complain(absl::StrCat(key, ".query"),
             "is not set; write it like virtualization_role:host");
  }
  for (const auto& [label, attribute] : config.labels()) {
    if (auto path = ParseAttributePath(attribute); !path.ok()) {
      complain(absl::StrCat(key, ".labels.", label), path.status().message());
    }
  }
  absl::StatusOr<UriTemplate> uri = UriTemplate::Parse(config.uri_template());
  if (!uri.ok()) {
    return complain(absl::StrCat(key, ".uri_template"), uri.status().message());
  }
  ChefSearch search = {
      .query = config.query(),
      .uri = *std::move(uri),
      .labels = {config.labels().begin(), config.labels().end()}};
  ReadInterval(config.has_interval(), config.interval(),
               absl::StrCat(key, ".interval"), complain, search.interval);
  out.push_back(std::move(search));
}

void ReadSearches(const v1::DiscoveryConfig& config, Complain complain,
                  std::vector<ChefSearch>& out) {
  std::set<std::string> queries;
  for (int i = 0; i < config.chef_searches_size(); ++i) {
    const std::string key = absl::StrCat("discovery.chef_searches[", i, "]");
    ReadSearch(config.chef_searches(i), key, complain, out);
    if (!queries.insert(config.chef_searches(i).query()).second) {
      complain(absl::StrCat(key, ".query"), "is asked twice; keep one");
    }
  }
}

void ReadFiles(const v1::DiscoveryConfig& config, const std::string& folder,
               Complain complain, std::vector<std::string>& out) {
  for (int i = 0; i < config.files_size(); ++i) {
    const std::string& file = config.files(i);
    if (absl::Status good = CheckFilePattern(file); !good.ok()) {
      complain(absl::StrCat("discovery.files[", i, "]"), good.message());
    }
    out.push_back(ResolvePath(folder, file));
  }
}

void ReadBrake(const v1::DiscoveryConfig& config, Complain complain,
               FleetBrakeOptions& out) {
  if (config.brake_share() != 0) out.share = config.brake_share();
  if (!(out.share > 0 && out.share <= 1)) {
    complain("discovery.brake_share",
             "must be more than 0 and at most 1, which is the whole fleet");
  }
  if (config.brake_count() != 0) out.count = config.brake_count();
  if (out.count < 0) {
    complain("discovery.brake_count", "must be more than 0");
  }
}

}  // namespace

DiscoveryOptions MakeDiscoveryOptions(const v1::ControllerConfig& config,
                                      const std::string& folder,
                                      Complain complain) {
  const v1::DiscoveryConfig& discovery = config.discovery();
  DiscoveryOptions out;
  if (config.hosts().empty() && discovery.files().empty() &&
      discovery.chef_searches().empty()) {
    complain("hosts",
             "no host to watch; add entries with node: and uri:, or "
             "discovery.files, or discovery.chef_searches");
  }
  if (config.has_agents()) out.host_uri = HostUri::kOptional;
  out.static_hosts =
      ReadHosts(config.hosts(), "hosts", "config", out.host_uri, complain);
  ReadFiles(discovery, folder, complain, out.files);
  ReadInterval(discovery.has_file_interval(), discovery.file_interval(),
               "discovery.file_interval", complain, out.file_interval);
  ReadSearches(discovery, complain, out.chef_searches);
  ReadBrake(discovery, complain, out.brake);
  return out;
}

}  // namespace rehai
