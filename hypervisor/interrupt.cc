// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai::hypervisor {
namespace {

// No transport waits for more at once.
constexpr size_t kMaxPolled = 16;

std::string ReadTaskFile(pid_t thread, const char* name) {
  std::ifstream file(absl::StrCat("/proc/self/task/", thread, "/", name));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool TerminateChildren(pid_t thread) {
  std::istringstream children(ReadTaskFile(thread, "children"));
  bool any = false;
  for (pid_t child = 0; children >> child;) {
    kill(child, SIGTERM);
    any = true;
  }
  return any;
}

// The descriptors in another thread's pollfd array, which may go away while we
// look: the kernel copies it, where a plain read could fault.
std::vector<int> PolledDescriptors(uint64_t address, uint64_t count) {
  std::vector<pollfd> polled(std::min<uint64_t>(count, kMaxPolled));
  iovec to = {polled.data(), polled.size() * sizeof(pollfd)};
  iovec from = {reinterpret_cast<void*>(address), to.iov_len};
  const ssize_t copied = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  if (copied != static_cast<ssize_t>(to.iov_len)) return {};
  std::vector<int> descriptors;
  for (const pollfd& one : polled) descriptors.push_back(one.fd);
  return descriptors;
}

// The descriptors on which a thread waits, from the system call that it is in:
// "NUMBER 0xARGUMENT ...".
std::vector<int> AwaitedDescriptors(const std::string& call) {
  std::istringstream words(call);
  long number = -1;
  if (!(words >> number)) return {};  // it is running
  uint64_t first = 0;
  uint64_t second = 0;
  words >> std::hex >> first >> second;
  switch (number) {
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
      return PolledDescriptors(first, second);
    case SYS_connect:
    case SYS_read:
    case SYS_write:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_sendto:
    case SYS_sendmsg:
      return {static_cast<int>(first)};
    default:
      return {};
  }
}

}  // namespace

// A descriptor number may be closed and reused at any moment, so a duplicate is
// taken, and shut down only if the thread is still in the same wait: then the
// number was its own while it was duplicated.
void ShutDownAwaitedSockets(pid_t thread) {
  const std::string call = ReadTaskFile(thread, "syscall");
  for (const int descriptor : AwaitedDescriptors(call)) {
    // Standard error may be a socket, too, on which a log line is written.
    if (descriptor <= STDERR_FILENO) continue;
    const int duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) continue;
    struct stat status = {};
    if (fstat(duplicate, &status) == 0 && S_ISSOCK(status.st_mode) &&
        ReadTaskFile(thread, "syscall") == call) {
      shutdown(duplicate, SHUT_RDWR);
    }
    close(duplicate);
  }
}

void InterruptThread(pid_t thread) {
  if (!TerminateChildren(thread)) ShutDownAwaitedSockets(thread);
}

}  // namespace rehai::hypervisor
