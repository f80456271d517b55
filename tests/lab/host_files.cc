// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/host_files.h"

#include <errno.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"

namespace rehai::lab {
namespace {

// Few threads: there may be hundreds of it.
constexpr char kLibvirtdConf[] = R"(unix_sock_dir = "/run/libvirt/new"
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
min_workers = 1
max_workers = 5
prio_workers = 1
max_clients = 100
audit_level = 0
)";

// Root without cgroups, security driver, mount namespaces or a log daemon.
std::string QemuConf(int first_port, int port_count) {
  return absl::StrCat(
      "user = \"root\"\n"
      "group = \"root\"\n"
      "dynamic_ownership = 0\n"
      "remember_owner = 0\n"
      "security_driver = \"none\"\n"
      "cgroup_controllers = []\n"
      "namespaces = []\n"
      "stdio_handler = \"file\"\n"
      "remote_display_port_min = ",
      first_port, "\nremote_display_port_max = ", first_port + port_count - 1,
      "\n");
}

// The machine's users, but root has a plain shell without a profile and may
// log in by key, whatever the machine's administrator thinks of that.
absl::StatusOr<std::string> Passwd() {
  ASSIGN_OR_RETURN(const std::string machine, ReadFile("/etc/passwd"));
  std::string users = "root:x:0:0:root:/:/bin/sh\n";
  for (absl::string_view line : absl::StrSplit(
           absl::string_view(machine.data(), machine.size()), '\n')) {
    if (!line.empty() && !absl::StartsWith(line, "root:")) {
      absl::StrAppend(&users, line, "\n");
    }
  }
  return users;
}

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(path, ": cannot be made: ", error.message()));
}

// Only these driver modules are loaded; the test driver is built in.
absl::Status LinkDrivers(Driver driver, const std::string& folder) {
  RETURN_IF_ERROR(MakeFolder(folder));
  if (driver == Driver::kTest) return absl::OkStatus();
  for (const char* module : {"qemu", "network", "storage"}) {
    const std::string file = absl::StrCat("libvirt_driver_", module, ".so");
    const std::string target = absl::StrCat(
        "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/", file);
    if (access(target.c_str(), R_OK) != 0) {
      return absl::NotFoundError(absl::StrCat(
          target, ": not there; run tools/setup, which installs it"));
    }
    if (symlink(target.c_str(), absl::StrCat(folder, "/", file).c_str()) != 0) {
      return absl::ErrnoToStatus(errno, file);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteHostFiles(Driver driver, const std::string& folder) {
  for (const char* name : {kUnpublishedSockets, "etc", "lib", "cache", "log"}) {
    RETURN_IF_ERROR(MakeFolder(absl::StrCat(folder, "/", name)));
  }
  RETURN_IF_ERROR(LinkDrivers(driver, absl::StrCat(folder, "/drivers")));
  ASSIGN_OR_RETURN(std::string passwd, Passwd());
  // A machine without one in its firmware gets another at each start of
  // libvirtd, and two hosts on a machine with one have the same.
  ASSIGN_OR_RETURN(const std::string uuid,
                   ReadFile("/proc/sys/kernel/random/uuid"));
  std::vector<std::pair<const char*, std::string>> files = {
      {"passwd", std::move(passwd)},
      {"shadow", "root:*:20000:0:99999:7:::\n"},
      {"etc/libvirtd.conf",
       absl::StrCat(kLibvirtdConf, "host_uuid = \"",
                    absl::StripAsciiWhitespace(
                        absl::string_view(uuid.data(), uuid.size())),
                    "\"\n")},
  };
  if (driver == Driver::kQemu) {
    constexpr int kPorts = 100;
    ASSIGN_OR_RETURN(const int first_port, FreePortRange(kPorts));
    files.push_back({"etc/qemu.conf", QemuConf(first_port, kPorts)});
  }
  for (const auto& [name, content] : files) {
    RETURN_IF_ERROR(WriteFileAtomically(
        absl::StrCat(folder, "/", name),
        absl::string_view(content.data(), content.size()), 0644));
  }
  return absl::OkStatus();
}

}  // namespace rehai::lab
