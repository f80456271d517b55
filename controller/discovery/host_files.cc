// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/host_files.h"

#include <fnmatch.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "controller/discovery/host_set.h"
#include "controller/discovery/hosts_file.h"

namespace rehai {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = 16 << 20;

bool HasWildcard(absl::string_view path) {
  return path.find_first_of("*?[") != absl::string_view::npos;
}

// Not names that begin with a dot: those are editors' and downloads'.
bool Matches(const std::string& pattern, const std::string& file) {
  return fnmatch(pattern.c_str(), file.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
}

absl::Status CannotRead(const std::string& folder, std::error_code error) {
  const std::string message =
      absl::StrCat(folder, ": cannot read the folder: ", error.message(),
                   "; its files keep their hosts");
  if (error == std::errc::no_such_file_or_directory ||
      error == std::errc::not_a_directory) {
    return absl::NotFoundError(message);
  }
  return error == std::errc::permission_denied
             ? absl::PermissionDeniedError(message)
             : absl::UnavailableError(message);
}

}  // namespace

HostFiles::HostFiles(std::vector<std::string> patterns, HostUri uri)
    : patterns_(std::move(patterns)), uri_(uri) {}

absl::StatusOr<std::set<std::string>> HostFiles::Match(
    const std::string& pattern) {
  const std::string folder = FolderOf(pattern);
  std::error_code error;
  std::set<std::string> found;
  if (!HasWildcard(pattern)) {
    // If it is the folder that is missing, that says nothing about the file.
    const bool there = fs::is_directory(folder, error);
    if (error) return CannotRead(folder, error);
    if (!there) {
      return CannotRead(folder,
                        std::make_error_code(std::errc::not_a_directory));
    }
    return std::set<std::string>{pattern};
  }
  fs::directory_iterator entry(folder, error);
  while (!error && entry != fs::directory_iterator()) {
    const std::string file = entry->path().string();
    if (Matches(pattern, file)) found.insert(file);
    entry.increment(error);
  }
  if (error) return CannotRead(folder, error);
  return found;
}

bool HostFiles::IsSeenTwice(File& file,
                            const std::optional<std::string>& content) {
  if (file.doubted.has_value() && *file.doubted == content) {
    file.doubted.reset();
    return true;
  }
  file.doubted.emplace(content);
  return false;
}

bool HostFiles::Vanish(File& file) {
  if (!file.provider.hosts.empty() && !IsSeenTwice(file, std::nullopt)) {
    return false;
  }
  file.provider.hosts.clear();
  file.content.reset();
  return true;
}

bool HostFiles::Reload(const std::string& name, File& file, absl::Time now) {
  Provider& provider = file.provider;
  provider.name = name;
  absl::StatusOr<std::string> content = ReadFile(name, kMaxFileBytes);
  if (absl::IsNotFound(content.status())) {
    provider.error = absl::StrCat(
        name, ": does not exist; create it, or remove it from discovery.files");
    return Vanish(file);
  }
  absl::StatusOr<std::vector<FoundHost>> hosts = provider.hosts;
  if (!content.ok()) {
    hosts = content.status();
  } else if (*content != file.content) {
    hosts = ParseHostsFile(name, *content, uri_);
  }
  if (!hosts.ok()) {
    file.doubted.reset();
    provider.error = std::string(hosts.status().message());
    return true;
  }
  if (!MissingHosts(provider.hosts, *hosts).empty() &&
      !IsSeenTwice(file, *content)) {
    return false;
  }
  file.doubted.reset();
  file.content = *std::move(content);
  provider.hosts = *std::move(hosts);
  provider.good_at = now;
  provider.error.clear();
  return true;
}

bool HostFiles::Look(absl::Time now) {
  std::set<std::string> found;
  unreadable_.clear();
  for (const std::string& pattern : patterns_) {
    absl::StatusOr<std::set<std::string>> matches = Match(pattern);
    if (matches.ok()) {
      found.merge(*matches);
    } else {
      unreadable_[pattern] = std::string(matches.status().message());
    }
  }
  bool settled = true;
  for (const std::string& name : found) {
    if (!Reload(name, files_[name], now)) settled = false;
  }
  const auto is_unknown = [this](const std::string& name) {
    for (const auto& [pattern, why] : unreadable_) {
      if (Matches(pattern, name)) return true;
    }
    return false;
  };
  for (auto file = files_.begin(); file != files_.end();) {
    if (found.contains(file->first)) {
      ++file;
    } else if (is_unknown(file->first)) {
      file->second.doubted.reset();
      ++file;
    } else if (Vanish(file->second)) {
      file = files_.erase(file);
    } else {
      settled = false;
      ++file;
    }
  }
  return settled;
}

std::vector<Provider> HostFiles::providers() const {
  std::map<std::string, Provider> by_name;
  for (const auto& [name, file] : files_) by_name[name] = file.provider;
  for (const auto& [pattern, why] : unreadable_) {
    by_name[pattern].name = pattern;
    by_name[pattern].error = why;
  }
  std::vector<Provider> all;
  all.reserve(by_name.size());
  for (auto& [name, provider] : by_name) all.push_back(std::move(provider));
  return all;
}

std::set<std::string> HostFiles::folders() const {
  std::set<std::string> all;
  for (const std::string& pattern : patterns_) all.insert(FolderOf(pattern));
  return all;
}

absl::Status CheckHostFiles(const std::vector<std::string>& patterns,
                            HostUri uri) {
  HostFiles files(patterns, uri);
  files.Look(absl::UnixEpoch());
  std::vector<std::string> problems;
  for (const Provider& provider : files.providers()) {
    if (!provider.error.empty()) problems.push_back(provider.error);
  }
  return problems.empty()
             ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

absl::Status CheckFilePattern(absl::string_view pattern) {
  const std::string text(pattern);
  if (HasWildcard(FolderOf(text))) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text,
                     "\" has a wildcard in a folder's name; write one pattern "
                     "for each folder"));
  }
  if (text.empty() || absl::EndsWith(text, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text,
                     "\" is not a file; write it like hosts.yaml or "
                     "/etc/rehai/hosts.d/*.yaml"));
  }
  return absl::OkStatus();
}

}  // namespace rehai
