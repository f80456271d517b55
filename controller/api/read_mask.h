// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_READ_MASK_H_
#define CONTROLLER_API_READ_MASK_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai {

// ReadMask is what an answer's messages are to have. It is asked before
// anything is copied, so what is left out costs nothing. Immutable.
class ReadMask {
 public:
  // Everything.
  ReadMask() = default;

  // kInvalidArgument names a path that `message` does not have. No paths, or a
  // "*", are everything. Paths end at maps and lists.
  static absl::StatusOr<ReadMask> Compile(
      const google::protobuf::FieldMask& mask,
      const google::protobuf::Descriptor& message);

  // True if the message is to have everything.
  bool is_whole() const { return is_whole_; }

  // True if the message is to have the field, or something of it.
  bool Has(absl::string_view field) const {
    return is_whole_ || fields_.contains(field);
  }

  // Copies what is wanted of the message's field `field`, whose value is
  // `from`, to `to`.
  void Copy(absl::string_view field, const google::protobuf::Message& from,
            google::protobuf::Message& to) const;

 private:
  bool is_whole_ = true;
  // Of each field, what is wanted of it; without paths: all.
  absl::flat_hash_map<std::string, google::protobuf::FieldMask> fields_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_READ_MASK_H_
