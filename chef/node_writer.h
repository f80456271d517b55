// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_WRITER_H_
#define CHEF_NODE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/node_document.h"
#include "chef/rendering.h"
#include "chef/subtree.h"
#include "rehai/v1/model.pb.h"

namespace rehai::chef {

// What a node should hold.
struct NodeUpdate {
  std::string node;
  Rendering rendering;
  // written_at is filled in when it is written.
  Stamp stamp;
};

// How one write ended.
struct WriteResult {
  v1::WriteOutcome outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
  // OK for WRITTEN, UNCHANGED and WOULD_WRITE; otherwise subject, what happened
  // and what to do.
  absl::Status status;
  // Of the server's last answer; 0 if none came.
  int http_status = 0;
  absl::Time finished_at;
  // Dry run: what would have changed.
  std::vector<PathDifference> differences;
};

// Brings one node up to date: GET, splice, PUT back to back, and the answer
// read to confirm. Tries once and says how it ended; the caller decides when
// again. A PUT that may or may not have been carried out ends in RETRY, and the
// next try's GET tells. Never creates a node, and no node is held between
// calls. Thread-safe; the caller has one write per node under way.
class NodeWriter {
 public:
  struct Options {
    bool dry_run = false;  // never PUT; results say what would change
    int64_t max_node_bytes = 1'000'000;
  };

  // `client` and `clock` must outlive this. What is under way goes on without
  // it.
  NodeWriter(Options options, Client& client, const Clock& clock);

  // Returns at once. `done` is called exactly once: on the client's thread, or
  // before this returns if the name is none that Chef allows.
  void Write(NodeUpdate update, absl::AnyInvocable<void(WriteResult)> done);

  // What Write() would change; empty if nothing. Writes nothing. Errors are the
  // statuses that Write() would end with.
  void Diff(
      NodeUpdate update,
      absl::AnyInvocable<void(absl::StatusOr<std::vector<PathDifference>>)>
          done);

 private:
  const Options options_;
  Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::chef

#endif  // CHEF_NODE_WRITER_H_
