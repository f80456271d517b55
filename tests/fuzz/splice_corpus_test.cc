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

// A fuzzer's work in small, the same in each run: bytes replaced, inserted,
// taken away and moved.
TEST(SpliceCorpusTest, InputsWithSmallChangesKeepTheProperties) {
  constexpr char kBytes[] =
      "{}[]\",:\\nulltrue0123.eE+- \n\x80\xC3\xFF"
      "aA\x00";
  std::mt19937 random(1);
  const auto below = [&random](size_t n) { return random() % n; };
  for (const std::string& original : Corpus()) {
    for (int i = 0; i < 500; ++i) {
      std::string input = original;
      for (size_t changes = 1 + below(3); changes > 0 && !input.empty();
           --changes) {
        const size_t at = below(input.size());
        const char byte = kBytes[below(sizeof(kBytes))];
        switch (below(4)) {
          case 0:
            input[at] = byte;
            break;
          case 1:
            input.insert(at, 1, byte);
            break;
          case 2:
            input.erase(at, 1 + below(4));
            break;
          default:
            input.insert(below(input.size()), input.substr(at, below(16)));
            break;
        }
      }
      ASSERT_EQ(BrokenSpliceProperty(input), "") << input;
    }
  }
}

}  // namespace
}  // namespace rehai::chef
