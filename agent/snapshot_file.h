// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SNAPSHOT_FILE_H_
#define AGENT_SNAPSHOT_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {

// The file in which the agent keeps what it last saw of its host, as it would
// be written into the automatic attributes of the host's node, stamp and digest
// included:
//
//   {"schema":1,"observed_at":"2026-11-26T09:30:00.000Z",
//    "automatic":{"virtualization":{"kvm":{...}},"rehai":{...}}}
//
// agent/ohai/rehai.rb reads it, so that a chef-client run saves this and not
// what Ohai finds by itself. A save of what the controller would write anyway
// needs no repair, as the digest shows.
//
// Not thread-safe. Writes to disk, so it may block.
class SnapshotFile {
 public:
  // Between two writes.
  static constexpr absl::Duration kMinInterval = absl::Seconds(1);
  // What has not changed is written again after this, as the plugin believes no
  // file that is old.
  static constexpr absl::Duration kRefreshInterval = absl::Minutes(1);

  // `options` are those of the node's writer; only what goes into automatic is
  // of interest. `clock` must outlive this.
  SnapshotFile(std::string path, chef::RenderingOptions options,
               const Clock& clock);

  // Writes the file, 0640 and whole or not at all, if it says something else
  // than `record` or was not written for a while. Zero: it is as it should be.
  // Above zero: it was written a moment ago; call this again after so long,
  // with the record that is the latest then. kPermissionDenied, kUnavailable
  // and the like: as of WriteFileAtomically(), and tried again no sooner.
  absl::StatusOr<absl::Duration> Write(const v1::Record& record);

 private:
  const std::string path_;
  const chef::RenderingOptions options_;
  const Clock& clock_;

  // By Uptime(), of the last try; infinite past before the first.
  absl::Duration tried_at_;
  std::string written_digest_;
  std::string written_observed_at_;
};

}  // namespace rehai::agent

#endif  // AGENT_SNAPSHOT_FILE_H_
