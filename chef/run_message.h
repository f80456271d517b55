// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RUN_MESSAGE_H_
#define CHEF_RUN_MESSAGE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::chef {

// What chef-client tells a data collector about one run.
struct RunMessage {
  enum class Kind {
    kStart,  // sent just after the run has read its node
    kEnd,    // sent after the save, if there was one
  };
  Kind kind = Kind::kStart;
  std::string node;
  std::string run_id;
  absl::Time started_at =
      absl::InfinitePast();  // the host's clock, whole seconds

  // Of an end.
  bool success = false;
  // The run ended by saving `node_document`: it succeeded, and its run list was
  // the node's own. A run with an override run list (chef-client -o) reports
  // like any other and saves nothing.
  bool saved = false;
  // The node object exactly as it was saved: the bytes within the message. Null
  // if there is none.
  std::shared_ptr<const std::string> node_document;
};

// Reads a message of version 1 or 2 of the data collector's protocol.
// kInvalidArgument: not JSON, or a field is missing or not what it should be;
// kUnimplemented: well-formed, but of another type (an action, a compliance
// report), to be passed over.
absl::StatusOr<RunMessage> ParseRunMessage(absl::string_view body);

}  // namespace rehai::chef

#endif  // CHEF_RUN_MESSAGE_H_
