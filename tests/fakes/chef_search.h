// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_CHEF_SEARCH_H_
#define TESTS_FAKES_CHEF_SEARCH_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// How a Chef server's search looks at one object, a node or a data bag item.
// Pure functions; what is not JSON matches nothing and has no values.
namespace rehai::chef {

// True if `query` means the object: "*:*", or "KEY_KEY_KEY:VALUE" with the
// whole path of an attribute, as the index flattens it.
bool SearchMatches(const std::string& object, absl::string_view query);

// The JSON at `path` as it is spelled in the object; "null" if there is none. A
// node's attributes are seen as one tree, in which automatic goes before
// override, normal and default.
std::string SearchValue(const std::string& object,
                        const std::vector<std::string>& path);

// Of a partial search's row: {"KEY":VALUE,...} for the keys and paths of
// `wanted`, a JSON object. "{}" if it is none.
std::string SearchRow(const std::string& object, const std::string& wanted);

}  // namespace rehai::chef

#endif  // TESTS_FAKES_CHEF_SEARCH_H_
