// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_FAULT_POINT_H_
#define BASE_FAULT_POINT_H_

// What a test binary may define to be told of each step:
// tests/restart/die_at.cc does. The product binary defines nothing, so there is
// nothing to be told and nothing to switch on.
extern "C" __attribute__((weak)) void RehaiFaultPoint(const char* name);

namespace rehai {

// A step at which a test may end the process, by its name: "store.committed".
// Does nothing else.
inline void FaultPoint(const char* name) {
  if (RehaiFaultPoint != nullptr) RehaiFaultPoint(name);
}

}  // namespace rehai

#endif  // BASE_FAULT_POINT_H_
