// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_CHANGED_INPUT_H_
#define TESTS_FUZZ_CHANGED_INPUT_H_

#include <cstddef>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace rehai {

// A fuzzer's work in small, the same in each run: one to three times, bytes of
// `original` are replaced or inserted by some of `bytes`, taken away or moved.
inline std::string ChangedInput(std::string original, absl::string_view bytes,
                                std::mt19937& random) {
  const auto below = [&random](size_t n) { return random() % n; };
  std::string input = std::move(original);
  for (size_t changes = 1 + below(3); changes > 0 && !input.empty();
       --changes) {
    const size_t at = below(input.size());
    const char byte = bytes[below(bytes.size())];
    switch (below(4)) {
      case 0:
        input[at] = byte;
        break;
      case 1:
        input.insert(at, 1, byte);
        break;
      case 2:
        input.erase(at, 1 + below(4));
        break;
      default:
        input.insert(below(input.size()), input.substr(at, below(16)));
        break;
    }
  }
  return input;
}

}  // namespace rehai

#endif  // TESTS_FUZZ_CHANGED_INPUT_H_
