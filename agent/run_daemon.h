// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_RUN_DAEMON_H_
#define AGENT_RUN_DAEMON_H_

#include "absl/status/status.h"
#include "agent/arguments.h"

namespace rehai::agent {

// What rehai-agent does without --once, from flags to the signal that ends it.
// Ok: it was told to end, and is to within two seconds. What does not answer by
// then, a hypervisor or a controller, is not waited for: the process ends in
// here.
//
// kInternal: the system lacks something. Everything else: the flags, or the
// files that they name.
absl::Status RunDaemon(const Arguments& arguments);

}  // namespace rehai::agent

#endif  // AGENT_RUN_DAEMON_H_
