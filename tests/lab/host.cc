// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/host.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"
#include "tests/lab/virsh.h"

namespace rehai::lab {
namespace {

// Bazel's PATH has no sbin, where libvirtd's own helpers are.
constexpr char kPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The first process of a host. $1 is the host's folder, $2 its name. /run is
// made new, so that nothing in there talks to the machine's D-Bus, udev or
// libvirtd. Bash as process 1 also reaps what daemonised: a guest's ended QEMU
// must not stay as a zombie, which libvirtd would take for alive.
constexpr char kIsolate[] = R"(
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 rehai-lab /run
mkdir -p /run/sshd /run/libvirt
mount --bind "$1/run" /run/libvirt
mount --bind "$1/etc" /etc/libvirt
for part in lib cache log; do mount --bind "$1/$part" "/var/$part/libvirt"; done
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
hostname "$2"
trap 'exit 0' TERM
touch "$1/isolated"
while true; do sleep 1d & wait; done
)";

constexpr char kLibvirtdConf[] = R"(unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
min_workers = 2
max_workers = 20
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

std::string SshdConf(const SshIdentity& ssh, int port) {
  return absl::StrCat("ListenAddress 127.0.0.1\nPort ", port, "\nHostKey ",
                      ssh.host_key_file, "\nAuthorizedKeysFile ",
                      ssh.authorized_keys_file,
                      "\nPidFile none\n"
                      "UsePAM no\n"
                      "UseDNS no\n"
                      "StrictModes no\n"
                      "PermitRootLogin prohibit-password\n"
                      "PasswordAuthentication no\n"
                      "KbdInteractiveAuthentication no\n"
                      "PermitUserRC no\n"
                      "PrintMotd no\n"
                      "MaxStartups 1000\n"
                      "LogLevel ERROR\n");
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

absl::StatusOr<std::unique_ptr<Host>> Host::Start(Options options) {
  if (geteuid() != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(options.name,
                     ": a private hypervisor needs mounts of its own, which "
                     "only root may make; run this as root"));
  }
  std::unique_ptr<Host> host(new Host(std::move(options)));
  RETURN_IF_ERROR(host->WriteFiles());
  RETURN_IF_ERROR(host->Isolate());
  RETURN_IF_ERROR(host->LaunchLibvirtd());
  absl::Status launched;
  for (int attempt = 0; attempt < 3; ++attempt) {
    launched = host->LaunchSshd();
    // It ended at once: somebody else took the port first. Try another.
    if (!absl::IsUnavailable(launched)) break;
  }
  RETURN_IF_ERROR(launched);
  return host;
}

Host::Host(Options options) : options_(std::move(options)) {}

Host::~Host() {
  // With their first process all others in the namespaces are killed: libvirtd,
  // sshd and its sessions, guests. Nothing they might save is wanted, and a
  // hung daemon must not be waited for. The kernel then waits for us to reap
  // those that are our children, so the namespaces are let go last.
  if (namespaces_ != nullptr) namespaces_->Signal(SIGKILL);
  holder_.reset();
  libvirtd_.reset();
  sshd_.reset();
}

std::string Host::File(const std::string& name) const {
  return absl::StrCat(options_.folder, "/", name);
}

absl::Status Host::WriteFiles() {
  for (const char* folder : {"run", "etc", "lib", "cache", "log"}) {
    RETURN_IF_ERROR(MakeFolder(File(folder)));
  }
  RETURN_IF_ERROR(LinkDrivers(options_.driver, File("drivers")));
  ASSIGN_OR_RETURN(const std::string passwd, Passwd());
  constexpr int kPorts = 100;
  ASSIGN_OR_RETURN(const int first_port, FreePortRange(kPorts));
  const std::vector<std::pair<std::string, std::string>> files = {
      {"passwd", passwd},
      {"shadow", "root:*:20000:0:99999:7:::\n"},
      {"etc/libvirtd.conf", kLibvirtdConf},
      {"etc/qemu.conf", QemuConf(first_port, kPorts)},
  };
  for (const auto& [name, content] : files) {
    RETURN_IF_ERROR(WriteFileAtomically(
        File(name), absl::string_view(content.data(), content.size()), 0644));
  }
  if (options_.capabilities_of != nullptr) {
    std::error_code error;  // without them it only takes longer
    std::filesystem::copy(options_.capabilities_of->File("cache"),
                          File("cache"),
                          std::filesystem::copy_options::recursive, error);
  }
  return absl::OkStatus();
}

absl::Status Host::Isolate() {
  ASSIGN_OR_RETURN(namespaces_,
                   Process::Start({.argv = {"bash", "-c", kIsolate, "isolate",
                                            options_.folder, options_.name},
                                   .environment = {{"PATH", kPath}},
                                   .log_file = File("isolate.log"),
                                   .new_namespaces = true}));
  return namespaces_->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
    return ReadFile(File("isolated")).status();
  });
}

absl::Status Host::LaunchLibvirtd() {
  ASSIGN_OR_RETURN(
      libvirtd_,
      Process::Start({.argv = {"/usr/sbin/libvirtd"},
                      .environment = {{"PATH", kPath},
                                      {"LIBVIRT_DRIVER_DIR", File("drivers")}},
                      .log_file = File("libvirtd.log"),
                      .namespaces_of = namespaces_.get()}));
  RETURN_IF_ERROR(
      libvirtd_->WaitUntilReady(absl::Seconds(30), [&]() -> absl::Status {
        RETURN_IF_ERROR(CanConnect(File("run/libvirt-sock")));
        ASSIGN_OR_RETURN(holder_, LibvirtClient::Open(local_uri()));
        return absl::OkStatus();
      }));
  // QEMU's driver holds no state for us, and a connection less to lose.
  if (options_.driver == Driver::kQemu) holder_.reset();
  return absl::OkStatus();
}

absl::Status Host::LaunchSshd() {
  if (options_.ssh == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(ssh_port_, FreePort());
  const std::string conf = SshdConf(*options_.ssh, ssh_port_);
  RETURN_IF_ERROR(WriteFileAtomically(
      File("sshd_config"), absl::string_view(conf.data(), conf.size()), 0600));
  ASSIGN_OR_RETURN(sshd_, Process::Start({.argv = {"/usr/sbin/sshd", "-D", "-e",
                                                   "-f", File("sshd_config")},
                                          .environment = {{"PATH", kPath}},
                                          .log_file = File("sshd.log"),
                                          .namespaces_of = namespaces_.get()}));
  return sshd_->WaitUntilReady(absl::Seconds(20),
                               [&] { return CanConnect(ssh_port_); });
}

std::string Host::uri() const {
  if (options_.ssh == nullptr) return local_uri();
  return absl::StrCat(options_.driver == Driver::kQemu ? "qemu" : "test",
                      "+ssh://root@", options_.name,
                      options_.driver == Driver::kQemu ? "/system" : "/default",
                      "?command=", options_.ssh->command);
}

std::string Host::local_uri() const {
  return absl::StrCat(options_.driver == Driver::kQemu
                          ? "qemu+unix:///system?socket="
                          : "test+unix:///default?socket=",
                      File("run/libvirt-sock"));
}

absl::StatusOr<std::string> Host::Virsh(std::vector<std::string> arguments,
                                        const std::string& input) {
  return RunVirsh(local_uri(), std::move(arguments), input);
}

absl::Status Host::Define(const GuestSpec& guest) {
  return Virsh({"define", "/dev/stdin"}, GuestXml(options_.driver, guest))
      .status();
}

absl::Status Host::StartGuest(const std::string& guest) {
  return Virsh({"start", guest}).status();
}

absl::Status Host::Suspend(const std::string& guest) {
  return Virsh({"suspend", guest}).status();
}

absl::Status Host::ResumeGuest(const std::string& guest) {
  return Virsh({"resume", guest}).status();
}

absl::Status Host::Destroy(const std::string& guest) {
  return Virsh({"destroy", guest}).status();
}

absl::Status Host::Undefine(const std::string& guest) {
  return Virsh({"undefine", guest}).status();
}

void Host::Pause() { libvirtd_->Signal(SIGSTOP); }

void Host::Resume() { libvirtd_->Signal(SIGCONT); }

void Host::Kill() {
  libvirtd_->Signal(SIGKILL);
  libvirtd_->Stop();
}

absl::Status Host::Restart() {
  libvirtd_->Stop();
  holder_.reset();
  return LaunchLibvirtd();
}

}  // namespace rehai::lab
