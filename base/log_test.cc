// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/log.h"

#include <gtest/gtest.h>

namespace rehai::log {
namespace {

TEST(LogTest, TextKeepsOneEventOnOneLine) {
  EXPECT_EQ(FormatEvent(Format::kText, "host unreachable",
                        {{"host", "hv1"}, {"error", "a b\nc"}, {"tries", 3}}),
            "host unreachable host=hv1 error=\"a b\\nc\" tries=3");
}

TEST(LogTest, TextQuotesWhatWouldReadAsAnotherField) {
  EXPECT_EQ(FormatEvent(Format::kText, "x", {{"name", "a=b"}, {"empty", ""}}),
            "x name=\"a=b\" empty=\"\"");
}

TEST(LogTest, JsonEscapes) {
  EXPECT_EQ(FormatEvent(Format::kJson, "x", {{"a", "q\"\\"}}),
            R"("event":"x","a":"q\"\\")");
}

}  // namespace
}  // namespace rehai::log
