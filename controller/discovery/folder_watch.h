// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_FOLDER_WATCH_H_
#define CONTROLLER_DISCOVERY_FOLDER_WATCH_H_

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>

namespace rehai {

// Says that something happened to the files of some folders: one was written
// and closed, appeared, went, or was renamed. A hint, not the truth: network
// file systems tell nothing, and a notification may be lost, so look now and
// then all the same.
//
// Thread-safe. Owns one thread.
class FolderWatch {
 public:
  // `on_change` is called on the watch's thread, once for all that happened
  // together. It must not block.
  explicit FolderWatch(std::function<void()> on_change);
  // Waits for a call under way.
  ~FolderWatch();

  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  // Watches these folders from now on, beside those before. One that cannot be
  // watched, since it does not exist, is left out; one that was removed and
  // made anew is watched anew. So call this before each look at the files.
  void Watch(const std::set<std::string>& folders);

 private:
  void Run();
  // Takes all events that are there. False if nothing happened to a file.
  bool ReadEvents() const;

  const std::function<void()> on_change_;
  // Set at construction. -1: the system has no watches left.
  const int inotify_;
  const int stop_;  // an eventfd

  // Of watches that the system refuses, the first is told.
  std::atomic<bool> refused_ = false;
  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_FOLDER_WATCH_H_
