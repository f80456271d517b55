// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_UTF8_H_
#define BASE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

// Text from outside that is to go into a message: protobuf sends a string that
// is not UTF-8, and nobody can read the message that it is in.
namespace rehai {

// How many bytes the character has that `text` begins with, 1 to 4; 0 if it
// begins with none (RFC 3629: neither overlong, nor a surrogate, nor above
// U+10FFFF).
size_t CharacterLength(absl::string_view text);

bool IsUtf8(absl::string_view text);

// `text` with U+FFFD in place of each byte that is no part of a character.
std::string ToUtf8(absl::string_view text);

// At most so many bytes of `text`, and then "..." if that is not all of it, as
// UTF-8 and without half a character at its end: what is quoted in a message.
std::string Excerpt(absl::string_view text, size_t most);

}  // namespace rehai

#endif  // BASE_UTF8_H_
