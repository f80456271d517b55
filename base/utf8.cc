// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/utf8.h"

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

}  // namespace

size_t CharacterLength(absl::string_view text) {
  const auto byte = [text](size_t i) -> int {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  if (text.empty()) return 0;
  const int first = byte(0);
  if (first < 0x80) return 1;
  // What the second byte may be.
  int low = 0x80;
  int high = 0xBF;
  size_t length = 0;
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
  if (length == 0 || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string ToUtf8(absl::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0) {
      valid += kReplacement;
      text.remove_prefix(1);
    } else {
      valid.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return valid;
}

std::string Excerpt(absl::string_view text, size_t most) {
  if (text.size() <= most) return ToUtf8(text);
  // Back to where a character begins, if that is near.
  size_t end = most;
  for (size_t back = 0; back < 4 && end > 0; ++back) {
    if ((text[end] & 0xC0) != 0x80) break;
    --end;
  }
  return absl::StrCat(ToUtf8(text.substr(0, end)), "...");
}

}  // namespace rehai
