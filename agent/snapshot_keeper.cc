// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/snapshot_keeper.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "agent/host_record.h"
#include "base/log.h"

namespace rehai::agent {

SnapshotKeeper::SnapshotKeeper(const Options& options, const Clock& clock)
    : options_(options),
      file_(absl::StrCat(options.folder, "/snapshot.json"), options.rendering,
            clock) {}

absl::Duration SnapshotKeeper::Seen(const hypervisor::Inventory& found,
                                    absl::Time begun) {
  newest_ = HostRecord(options_.node, options_.uri, found, begun);
  return Keep();
}

absl::Duration SnapshotKeeper::Keep() {
  std::error_code error;
  if (!newest_.has_value() ||
      !std::filesystem::is_directory(options_.folder, error)) {
    return absl::InfiniteDuration();
  }
  const absl::StatusOr<absl::Duration> again = file_.Write(*newest_);
  if (again.ok()) {
    failed_ = false;
    return *again > absl::ZeroDuration() ? *again : absl::InfiniteDuration();
  }
  if (!std::exchange(failed_, true)) {
    log::Warning("snapshot for Ohai not kept",
                 {{"error", again.status().message()}});
  }
  return SnapshotFile::kRefreshInterval;
}

}  // namespace rehai::agent
