// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_SERVER_FIXTURE_H_
#define CONTROLLER_API_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "rehai/v1/source.grpc.pb.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

// What the tests of the server share.
namespace rehai {

// Long enough never to matter on a busy machine.
inline constexpr absl::Duration kPatience = absl::Minutes(1);

inline std::unique_ptr<grpc::ClientContext> Patient() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        absl::ToChronoSeconds(kPatience));
  return context;
}

inline std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

// A client of its own connection.
struct Client {
  explicit Client(std::shared_ptr<grpc::Channel> channel)
      : fleet(v1::Fleet::NewStub(channel)),
        resync(v1::Resync::NewStub(channel)),
        chef(v1::Chef::NewStub(channel)),
        source(v1::Source::NewStub(channel)) {}
  explicit Client(const TestController& controller)
      : Client(Connect(controller.address())) {}

  // The answer, or the status in absl's type.
  template <typename Response, typename Stub, typename Request>
  static absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    Response response;
    const grpc::Status status =
        (stub.*method)(Patient().get(), request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  absl::StatusOr<v1::Operation> Start(
      std::vector<v1::ResyncMode> modes, const std::string& node = "",
      const std::vector<std::string>& plugins = {}) {
    v1::ResyncStartRequest request;
    for (const std::string& plugin : plugins) request.add_ohai_plugins(plugin);
    for (const v1::ResyncMode mode : modes) request.add_modes(mode);
    if (!node.empty()) request.mutable_selector()->add_nodes(node);
    auto response = Call(*resync, &v1::Resync::Stub::Start, request);
    if (!response.ok()) return response.status();
    return response->operation();
  }

  std::unique_ptr<v1::Fleet::Stub> fleet;
  std::unique_ptr<v1::Resync::Stub> resync;
  std::unique_ptr<v1::Chef::Stub> chef;
  std::unique_ptr<v1::Source::Stub> source;
};

}  // namespace rehai

#endif  // CONTROLLER_API_SERVER_FIXTURE_H_
