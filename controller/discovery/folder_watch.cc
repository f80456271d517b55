// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/folder_watch.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace rehai {
namespace {

// Not IN_MODIFY: a file is looked at when it has been written whole. Links
// appear without being written, hence IN_CREATE.
constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                             IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

FolderWatch::FolderWatch(std::function<void()> on_change)
    : on_change_(std::move(on_change)),
      inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  if (inotify_ < 0 || stop_ < 0) {
    log::Warning("folders are not watched; changes are seen at the next look",
                 {{"error", strerror(errno)},
                  {"remedy", "raise fs.inotify.max_user_instances"}});
    return;
  }
  thread_ = std::thread([this] { Run(); });
}

FolderWatch::~FolderWatch() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    // An eventfd takes it, or is full, which wakes the thread as well.
    [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof one);
    thread_.join();
  }
  if (stop_ >= 0) close(stop_);
  if (inotify_ >= 0) close(inotify_);
}

void FolderWatch::Watch(const std::set<std::string>& folders) {
  if (inotify_ < 0) return;
  for (const std::string& folder : folders) {
    // A folder that is watched already stays so; it is the folder that is
    // watched, not its name, so one that was made anew is added here.
    if (inotify_add_watch(inotify_, folder.c_str(), kEvents) < 0 &&
        errno == ENOSPC && !refused_.exchange(true)) {
      log::Warning("a folder is not watched; changes are seen at the next look",
                   {{"folder", folder},
                    {"remedy", "raise fs.inotify.max_user_watches"}});
    }
  }
}

bool FolderWatch::ReadEvents() const {
  char buffer[1 << 14];
  bool any = false;
  while (true) {
    const ssize_t size = read(inotify_, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return any;
    for (ssize_t at = 0; at < size;) {
      inotify_event event;
      memcpy(&event, buffer + at, sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
      // All but the end of a watch, which the folder's own end came before.
      // That some were lost (IN_Q_OVERFLOW) is reason enough to look.
      if ((event.mask & IN_IGNORED) == 0) any = true;
    }
  }
}

void FolderWatch::Run() {
  pthread_setname_np(pthread_self(), "folder-watch");
  while (true) {
    pollfd fds[] = {{.fd = inotify_, .events = POLLIN, .revents = 0},
                    {.fd = stop_, .events = POLLIN, .revents = 0}};
    if (poll(fds, 2, /*timeout=*/-1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    if (ReadEvents()) on_change_();
  }
}

}  // namespace rehai
