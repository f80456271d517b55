// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_WIRE_FIELDS_H_
#define CONTROLLER_API_WIRE_FIELDS_H_

#include <google/protobuf/message.h>
#include <google/protobuf/message_lite.h>

#include <string>

// Fields of answers as the bytes that they are on the wire. To copy a record or
// its guests into an answer costs several times what it costs to serialize
// them, and the copy would be read by nobody but the serializer.
//
// The format is protobuf's, https://protobuf.dev/programming-guides/encoding: a
// message is its fields one after the other, in any order.
namespace rehai {

// Appends the field `number`, which holds the message `value`, to the bytes of
// a message.
void AppendField(int number, const google::protobuf::MessageLite& value,
                 std::string& bytes);

// Gives `message` the field `number`, of a message's type, which is `value` on
// the wire; of a repeated field, one more entry. Who gets `message` serialized
// cannot tell it from one that was set; its accessors do not know of it.
void AddSerialized(int number, std::string value,
                   google::protobuf::Message& message);

}  // namespace rehai

#endif  // CONTROLLER_API_WIRE_FIELDS_H_
