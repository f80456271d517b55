// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rehai::cli {
namespace {

bool BeginsCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

size_t Width(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), BeginsCharacter));
}

constexpr size_t kGap = 2;
// A column that is cut still says something.
constexpr size_t kLeastWidth = 8;

// Cuts columns until a line fits, the least important first. What does not fit
// even so is the terminal's to wrap.
void Fit(const std::vector<const Column*>& columns, size_t most,
         std::vector<size_t>& widths) {
  size_t line = 0;
  for (const size_t width : widths) line += width + kGap;
  line -= std::min(line, kGap);
  std::vector<size_t> order;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]->cut > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return columns[a]->cut > columns[b]->cut;
  });
  for (const size_t i : order) {
    if (line <= most) return;
    const size_t least = std::max(kLeastWidth, Width(columns[i]->header));
    if (widths[i] <= least) continue;
    const size_t less = std::min(line - most, widths[i] - least);
    widths[i] -= less;
    line -= less;
  }
}

}  // namespace

std::string Paint(absl::string_view text, Colour colour) {
  if (text.empty()) return "";
  const char* code = nullptr;
  switch (colour) {
    case Colour::kPlain:
      return std::string(text);
    case Colour::kBold:
      code = "1";
      break;
    case Colour::kDim:
      code = "2";
      break;
    case Colour::kGreen:
      code = "32";
      break;
    case Colour::kYellow:
      code = "33";
      break;
    case Colour::kRed:
      code = "31";
      break;
  }
  return absl::StrCat("\033[", code, "m", text, "\033[0m");
}

std::string Printable(absl::string_view text) {
  std::string out(text);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte == '\n' || byte == '\t') {
      out[i] = ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      out[i] = '?';
    } else if (byte == 0xc2 && i + 1 < out.size() &&
               static_cast<unsigned char>(out[i + 1]) < 0xa0) {
      // The second set of control characters, two bytes each in UTF-8.
      out.replace(i, 2, "?");
    }
  }
  return out;
}

std::string Shortened(absl::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && ++characters == width) break;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::vector<std::vector<Cell>> Table::Shown(const Look& look) const {
  std::vector<std::vector<Cell>> lines(1);
  for (const Column& column : columns_) {
    lines[0].push_back(Cell(column.header, Colour::kBold));
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  for (std::vector<Cell>& line : lines) {
    std::vector<Cell> shown;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].wide && !look.wide) continue;
      shown.push_back(std::move(line[i]));
      shown.back().text = Printable(shown.back().text);
    }
    line = std::move(shown);
  }
  return lines;
}

std::string Table::Render(const Look& look) const {
  std::vector<const Column*> columns;
  for (const Column& column : columns_) {
    if (look.wide || !column.wide) columns.push_back(&column);
  }
  std::vector<std::vector<Cell>> lines = Shown(look);
  std::vector<size_t> widths(columns.size());
  for (const std::vector<Cell>& line : lines) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Width(line[i].text));
    }
  }
  if (look.width > 0) Fit(columns, look.width, widths);

  std::string out;
  for (std::vector<Cell>& line : lines) {
    std::string row;
    size_t owed = 0;  // spaces before the next text, if there is any
    for (size_t i = 0; i < widths.size(); ++i) {
      Cell& cell = line[i];
      cell.text = Shortened(cell.text, widths[i]);
      const size_t padding = widths[i] - Width(cell.text);
      if (columns[i]->right_aligned) owed += padding;
      if (!cell.text.empty()) {
        absl::StrAppend(
            &row, std::string(owed, ' '),
            look.colours ? Paint(cell.text, cell.colour) : cell.text);
        owed = 0;
      }
      if (!columns[i]->right_aligned) owed += padding;
      owed += kGap;
    }
    absl::StrAppend(&out, row, "\n");
  }
  return out;
}

}  // namespace rehai::cli
