// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_SATURATING_H_
#define BASE_SATURATING_H_

#include <limits>
#include <type_traits>

namespace rehai {

// The sum, or the type's end that it would pass. For sums of what others tell,
// who may tell anything.
template <typename Integer>
Integer SaturatingAdd(Integer a, Integer b) {
  static_assert(std::is_integral_v<Integer>);
  Integer sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<Integer>::min()
               : std::numeric_limits<Integer>::max();
}

}  // namespace rehai

#endif  // BASE_SATURATING_H_
