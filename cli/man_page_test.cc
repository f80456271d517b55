// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "cli/usage.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What groff makes of a page, or "warning: ..." in it.
std::string Rendered(const std::string& page) {
  const std::string path = absl::StrCat(testing::TempDir(), "/page.1");
  EXPECT_THAT(WriteFileAtomically(path, page, 0600), IsOk());
  std::FILE* const pipe =
      popen(absl::StrCat("groff -man -Tascii -P-c -ww -rLL=78n ", path, " 2>&1")
                .c_str(),
            "r");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const size_t count =
             std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), count);
  }
  EXPECT_EQ(pclose(pipe), 0) << out;
  return out;
}

// groff paints a bold letter twice, one on the other.
std::string Plain(const std::string& rendered) {
  std::string out;
  for (const char c : rendered) {
    if (c == '\b') {
      if (!out.empty()) out.pop_back();
    } else {
      out += c;
    }
  }
  return out;
}

TEST(ManPageTest, TheManualHasEveryCommandAndFlagAndNoWarning) {
  const std::string page = ManPage(Rehaictl(), nullptr);
  for (const CommandSpec& command : Rehaictl().commands) {
    EXPECT_THAT(page, HasSubstr(absl::StrReplaceAll(
                          absl::StrCat("\n.SS \"", command.name, "\"\n"),
                          {{"-", "\\-"}})));
  }
  const std::string text = Plain(Rendered(page));
  EXPECT_THAT(text, Not(HasSubstr("warning")));
  EXPECT_THAT(text, Not(HasSubstr("error:")));
  for (const char* part :
       {"rehaictl - asks and commands a Rehai controller", "EXIT STATUS",
        "ENVIRONMENT", "REHAI_TOKEN_FILE", "--verify-only", "-o, --output",
        "source <(rehaictl completion bash)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(ManPageTest, EveryCommandHasAPageWithoutAWarning) {
  for (const CommandSpec& command : Rehaictl().commands) {
    const std::string text = Plain(Rendered(ManPage(Rehaictl(), &command)));
    EXPECT_THAT(text, Not(HasSubstr("warning"))) << command.name;
    EXPECT_THAT(text, HasSubstr("EXAMPLES")) << command.name;
    EXPECT_THAT(text, HasSubstr(absl::StrCat("rehaictl ", command.name)));
  }
}

TEST(ManPageTest, TextIsNeverACommandToTroff) {
  ProgramSpec program{.name = "x", .flags = {}, .commands = {}, .summary = "S"};
  program.commands = {{.name = "c",
                       .summary = "does \\n nothing",
                       .details = ".SH no\n'br\nback\\slash",
                       .examples = {".x"}}};
  const std::string text = Plain(Rendered(ManPage(program, nullptr)));
  EXPECT_THAT(text, HasSubstr("does \\n nothing"));
  EXPECT_THAT(text, HasSubstr(".SH no 'br back\\slash"));
  EXPECT_THAT(text, HasSubstr("\n              .x\n"));
}

}  // namespace
}  // namespace rehai::cli
