// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/footprint.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
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

// The inodes of the TCP sockets of the process's network: the tenth column of
// its tables (proc(5), /proc/net/tcp).
std::set<std::string> TcpInodes(pid_t pid) {
  std::set<std::string> inodes;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::ifstream file(FolderOf(pid) + table);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      std::istringstream columns(line);
      std::string column;
      for (int i = 0; i < 10; ++i) columns >> column;
      inodes.insert(column);
    }
  }
  return inodes;
}

int CountTcp(pid_t pid, const std::vector<std::string>& descriptors) {
  const std::set<std::string> inodes = TcpInodes(pid);
  int count = 0;
  for (const std::string& descriptor : descriptors) {
    std::error_code error;
    const std::string target =
        std::filesystem::read_symlink(
            absl::StrCat(FolderOf(pid), "/fd/", descriptor), error)
            .string();
    constexpr char kSocket[] = "socket:[";
    if (target.rfind(kSocket, 0) != 0) continue;
    const size_t begin = sizeof(kSocket) - 1;
    count += inodes.count(target.substr(begin, target.size() - begin - 1));
  }
  return count;
}

}  // namespace

absl::StatusOr<Footprint> FootprintOf(pid_t pid) {
  const std::vector<std::string> threads = Entries(FolderOf(pid) + "/task");
  if (threads.empty()) {
    return absl::NotFoundError(absl::StrCat("process ", pid, ": not there"));
  }
  Footprint footprint;
  footprint.threads = static_cast<int>(threads.size());
  const std::vector<std::string> descriptors = Entries(FolderOf(pid) + "/fd");
  footprint.descriptors = static_cast<int>(descriptors.size());
  footprint.tcp_descriptors = CountTcp(pid, descriptors);
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
