// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_JSON_TEXT_H_
#define TESTS_SIM_JSON_TEXT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

// JSON as text, by no code of the product's: what the simulation's servers and
// clients edit nodes with, and what it judges the product's writes by. For
// JSON that is well-formed.
namespace rehai::sim {

// The members of an object in their order, each with its key's and its value's
// bytes, duplicates too. Empty if `object` is none.
using Members = std::vector<std::pair<absl::string_view, absl::string_view>>;
Members MembersOf(absl::string_view object);

// The bytes of the value at a path of keys; nullopt if there is none.
std::optional<absl::string_view> Find(
    absl::string_view json, const std::vector<absl::string_view>& path);

// `object` with another value for the key, or with the member added.
std::string With(absl::string_view object, absl::string_view key,
                 absl::string_view value);
// `object` without the member.
std::string Without(absl::string_view object, absl::string_view key);

// What of a node is not Rehai's: every token but those below automatic.rehai,
// automatic.libvirt and automatic.virtualization.kvm, each as it is spelled and
// in its order; space between tokens is left out. An automatic.virtualization
// with nothing else in it counts as not there.
std::string ForeignPart(absl::string_view node);

// `json` without space between tokens.
std::string Tight(absl::string_view json);

}  // namespace rehai::sim

#endif  // TESTS_SIM_JSON_TEXT_H_
