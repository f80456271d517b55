// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/host_state.h"

#include <algorithm>
#include <utility>

#include "base/proto_time.h"
#include "controller/sync/outcome_class.h"

namespace rehai {

void HostState::Await(v1::Lane lane, RewriteDone done) {
  waiting_lane = waiting.empty() ? lane : std::min(waiting_lane, lane);
  waiting.push_back(std::move(done));
}

void HostState::OnSuccess(const Tried& tried, const chef::WriteResult& result,
                          absl::Duration now) {
  logged_trouble = v1::WRITE_OUTCOME_UNSPECIFIED;
  failures = 0;
  lost_races = 0;
  is_overwritten = false;
  has_unseen_put = false;
  is_restored = false;
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
  is_restored = false;
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
  is_restored = false;
  last_outcome = v1::WRITE_OUTCOME_UNCHANGED;
  verified_at = at;
}

v1::StoredNode HostState::ToStored(const HostId& host, bool writing) const {
  v1::StoredNode stored;
  stored.set_node(host.node);
  stored.set_digest(applied.digest);
  stored.set_revision(applied.revision);
  stored.set_marks_ohai_time(applied.marks.ohai_time);
  stored.set_marks_digest(applied.marks.digest);
  stored.set_marks_revision(applied.marks.revision);
  stored.set_put_under_way(writing || has_unseen_put);
  if (written_at != absl::InfinitePast()) {
    *stored.mutable_written_at() = ToProto(written_at);
  }
  if (verified_at != absl::InfinitePast()) {
    *stored.mutable_verified_at() = ToProto(verified_at);
  }
  stored.set_overwrites(overwrites);
  stored.set_last_overwriter(last_overwriter);
  if (last_overwrite_at != absl::InfinitePast()) {
    *stored.mutable_last_overwrite_at() = ToProto(last_overwrite_at);
  }
  stored.set_restored_saves(restored_saves);
  return stored;
}

void HostState::Restore(const v1::StoredNode& stored) {
  applied.digest = stored.digest();
  applied.revision = stored.revision();
  if (!stored.put_under_way()) {
    applied.marks.ohai_time = stored.marks_ohai_time();
    applied.marks.digest = stored.marks_digest();
    applied.marks.revision = stored.marks_revision();
  }
  settled = applied;
  has_unseen_put = stored.put_under_way();
  is_restored = !applied.digest.empty();
  if (stored.has_written_at()) written_at = FromProto(stored.written_at());
  if (stored.has_verified_at()) verified_at = FromProto(stored.verified_at());
  overwrites = stored.overwrites();
  last_overwriter = stored.last_overwriter();
  if (stored.has_last_overwrite_at()) {
    last_overwrite_at = FromProto(stored.last_overwrite_at());
  }
  restored_saves = stored.restored_saves();
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
