// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_service.h"

#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/node_name.h"
#include "controller/api/grpc_status.h"
#include "controller/api/late_answer.h"
#include "proto/ids.h"
#include "rehai/v1/agent.grpc.pb.h"

namespace rehai {
namespace {

// Of a request for a certificate, a challenge and a signature together; an RSA
// key of 8192 bits needs a quarter of it.
constexpr size_t kMostEnrolmentBytes = 16 << 10;

// Of one server; shared with what is under way after it has gone.
struct Tally {
  std::atomic<int64_t> issued{0};
  std::atomic<int64_t> refused{0};
  std::atomic<int> under_way{0};
};

// A place among those under way, as long as it lives.
class Place {
 public:
  // Null if there is none left.
  static std::unique_ptr<Place> Take(std::shared_ptr<Tally> tally, int most) {
    if (tally->under_way.fetch_add(1) >= most) {
      tally->under_way.fetch_sub(1);
      return nullptr;
    }
    return std::unique_ptr<Place>(new Place(std::move(tally)));
  }
  ~Place() { tally_->under_way.fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  explicit Place(std::shared_ptr<Tally> tally) : tally_(std::move(tally)) {}

  const std::shared_ptr<Tally> tally_;
};

absl::Status CheckEnrolmentSize(size_t bytes) {
  if (bytes <= kMostEnrolmentBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "enrolment: the request has ", bytes, " bytes, of ", kMostEnrolmentBytes,
      " at most; send one PKCS #10 request in DER"));
}

// The one host whose certificate may be made anew on this one's word.
absl::StatusOr<HostId> RenewedHost(const AgentNames& names) {
  if (names.nodes.size() == 1 && names.host_uuids.empty()) {
    return HostId{*names.nodes.begin()};
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "renewal: the certificate names ", names.nodes.size(), " nodes and ",
      names.host_uuids.size(),
      " host UUIDs; only one that names one node and nothing else is renewed "
      "here: enrol the agent, or have its certificate's authority renew it"));
}

class Service final : public AgentService,
                      private v1::AgentService::CallbackService {
 public:
  Service(Options options, OpenAgentSession open, Enrolment* enrolment,
          const Clock& clock)
      : options_(options),
        open_(std::move(open)),
        enrolment_(enrolment),
        clock_(clock) {}

  grpc::Service& service() override { return *this; }

  CertificateCounts certificates() const override {
    return {.issued = tally_->issued.load(), .refused = tally_->refused.load()};
  }

 private:
  grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
      grpc::CallbackServerContext* context) override {
    absl::StatusOr<AgentPeer> peer =
        ReadAgentPeer(*context, options_.transport, clock_.Now());
    if (!peer.ok()) return AgentSessionCall::Refuse(*context, peer.status());
    return AgentSessionCall::Open(options_.session, *context, *std::move(peer),
                                  open_);
  }

  grpc::ServerUnaryReactor* BeginEnrolment(
      grpc::CallbackServerContext* context,
      const v1::BeginEnrolmentRequest* request,
      v1::BeginEnrolmentResponse* response) override {
    absl::StatusOr<v1::BeginEnrolmentResponse> begun = Begin(*request);
    if (!begun.ok()) ++tally_->refused;
    return Answer(context, std::move(begun), response);
  }

  grpc::ServerUnaryReactor* FinishEnrolment(
      grpc::CallbackServerContext*, const v1::FinishEnrolmentRequest* request,
      v1::FinishEnrolmentResponse* response) override {
    auto call = LateAnswer<v1::FinishEnrolmentResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    absl::StatusOr<std::unique_ptr<Place>> place = Admit(*request);
    if (!place.ok()) {
      ++tally_->refused;
      call->Answer(place.status());
      return reactor;
    }
    std::unique_ptr<grpc::Alarm> patience = Bound(request->node(), call);
    enrolment_->Finish(
        *request,
        [call = std::move(call), place = *std::move(place), tally = tally_,
         patience = std::move(patience)](
            absl::StatusOr<v1::FinishEnrolmentResponse> answer) mutable {
          ++(answer.ok() ? tally->issued : tally->refused);
          // First, so that who has the answer finds it free.
          place.reset();
          call->Answer(std::move(answer));
        });
    return reactor;
  }

  grpc::ServerUnaryReactor* RenewCertificate(
      grpc::CallbackServerContext* context,
      const v1::RenewCertificateRequest* request,
      v1::RenewCertificateResponse* response) override {
    absl::StatusOr<v1::RenewCertificateResponse> renewed =
        Renew(*context, *request);
    ++(renewed.ok() ? tally_->issued : tally_->refused);
    return Answer(context, std::move(renewed), response);
  }

  absl::StatusOr<v1::BeginEnrolmentResponse> Begin(
      const v1::BeginEnrolmentRequest& request) {
    RETURN_IF_ERROR(CheckEnrols());
    RETURN_IF_ERROR(CheckEnrolmentSize(request.ByteSizeLong()));
    return enrolment_->Begin(HostId{request.node()});
  }

  absl::StatusOr<std::unique_ptr<Place>> Admit(
      const v1::FinishEnrolmentRequest& request) {
    RETURN_IF_ERROR(CheckEnrols());
    RETURN_IF_ERROR(CheckEnrolmentSize(request.ByteSizeLong()));
    // It becomes part of a path on the Chef server.
    RETURN_IF_ERROR(chef::CheckNodeName(request.node()));
    std::unique_ptr<Place> place =
        Place::Take(tally_, options_.most_enrolments);
    if (place == nullptr) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "enrolment of ", request.node(), ": ", options_.most_enrolments,
          " others wait for the Chef server; begin again in a minute"));
    }
    return place;
  }

  // Ends the call if Chef takes too long; its place stays taken meanwhile.
  std::unique_ptr<grpc::Alarm> Bound(
      const std::string& node,
      std::shared_ptr<LateAnswer<v1::FinishEnrolmentResponse>> call) const {
    auto alarm = std::make_unique<grpc::Alarm>();
    const gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_millis(
                         absl::ToInt64Milliseconds(options_.enrolment_timeout),
                         GPR_TIMESPAN));
    alarm->Set(deadline, [call = std::move(call), node](bool rang) {
      if (!rang) return;
      call->Answer(absl::UnavailableError(
          absl::StrCat("enrolment of ", node,
                       ": the Chef server has not answered with the client's "
                       "keys yet; begin again in a minute")));
    });
    return alarm;
  }

  absl::StatusOr<v1::RenewCertificateResponse> Renew(
      const grpc::CallbackServerContext& context,
      const v1::RenewCertificateRequest& request) {
    RETURN_IF_ERROR(CheckEnrols());
    RETURN_IF_ERROR(CheckEnrolmentSize(request.ByteSizeLong()));
    ASSIGN_OR_RETURN(const AgentPeer peer,
                     ReadAgentPeer(context, options_.transport, clock_.Now()));
    ASSIGN_OR_RETURN(const HostId host,
                     RenewedHost(peer.names.value_or(AgentNames())));
    return enrolment_->Renew(host, request.certificate_request());
  }

  absl::Status CheckEnrols() const {
    if (options_.transport == AgentTransport::kClear) {
      return absl::FailedPreconditionError(
          "enrolment: the controller listens to agents in clear, where "
          "certificates mean nothing; set agents.tls there, or have the agent "
          "report without one");
    }
    if (enrolment_ == nullptr) {
      return absl::FailedPreconditionError(
          "enrolment: the controller gives no certificates; set "
          "agents.enrolment there, or give the agent a certificate that its "
          "agents.tls.client_ca_file has signed");
    }
    return absl::OkStatus();
  }

  template <typename Response>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          absl::StatusOr<Response> answer,
                                          Response* response) {
    if (answer.ok()) *response = *std::move(answer);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(answer.status()));
    return reactor;
  }

  // Set at construction.
  const Options options_;
  const OpenAgentSession open_;
  Enrolment* const enrolment_;
  const Clock& clock_;
  const std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();
};

}  // namespace

std::unique_ptr<AgentService> AgentService::Make(Options options,
                                                 OpenAgentSession open,
                                                 Enrolment* enrolment,
                                                 const Clock& clock) {
  return std::make_unique<Service>(std::move(options), std::move(open),
                                   enrolment, clock);
}

}  // namespace rehai
