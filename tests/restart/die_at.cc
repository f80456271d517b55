// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Ends the process as kill -9 does, at the step that the environment names:
// REHAI_DIE_AT=store.committed:3 is at the third time. Only in programs that
// are linked with it.

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/fault_point.h"

extern "C" void RehaiFaultPoint(const char* name) {
  static const char* const die_at = std::getenv("REHAI_DIE_AT");
  if (die_at == nullptr) return;
  const size_t length = std::strlen(name);
  if (std::strncmp(die_at, name, length) != 0 || die_at[length] != ':') return;
  static std::atomic<int> left = std::atoi(die_at + length + 1);
  if (--left == 0) kill(getpid(), SIGKILL);
}
