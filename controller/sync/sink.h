// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SINK_H_
#define CONTROLLER_SYNC_SINK_H_

#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/node_writer.h"

namespace rehai {

// Where updates go: Chef, or a fake. Completion-based, so that one slow node
// never holds up the others of its batch. Thread-safe.
class Sink {
 public:
  virtual ~Sink() = default;

  // Tries once. Returns at once; `done` is called exactly once, on any thread,
  // and must return fast. The caller has one write per node under way.
  virtual void Write(chef::NodeUpdate update,
                     absl::AnyInvocable<void(chef::WriteResult)> done) = 0;

  // What Write() would change.
  virtual void Diff(chef::NodeUpdate update,
                    absl::AnyInvocable<
                        void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                        done) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SINK_H_
