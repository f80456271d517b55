// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/snapshot_file.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "chef/node_document.h"

namespace rehai::agent {
namespace {

// Of the file. The plugin reads no other.
constexpr int kSchema = 1;

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// Those of the subtrees that go into the automatic attributes.
std::vector<chef::Subtree> Automatic(std::vector<chef::Subtree> subtrees) {
  std::vector<chef::Subtree> automatic;
  for (chef::Subtree& subtree : subtrees) {
    if (subtree.path.front() == "automatic") {
      automatic.push_back(std::move(subtree));
    }
  }
  return automatic;
}

}  // namespace

SnapshotFile::SnapshotFile(std::string path, chef::RenderingOptions options,
                           const Clock& clock)
    : path_(std::move(path)),
      options_(std::move(options)),
      clock_(clock),
      tried_at_(-absl::InfiniteDuration()) {}

absl::StatusOr<absl::Duration> SnapshotFile::Write(const v1::Record& record) {
  const absl::Duration since = clock_.Uptime() - tried_at_;
  const absl::Time observed_at = FromProto(record.provenance().observed_at());
  const std::string observed = Rfc3339(observed_at);
  const chef::Rendering rendering = chef::Render(record, options_);
  const bool is_written = rendering.digest == written_digest_;
  if (is_written &&
      (since < kRefreshInterval || observed == written_observed_at_)) {
    return absl::ZeroDuration();
  }
  if (since < kMinInterval) return kMinInterval - since;
  tried_at_ = clock_.Uptime();

  chef::Stamp stamp;
  stamp.digest = rendering.digest;
  stamp.revision = record.revision();
  stamp.observed_at = observed_at;
  stamp.source = absl::StrCat("ohai ", record.provenance().origin());
  ASSIGN_OR_RETURN(
      const std::string text,
      chef::Splice(absl::StrCat("{\"schema\":", kSchema, ",\"observed_at\":\"",
                                observed, "\",\"automatic\":{}}"),
                   Automatic(chef::Stamped(rendering, stamp))));
  RETURN_IF_ERROR(WriteFileAtomically(path_, text, 0640));
  written_digest_ = rendering.digest;
  written_observed_at_ = observed;
  return absl::ZeroDuration();
}

}  // namespace rehai::agent
