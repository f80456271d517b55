// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_HOSTS_FOLDER_FIXTURE_H_
#define CONTROLLER_DISCOVERY_HOSTS_FOLDER_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai {

// A folder of its own for a test's host files, removed with it.
class HostsFolder {
 public:
  HostsFolder() {
    std::string path = absl::StrCat(testing::TempDir(), "hosts-XXXXXX");
    if (mkdtemp(path.data()) == nullptr) abort();
    path_ = path;
  }
  ~HostsFolder() { std::filesystem::remove_all(path_); }
  HostsFolder(const HostsFolder&) = delete;
  HostsFolder& operator=(const HostsFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& file) const {
    return absl::StrCat(path_, "/", file);
  }

  // In place: somebody who looks may find it half written.
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(*this / file, std::ios::trunc) << text;
  }
  void WriteHosts(const std::string& file,
                  const std::vector<std::string>& nodes) const {
    Write(file, HostsText(nodes));
  }
  // By renaming: whoever looks finds the old file or the new one.
  void Replace(const std::string& file, const std::string& text) const {
    Write(".new", text);
    std::filesystem::rename(*this / ".new", *this / file);
  }
  void ReplaceHosts(const std::string& file,
                    const std::vector<std::string>& nodes) const {
    Replace(file, HostsText(nodes));
  }
  void Remove(const std::string& file) const {
    std::filesystem::remove(*this / file);
  }

  // A file with these nodes, each at "u:NODE".
  static std::string HostsText(const std::vector<std::string>& nodes) {
    std::string text = nodes.empty() ? "hosts: []\n" : "hosts:\n";
    for (const std::string& node : nodes) {
      absl::StrAppend(&text, "  - {node: ", node, ", uri: \"u:", node, "\"}\n");
    }
    return text;
  }

 private:
  std::string path_;
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_HOSTS_FOLDER_FIXTURE_H_
