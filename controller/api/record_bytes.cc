// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/record_bytes.h"

#include <utility>

namespace rehai {

std::shared_ptr<const std::string> RecordBytes::Of(const RecordPtr& record) {
  {
    MutexLock lock(mu_);
    const auto kept = kept_.find(record->node());
    if (kept != kept_.end() && kept->second.record == record) {
      return kept->second.bytes;
    }
  }
  auto bytes = std::make_shared<const std::string>(record->SerializeAsString());
  absl::flat_hash_map<std::string, Kept> forgotten;  // freed after the unlock
  Kept before;
  MutexLock lock(mu_);
  if (size_bytes_ + bytes->size() > max_bytes_) {
    forgotten = std::exchange(kept_, {});
    size_bytes_ = 0;
  }
  Kept& kept = kept_[record->node()];
  // Somebody who is slow does not bring back what is older.
  if (kept.record != nullptr && kept.record->revision() >= record->revision()) {
    return bytes;
  }
  size_bytes_ += bytes->size();
  if (kept.bytes != nullptr) size_bytes_ -= kept.bytes->size();
  before = std::exchange(kept, {.record = record, .bytes = bytes});
  return bytes;
}

size_t RecordBytes::size_bytes() const {
  MutexLock lock(mu_);
  return size_bytes_;
}

}  // namespace rehai
