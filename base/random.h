// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_RANDOM_H_
#define BASE_RANDOM_H_

#include <cstdint>
#include <optional>
#include <random>

#include "absl/random/random.h"

namespace rehai {

// What jitter is drawn from: not for secrets. Unlike absl::BitGen it can be
// played again, so that a simulation finds the same run for the same seed.
using Random = std::mt19937_64;

// One that is like no other, or with a seed, always the same.
inline Random MakeRandom(std::optional<uint64_t> seed = std::nullopt) {
  return Random(seed.has_value() ? *seed
                                 : absl::Uniform<uint64_t>(absl::BitGen()));
}

}  // namespace rehai

#endif  // BASE_RANDOM_H_
