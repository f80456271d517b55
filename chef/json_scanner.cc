// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/json_scanner.h"

#include <cstddef>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chef/plain_text.h"

namespace rehai::chef {
namespace {

// Room for so many members of an object on the way to what is sought is made at
// once: a node has some ten at its top, and twice as many below automatic.
constexpr size_t kUsualMembers = 16;

// True if the text between a key's quotes spells `key`.
bool Spells(absl::string_view raw, const std::string& key) {
  if (!absl::StrContains(raw, '\\')) return raw == key;
  // Escapes in a key are rare enough to be left to a parser. It refuses lone
  // surrogates, which no key of ours contains.
  const auto decoded = nlohmann::json::parse(
      absl::StrCat("\"", raw, "\""), nullptr, /*allow_exceptions=*/false);
  return decoded.is_string() && decoded.get_ref<const std::string&>() == key;
}

Sought* FindChild(Sought* parent, absl::string_view raw_key) {
  if (parent == nullptr) return nullptr;
  for (Sought& child : parent->children) {
    if (Spells(raw_key, child.key)) return &child;
  }
  return nullptr;
}

void Forget(Sought& sought) {
  sought.value.reset();
  sought.members.clear();
  for (Sought& child : sought.children) Forget(child);
}

// Recursive descent. Each method consumes what it is named after, or notes the
// error and returns false; `next_` then stands at the offending byte.
class Scanner {
 public:
  explicit Scanner(absl::string_view text)
      : begin_(text.data()), next_(text.data()), end_(begin_ + text.size()) {}

  absl::Status Document(Sought& root) {
    SkipSpace();
    if (Peek() != '{') {
      Fail("an object");
    } else if (Value(kMaxJsonDepth, &root)) {
      SkipSpace();
      if (next_ == end_) return absl::OkStatus();
      Fail("the end");
    }
    return absl::InvalidArgumentError(
        absl::StrCat("node document: expected ", expected_, " at byte ",
                     next_ - begin_, " of ", end_ - begin_));
  }

 private:
  bool Fail(const char* expected) {
    expected_ = expected;
    return false;
  }

  // The next byte; 0, which no token begins with, at the end.
  char Peek() const { return next_ == end_ ? '\0' : *next_; }

  bool Take(char c) {
    if (Peek() != c) return false;
    ++next_;
    return true;
  }

  void SkipSpace() {
    while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' ||
                             *next_ == '\r' || *next_ == '\t')) {
      ++next_;
    }
  }

  absl::string_view Since(const char* start) const {
    return absl::string_view(start, next_ - start);
  }

  // `sought` is what is sought at this place, or null for a foreign value.
  bool Value(int depth, Sought* sought) {
    const char* const start = next_;
    if (!AnyValue(depth, sought)) return false;
    if (sought != nullptr) sought->value = Since(start);
    return true;
  }

  bool AnyValue(int depth, Sought* sought) {
    switch (Peek()) {
      case '{':
        return Object(depth, sought);
      case '[':
        return Array(depth);
      case '"':
        return String();
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  bool Object(int depth, Sought* sought) {
    if (depth == 0) return Fail("less deeply nested values");
    ++next_;
    SkipSpace();
    if (Take('}')) return true;
    do {
      SkipSpace();
      const char* const start = next_;
      if (Peek() != '"') return Fail("a key");
      if (!String()) return false;
      Sought* const child =
          FindChild(sought, absl::string_view(start + 1, next_ - start - 2));
      if (child != nullptr) Forget(*child);
      SkipSpace();
      if (!Take(':')) return Fail("':'");
      SkipSpace();
      if (!Value(depth - 1, child)) return false;
      if (sought != nullptr && !sought->children.empty()) {
        if (sought->members.empty()) sought->members.reserve(kUsualMembers);
        sought->members.push_back({Since(start), child});
      }
      SkipSpace();
    } while (Take(','));
    return Take('}') || Fail("',' or '}'");
  }

  bool Array(int depth) {
    if (depth == 0) return Fail("less deeply nested values");
    ++next_;
    SkipSpace();
    if (Take(']')) return true;
    do {
      SkipSpace();
      if (!Value(depth - 1, nullptr)) return false;
      SkipSpace();
    } while (Take(','));
    return Take(']') || Fail("',' or ']'");
  }

  bool String() {
    if (!Take('"')) return Fail("a string");
    while (true) {
      next_ += PlainLength(absl::string_view(next_, end_ - next_));
      if (Take('"')) return true;
      if (Take('\\') ? !Escape() : !WideCharacter()) return false;
    }
  }

  // What follows a backslash.
  bool Escape() {
    if (!Take('u')) {
      if (next_ == end_ || !absl::StrContains("\"\\/bfnrt", *next_)) {
        return Fail("an escape");
      }
      ++next_;
      return true;
    }
    for (int i = 0; i < 4; ++i) {
      if (!absl::ascii_isxdigit(Peek())) return Fail("a hexadecimal digit");
      ++next_;
    }
    return true;
  }

  // One well-formed UTF-8 sequence of two to four bytes (RFC 3629): neither
  // overlong, nor a surrogate, nor above U+10FFFF.
  bool WideCharacter() {
    const size_t left = end_ - next_;
    const auto byte = [&](size_t i) -> int {
      return i < left ? static_cast<unsigned char>(next_[i]) : 0;
    };
    const int first = byte(0);
    int low = 0x80;
    int high = 0xBF;
    int length = 0;
    if (first >= 0xC2 && first <= 0xDF) {
      length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
      length = 3;
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      length = 4;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    }
    if (length == 0 || byte(1) < low || byte(1) > high) {
      return Fail("a character or '\"'");
    }
    for (int i = 2; i < length; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return Fail("a character or '\"'");
    }
    next_ += length;
    return true;
  }

  bool Word(absl::string_view word) {
    if (!absl::StartsWith(absl::string_view(next_, end_ - next_), word)) {
      return Fail("a value");
    }
    next_ += word.size();
    return true;
  }

  bool Number() {
    Take('-');
    if (!Take('0') && !Digits()) return Fail("a value");
    if (Take('.') && !Digits()) return false;
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!Digits()) return false;
    }
    return true;
  }

  // At least one.
  bool Digits() {
    if (!absl::ascii_isdigit(Peek())) return Fail("a digit");
    while (absl::ascii_isdigit(Peek())) ++next_;
    return true;
  }

  const char* const begin_;
  const char* next_;
  const char* const end_;
  const char* expected_ = nullptr;
};

}  // namespace

absl::Status ScanJson(absl::string_view document, Sought& root) {
  Forget(root);
  return Scanner(document).Document(root);
}

}  // namespace rehai::chef
