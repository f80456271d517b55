// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/host_files.h"
#include "tests/lab/loopback.h"
#include "tests/lab/runfile.h"
#include "tests/lab/virsh.h"

namespace rehai::lab {
namespace {

// Bazel's PATH has no sbin, where libvirtd's own helpers are.
constexpr char kPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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
  RETURN_IF_ERROR(host->Restart());
  RETURN_IF_ERROR(host->LaunchSshd());
  return host;
}

Host::Host(Options options) : options_(std::move(options)) {
  for (const auto& [guest, state] : options_.guests) {
    guests_[guest.name] = {guest, state};
  }
}

Host::~Host() {
  Condemn();
  // Nothing that the host's processes might save is wanted, and a hung daemon
  // must not be waited for. The kernel lets the first process be reaped when we
  // have reaped those that are our children, so the namespaces go last.
  MutexLock lock(mu_);
  client_.reset();
  libvirtd_.reset();
  sshd_.reset();
}

void Host::Condemn() {
  // With their first process all others in the namespaces are killed:
  // libvirtd, sshd and its sessions, guests.
  MutexLock lock(mu_);
  if (namespaces_ != nullptr) namespaces_->Signal(SIGKILL);
  daemon_ = Daemon::kDown;
}

std::string Host::File(const std::string& name) const {
  return absl::StrCat(options_.folder, "/", name);
}

absl::Status Host::WriteFiles() {
  RETURN_IF_ERROR(WriteHostFiles(options_.driver, options_.folder));
  if (options_.capabilities_of != nullptr) {
    std::error_code error;  // without them it only takes longer
    std::filesystem::copy(options_.capabilities_of->File("cache"),
                          File("cache"),
                          std::filesystem::copy_options::recursive, error);
  }
  return absl::OkStatus();
}

absl::Status Host::Isolate() {
  ASSIGN_OR_RETURN(const std::string init, Runfile("tests/lab/host_init"));
  ASSIGN_OR_RETURN(
      namespaces_,
      Process::Start({.argv = {init, options_.folder, options_.name},
                      .log_file = File("isolate.log"),
                      .new_namespaces = true}));
  return namespaces_->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
    return ReadFile(File("isolated")).status();
  });
}

absl::Status Host::LaunchSshd() {
  if (options_.ssh == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      sshd_,
      Sshd::Start({.folder = options_.folder,
                   .authorized_keys_file = options_.ssh->authorized_keys_file,
                   .wrong_host_key_file = options_.ssh->wrong_host_key_file,
                   .namespaces = namespaces_.get()}));
  if (options_.relay == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(link_, Link::Open(*options_.relay, sshd_->port()));
  return absl::OkStatus();
}

absl::Status Host::LaunchLibvirtd() {
  ASSIGN_OR_RETURN(
      libvirtd_,
      Process::Start({.argv = {"/usr/sbin/libvirtd"},
                      .environment = {{"PATH", kPath},
                                      {"LIBVIRT_DRIVER_DIR", File("drivers")}},
                      .log_file = File("libvirtd.log"),
                      .namespaces_of = namespaces_.get()}));
  const std::string socket =
      absl::StrCat(File(kUnpublishedSockets), "/libvirt-sock");
  std::unique_ptr<LibvirtClient> client;
  RETURN_IF_ERROR(
      libvirtd_->WaitUntilReady(absl::Seconds(60), [&]() -> absl::Status {
        RETURN_IF_ERROR(CanConnect(socket));
        ASSIGN_OR_RETURN(client, LibvirtClient::Open(SocketUri(socket)));
        return absl::OkStatus();
      }));
  client_ = std::move(client);
  RETURN_IF_ERROR(RestoreGuests());
  RETURN_IF_ERROR(PublishSockets());
  daemon_ = Daemon::kUp;
  return absl::OkStatus();
}

absl::Status Host::RestoreGuests() {
  if (options_.driver == Driver::kQemu) return absl::OkStatus();
  if (!options_.keeps_guests) guests_.clear();
  if (options_.keeps_guests) {
    RETURN_IF_ERROR(client_->Destroy("test"));
    RETURN_IF_ERROR(client_->Undefine("test"));
  }
  for (auto& [name, guest] : guests_) {
    ASSIGN_OR_RETURN(guest.spec.uuid,
                     client_->Define(GuestXml(options_.driver, guest.spec)));
    if (guest.state == GuestState::kShutOff) continue;
    RETURN_IF_ERROR(client_->Start(name));
    if (guest.state == GuestState::kPaused) {
      RETURN_IF_ERROR(client_->Suspend(name));
    }
  }
  return absl::OkStatus();
}

// Whoever knows a socket by its old name meets a daemon that is gone.
absl::Status Host::PublishSockets() {
  for (const char* socket : {"libvirt-sock-ro", "libvirt-sock"}) {
    const std::string from =
        absl::StrCat(File(kUnpublishedSockets), "/", socket);
    if (rename(from.c_str(), File(absl::StrCat("run/", socket)).c_str()) != 0) {
      return absl::ErrnoToStatus(errno, from);
    }
  }
  return absl::OkStatus();
}

std::string Host::uri() const {
  if (options_.ssh == nullptr) return local_uri();
  return absl::StrCat(bare_uri(), "?command=", options_.ssh->command);
}

std::string Host::bare_uri() const {
  if (options_.ssh == nullptr) return local_uri();
  return options_.driver == Driver::kQemu
             ? absl::StrCat("qemu+ssh://root@", options_.name, "/system")
             : absl::StrCat("test+ssh://root@", options_.name, "/default");
}

std::string Host::local_uri() const {
  return SocketUri(File("run/libvirt-sock"));
}

std::string Host::SocketUri(const std::string& socket) const {
  return absl::StrCat(options_.driver == Driver::kQemu
                          ? "qemu+unix:///system?socket="
                          : "test+unix:///default?socket=",
                      socket);
}

int Host::ssh_port() const {
  if (link_ != nullptr) return link_->port();
  return sshd_ != nullptr ? sshd_->port() : 0;
}

std::string Host::ssh_host_key() const {
  return sshd_ != nullptr ? sshd_->public_key() : "";
}

absl::StatusOr<std::string> Host::Virsh(std::vector<std::string> arguments,
                                        const std::string& input) {
  return RunVirsh(local_uri(), std::move(arguments), input);
}

absl::Status Host::ExpectUp() const {
  if (daemon_ == Daemon::kUp) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      options_.name, ": its libvirtd ",
      daemon_ == Daemon::kHung ? "hangs; resume it" : "is down; restart it"));
}

absl::Status Host::Define(const GuestSpec& guest) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(ExpectUp());
  return DefineLocked(guest);
}

absl::Status Host::DefineLocked(const GuestSpec& guest) {
  ASSIGN_OR_RETURN(std::string uuid,
                   client_->Define(GuestXml(options_.driver, guest)));
  KeptGuest& kept = guests_[guest.name];
  kept.spec = guest;
  kept.spec.uuid = std::move(uuid);
  return absl::OkStatus();
}

absl::Status Host::Change(
    const std::string& guest, GuestState after,
    absl::Status (LibvirtClient::*call)(const std::string&)) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(ExpectUp());
  return ChangeLocked(guest, after, call);
}

absl::Status Host::ChangeLocked(
    const std::string& guest, GuestState after,
    absl::Status (LibvirtClient::*call)(const std::string&)) {
  RETURN_IF_ERROR((client_.get()->*call)(guest));
  // The test driver's own guest is not ours.
  if (const auto it = guests_.find(guest); it != guests_.end()) {
    it->second.state = after;
  }
  return absl::OkStatus();
}

absl::Status Host::StartGuest(const std::string& guest) {
  return Change(guest, GuestState::kRunning, &LibvirtClient::Start);
}

absl::Status Host::Suspend(const std::string& guest) {
  return Change(guest, GuestState::kPaused, &LibvirtClient::Suspend);
}

absl::Status Host::ResumeGuest(const std::string& guest) {
  return Change(guest, GuestState::kRunning, &LibvirtClient::Resume);
}

absl::Status Host::Destroy(const std::string& guest) {
  return Change(guest, GuestState::kShutOff, &LibvirtClient::Destroy);
}

absl::Status Host::Undefine(const std::string& guest) {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(ExpectUp());
  return UndefineLocked(guest);
}

absl::Status Host::UndefineLocked(const std::string& guest) {
  RETURN_IF_ERROR(client_->Undefine(guest));
  guests_.erase(guest);
  return absl::OkStatus();
}

// Two hosts' mutexes, always taken in the same order. More than the annotations
// can follow.
absl::Status Host::MigrateTo(Host& destination, const std::string& guest) {
  if (&destination == this || destination.driver() != driver()) {
    return absl::InvalidArgumentError(absl::StrCat(
        options_.name, ": guest ", guest, " cannot migrate to ",
        destination.node(), "; choose another host with the same driver"));
  }
  const bool first = std::less<Host*>()(this, &destination);
  MutexLock one(first ? mu_ : destination.mu_);
  MutexLock other(first ? destination.mu_ : mu_);
  RETURN_IF_ERROR(ExpectUp());
  RETURN_IF_ERROR(destination.ExpectUp());
  return MoveGuest(destination, guest);
}

absl::Status Host::MoveGuest(Host& destination, const std::string& guest) {
  const auto kept = guests_.find(guest);
  if (kept == guests_.end() || kept->second.state != GuestState::kRunning) {
    return absl::FailedPreconditionError(
        absl::StrCat(options_.name, ": guest ", guest,
                     " cannot migrate; it must be one of ours, and run"));
  }
  const GuestSpec spec = kept->second.spec;
  RETURN_IF_ERROR(destination.DefineLocked(spec));
  RETURN_IF_ERROR(destination.ChangeLocked(guest, GuestState::kRunning,
                                           &LibvirtClient::Start));
  RETURN_IF_ERROR(
      ChangeLocked(guest, GuestState::kShutOff, &LibvirtClient::Destroy));
  return UndefineLocked(guest);
}

std::vector<ShownGuest> Host::guests() const {
  MutexLock lock(mu_);
  std::vector<ShownGuest> guests;
  for (const auto& [name, guest] : guests_) {
    guests.push_back({name, guest.spec.uuid, guest.state});
  }
  return guests;
}

void Host::Hang() {
  MutexLock lock(mu_);
  if (daemon_ != Daemon::kUp) return;
  libvirtd_->Signal(SIGSTOP);
  daemon_ = Daemon::kHung;
}

void Host::Resume() {
  MutexLock lock(mu_);
  if (daemon_ != Daemon::kHung) return;
  libvirtd_->Signal(SIGCONT);
  daemon_ = Daemon::kUp;
}

void Host::Kill() {
  MutexLock lock(mu_);
  libvirtd_->Signal(SIGKILL);
  libvirtd_->Stop();
  daemon_ = Daemon::kDown;
}

absl::Status Host::Restart() {
  MutexLock lock(mu_);
  daemon_ = Daemon::kDown;
  if (libvirtd_ != nullptr) libvirtd_->Stop();
  client_.reset();
  return LaunchLibvirtd();
}

absl::Status Host::ExpectSsh() const {
  if (sshd_ != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      options_.name, ": is not reached by ssh; start the lab with ssh"));
}

absl::Status Host::WrongHostKey() {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(ExpectSsh());
  return sshd_->AnswerWithWrongKey();
}

absl::Status Host::RefuseSsh() {
  MutexLock lock(mu_);
  RETURN_IF_ERROR(ExpectSsh());
  sshd_->Refuse();
  // A relay would accept, only to find nobody.
  if (link_ != nullptr) link_->Refuse();
  return absl::OkStatus();
}

absl::Status Host::Heal() {
  Resume();
  MutexLock lock(mu_);
  if (sshd_ != nullptr) RETURN_IF_ERROR(sshd_->Heal());
  if (link_ != nullptr) link_->Heal();
  if (daemon_ == Daemon::kUp && libvirtd_->Running()) return absl::OkStatus();
  client_.reset();
  return LaunchLibvirtd();
}

}  // namespace rehai::lab
