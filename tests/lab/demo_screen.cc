// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/demo_screen.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rehai::lab {
namespace {

constexpr char kBold[] = "1";
constexpr char kDim[] = "2";
constexpr char kGreen[] = "32";

// A chef-client that runs every ten minutes finds a change after half of them
// on average, and at worst after all of them and the random splay.
constexpr char kChefClientAverage[] = "5 min";
constexpr char kChefClientWorst[] = "10 min + splay";

// A row's begin, whose last column may be left to come, and its rest.
constexpr char kRow[] = "  %-18s%-10s%-7s%s";
constexpr char kChefClientRow[] = "%22s   %s";

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.2f s", absl::ToDoubleSeconds(duration));
}

bool TerminalWithColors() {
  const char* terminal = getenv("TERM");
  return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == nullptr &&
         terminal != nullptr && absl::string_view(terminal) != "dumb";
}

}  // namespace

DemoScreen::DemoScreen() : colors_(TerminalWithColors()) {}

std::string DemoScreen::Colored(absl::string_view text,
                                absl::string_view code) const {
  if (!colors_) return std::string(text.data(), text.size());
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

void DemoScreen::Title(absl::string_view text) {
  std::cout << "\n" << Colored(text, kBold) << "\n\n" << std::flush;
}

void DemoScreen::Line(absl::string_view text) {
  std::cout << text << "\n" << std::flush;
}

void DemoScreen::BeginStep(absl::string_view what) {
  std::cout << absl::StrFormat("  %-13s", what) << std::flush;
}

void DemoScreen::EndStep(absl::string_view result, absl::Duration took) {
  std::cout << absl::StrFormat("%7s   ", Seconds(took)) << result << "\n"
            << std::flush;
}

void DemoScreen::BeginTable() {
  std::cout << Colored(absl::StrFormat(kRow, "host", "change", "guest",
                                       "seen in Chef") +
                           absl::StrFormat(kChefClientRow,
                                           "by chef-client, mean", "at worst"),
                       kDim)
            << "\n"
            << std::flush;
}

void DemoScreen::BeginRow(absl::string_view host, absl::string_view change,
                          absl::string_view guest) {
  std::cout << absl::StrFormat(kRow, host, change, guest, "") << std::flush;
}

void DemoScreen::EndRow(absl::Duration visible_after) {
  std::cout << Colored(absl::StrFormat("%12s", Seconds(visible_after)), kGreen)
            << Colored(absl::StrFormat(kChefClientRow, kChefClientAverage,
                                       kChefClientWorst),
                       kDim)
            << "\n"
            << std::flush;
}

void DemoScreen::EndTable(const std::vector<absl::Duration>& all) {
  std::vector<absl::Duration> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  std::cout << absl::StrFormat(
                   "\n  %d changes: median %s, slowest %s, from the call of "
                   "virsh to the node that a GET returns.",
                   sorted.size(), Seconds(sorted[sorted.size() / 2]),
                   Seconds(sorted.back()))
            << "\n"
            << std::flush;
}

void DemoScreen::Commands(absl::string_view headline,
                          const std::vector<std::string>& commands) {
  std::cout << "\n" << Colored(headline, kBold) << "\n";
  for (const std::string& command : commands) {
    std::cout << "  " << command << "\n";
  }
  std::cout << std::flush;
}

}  // namespace rehai::lab
