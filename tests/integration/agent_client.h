// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_AGENT_CLIENT_H_
#define TESTS_INTEGRATION_AGENT_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rehai/v1/agent.grpc.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/integration/agent_site.h"

namespace rehai::integration {

// Who comes to a site's port for agents and says what no agent of ours would.
// Blocks for each answer, a minute at most. Not thread-safe.
class AgentClient {
 public:
  // With that certificate, or without one. A connection of its own.
  explicit AgentClient(AgentSite& site, const TestCertificate& shown = {});
  ~AgentClient();

  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;

  // Begins a session, says Hello for that node, and returns the controller's
  // welcome, or how it ended.
  absl::StatusOr<v1::AgentWelcome> Greet(const std::string& node,
                                         const std::string& host_uuid = "");
  // Begins a session and says nothing.
  void Open();
  // False: the session has ended.
  bool Say(const v1::SessionRequest& message);
  // The controller's next message but heartbeats, or how the session ended: OK
  // is kOutOfRange.
  absl::StatusOr<v1::SessionResponse> Hear();
  // How the session ended, however much was said before.
  absl::Status AwaitEnd();
  // Breaks it off.
  void Break();

  absl::StatusOr<v1::BeginEnrolmentResponse> BeginEnrolment(
      const std::string& node);
  absl::StatusOr<v1::FinishEnrolmentResponse> FinishEnrolment(
      const v1::FinishEnrolmentRequest& request);
  absl::StatusOr<v1::RenewCertificateResponse> RenewCertificate(
      const std::string& certificate_request);

  // For what the stubs do not let through.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>>
      stream_;  // null: none is open
};

}  // namespace rehai::integration

#endif  // TESTS_INTEGRATION_AGENT_CLIENT_H_
