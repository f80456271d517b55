// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_EXPLAIN_SERVICE_H_
#define CONTROLLER_API_EXPLAIN_SERVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/rendering.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// What explanations are made from, beside the inventory. Called by several
// threads at once; none may wait for Chef, so `read` is answered later, once,
// on any thread.
struct ExplainSources {
  using ReadDone = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  chef::RenderingOptions renderings;
  std::function<void(const HostId&, ReadDone)> read;  // the host's node
  std::function<v1::SyncStatus(const HostId&)> status;
  std::function<v1::SweepStatus()> sweep;
};

// `inventory` must outlive the service, and what is read for it.
std::unique_ptr<grpc::Service> MakeExplainService(const Inventory& inventory,
                                                  ExplainSources sources);

}  // namespace rehai

#endif  // CONTROLLER_API_EXPLAIN_SERVICE_H_
