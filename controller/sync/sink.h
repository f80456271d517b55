// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SINK_H_
#define CONTROLLER_SYNC_SINK_H_

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"

namespace rehai {

// Where updates go: Chef, or a fake. Completion-based, so that one slow node
// never holds up the others of its batch. Every call returns at once; its
// `done` is called exactly once, on any thread, and must return fast.
// Thread-safe.
class Sink {
 public:
  virtual ~Sink() = default;

  // Tries once. The caller has one write per node under way.
  virtual void Write(chef::NodeUpdate update,
                     absl::AnyInvocable<void(chef::WriteResult)> done) = 0;

  // What Write() would change.
  virtual void Diff(chef::NodeUpdate update,
                    absl::AnyInvocable<
                        void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                        done) = 0;

  // The node as it is.
  virtual void Read(
      std::string node,
      absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) = 0;

  // Which nodes carry our stamp; see chef::NodeSearch::Find(). kUnimplemented
  // if none can be searched for.
  virtual void Search(
      int expected,
      absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)>
          done) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SINK_H_
