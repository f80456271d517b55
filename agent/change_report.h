// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_CHANGE_REPORT_H_
#define AGENT_CHANGE_REPORT_H_

#include <string>

#include "chef/write_result.h"

namespace rehai::agent {

// What a write that went well did to the node, or would do: a line for each
// path that differs, with its old and its new value as JSON, and one that says
// how it ended.
//
//   automatic.rehai.guests.UUID.state: "running" -> "paused"
//   automatic.rehai.guests.UUID.title: not there -> "Web"
//   node hv1: written, 2 values changed
//
// Pure.
std::string ChangeReport(const std::string& node,
                         const chef::WriteResult& result);

}  // namespace rehai::agent

#endif  // AGENT_CHANGE_REPORT_H_
