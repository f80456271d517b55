// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What a fuzzer has found and what it starts from, in every test run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "tests/fuzz/changed_input.h"
#include "tests/fuzz/splice_properties.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

std::vector<std::string> Corpus() {
  std::vector<std::string> inputs;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/fuzz/corpus/splice")) {
    const auto input = ReadFile(entry.path().string());
    EXPECT_THAT(input, IsOk());
    if (input.ok()) inputs.push_back(*input);
  }
  return inputs;
}

TEST(SpliceCorpusTest, EveryInputKeepsTheProperties) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_GE(corpus.size(), 10);
  for (const std::string& input : corpus) {
    EXPECT_EQ(BrokenSpliceProperty(input), "") << input;
  }
}

TEST(SpliceCorpusTest, EverySpliceOfARealNodeKeepsTheProperties) {
  const auto node = ReadFile("tests/data/ohai_node.json");
  ASSERT_THAT(node, IsOk());
  for (const char* const letters :
       {"abcdefgh", "ABCDEFGH", "a", "B", "cd", "CD", "Ab", "aB", "e", "F"}) {
    EXPECT_EQ(BrokenSpliceProperty(std::string(letters) + "\n" + *node), "")
        << letters;
  }
}

TEST(SpliceCorpusTest, InputsWithSmallChangesKeepTheProperties) {
  constexpr char kBytes[] =
      "{}[]\",:\\nulltrue0123.eE+- \n\x80\xC3\xFF"
      "aA\x00";
  std::mt19937 random(1);
  for (const std::string& original : Corpus()) {
    for (int i = 0; i < 500; ++i) {
      const std::string input =
          ChangedInput(original, {kBytes, sizeof(kBytes)}, random);
      ASSERT_EQ(BrokenSpliceProperty(input), "") << input;
    }
  }
}

}  // namespace
}  // namespace rehai::chef
