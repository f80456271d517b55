// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/chef_sink.h"

#include <utility>

#include "absl/status/status.h"

namespace rehai {

void ChefSink::Write(chef::NodeUpdate update,
                     absl::AnyInvocable<void(chef::WriteResult)> done) {
  writer_.Write(std::move(update), std::move(done));
}

void ChefSink::Diff(
    chef::NodeUpdate update,
    absl::AnyInvocable<void(absl::StatusOr<std::vector<chef::PathDifference>>)>
        done) {
  writer_.Diff(std::move(update), std::move(done));
}

void ChefSink::Read(
    std::string node,
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  writer_.Read(std::move(node), std::move(done));
}

void ChefSink::Search(
    int expected,
    absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)> done) {
  if (search_ == nullptr) {
    return done(absl::UnimplementedError(
        "search: nodes carry no stamp; set renderings.rehai: true"));
  }
  search_->Find(expected, std::move(done));
}

}  // namespace rehai
