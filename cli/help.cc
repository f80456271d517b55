// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/usage.h"

namespace rehai::cli {
namespace {

constexpr size_t kPageWidth = 80;

// The text in lines of at most `width`, each after the first behind `indent`
// spaces.
std::string Wrapped(const std::string& text, size_t width, size_t indent) {
  std::string out;
  size_t line = 0;
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  for (const std::string& word : words) {
    if (line > 0 && line + 1 + word.size() > width) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      line = 0;
    }
    absl::StrAppend(&out, line > 0 ? " " : "", word);
    line += (line > 0 ? 1 : 0) + word.size();
  }
  return out;
}

// Two columns, the right one in line.
std::string Columns(
    const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  const size_t indent = 2 + width + 2;
  std::string out;
  for (const auto& [left, right] : rows) {
    absl::StrAppend(
        &out, "  ", left, std::string(width - left.size() + 2, ' '),
        Wrapped(right, kPageWidth - std::min(indent, size_t{40}), indent),
        "\n");
  }
  return out;
}

std::string FlagColumns(const std::vector<FlagSpec>& flags) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.reserve(flags.size());
  for (const FlagSpec& flag : flags) {
    rows.emplace_back(
        absl::StrCat(flag.letter == 0
                         ? "    "
                         : absl::StrCat("-", std::string(1, flag.letter), ", "),
                     "--", flag.name, flag.value.empty() ? "" : " ",
                     flag.value),
        flag.help);
  }
  return Columns(rows);
}

std::string ChapterTexts(const ProgramSpec& program) {
  std::string out;
  for (const ManualChapter& chapter : program.chapters) {
    absl::StrAppend(&out, "\n", chapter.title, ":\n", Columns(chapter.rows));
  }
  return out;
}

std::string ProgramHelp(const ProgramSpec& program) {
  std::vector<std::pair<std::string, std::string>> commands;
  std::string examples;
  for (const CommandSpec& command : program.commands) {
    commands.emplace_back(command.name, command.summary);
    absl::StrAppend(&examples, "  ", command.examples.front(), "\n");
  }
  return absl::StrCat(program.summary, ".\n\nUsage: ", program.name,
                      " COMMAND [FLAGS]\n\nCommands:\n", Columns(commands),
                      "\nFlags of every command:\n", FlagColumns(program.flags),
                      "\nExamples:\n", examples, ChapterTexts(program), "\n",
                      program.name,
                      " COMMAND --help says more about each command.\n");
}

}  // namespace

std::string Help(const ProgramSpec& program, const CommandSpec* command) {
  if (command == nullptr) return ProgramHelp(program);
  std::string out = absl::StrCat(
      command->summary, ".\n\nUsage: ", program.name, " ", command->name,
      command->arguments.empty() ? "" : " ", command->arguments, " [FLAGS]\n");
  if (!command->details.empty()) {
    absl::StrAppend(&out, "\n", command->details, "\n");
  }
  if (!command->flags.empty()) {
    absl::StrAppend(&out, "\nFlags:\n", FlagColumns(command->flags));
  }
  absl::StrAppend(&out, "\nFlags of every command:\n",
                  FlagColumns(program.flags), "\nExamples:\n");
  for (const std::string& example : command->examples) {
    absl::StrAppend(&out, "  ", example, "\n");
  }
  absl::StrAppend(&out, "\n", program.name,
                  " --help tells the exit statuses.\n");
  return out;
}

}  // namespace rehai::cli
