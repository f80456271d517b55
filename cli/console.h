// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CONSOLE_H_
#define CLI_CONSOLE_H_

#include "absl/strings/string_view.h"
#include "cli/table.h"

namespace rehai::cli {

// Where a command writes: answers to standard output, troubles to standard
// error. A live line on a terminal is overwritten by whatever comes after it.
class Console {
 public:
  // Looks at what the standard streams are, and at NO_COLOR and TERM.
  Console();

  bool colours() const { return colours_; }
  // For tables: colours, and a terminal's width as it is now ($COLUMNS, if that
  // is set, goes before what the terminal says).
  Look look() const;
  // True if a live line can be shown.
  bool live() const { return live_; }

  // As it is, newlines included.
  void Print(absl::string_view text);
  // A line in a colour, if there are colours.
  void PrintLine(absl::string_view text, Colour colour = Colour::kPlain);
  // In place of all that is on the terminal; without one, after it.
  void Redraw(absl::string_view text);
  // The live line; nothing without a terminal.
  void ShowLive(absl::string_view text);
  // A line to standard error, with the program's name before it.
  void Complain(absl::string_view text);

 private:
  void ClearLive();

  bool colours_;
  bool live_;
  bool live_line_shown_ = false;
};

}  // namespace rehai::cli

#endif  // CLI_CONSOLE_H_
