// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/json_writer.h"

#include <nlohmann/json.hpp>

#include "chef/canonical_json.h"
#include "chef/plain_text.h"

namespace rehai::chef {

void JsonWriter::Quote(absl::string_view text) {
  if (PlainLength(text) == text.size()) {
    absl::StrAppend(&text_, "\"", text, "\"");
  } else {
    // Escapes, and what is not ASCII or not even UTF-8, are rare enough.
    text_ += CanonicalJson(std::string(text));
  }
}

}  // namespace rehai::chef
