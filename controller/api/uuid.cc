// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/uuid.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace rehai {

absl::StatusOr<GuestId> ParseGuestId(absl::string_view text) {
  constexpr absl::string_view kForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  bool well_formed = text.size() == kForm.size();
  for (size_t i = 0; well_formed && i < kForm.size(); ++i) {
    well_formed =
        kForm[i] == '-' ? text[i] == '-' : absl::ascii_isxdigit(text[i]);
  }
  if (!well_formed) {
    return absl::InvalidArgumentError(
        absl::StrCat("uuid: \"", text,
                     "\" is not a UUID; write it as "
                     "6b29fc40-ca47-1067-b31d-00dd010662da, or ask by name"));
  }
  return GuestId{absl::AsciiStrToLower(text)};
}

}  // namespace rehai
