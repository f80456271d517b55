// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

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
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

void Write(std::FILE* stream, absl::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

Console::Console()
    : colours_(isatty(STDOUT_FILENO) != 0 && !IsSet("NO_COLOR") && !IsDumb()),
      live_(isatty(STDOUT_FILENO) != 0 && !IsDumb()) {}

void Console::Print(absl::string_view text) {
  ClearLive();
  Write(stdout, text);
}

void Console::PrintLine(absl::string_view text, Colour colour) {
  Print(absl::StrCat(colours_ ? Paint(text, colour) : std::string(text), "\n"));
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
