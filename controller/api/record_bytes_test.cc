// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/record_bytes.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

RecordPtr Record(const std::string& node, int64_t revision) {
  auto record = std::make_shared<v1::Record>();
  record->set_node(node);
  record->set_revision(revision);
  record->add_guests()->set_uuid("uuid-1");
  return record;
}

TEST(RecordBytesTest, AreTheRecordsAndAreSerializedOnce) {
  RecordBytes bytes;
  const RecordPtr record = Record("hv1", 7);
  const auto first = bytes.Of(record);
  EXPECT_EQ(*first, record->SerializeAsString());
  EXPECT_EQ(bytes.Of(record), first);
}

TEST(RecordBytesTest, TheNewestOfAHostIsKept) {
  RecordBytes bytes;
  const RecordPtr old = Record("hv1", 7);
  const RecordPtr next = Record("hv1", 8);
  bytes.Of(old);
  const auto newest = bytes.Of(next);
  EXPECT_EQ(*newest, next->SerializeAsString());
  EXPECT_EQ(*bytes.Of(old), old->SerializeAsString());
  EXPECT_EQ(bytes.Of(next), newest) << "the older one took its place";
  EXPECT_EQ(bytes.size_bytes(), newest->size());
}

TEST(RecordBytesTest, ForgetsWhatWouldBeTooMuch) {
  const size_t one = Record("hv1", 7)->ByteSizeLong();
  RecordBytes bytes(2 * one);
  const RecordPtr first = Record("hv1", 7);
  const auto before = bytes.Of(first);
  bytes.Of(Record("hv2", 8));
  EXPECT_EQ(bytes.size_bytes(), 2 * one);
  bytes.Of(Record("hv3", 9));
  EXPECT_EQ(bytes.size_bytes(), one);
  EXPECT_NE(bytes.Of(first), before);
  EXPECT_EQ(*bytes.Of(first), *before);
}

}  // namespace
}  // namespace rehai
