// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_PLAIN_TEXT_H_
#define CHEF_PLAIN_TEXT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace rehai::chef {

// True for the bytes that stand for themselves within a JSON string: printable
// ASCII but '"' and '\\'.
constexpr bool IsPlain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

// How many bytes at the beginning of `text` are plain. Eight at a time: most of
// a node is such text.
inline size_t PlainLength(absl::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x80 * kOnes;
  // High where a byte of `word`, none of them above 0x7F, is zero.
  const auto zeros = [](uint64_t word) { return kHighs - word; };
  size_t length = 0;
  for (; text.size() - length >= sizeof(uint64_t); length += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + length, sizeof(word));
    const uint64_t low = word & ~kHighs;
    const uint64_t special =
        kHighs & (word | zeros(low ^ '"' * kOnes) | zeros(low ^ '\\' * kOnes) |
                  ~(low + 0x60 * kOnes));
    if (special == 0) continue;
    if constexpr (std::endian::native != std::endian::little) break;
    return length + std::countr_zero(special) / 8;
  }
  while (length < text.size() && IsPlain(text[length])) ++length;
  return length;
}

}  // namespace rehai::chef

#endif  // CHEF_PLAIN_TEXT_H_
