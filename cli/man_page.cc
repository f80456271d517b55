// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/man_page.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace rehai::cli {
namespace {

// Text that troff takes for text.
std::string Escaped(absl::string_view text) {
  std::string out = absl::StrReplaceAll(text, {{"\\", "\\e"},
                                               {"-", "\\-"},
                                               {"'", "\\(aq"},
                                               {"`", "\\(ga"},
                                               {"^", "\\(ha"},
                                               {"~", "\\(ti"},
                                               {"…", "..."}});
  if (absl::StartsWith(out, ".")) return absl::StrCat("\\&", out);
  return out;
}

// As an argument of a macro.
std::string Quoted(absl::string_view text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(Escaped(text), {{"\"", "\\(dq"}}), "\"");
}

void Section(std::string& out, absl::string_view title) {
  absl::StrAppend(&out, ".SH ", Quoted(absl::AsciiStrToUpper(title)), "\n");
}

// Paragraphs are filled; what is indented is left as it is.
void Paragraphs(std::string& out, const std::string& text) {
  bool example = false;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (const std::string& line : lines) {
    const bool indented = absl::StartsWith(line, "  ");
    if (indented != example) {
      absl::StrAppend(&out, indented ? ".RS\n.nf\n" : ".fi\n.RE\n");
      example = indented;
    }
    absl::StrAppend(
        &out, line.empty() ? ".PP" : Escaped(absl::StripAsciiWhitespace(line)),
        "\n");
  }
  if (example) absl::StrAppend(&out, ".fi\n.RE\n");
}

void Flags(std::string& out, const std::vector<FlagSpec>& flags) {
  for (const FlagSpec& flag : flags) {
    std::string names = absl::StrCat("\\fB\\-\\-", Escaped(flag.name), "\\fR");
    if (flag.letter != 0) {
      names =
          absl::StrCat("\\fB\\-", std::string(1, flag.letter), "\\fR, ", names);
    }
    if (!flag.value.empty()) {
      absl::StrAppend(&names, " \\fI", Escaped(flag.value), "\\fR");
    }
    absl::StrAppend(&out, ".TP\n", names, "\n", Escaped(flag.help), "\n");
    if (!flag.words.empty()) {
      absl::StrAppend(
          &out, "Values: ", Escaped(absl::StrJoin(flag.words, ", ")), ".\n");
    }
  }
}

void Examples(std::string& out, const std::vector<std::string>& examples) {
  absl::StrAppend(&out, ".RS\n.nf\n");
  for (const std::string& example : examples) {
    absl::StrAppend(&out, Escaped(example), "\n");
  }
  absl::StrAppend(&out, ".fi\n.RE\n");
}

void Chapters(std::string& out, const ProgramSpec& program) {
  for (const ManualChapter& chapter : program.chapters) {
    Section(out, chapter.title);
    for (const auto& [term, meaning] : chapter.rows) {
      absl::StrAppend(&out, ".TP\n\\fB", Escaped(term), "\\fR\n",
                      Escaped(meaning), "\n");
    }
  }
}

std::string Usage(const ProgramSpec& program, const CommandSpec& command) {
  return absl::StrCat("\\fB", Escaped(program.name), " ", Escaped(command.name),
                      "\\fR ", Escaped(command.arguments),
                      command.arguments.empty() ? "" : " ", "[FLAGS]\n");
}

std::string Title(const std::string& name) {
  return absl::StrCat(".\\\" Made by rehaictl man; do not edit.\n.TH ",
                      Quoted(absl::AsciiStrToUpper(name)),
                      " 1 \"\" \"Rehai\" \"Rehai manual\"\n");
}

std::string WholePage(const ProgramSpec& program) {
  std::string out = Title(program.name);
  Section(out, "name");
  std::string summary = program.summary;
  summary[0] = absl::ascii_tolower(summary[0]);
  absl::StrAppend(&out, Escaped(program.name), " \\- ", Escaped(summary), "\n");
  Section(out, "synopsis");
  absl::StrAppend(&out, "\\fB", Escaped(program.name),
                  "\\fR COMMAND [ARGUMENTS] [FLAGS]\n");
  Section(out, "commands");
  for (const CommandSpec& command : program.commands) {
    absl::StrAppend(&out, ".SS ", Quoted(command.name), "\n",
                    Usage(program, command), ".PP\n", Escaped(command.summary),
                    ".\n");
    if (!command.details.empty()) {
      absl::StrAppend(&out, ".PP\n");
      Paragraphs(out, command.details);
    }
    Flags(out, command.flags);
    absl::StrAppend(&out, ".PP\nFor example:\n");
    Examples(out, command.examples);
  }
  Section(out, "flags of every command");
  Flags(out, program.flags);
  Chapters(out, program);
  return out;
}

std::string CommandPage(const ProgramSpec& program,
                        const CommandSpec& command) {
  const std::string name = absl::StrCat(
      program.name, "-", absl::StrReplaceAll(command.name, {{" ", "-"}}));
  std::string out = Title(name);
  Section(out, "name");
  std::string summary = command.summary;
  summary[0] = absl::ascii_tolower(summary[0]);
  absl::StrAppend(&out, Escaped(name), " \\- ", Escaped(summary), "\n");
  Section(out, "synopsis");
  absl::StrAppend(&out, Usage(program, command));
  if (!command.details.empty()) {
    Section(out, "description");
    Paragraphs(out, command.details);
  }
  if (!command.flags.empty()) {
    Section(out, "flags");
    Flags(out, command.flags);
  }
  Section(out, "flags of every command");
  Flags(out, program.flags);
  Section(out, "examples");
  Examples(out, command.examples);
  Chapters(out, program);
  return out;
}

}  // namespace

std::string ManPage(const ProgramSpec& program, const CommandSpec* command) {
  return command == nullptr ? WholePage(program)
                            : CommandPage(program, *command);
}

}  // namespace rehai::cli
