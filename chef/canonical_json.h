// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CANONICAL_JSON_H_
#define CHEF_CANONICAL_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

namespace rehai::chef {

// The one spelling of a value: keys sorted by their bytes, no spaces, UTF-8 as
// it is. What is not UTF-8 (a guest's title may hold anything) becomes U+FFFD.
// Never throws.
inline std::string CanonicalJson(const nlohmann::json& value) {
  return value.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                    nlohmann::json::error_handler_t::replace);
}

}  // namespace rehai::chef

#endif  // CHEF_CANONICAL_JSON_H_
