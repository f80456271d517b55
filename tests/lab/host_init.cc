// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The first process of a host of the lab, in PID, mount and UTS namespaces of
// its own: gives the host its private folders and its name, then stays and
// reaps. A guest's ended QEMU must not stay as a zombie, which libvirtd would
// take for alive. Uses only the C library: there is one of it per host.
//
//   host_init FOLDER NAME
//
// FOLDER/isolated exists once everything is in its place.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void Fail(const char* what) {
  fprintf(stderr, "host_init: %s: %s\n", what, strerror(errno));
  _exit(1);
}

void Mount(const char* what, const char* where, const char* type,
           unsigned long flags, const char* options) {
  if (mount(what, where, type, flags, options) != 0) Fail(where);
}

// Shows folder/name as `where`.
void Bind(const char* folder, const char* name, const char* where) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  Mount(path, where, nullptr, MS_BIND, nullptr);
}

// /run is made new, so that nothing in there talks to the machine's D-Bus, udev
// or libvirtd.
void Isolate(const char* folder, const char* name) {
  Mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  Mount("proc", "/proc", "proc", 0, nullptr);
  Mount("rehai-lab", "/run", "tmpfs", 0, "mode=755");
  if (mkdir("/run/sshd", 0755) != 0 || mkdir("/run/libvirt", 0755) != 0) {
    Fail("/run");
  }
  Bind(folder, "run", "/run/libvirt");
  Bind(folder, "etc", "/etc/libvirt");
  Bind(folder, "lib", "/var/lib/libvirt");
  Bind(folder, "cache", "/var/cache/libvirt");
  Bind(folder, "log", "/var/log/libvirt");
  Bind(folder, "passwd", "/etc/passwd");
  Bind(folder, "shadow", "/etc/shadow");
  if (sethostname(name, strlen(name)) != 0) Fail(name);
}

void TellThatAllIsInPlace(const char* folder) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/isolated", folder);
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Fail(path);
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: host_init FOLDER NAME\n");
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  Isolate(argv[1], argv[2]);
  TellThatAllIsInPlace(argv[1]);
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal != SIGTERM) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  return 0;
}
