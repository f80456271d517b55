// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/table.h"

#include <gtest/gtest.h>

#include <string>

namespace rehai::cli {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoSpacesAtTheEnds) {
  Table table({{"NAME"}, {"N", true}, {"NOTE"}});
  table.AddRow({{"web01"}, {"7"}, {"first"}});
  table.AddRow({{"d"}, {"1234"}, {""}});
  table.AddRow({{""}, {""}, {"x"}});
  EXPECT_EQ(table.Render(false),
            "NAME      N  NOTE\n"
            "web01     7  first\n"
            "d      1234\n"
            "             x\n");
}

TEST(TableTest, ColoursDoNotMoveColumns) {
  Table table({{"A"}, {"B"}});
  table.AddRow({{"up", Colour::kGreen}, {"x"}});
  table.AddRow({{"down", Colour::kRed}, {"y"}});
  EXPECT_EQ(table.Render(true),
            "\033[1mA\033[0m     \033[1mB\033[0m\n"
            "\033[32mup\033[0m    x\n"
            "\033[31mdown\033[0m  y\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({{"A"}, {"B"}});
  table.AddRow({{"äöü"}, {"x"}});
  table.AddRow({{"abc"}, {"y"}});
  EXPECT_EQ(table.Render(false), "A    B\näöü  x\nabc  y\n");
}

TEST(TableTest, NoNameCommandsTheTerminal) {
  EXPECT_EQ(Printable("a\033[2Jb\nc\td\x7f"), "a?[2Jb c d?");
  EXPECT_EQ(Printable("\xc2\x9bx"), "?x");
  EXPECT_EQ(Printable("äß—✓"), "äß—✓");
  Table table({{"A"}});
  table.AddRow({{"\033[31mred"}});
  EXPECT_EQ(table.Render(false), "A\n?[31mred\n");
}

TEST(TableTest, ShortenedKeepsTheBeginning) {
  EXPECT_EQ(Shortened("short", 5), "short");
  EXPECT_EQ(Shortened("longer", 5), "long…");
  EXPECT_EQ(Shortened("ääääää", 5), "ääää…");
}

Table OneHost() {
  Table table({{"HOST"},
               {"TROUBLE", false, /*cut=*/2},
               {"UUID", false, /*cut=*/1},
               {"MORE", false, 0, /*wide=*/true}});
  table.AddRow({{"hv1"}, {"nö route to host"}, {"0123456789abcdef"}, {"x"}});
  return table;
}

TEST(TableTest, TheLeastImportantColumnIsCutFirst) {
  Look look;
  look.width = 35;
  EXPECT_EQ(OneHost().Render(look),
            "HOST  TROUBLE      UUID\n"
            "hv1   nö route t…  0123456789abcdef\n");
  look.width = 30;
  EXPECT_EQ(OneHost().Render(look),
            "HOST  TROUBLE   UUID\n"
            "hv1   nö rout…  0123456789abc…\n");
  look.width = 5;  // as far as it goes
  EXPECT_EQ(OneHost().Render(look),
            "HOST  TROUBLE   UUID\n"
            "hv1   nö rout…  0123456…\n");
}

TEST(TableTest, WithoutATerminalNothingIsCut) {
  EXPECT_EQ(OneHost().Render(false),
            "HOST  TROUBLE           UUID\n"
            "hv1   nö route to host  0123456789abcdef\n");
}

TEST(TableTest, AWideTableHasAllColumns) {
  Look look;
  look.wide = true;
  EXPECT_EQ(OneHost().Render(look),
            "HOST  TROUBLE           UUID              MORE\n"
            "hv1   nö route to host  0123456789abcdef  x\n");
}

}  // namespace
}  // namespace rehai::cli
