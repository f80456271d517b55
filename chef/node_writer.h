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
#include "chef/node_change.h"
#include "chef/node_document.h"
#include "chef/node_marks.h"
#include "rehai/v1/model.pb.h"

namespace rehai::chef {

// What a write or a search has cost, and how the server took it.
struct RequestCost {
  int requests = 0;
  int64_t bytes_sent = 0;      // bodies
  int64_t bytes_received = 0;  // bodies, uncompressed
  // The server's time: of all requests together, and of the slowest.
  absl::Duration busy = absl::ZeroDuration();
  absl::Duration slowest = absl::ZeroDuration();
  // As the server asked; zero if it did not.
  absl::Duration retry_after = absl::ZeroDuration();
};

// How one write ended.
struct WriteResult {
  v1::WriteOutcome outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
  // OK for WRITTEN, CLOBBERED_AND_REPAIRED, UNCHANGED and WOULD_WRITE;
  // otherwise subject, what happened and what to do.
  absl::Status status;
  // Of the server's last answer; 0 if none came.
  int http_status = 0;
  absl::Time finished_at;
  // Dry run: what would have changed.
  std::vector<PathDifference> differences;

  RequestCost cost = {};
  // The node's marks as the GET found them, and as the server confirmed them at
  // the end (the same if nothing was written).
  NodeMarks found = {};
  NodeMarks confirmed = {};
  // Who had saved over what was confirmed.
  v1::Overwriter overwriter = v1::OVERWRITER_UNSPECIFIED;
  // If a PUT was sent: from the GET's sending to the PUT's answer (or to when
  // none was waited for any longer), by our wall clock. Only a save by somebody
  // else in between may have been rolled back. Infinite past if none was sent.
  absl::Time window_begin = absl::InfinitePast();
  absl::Time window_end = absl::InfinitePast();
  // NodeUpdate::saved had been rolled back, and was put back.
  bool restored = false;
  // The server's clock less ours at the last answer; infinite if it did not
  // say.
  absl::Duration clock_offset = absl::InfiniteDuration();
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
