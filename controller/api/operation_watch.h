// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_OPERATION_WATCH_H_
#define CONTROLLER_API_OPERATION_WATCH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "controller/sync/resync_operations.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// OperationWatch is one watcher's place in the progress of an operation. A slow
// reader is sent each host's newest progress only. Not thread-safe.
class OperationWatch {
 public:
  using Response = v1::ResyncWatchResponse;

  // `operations` must outlive this.
  OperationWatch(ResyncOperations& operations, std::string id)
      : operations_(operations), id_(std::move(id)) {}

  // What changed since the last call, everything in the first; nullopt when
  // nothing did. kNotFound: never was, or is forgotten.
  absl::StatusOr<std::optional<v1::ResyncWatchResponse>> Next();

  // True once its end has been given out.
  bool ended() const { return ended_; }

 private:
  // Set at construction.
  ResyncOperations& operations_;
  const std::string id_;

  int64_t sent_version_ = 0;
  bool ended_ = false;
};

}  // namespace rehai

#endif  // CONTROLLER_API_OPERATION_WATCH_H_
