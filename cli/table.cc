// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/table.h"

#include <algorithm>
#include <cstddef>

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

std::string Table::Render(bool colours) const {
  std::vector<std::vector<Cell>> lines(1);
  for (const Column& column : columns_) {
    lines[0].push_back(Cell(column.header, Colour::kBold));
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<size_t> widths(columns_.size());
  for (std::vector<Cell>& line : lines) {
    for (size_t i = 0; i < widths.size(); ++i) {
      line[i].text = Printable(line[i].text);
      widths[i] = std::max(widths[i], Width(line[i].text));
    }
  }

  std::string out;
  for (const std::vector<Cell>& line : lines) {
    std::string row;
    size_t owed = 0;  // spaces before the next text, if there is any
    for (size_t i = 0; i < widths.size(); ++i) {
      const Cell& cell = line[i];
      const size_t padding = widths[i] - Width(cell.text);
      if (columns_[i].right_aligned) owed += padding;
      if (!cell.text.empty()) {
        absl::StrAppend(&row, std::string(owed, ' '),
                        colours ? Paint(cell.text, cell.colour) : cell.text);
        owed = 0;
      }
      if (!columns_[i].right_aligned) owed += padding;
      owed += 2;
    }
    absl::StrAppend(&out, row, "\n");
  }
  return out;
}

}  // namespace rehai::cli
