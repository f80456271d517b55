// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/admission.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/access/role.h"
#include "controller/api/grpc_status.h"

namespace rehai {
namespace {

constexpr size_t kMaxRequestText = 2000 - 3;  // and "..."
constexpr size_t kMaxOutcomeText = 2000 - 3;

// Refused calls that are recorded.
constexpr double kRefusalsPerSecond = 1;
constexpr double kRefusalBurst = 100;

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

std::string OutcomeText(const absl::Status& outcome) {
  if (outcome.ok()) return "OK";
  return Excerpt(ToUtf8(absl::StrCat(absl::StatusCodeToString(outcome.code()),
                                     ": ", outcome.message())),
                 kMaxOutcomeText);
}

}  // namespace

// Hears a call's status on its way to the client.
class AdmittedContext::Recorder final : public grpc::experimental::Interceptor {
 public:
  explicit Recorder(AdmittedContext& context) : context_(context) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* call) override {
    if (call->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      if (!context_.refusal_.ok()) {
        call->ModifySendStatus(ToGrpc(context_.refusal_));
        context_.End(context_.refusal_);
      } else {
        context_.End(context_.IsOverdue()
                         ? absl::DeadlineExceededError("it took too long")
                         : FromGrpc(call->GetSendStatus()));
      }
    }
    call->Proceed();
  }

 private:
  AdmittedContext& context_;
};

bool AdmittedContext::IsOverdue() const {
  return watched_.has_value() && watched_->overdue();
}

AdmittedContext::~AdmittedContext() {
  End(absl::CancelledError("the client was gone before the end"));
}

void AdmittedContext::End(const absl::Status& outcome) {
  if (!entry_.has_value()) return;
  v1::AuditEntry entry = *std::move(entry_);
  entry_.reset();
  entry.set_outcome(OutcomeText(outcome));
  *entry.mutable_duration() = ToProto(admission_.clock_.Uptime() - began_at_);
  if (!refusal_.ok() && !admission_.MayRecordRefusal()) return;
  admission_.Record(std::move(entry));
}

class Admission::Contexts final : public grpc::ContextAllocator {
 public:
  explicit Contexts(const Admission& admission) : admission_(admission) {}

  grpc::CallbackServerContext* NewCallbackServerContext() override {
    return new AdmittedContext(admission_);
  }
  // gRPC also hands back those that it made itself and keeps, of calls of
  // methods that there are not.
  void Release(grpc::CallbackServerContext* context) override {
    delete dynamic_cast<AdmittedContext*>(context);
  }

 private:
  const Admission& admission_;
};

class Admission::RecorderFactory final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* call) override {
    // gRPC's own services have contexts of their own, and are not recorded.
    auto* const context =
        dynamic_cast<AdmittedContext*>(call->server_context());
    if (context == nullptr) return nullptr;
    return new AdmittedContext::Recorder(*context);  // gRPC's from here on
  }
};

Admission::Admission(Options options, AuditLog audit, const Clock& clock)
    : over_tls_(options.over_tls),
      audit_(std::move(audit)),
      clock_(clock),
      gate_(options.limits, clock, MakeRandom()),
      deadlines_(options.most_time, clock),
      roster_(std::make_shared<const Roster>(std::move(options.access))),
      refusals_(kRefusalBurst),
      refusals_at_(clock.Uptime()) {}

absl::Status Admission::Enter(AdmittedContext& context,
                              const GuardedMethod& method,
                              const google::protobuf::Message* request) const {
  const Evidence evidence = ReadEvidence(context, over_tls_);
  const std::shared_ptr<const Roster> roster = CurrentRoster();
  const absl::StatusOr<Caller> caller = roster->Identify(evidence);
  if (caller.ok()) context.caller_name = caller->name;
  context.began_at_ = clock_.Uptime();
  if (method.needs.is_command) {
    v1::AuditEntry& entry = context.entry_.emplace();
    *entry.mutable_at() = ToProto(clock_.Now());
    entry.set_caller(caller.ok() ? caller->name : evidence.address);
    entry.set_address(evidence.address);
    if (caller.ok()) entry.set_role(std::string(RoleName(caller->role)));
    entry.set_command(method.name);
    if (request != nullptr) {
      entry.set_request(Excerpt(request->ShortDebugString(), kMaxRequestText));
    }
  }
  context.refusal_ =
      Decide(context, evidence, caller, method, request != nullptr);
  if (context.refusal_.ok() && method.kind == CallGate::kStream) {
    context.open_.emplace(streams_, context.c_call(),
                          OpenStreams::Admitted{.evidence = evidence,
                                                .method = method.name,
                                                .needed = method.needs.role});
    // SetAccess() may have looked at the streams just before this was one.
    if (const auto now = CurrentRoster(); now != roster) {
      context.refusal_ = now->Check(evidence, method.name, method.needs.role);
    }
  }
  if (absl::IsUnauthenticated(context.refusal_)) ++unauthenticated_;
  if (absl::IsPermissionDenied(context.refusal_)) ++not_permitted_;
  if (context.refusal_.ok() && method.kind == CallGate::kUnary &&
      !method.needs.bounds_itself) {
    context.watched_.emplace(deadlines_, context.c_call());
  }
  return context.refusal_;
}

void Admission::SetAccess(Roster::Options access) {
  const auto roster = std::make_shared<const Roster>(std::move(access));
  {
    MutexLock lock(mu_);
    roster_ = roster;
  }
  const size_t ended =
      streams_.EndUnless([&roster](const OpenStreams::Admitted& admitted) {
        return roster->Check(admitted.evidence, admitted.method,
                             admitted.needed);
      });
  if (ended > 0) {
    log::Info("streams ended: their callers may no longer have them",
              {{"streams", ended}});
  }
}

std::shared_ptr<const Roster> Admission::CurrentRoster() const {
  MutexLock lock(mu_);
  return roster_;
}

absl::Status Admission::Decide(AdmittedContext& context,
                               const Evidence& evidence,
                               const absl::StatusOr<Caller>& caller,
                               const GuardedMethod& method,
                               bool readable) const {
  // Guesses and whoever may nothing are counted too, by address: they shall
  // not cost more than others.
  ASSIGN_OR_RETURN(context.place_,
                   gate_.Enter(method.kind, caller.ok() ? caller->client
                                                        : ClientOf(evidence)));
  RETURN_IF_ERROR(caller.status());
  RETURN_IF_ERROR(CheckMay(*caller, evidence, method.name, method.needs.role));
  if (!readable) {
    return absl::InvalidArgumentError(
        absl::StrCat(method.name,
                     ": the request cannot be read; is the client's proto "
                     "the one of this method?"));
  }
  return absl::OkStatus();
}

CallCounts Admission::counts() const {
  const CallGate::Counts gate = gate_.counts();
  return {.under_way = gate.calls,
          .streams = gate.streams,
          .over_limit = gate.refused,
          .unauthenticated = unauthenticated_,
          .not_permitted = not_permitted_};
}

bool Admission::MayRecordRefusal() const {
  const absl::Duration now = clock_.Uptime();
  int64_t unrecorded = 0;
  {
    MutexLock lock(mu_);
    refusals_ = std::min(kRefusalBurst,
                         refusals_ + absl::ToDoubleSeconds(now - refusals_at_) *
                                         kRefusalsPerSecond);
    refusals_at_ = now;
    if (refusals_ < 1) {
      ++unrecorded_;
      return false;
    }
    refusals_ -= 1;
    unrecorded = std::exchange(unrecorded_, 0);
  }
  if (unrecorded > 0) {
    log::Warning("audit: many commands are refused",
                 {{"not_recorded", unrecorded}});
  }
  return true;
}

void Admission::Record(v1::AuditEntry entry) const {
  log::Info("audit", {{"command", entry.command()},
                      {"caller", entry.caller()},
                      {"role", entry.role()},
                      {"address", entry.address()},
                      {"request", entry.request()},
                      {"outcome", entry.outcome()}});
  if (audit_) audit_(std::move(entry));
}

std::unique_ptr<grpc::ContextAllocator> Admission::MakeContexts() const {
  return std::make_unique<Contexts>(*this);
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
Admission::MakeRecorder() const {
  return std::make_unique<RecorderFactory>();
}

}  // namespace rehai
