// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_OHAI_READING_H_
#define AGENT_OHAI_READING_H_

#include "absl/status/statusor.h"
#include "agent/ohai_runner.h"
#include "base/clock.h"
#include "chef/ohai_output.h"

namespace rehai::agent {

// What Ohai finds on this host, asked for once by a program that does nothing
// else meanwhile: SIGINT, SIGTERM and SIGHUP, which do not reach Ohai's own
// process group, end Ohai and then this, with kCancelled. Errors as of
// OhaiRunner::Run().
//
// Blocks. One call at a time in a process, as signals are the process's.
absl::StatusOr<chef::OhaiOutput> ReadOhai(const OhaiRunner::Request& request,
                                          bool with_ohai_time,
                                          const Clock& clock);

}  // namespace rehai::agent

#endif  // AGENT_OHAI_READING_H_
