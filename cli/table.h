// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_TABLE_H_
#define CLI_TABLE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace rehai::cli {

enum class Colour { kPlain, kBold, kDim, kGreen, kYellow, kRed };

// The text in the colour, for a terminal.
std::string Paint(absl::string_view text, Colour colour);

// The text without what could move a terminal's cursor or change its colours:
// names come from hypervisors, and nobody promises what is in them.
std::string Printable(absl::string_view text);

// The first `width` characters; an ellipsis stands for what is cut off.
std::string Shortened(absl::string_view text, size_t width);

struct Column {
  std::string header;
  bool right_aligned = false;
};

struct Cell {
  // A plain cell needs no more than its text.
  Cell(std::string text, Colour colour = Colour::kPlain)  // NOLINT
      : text(std::move(text)), colour(colour) {}

  std::string text;
  Colour colour;
};

// Rows of text in aligned columns, two spaces apart. Lines have no spaces at
// their ends. A character counts as one place wide.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void AddRow(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }

  // Header and rows, a line each.
  std::string Render(bool colours) const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rehai::cli

#endif  // CLI_TABLE_H_
