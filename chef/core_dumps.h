// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CORE_DUMPS_H_
#define CHEF_CORE_DUMPS_H_

#include "absl/status/status.h"

namespace rehai::chef {

// Keeps this process out of core dumps, and other processes of the same user
// out of its memory (ptrace, /proc/PID/mem). To be called before a key is read.
//
// The whole process, and not the key's memory alone: OpenSSL computes with
// copies of a key's parts on the ordinary heap and the stack, where nobody can
// mark them. Whoever needs a dump to find a crash leaves this out, by the
// program's flag, with a key that can be thrown away afterwards.
//
// kInternal: the system does not let us.
absl::Status ForbidCoreDumps();

}  // namespace rehai::chef

#endif  // CHEF_CORE_DUMPS_H_
