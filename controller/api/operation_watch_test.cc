// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/operation_watch.h"

#include <gtest/gtest.h>

#include <optional>

#include "google/protobuf/text_format.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

v1::Operation FromText(const char* text) {
  v1::Operation operation;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &operation));
  return operation;
}

constexpr char kBefore[] = R"pb(
  id: "op1"
  total: 3
  done: 1
  hosts { node: "a" progress: HOST_PROGRESS_DONE outcome: HOST_OUTCOME_WRITTEN }
  hosts { node: "b" progress: HOST_PROGRESS_READING }
  hosts { node: "c" progress: HOST_PROGRESS_WAITING }
)pb";

TEST(OperationChangeTest, HoldsOnlyTheHostsThatChanged) {
  v1::Operation now = FromText(kBefore);
  now.mutable_hosts(1)->set_progress(v1::HOST_PROGRESS_WRITING);
  const std::optional<v1::Operation> change =
      OperationChange(FromText(kBefore), now);
  ASSERT_TRUE(change.has_value());
  EXPECT_THAT(*change, EqualsProto(FromText(R"pb(
    id: "op1"
    total: 3
    done: 1
    hosts { node: "b" progress: HOST_PROGRESS_WRITING }
  )pb")));
}

TEST(OperationChangeTest, IsNothingWhenNothingChanged) {
  EXPECT_FALSE(OperationChange(FromText(kBefore), FromText(kBefore)));
}

TEST(OperationChangeTest, TellsTheEndAndACancel) {
  v1::Operation canceled = FromText(kBefore);
  canceled.set_canceled(true);
  EXPECT_TRUE(OperationChange(FromText(kBefore), canceled));

  v1::Operation ended = FromText(kBefore);
  ended.mutable_ended_at()->set_seconds(1);
  const std::optional<v1::Operation> change =
      OperationChange(FromText(kBefore), ended);
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->has_ended_at());
  EXPECT_EQ(change->hosts_size(), 0);
}

}  // namespace
}  // namespace rehai
