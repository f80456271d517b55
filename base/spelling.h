// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_SPELLING_H_
#define BASE_SPELLING_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace rehai {

// The word that was probably meant: the candidate with the fewest typing errors
// (inserted, missing, wrong or swapped letters; an ending cut off or added), or
// "" if none is near.
std::string ClosestWord(absl::string_view word,
                        const std::vector<std::string>& candidates);

}  // namespace rehai

#endif  // BASE_SPELLING_H_
