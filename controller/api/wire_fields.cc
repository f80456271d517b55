// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/wire_fields.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <utility>

namespace rehai {
namespace {

constexpr uint32_t kLengthDelimited = 2;
constexpr int kMostVarintBytes = 5;

void AppendVarint(uint32_t number, std::string& bytes) {
  uint8_t varint[kMostVarintBytes];
  const uint8_t* const end =
      google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(number,
                                                                    varint);
  bytes.append(static_cast<const uint8_t*>(varint), end);
}

}  // namespace

void AppendField(int number, const google::protobuf::MessageLite& value,
                 std::string& bytes) {
  AppendVarint(static_cast<uint32_t>(number) << 3 | kLengthDelimited, bytes);
  AppendVarint(static_cast<uint32_t>(value.ByteSizeLong()), bytes);
  value.AppendToString(&bytes);
}

void AddSerialized(int number, std::string value,
                   google::protobuf::Message& message) {
  *message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(
      number) = std::move(value);
}

}  // namespace rehai
