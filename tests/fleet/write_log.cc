// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/write_log.h"

#include <utility>

#include "chef/node_document.h"

namespace rehai::fleet {

void WriteLog::Add(const std::string& node, absl::Duration at,
                   std::shared_ptr<const std::string> document) {
  MutexLock lock(mu_);
  writes_[node].push_back({at, std::move(document)});
}

std::optional<absl::Duration> WriteLog::ShownAt(const std::string& node,
                                                const std::string& uuid,
                                                const State& state,
                                                absl::Duration since) const {
  std::vector<Write> writes;
  {
    MutexLock lock(mu_);
    const auto found = writes_.find(node);
    if (found != writes_.end()) writes = found->second;
  }
  for (const Write& write : writes) {
    if (write.at >= since && ShownState(*write.document, uuid) == state) {
      return write.at;
    }
  }
  return std::nullopt;
}

int WriteLog::writes() const {
  MutexLock lock(mu_);
  size_t count = 0;
  for (const auto& [node, writes] : writes_) count += writes.size();
  return static_cast<int>(count);
}

WriteLog::State ShownState(const std::string& document,
                           const std::string& uuid) {
  const std::vector<std::string> path = {"automatic", "rehai", "guests", uuid,
                                         "state"};
  const auto value = chef::FindValue(
      absl::string_view(document.data(), document.size()), path);
  if (!value.ok() || !value->has_value()) return std::nullopt;
  // A word in quotes.
  return std::string((*value)->substr(1, (*value)->size() - 2));
}

}  // namespace rehai::fleet
