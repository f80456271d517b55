// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/planner.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

std::string SourceOf(const v1::Provenance& provenance) {
  const bool pushed = provenance.kind() == v1::SOURCE_KIND_PUSH;
  return absl::StrCat(pushed ? "push " : "pull ", provenance.origin());
}

}  // namespace

bool IsObserved(const v1::Record& record) {
  // Facts come with the first full observation.
  return record.has_provenance() && record.has_facts();
}

chef::NodeUpdate UpdateOf(const v1::Record& record,
                          const chef::RenderingOptions& options) {
  chef::NodeUpdate update;
  update.node = record.node();
  update.rendering = chef::Render(record, options);
  update.stamp.digest = update.rendering.digest;
  update.stamp.revision = record.revision();
  update.stamp.observed_at = FromProto(record.provenance().observed_at());
  update.stamp.source = SourceOf(record.provenance());
  return update;
}

std::optional<chef::NodeUpdate> Plan(const v1::Record& record,
                                     const Applied& applied, bool in_doubt,
                                     const chef::RenderingOptions& options) {
  if (!IsObserved(record) || IdentityInDoubt(record) ||
      IsBeforeRestart(record)) {
    return std::nullopt;
  }
  chef::NodeUpdate update = UpdateOf(record, options);
  if (update.rendering.digest == applied.digest && !in_doubt) {
    return std::nullopt;
  }
  update.confirmed = applied.marks;
  return update;
}

}  // namespace rehai
