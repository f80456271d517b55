// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_CHANNEL_SOURCE_H_
#define AGENT_CHANNEL_SOURCE_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace rehai::agent {

// Where a session gets its way to the controller, anew each time that it tries.
// Thread-safe.
class ChannelSource {
 public:
  using Channel = std::shared_ptr<grpc::Channel>;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Channel>)>;

  virtual ~ChannelSource() = default;

  // Returns at once. `done` once: at once or later, on any thread, and not
  // after some deadline. kPermissionDenied, kNotFound, kInvalidArgument:
  // somebody must do something; else time may heal it.
  virtual void Open(Done done) = 0;
};

// A channel of its own connection, which a session can do with as it likes:
// one that failed is not waited for.
std::shared_ptr<grpc::Channel> MakeControllerChannel(
    const std::string& controller,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    grpc::ChannelArguments arguments = {});

// Channels in clear.
class PlaintextChannels final : public ChannelSource {
 public:
  // `controller`: host:port, or unix:/path.
  explicit PlaintextChannels(std::string controller);
  void Open(Done done) override;

 private:
  const std::string controller_;
};

}  // namespace rehai::agent

#endif  // AGENT_CHANNEL_SOURCE_H_
