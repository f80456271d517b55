// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/json_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace rehai::sim {
namespace {

size_t SkipSpace(absl::string_view json, size_t at) {
  while (at < json.size() && absl::ascii_isspace(json[at])) ++at;
  return at;
}

// The end of the string that begins at `at`.
size_t EndOfString(absl::string_view json, size_t at) {
  while (true) {
    const size_t end = json.find('"', at + 1);
    if (end == absl::string_view::npos) return json.size();
    size_t slashes = 0;
    while (json[end - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return end + 1;
    at = end;
  }
}

// The end of the value that begins at `at`.
size_t EndOfValue(absl::string_view json, size_t at) {
  if (json[at] == '"') return EndOfString(json, at);
  if (json[at] != '{' && json[at] != '[') {
    while (at < json.size() && json[at] != ',' && json[at] != '}' &&
           json[at] != ']' && !absl::ascii_isspace(json[at])) {
      ++at;
    }
    return at;
  }
  int depth = 0;
  while (at < json.size()) {
    switch (json[at]) {
      case '"':
        at = EndOfString(json, at);
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return at;
}

// Calls `visit` with the bytes of each member's key and value.
template <typename Visit>
void EachMember(absl::string_view object, Visit visit) {
  size_t at = SkipSpace(object, 0);
  if (at >= object.size() || object[at] != '{') return;
  at = SkipSpace(object, at + 1);
  while (at < object.size() && object[at] == '"') {
    const size_t key_end = EndOfString(object, at);
    const absl::string_view key = object.substr(at, key_end - at);
    at = SkipSpace(object, SkipSpace(object, key_end) + 1);
    const size_t end = EndOfValue(object, at);
    visit(key, object.substr(at, end - at));
    at = SkipSpace(object, end);
    if (at < object.size() && object[at] == ',') {
      at = SkipSpace(object, at + 1);
    }
  }
}

std::string Joined(const Members& members) {
  std::string text = "{";
  for (const auto& [key, value] : members) {
    absl::StrAppend(&text, text.size() > 1 ? "," : "", key, ":", value);
  }
  return absl::StrCat(text, "}");
}

std::string Quoted(absl::string_view key) {
  return absl::StrCat("\"", key, "\"");
}

std::string ForeignVirtualization(absl::string_view value) {
  return Tight(Without(value, "kvm"));
}

std::string ForeignAutomatic(absl::string_view automatic) {
  std::string text = "{";
  for (const auto& [key, value] : MembersOf(automatic)) {
    if (key == "\"rehai\"" || key == "\"libvirt\"") continue;
    std::string kept = key == "\"virtualization\""
                           ? ForeignVirtualization(value)
                           : Tight(value);
    if (key == "\"virtualization\"" && kept == "{}") continue;
    absl::StrAppend(&text, key, ":", kept, ",");
  }
  return absl::StrCat(text, "}");
}

}  // namespace

Members MembersOf(absl::string_view object) {
  Members members;
  EachMember(object, [&](absl::string_view key, absl::string_view value) {
    members.emplace_back(key, value);
  });
  return members;
}

std::optional<absl::string_view> Find(
    absl::string_view json, const std::vector<absl::string_view>& path) {
  for (const absl::string_view wanted : path) {
    std::optional<absl::string_view> found;
    EachMember(json, [&](absl::string_view key, absl::string_view value) {
      if (key.size() == wanted.size() + 2 &&
          key.substr(1, wanted.size()) == wanted) {
        found = value;
      }
    });
    if (!found.has_value()) return std::nullopt;
    json = *found;
  }
  return json;
}

std::string With(absl::string_view object, absl::string_view key,
                 absl::string_view value) {
  const std::string quoted = Quoted(key);
  Members members = MembersOf(object);
  bool is_there = false;
  for (auto& [name, old] : members) {
    if (name != quoted) continue;
    old = value;
    is_there = true;
  }
  if (!is_there) members.emplace_back(quoted, value);
  return Joined(members);
}

std::string Without(absl::string_view object, absl::string_view key) {
  const std::string quoted = Quoted(key);
  std::string text = "{";
  for (const auto& [name, value] : MembersOf(object)) {
    if (name == quoted) continue;
    absl::StrAppend(&text, text.size() > 1 ? "," : "", name, ":", value);
  }
  return absl::StrCat(text, "}");
}

std::string Tight(absl::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      const size_t end = EndOfString(json, at);
      text.append(json.data() + at, end - at);
      at = end;
    } else {
      if (!absl::ascii_isspace(json[at])) text += json[at];
      ++at;
    }
  }
  return text;
}

std::string ForeignPart(absl::string_view node) {
  std::string text = "{";
  for (const auto& [key, value] : MembersOf(node)) {
    absl::StrAppend(
        &text, key, ":",
        key == "\"automatic\"" ? ForeignAutomatic(value) : Tight(value), ",");
  }
  return absl::StrCat(text, "}");
}

}  // namespace rehai::sim
