// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/channel_source.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>

#include <utility>

namespace rehai::agent {

std::shared_ptr<grpc::Channel> MakeControllerChannel(
    const std::string& controller,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    grpc::ChannelArguments arguments) {
  // Else channels to the same address share connections, and the wait after one
  // that failed.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The session retries, and knows when.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(controller, credentials, arguments);
}

PlaintextChannels::PlaintextChannels(std::string controller)
    : controller_(std::move(controller)) {}

void PlaintextChannels::Open(Done done) {
  done(MakeControllerChannel(controller_, grpc::InsecureChannelCredentials()));
}

}  // namespace rehai::agent
