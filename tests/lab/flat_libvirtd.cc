// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/flat_libvirtd.h"

#include <signal.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"
#include "tests/lab/virsh.h"

namespace rehai::lab {
namespace {

// Becomes the program that $0 names, with a /run of its own: root's libvirtd
// leaves a token in there, whatever its configuration says.
constexpr char kPrivateRun[] =
    "mount --make-rprivate / && mount -t tmpfs rehai-lab /run && "
    "exec \"$0\" \"$@\"";

}  // namespace

absl::StatusOr<std::unique_ptr<FlatLibvirtd>> FlatLibvirtd::Start() {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("flat"));
  // A folder without driver modules leaves the daemon its built-in test driver;
  // the others would fight a system libvirtd over its files.
  mkdir((*folder / "drivers").c_str(), 0700);
  RETURN_IF_ERROR(WriteFileAtomically(
      *folder / "libvirtd.conf",
      absl::StrCat("unix_sock_dir=\"", folder->path(), "\"\n",
                   "unix_sock_rw_perms=\"0700\"\n"
                   "auth_unix_rw=\"none\"\n"
                   "auth_unix_ro=\"none\"\n"
                   "min_workers=1\n"
                   "max_workers=5\n"
                   "prio_workers=1\n"
                   "audit_level=0\n"),
      0600));
  std::unique_ptr<FlatLibvirtd> libvirtd(new FlatLibvirtd(std::move(folder)));
  RETURN_IF_ERROR(libvirtd->Launch());
  return libvirtd;
}

FlatLibvirtd::FlatLibvirtd(std::unique_ptr<TempFolder> folder)
    : folder_(std::move(folder)),
      uri_(absl::StrCat("test+unix:///default?socket=",
                        *folder_ / "libvirt-sock")) {}

FlatLibvirtd::~FlatLibvirtd() {
  // First the daemon: to close a connection is a call, and a hung daemon would
  // never answer it.
  if (process_ != nullptr) process_->Stop();
}

absl::Status FlatLibvirtd::Launch() {
  ASSIGN_OR_RETURN(
      process_,
      Process::Start(
          {.argv = {"sh", "-c", kPrivateRun, "/usr/sbin/libvirtd", "-f",
                    *folder_ / "libvirtd.conf", "-p",
                    *folder_ / "libvirtd.pid"},
           .environment = {{"LIBVIRT_DRIVER_DIR", *folder_ / "drivers"}},
           .log_file = *folder_ / "log",
           .new_namespaces = true}));
  RETURN_IF_ERROR(process_->WaitUntilReady(absl::Seconds(20), [&] {
    return CanConnect(*folder_ / "libvirt-sock");
  }));
  ASSIGN_OR_RETURN(holder_, LibvirtClient::Open(uri_));
  return absl::OkStatus();
}

absl::Status FlatLibvirtd::Restart() {
  process_->Stop();
  holder_.reset();
  return Launch();
}

absl::StatusOr<std::string> FlatLibvirtd::Virsh(
    std::vector<std::string> arguments) {
  return RunVirsh(uri_, std::move(arguments));
}

}  // namespace rehai::lab
