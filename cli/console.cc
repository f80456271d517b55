// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace rehai::cli {
namespace {

// A variable that is set to something (no-color.org).
bool IsSet(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool IsDumb() {
  const char* const terminal = std::getenv("TERM");
  return terminal == nullptr || absl::string_view(terminal) == "dumb";
}

size_t TerminalWidth() {
  size_t columns = 0;
  if (const char* const text = std::getenv("COLUMNS");
      text != nullptr && absl::SimpleAtoi(text, &columns) && columns > 0) {
    return columns;
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

size_t TerminalHeight() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
    return 24;
  }
  return size.ws_row;
}

// The first lines, as many as fit, without the end of the last.
std::string TopOf(absl::string_view text, size_t height) {
  std::vector<std::string> lines =
      absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
  if (lines.size() > height && height > 1) {
    const size_t hidden = lines.size() - height + 1;
    lines.resize(height - 1);
    lines.push_back(absl::StrCat("… and ", hidden, " more"));
  }
  return absl::StrJoin(lines, "\033[K\n");
}

void Write(std::FILE* stream, absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

Console::Console()
    : colours_(isatty(STDOUT_FILENO) != 0 && !IsSet("NO_COLOR") && !IsDumb()),
      live_(isatty(STDOUT_FILENO) != 0 && !IsDumb()) {}

Look Console::look() const {
  Look look(colours_);
  if (isatty(STDOUT_FILENO) != 0) look.width = TerminalWidth();
  return look;
}

void Console::Print(absl::string_view text) {
  ClearLive();
  Write(stdout, text);
}

void Console::PrintLine(absl::string_view text, Colour colour) {
  Print(absl::StrCat(colours_ ? Paint(text, colour) : std::string(text), "\n"));
}

void Console::Redraw(absl::string_view text) {
  if (!live_) return Print(text);
  ClearLive();
  // Line by line over what was there, so that nothing flickers, and then the
  // rest of the screen is cleared.
  Write(stdout, absl::StrCat("\033[H", TopOf(text, TerminalHeight() - 1),
                             "\033[K\n\033[J"));
}

void Console::ShowLive(absl::string_view text) {
  if (!live_) return;
  ClearLive();
  // A line that wraps could not be taken back.
  Write(stdout, Shortened(text, TerminalWidth() - 1));
  live_line_shown_ = true;
}

void Console::Complain(absl::string_view text) {
  ClearLive();
  Write(stderr, absl::StrCat("rehaictl: ", text, "\n"));
}

void Console::ClearLive() {
  if (!live_line_shown_) return;
  Write(stdout, "\r\033[K");
  live_line_shown_ = false;
}

}  // namespace rehai::cli
