// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/grpc_status.h"

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"

namespace rehai {
namespace {

// A serialized google.rpc.Status if there is a payload; else empty.
std::string DetailsOf(const absl::Status& status) {
  google::rpc::Status detailed;
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    google::protobuf::Any& detail = *detailed.add_details();
    detail.set_type_url(std::string(type));
    detail.set_value(std::string(payload));
  });
  if (detailed.details().empty()) return "";
  detailed.set_code(static_cast<int>(status.code()));
  detailed.set_message(std::string(status.message()));
  return detailed.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()),
          std::string(status.message()), DetailsOf(status)};
}

}  // namespace rehai
