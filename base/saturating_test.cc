// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/saturating.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace rehai {
namespace {

TEST(SaturatingTest, AddsUpToTheEndsOfTheType) {
  EXPECT_EQ(SaturatingAdd<int64_t>(2, 3), 5);
  EXPECT_EQ(SaturatingAdd<int64_t>(INT64_MAX, -1), INT64_MAX - 1);
  EXPECT_EQ(SaturatingAdd<int64_t>(INT64_MAX, 1), INT64_MAX);
  EXPECT_EQ(SaturatingAdd<int64_t>(INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(SaturatingAdd<int64_t>(-1, INT64_MIN), INT64_MIN);
  EXPECT_EQ(SaturatingAdd<uint64_t>(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_EQ(SaturatingAdd<uint64_t>(UINT64_MAX, 1), UINT64_MAX);
}

}  // namespace
}  // namespace rehai
