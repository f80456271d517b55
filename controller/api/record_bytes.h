// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_RECORD_BYTES_H_
#define CONTROLLER_API_RECORD_BYTES_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"

namespace rehai {

// RecordBytes keeps the serialized form of the records that watches send, the
// newest of each host: a change is serialized once, however many watch it, and
// so is the fleet for watchers that begin one after the other.
//
// Thread-safe. Keeps records alive, and forgets all of them once their bytes
// would be more than the bound.
class RecordBytes {
 public:
  static constexpr size_t kMaxBytes = 64 << 20;

  explicit RecordBytes(size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  // As v1::Record's wire format has it. Never null.
  std::shared_ptr<const std::string> Of(const RecordPtr& record);

  // How much it keeps.
  size_t size_bytes() const;

 private:
  struct Kept {
    RecordPtr record;
    std::shared_ptr<const std::string> bytes;
  };

  const size_t max_bytes_;

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, Kept> kept_ ABSL_GUARDED_BY(mu_);  // by node
  size_t size_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_API_RECORD_BYTES_H_
