// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_CHEF_SINK_H_
#define CONTROLLER_SYNC_CHEF_SINK_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/node_writer.h"
#include "controller/sync/sink.h"

namespace rehai {

// The sink that is a Chef server. Thread-safe.
class ChefSink final : public Sink {
 public:
  // `writer` must outlive the sink.
  explicit ChefSink(chef::NodeWriter& writer) : writer_(writer) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override;
  void Diff(chef::NodeUpdate update,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done) override;

 private:
  chef::NodeWriter& writer_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_CHEF_SINK_H_
