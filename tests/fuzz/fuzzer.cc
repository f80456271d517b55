// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/fuzz/property.h"

// libFuzzer calls this with inputs of its making.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string broken = rehai::BrokenProperty(
      absl::string_view(reinterpret_cast<const char*>(bytes), size));
  if (!broken.empty()) {
    fprintf(stderr, "broken property: %s\n", broken.c_str());
    abort();
  }
  return 0;
}
