// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What a fuzzer has found and what it starts from, in every test run. Linked
// with one target's BrokenProperty(); its corpus is the argument.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/file.h"
#include "tests/fuzz/changed_input.h"
#include "tests/fuzz/property.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

std::string corpus_folder;  // NOLINT: set once, by main()

// By the names of their files.
std::vector<std::pair<std::string, std::string>> Corpus() {
  std::vector<std::pair<std::string, std::string>> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(corpus_folder)) {
    const auto input = ReadFile(entry.path().string());
    EXPECT_THAT(input, IsOk());
    if (input.ok()) inputs.emplace_back(entry.path().filename(), *input);
  }
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

TEST(CorpusTest, EveryInputKeepsTheProperties) {
  const auto corpus = Corpus();
  ASSERT_GE(corpus.size(), 5);
  for (const auto& [name, input] : corpus) {
    EXPECT_EQ(BrokenProperty(input), "") << name;
  }
}

TEST(CorpusTest, NothingKeepsTheProperties) {
  EXPECT_EQ(BrokenProperty(""), "");
  EXPECT_EQ(BrokenProperty(absl::string_view("\0", 1)), "");
}

TEST(CorpusTest, InputsWithSmallChangesKeepTheProperties) {
  constexpr char kBytes[] =
      "{}[]<>()\"',:;\\/?&#%=|nulltrue0123.eE+- \n\x80\xC3\xFF"
      "aA\x00";
  constexpr int kRounds = 100;
  std::mt19937 random(1);
  for (const auto& [name, original] : Corpus()) {
    for (int i = 0; i < kRounds; ++i) {
      const std::string input =
          ChangedInput(original, {kBytes, sizeof(kBytes)}, random);
      ASSERT_EQ(BrokenProperty(input), "")
          << name << ", changed: \"" << absl::CHexEscape(input) << '"';
    }
  }
}

}  // namespace
}  // namespace rehai

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  rehai::corpus_folder = argv[1];
  return RUN_ALL_TESTS();
}
