// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/chef_search.h"

#include <simdjson.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace rehai::chef {
namespace {

namespace ondemand = simdjson::ondemand;

// Where attributes are looked for in turn; "" is the object itself.
constexpr const char* kLevels[] = {"", "automatic", "override", "normal",
                                   "default"};

std::string Spelled(ondemand::value value) {
  std::string_view text;
  ondemand::object object;
  ondemand::array array;
  if (value.get_object().get(object) == simdjson::SUCCESS) {
    text = object.raw_json().value_unsafe();
  } else if (value.get_array().get(array) == simdjson::SUCCESS) {
    text = array.raw_json().value_unsafe();
  } else {
    text = value.raw_json_token();
  }
  // A token comes with the space behind it.
  return std::string(absl::StripTrailingAsciiWhitespace(
      absl::string_view(text.data(), text.size())));
}

// What stands below `level` at `path`.
std::optional<std::string> At(const simdjson::padded_string& object,
                              absl::string_view level,
                              const std::vector<std::string>& path) {
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object at;
  if (parser.iterate(object).get(document) || document.get_object().get(at)) {
    return std::nullopt;
  }
  if (!level.empty() &&
      at.find_field_unordered(std::string_view(level.data(), level.size()))
          .get_object()
          .get(at)) {
    return std::nullopt;
  }
  for (size_t i = 0; i < path.size(); ++i) {
    ondemand::value value;
    if (at.find_field_unordered(path[i]).get(value)) return std::nullopt;
    if (i + 1 == path.size()) return Spelled(value);
    if (value.get_object().get(at)) return std::nullopt;
  }
  return std::nullopt;
}

// True if keys of `object`, joined by "_", spell `field`, and what is there is
// `value`.
bool Has(simdjson::dom::element object, absl::string_view field,
         absl::string_view value) {
  simdjson::dom::object members;
  if (object.get(members)) return false;
  for (const auto& [name, member] : members) {
    const absl::string_view key(name.data(), name.size());
    absl::string_view rest = field;
    if (!absl::ConsumePrefix(&rest, key)) continue;
    if (rest.empty()) {
      const std::string text = simdjson::minify(member);
      absl::string_view bare = text;
      if (absl::ConsumePrefix(&bare, "\"")) absl::ConsumeSuffix(&bare, "\"");
      if (bare == value) return true;
    } else if (absl::ConsumePrefix(&rest, "_") && Has(member, rest, value)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool SearchMatches(const std::string& object, absl::string_view query) {
  if (query == "*:*") return true;
  const size_t colon = query.find(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view field = query.substr(0, colon);
  const absl::string_view value = query.substr(colon + 1);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(object).get(root)) return false;
  for (const char* const level : kLevels) {
    simdjson::dom::element attributes = root;
    if (*level != '\0' && root[level].get(attributes)) continue;
    if (Has(attributes, field, value)) return true;
  }
  return false;
}

std::string SearchValue(const std::string& object,
                        const std::vector<std::string>& path) {
  const simdjson::padded_string padded(object);
  for (const char* const level : kLevels) {
    if (auto found = At(padded, level, path)) return *std::move(found);
  }
  return "null";
}

std::string SearchRow(const std::string& object, const std::string& wanted) {
  simdjson::dom::parser parser;
  simdjson::dom::object keys;
  if (parser.parse(wanted).get(keys)) return "{}";
  std::string row;
  for (const auto& [key, parts] : keys) {
    std::vector<std::string> path;
    simdjson::dom::array array;
    if (parts.get(array)) continue;
    for (simdjson::dom::element part : array) {
      std::string_view text;
      if (!part.get(text)) path.emplace_back(text);
    }
    absl::StrAppend(&row, row.empty() ? "" : ",", "\"",
                    absl::string_view(key.data(), key.size()),
                    "\":", SearchValue(object, path));
  }
  return absl::StrCat("{", row, "}");
}

}  // namespace rehai::chef
