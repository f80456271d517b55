// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_TABLE_H_
#define CLI_TABLE_H_

#include <cstddef>
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

// How text is laid out for whoever reads it.
struct Look {
  // Colours or none, without regard to a terminal's width.
  Look(bool colours = false) : colours(colours) {}  // NOLINT

  bool colours = false;
  // Columns of the terminal; 0: lines are as long as they are.
  size_t width = 0;
  // Everything there is to say of each entry.
  bool wide = false;
};

struct Column {
  std::string header;
  bool right_aligned = false;
  // Where lines are longer than the terminal is wide, the column with the
  // greatest number is cut first; 0 is never cut.
  int cut = 0;
  // Only in a wide table.
  bool wide = false;
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
  std::string Render(const Look& look) const;

 private:
  // The shown columns of header and rows, without what could harm a terminal.
  std::vector<std::vector<Cell>> Shown(const Look& look) const;

  const std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rehai::cli

#endif  // CLI_TABLE_H_
