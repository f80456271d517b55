// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_EXACT_JSON_H_
#define TESTS_LAB_EXACT_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

// JSON in which every number stays as it was spelled: 1795527759.2440631, 1.50,
// or twenty digits. It is nlohmann's tree with each number as a string of a
// special kind, so two trees are equal if everything in them but key order,
// white space and escapes is. Pure functions.
namespace rehai::lab {

// kInvalidArgument if it is not JSON.
absl::StatusOr<nlohmann::json> ParseExactly(const std::string& text);

// The JSON text of a tree from ParseExactly(). Numbers that were put in since
// come out as nlohmann spells them.
std::string DumpExactly(const nlohmann::json& tree);

// A number for such a tree.
nlohmann::json ExactNumber(const std::string& spelling);

// The spelling of such a number. Empty for anything else.
std::string SpellingOf(const nlohmann::json& value);

}  // namespace rehai::lab

#endif  // TESTS_LAB_EXACT_JSON_H_
