// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "chef/node_change.h"
#include "chef/node_name.h"
#include "chef/run_message.h"
#include "tests/fuzz/property.h"

namespace rehai {

// The input is what came to the data collector's URL.
//   - What is no message is refused, in words; what is another one, passed
//     over.
//   - A run has its node's name, an id and a time.
//   - A node that comes with it stands in the message byte for byte, and is the
//     node; only a run that went well has saved it.
std::string BrokenProperty(absl::string_view input) {
  const auto run = chef::ParseRunMessage(input);
  if (!run.ok()) {
    const absl::StatusCode code = run.status().code();
    if (code != absl::StatusCode::kInvalidArgument &&
        code != absl::StatusCode::kUnimplemented) {
      return "an error of another code";
    }
    return BrokenError(run.status());
  }
  if (!chef::CheckNodeName(run->node).ok()) return "no node's name";
  if (run->run_id.empty() || !CanBeSent(run->run_id)) return "no run's id";
  if (run->started_at == absl::InfinitePast()) return "no time";
  const bool is_end = run->kind == chef::RunMessage::Kind::kEnd;
  if (!is_end && (run->success || run->saved || run->node_document)) {
    return "a start that has ended";
  }
  if (run->saved && (!run->success || !run->node_document)) {
    return "saved without success or node";
  }
  if (!run->node_document) return "";
  if (!absl::StrContains(input, *run->node_document)) {
    return "a node that is not in the message";
  }
  return chef::CheckIsNode(*run->node_document, run->node).ok()
             ? ""
             : "a node that is another";
}

}  // namespace rehai
