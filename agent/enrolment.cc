// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/enrolment.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/client_proof.h"
#include "chef/key_file.h"
#include "chef/rsa_key.h"
#include "rehai/v1/agent.grpc.pb.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {
namespace {

using Stub = v1::AgentService::StubInterface;

// What to do, where the library's words do not say it.
absl::string_view Remedy(const grpc::Status& status) {
  const std::string& message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return "; it certifies no agents: set agents.enrolment in its "
           "configuration, or give the agent --certificate and "
           "--certificate_key";
  }
  if (absl::StrContains(message, "certificate verify failed") ||
      absl::StrContains(message, "CERTIFICATE_VERIFY_FAILED")) {
    return "; --controller_ca must be what signed the controller's "
           "certificate, and that must not have ended";
  }
  if (absl::StrContains(message, "not in peer certificate")) {
    return "; give the name that is in the controller's certificate as "
           "--controller_name";
  }
  return "";
}

absl::StatusCode CodeOf(grpc::StatusCode code) {
  switch (code) {
    // The host, or its Chef client, is unknown there.
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::UNAUTHENTICATED:
      return absl::StatusCode::kPermissionDenied;
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::StatusCode::kFailedPrecondition;
    default:
      // The numbers are the same.
      return static_cast<absl::StatusCode>(code);
  }
}

template <typename Request, typename Response>
absl::StatusOr<Response> Call(const Certifier& controller,
                              absl::string_view doing,
                              grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                           const Request&,
                                                           Response*),
                              const Request& request) {
  const std::unique_ptr<Stub> stub =
      v1::AgentService::NewStub(controller.channel);
  grpc::ClientContext context;
  context.set_deadline(controller.deadline);
  Response response;
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  if (status.ok()) return response;
  return absl::Status(
      CodeOf(status.error_code()),
      absl::StrCat("controller ", controller.address, ": ", doing, ": ",
                   status.error_message(), Remedy(status)));
}

absl::StatusOr<std::string> Sign(const std::string& client_key_file,
                                 absl::string_view text) {
  absl::StatusOr<std::string> key = chef::ReadKeyFile(client_key_file);
  if (!key.ok()) {
    return absl::Status(key.status().code(),
                        absl::StrCat("--client_key ", key.status().message()));
  }
  absl::StatusOr<std::string> signature = chef::SignProof(*key, text);
  chef::Wipe(*key);
  if (signature.ok()) return signature;
  return absl::Status(signature.status().code(),
                      absl::StrCat("--client_key ", client_key_file, ": ",
                                   signature.status().message()));
}

absl::StatusOr<TlsIdentity> Accept(const Certifier& controller,
                                   const std::string& node,
                                   CertificateRequest request,
                                   std::string chain) {
  absl::StatusOr<TlsIdentity> identity =
      TlsIdentity::Create(std::move(chain), std::move(request.key_pem));
  const auto bad = [&](absl::string_view what) {
    return absl::InternalError(
        absl::StrCat("controller ", controller.address,
                     ": the certificate that it issued: ", what));
  };
  if (!identity.ok()) return bad(identity.status().message());
  if (!identity->IsIssuedTo(node)) {
    return bad(absl::StrCat("is not for node ", node));
  }
  return identity;
}

}  // namespace

absl::StatusOr<TlsIdentity> Enrol(const Certifier& controller,
                                  const std::string& node,
                                  const std::string& client_key_file) {
  const std::string doing = absl::StrCat("enrolment as ", node);
  v1::BeginEnrolmentRequest begin;
  begin.set_node(node);
  ASSIGN_OR_RETURN(const v1::BeginEnrolmentResponse begun,
                   Call(controller, doing, &Stub::BeginEnrolment, begin));

  ASSIGN_OR_RETURN(CertificateRequest request, MakeCertificateRequest());
  ASSIGN_OR_RETURN(std::string signature,
                   Sign(client_key_file,
                        chef::ProofText(node, begun.challenge(), request.der)));
  v1::FinishEnrolmentRequest finish;
  finish.set_node(node);
  finish.set_challenge(begun.challenge());
  finish.set_signature(std::move(signature));
  finish.set_certificate_request(request.der);
  ASSIGN_OR_RETURN(v1::FinishEnrolmentResponse finished,
                   Call(controller, doing, &Stub::FinishEnrolment, finish));
  return Accept(controller, node, std::move(request),
                std::move(*finished.mutable_certificate_chain()));
}

absl::StatusOr<TlsIdentity> RenewCertificate(const Certifier& controller,
                                             const std::string& node) {
  ASSIGN_OR_RETURN(CertificateRequest request, MakeCertificateRequest());
  v1::RenewCertificateRequest renew;
  renew.set_certificate_request(request.der);
  ASSIGN_OR_RETURN(v1::RenewCertificateResponse renewed,
                   Call(controller, "renewal of the certificate",
                        &Stub::RenewCertificate, renew));
  return Accept(controller, node, std::move(request),
                std::move(*renewed.mutable_certificate_chain()));
}

}  // namespace rehai::agent
