// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/chef_sink.h"

#include <utility>

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

}  // namespace rehai
