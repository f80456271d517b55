// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/host_state.h"

#include "base/proto_time.h"
#include "controller/sync/outcome_class.h"

namespace rehai {

void HostState::OnSuccess(const Tried& tried, const chef::WriteResult& result,
                          absl::Duration now) {
  logged_trouble = v1::WRITE_OUTCOME_UNSPECIFIED;
  failures = 0;
  lost_races = 0;
  is_overwritten = false;
  has_unseen_put = false;
  last_outcome = result.outcome;
  last_error.clear();
  settled = {.digest = tried.digest, .revision = tried.revision};
  if (result.outcome == v1::WRITE_OUTCOME_WOULD_WRITE) return;
  settled.marks = result.confirmed;
  applied = settled;
  confirmed_at = now;
  verified_at = result.finished_at;
  if (IsWritten(result.outcome)) written_at = result.finished_at;
  if (result.restored) ++restored_saves;
}

void HostState::OnFailure(const chef::WriteResult& result) {
  // It may have been carried out all the same.
  in_doubt = true;
  if (result.window_begin != absl::InfinitePast()) {
    has_unseen_put = true;
    applied.marks = {};
    settled.marks = {};
  }
  last_outcome = result.outcome;
  last_error = std::string(result.status.message());
}

bool HostState::NoteOverwrite(const chef::WriteResult& result) {
  if (result.overwriter == v1::OVERWRITER_UNSPECIFIED || is_overwritten) {
    return false;
  }
  is_overwritten = true;
  ++overwrites;
  last_overwriter = result.overwriter;
  last_overwrite_at = result.finished_at;
  return true;
}

void HostState::OnSeen(absl::Time at) {
  last_outcome = v1::WRITE_OUTCOME_UNCHANGED;
  verified_at = at;
}

void HostState::FillStatus(v1::SyncStatus& status) const {
  status.set_applied_digest(applied.digest);
  status.set_applied_revision(applied.revision);
  if (written_at != absl::InfinitePast()) {
    *status.mutable_written_at() = ToProto(written_at);
  }
  if (verified_at != absl::InfinitePast()) {
    *status.mutable_verified_at() = ToProto(verified_at);
  }
  status.set_last_outcome(last_outcome);
  status.set_last_error(last_error);
  status.set_overwrites(overwrites);
  status.set_last_overwriter(last_overwriter);
  if (last_overwrite_at != absl::InfinitePast()) {
    *status.mutable_last_overwrite_at() = ToProto(last_overwrite_at);
  }
  status.set_restored_saves(restored_saves);
}

bool IsRival(const Tried& tried, const chef::WriteResult& result) {
  return result.overwriter == v1::OVERWRITER_SOMEBODY &&
         !result.found.digest.empty() && result.found.digest != tried.digest &&
         result.found.revision > tried.before.revision;
}

}  // namespace rehai
