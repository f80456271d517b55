// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_WRITER_H_
#define CHEF_NODE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/node_change.h"
#include "chef/node_document.h"
#include "chef/write_result.h"

namespace rehai::chef {

// Brings what Chef holds of one host up to date. Its node: GET, splice, PUT
// back to back, and the answer read to confirm. Then its item, if the rendering
// has a data bag; see BagItemWriter. Where nothing goes into the node it is
// read only if nothing was confirmed yet, to take out what was written there
// before; it need not exist, nor be ours to touch.
//
// Tries once and says how it ended; the caller decides when again. The result
// is the worse of node and item, the cost that of both; marks and window are
// the node's unless nothing goes there. A PUT that may or may not have been
// carried out ends in RETRY, and the next try's GET tells. Never creates a
// node, and no node is held between calls. Thread-safe; the caller has one
// write per host under way.
class NodeWriter {
 public:
  struct Options {
    bool dry_run = false;  // never PUT; results say what would change
    // Results of writes say what changed in the node, too. Costs a second scan.
    bool tell_differences = false;
    int64_t max_node_bytes = 1'000'000;
  };

  // `client` and `clock` must outlive this. What is under way goes on without
  // it.
  NodeWriter(Options options, Client& client, const Clock& clock);

  // Returns at once. `done` is called exactly once: on one of the client's
  // threads, or before this returns if the name is none that Chef allows.
  void Write(NodeUpdate update, absl::AnyInvocable<void(WriteResult)> done);

  // What Write() would change; empty if nothing. Writes nothing. Errors are the
  // statuses that Write() would end with.
  void Diff(
      NodeUpdate update,
      absl::AnyInvocable<void(absl::StatusOr<std::vector<PathDifference>>)>
          done);

  // The node as the server sends it. Errors as above.
  void Read(std::string node,
            absl::AnyInvocable<void(absl::StatusOr<std::string>)> done);

 private:
  const Options options_;
  Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::chef

#endif  // CHEF_NODE_WRITER_H_
