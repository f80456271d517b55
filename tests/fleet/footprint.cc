// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/footprint.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace rehai::fleet {
namespace {

std::string FolderOf(pid_t pid) { return absl::StrCat("/proc/", pid); }

// The entries of a folder, or none if the process has ended meanwhile.
std::vector<std::string> Entries(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// The sum of the values, in KiB, of the lines of smaps_rollup that begin so.
int64_t Memory(pid_t pid, const std::vector<std::string>& keys) {
  std::ifstream file(FolderOf(pid) + "/smaps_rollup");
  int64_t sum = 0;
  std::string line;
  while (std::getline(file, line)) {
    for (const std::string& key : keys) {
      if (line.rfind(key + ":", 0) == 0) {
        sum += std::stoll(line.substr(key.size() + 1));
      }
    }
  }
  return sum;
}

int64_t PrivateMemory(pid_t pid) {
  return Memory(pid, {"Private_Clean", "Private_Dirty"});
}

}  // namespace

absl::StatusOr<Footprint> FootprintOf(pid_t pid) {
  const std::vector<std::string> threads = Entries(FolderOf(pid) + "/task");
  if (threads.empty()) {
    return absl::NotFoundError(absl::StrCat("process ", pid, ": not there"));
  }
  Footprint footprint;
  footprint.threads = static_cast<int>(threads.size());
  footprint.descriptors =
      static_cast<int>(Entries(FolderOf(pid) + "/fd").size());
  for (const std::string& thread : threads) {
    std::ifstream children(
        absl::StrCat(FolderOf(pid), "/task/", thread, "/children"));
    for (pid_t child = 0; children >> child;) {
      footprint.children.push_back(child);
      footprint.children_private_kib += PrivateMemory(child);
    }
  }
  footprint.resident_kib = Memory(pid, {"Rss"});
  footprint.private_kib = PrivateMemory(pid);
  return footprint;
}

}  // namespace rehai::fleet
