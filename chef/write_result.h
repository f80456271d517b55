// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_WRITE_RESULT_H_
#define CHEF_WRITE_RESULT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/client.h"
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
  // What changed, or in a dry run would have: told of a dry run, and of a write
  // if NodeWriter::Options asks for it.
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
  // NodeUpdate::ohai was left out, as the node has a later one.
  bool ohai_outdated = false;
  // The server's clock less ours at the last answer; infinite if it did not
  // say.
  absl::Duration clock_offset = absl::InfiniteDuration();
};

// Adds what a request has cost, and what its answer says beside its body, to
// the result of the write that it was for.
void AddAnswer(size_t bytes_sent, const absl::StatusOr<Response>& answer,
               absl::Time now, WriteResult& result);

// The result of a write of two things, `second` after `first` had ended well:
// the worse outcome, the cost of both, and otherwise as `first` says.
WriteResult Merged(WriteResult first, WriteResult second);

}  // namespace rehai::chef

#endif  // CHEF_WRITE_RESULT_H_
