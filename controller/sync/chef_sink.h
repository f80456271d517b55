// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_CHEF_SINK_H_
#define CONTROLLER_SYNC_CHEF_SINK_H_

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "controller/sync/sink.h"

namespace rehai {

// The sink that is a Chef server. Thread-safe.
class ChefSink final : public Sink {
 public:
  // `writer` and `search` must outlive the sink. `search` is null if nodes
  // carry no stamp.
  explicit ChefSink(chef::NodeWriter& writer,
                    chef::NodeSearch* search = nullptr)
      : writer_(writer), search_(search) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override;
  void Diff(chef::NodeUpdate update,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done) override;
  void Read(
      std::string node,
      absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override;
  void Search(int expected,
              absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)>
                  done) override;

 private:
  chef::NodeWriter& writer_;
  chef::NodeSearch* const search_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_CHEF_SINK_H_
