// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/facts.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace rehai::cli {

void Facts::Add(absl::string_view name, std::string value, Colour colour) {
  if (value.empty()) return;
  table_.AddRow({Cell(absl::StrCat(name, ":"), Colour::kBold),
                 Cell(std::move(value), colour)});
}

// The header of a nameless table is an empty line.
std::string Facts::Render(bool colours) const {
  return table_.Render(colours).substr(1);
}

}  // namespace rehai::cli
