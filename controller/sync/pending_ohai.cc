// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/pending_ohai.h"

namespace rehai {

bool PendingOhai::Keep(const HostId& host, Run run, RewriteDone& done) {
  const auto it = entries_.find(host);
  const size_t freed = it == entries_.end() ? 0 : it->second.run->bytes();
  const size_t bytes = bytes_ - freed + run->bytes();
  if (bytes > max_bytes_) return false;
  bytes_ = bytes;
  Entry& entry = entries_[host];
  entry.run = std::move(run);
  std::swap(entry.done, done);
  return true;
}

PendingOhai::Run PendingOhai::Find(const HostId& host) const {
  const auto it = entries_.find(host);
  return it == entries_.end() ? nullptr : it->second.run;
}

RewriteDone PendingOhai::OnTried(const HostId& host, const Run& run,
                                 bool again) {
  const auto it = entries_.find(host);
  if (run == nullptr || it == entries_.end() || it->second.run != run) {
    return nullptr;
  }
  RewriteDone done = std::exchange(it->second.done, nullptr);
  if (!again) {
    bytes_ -= run->bytes();
    entries_.erase(it);
  }
  return done;
}

std::vector<std::pair<HostId, RewriteDone>> PendingOhai::Clear() {
  std::vector<std::pair<HostId, RewriteDone>> waiting;
  for (auto& [host, entry] : entries_) {
    if (entry.done != nullptr)
      waiting.emplace_back(host, std::move(entry.done));
  }
  entries_.clear();
  bytes_ = 0;
  return waiting;
}

}  // namespace rehai
