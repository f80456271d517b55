// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_ADMISSION_H_
#define CONTROLLER_API_ADMISSION_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/access/call_counts.h"
#include "controller/access/call_gate.h"
#include "controller/access/method_table.h"
#include "controller/access/roster.h"
#include "controller/api/call_deadlines.h"
#include "controller/api/caller.h"
#include "controller/api/open_streams.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Where commands are put on record. Called by gRPC's threads; returns at once.
using AuditLog = std::function<void(v1::AuditEntry)>;

class Admission;

// What is asked of a call of a method.
struct GuardedMethod {
  std::string name;  // "Resync.Start"
  CallGate::Kind kind = CallGate::kUnary;
  MethodNeeds needs;
};

// What is known of a call from its admission to its end. Its handler finds it
// as the call's context. Used by one thread at a time, as a call is.
class AdmittedContext final : public CallerContext {
 public:
  explicit AdmittedContext(const Admission& admission)
      : admission_(admission) {}
  // A command whose end nobody has told, because its client was gone, is put
  // on record as cancelled.
  ~AdmittedContext() override;

 private:
  friend class Admission;
  class Recorder;

  bool IsOverdue() const;
  // The first outcome counts.
  void End(const absl::Status& outcome);

  const Admission& admission_;
  CallGate::Place place_;
  std::optional<CallDeadlines::Watched> watched_;
  std::optional<OpenStreams::Open> open_;
  absl::Status refusal_;
  std::optional<v1::AuditEntry> entry_;  // of a command that has not ended
  absl::Duration began_at_ = absl::ZeroDuration();  // Uptime()
};

// Admission is the one front of all calls to the API's services: who calls, may
// he, is there room; and what came of it, for the audit.
//
// - A call that is not admitted never reaches its handler: GuardedService asks.
// - A refusal is UNAUTHENTICATED, PERMISSION_DENIED, or RESOURCE_EXHAUSTED with
//   a google.rpc.RetryInfo.
// - A command is logged and given to the AuditLog once it has ended, refused or
//   not, with the status that its client gets: also that of a stream and that
//   of an answer that came late. Of refused calls a few per second at most are:
//   who may nothing shall not push others' commands out of the record.
// - A call that takes too long is DEADLINE_EXCEEDED, also where its client has
//   set no deadline; for its handler it is as if the client had cancelled.
// - A call has its place until gRPC is done with it, however it ends.
//
// Thread-safe. Outlives the gRPC server.
class Admission {
 public:
  struct Options {
    Roster::Options access;
    CallGate::Limits limits;
    bool over_tls = false;
    // No call with one answer takes longer, unless its method bounds itself.
    absl::Duration most_time = absl::Minutes(2);
  };

  // `audit` may be null.
  Admission(Options options, AuditLog audit, const Clock& clock);

  // From here on, and until then, calls that take too long are ended.
  void Start() { deadlines_.Start(); }
  void Stop() { deadlines_.Stop(); }

  // Decides on a call. Not ok: the call is to end so, and will, whatever its
  // handler ends it with. `request` is null if it could not be read.
  absl::Status Enter(AdmittedContext& context, const GuardedMethod& method,
                     const google::protobuf::Message* request) const;

  // From here on others have roles. Streams end whose callers may no longer
  // have them; calls with one answer that are under way are left to end.
  void SetAccess(Roster::Options access);

  // For the server's builder: what makes the calls' contexts, and what learns
  // how calls end.
  std::unique_ptr<grpc::ContextAllocator> MakeContexts() const;
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
  MakeRecorder() const;

  CallCounts counts() const;

 private:
  friend class AdmittedContext;
  class Contexts;
  class RecorderFactory;

  std::shared_ptr<const Roster> CurrentRoster() const;
  absl::Status Decide(AdmittedContext& context, const Evidence& evidence,
                      const absl::StatusOr<Caller>& caller,
                      const GuardedMethod& method, bool readable) const;
  void Record(v1::AuditEntry entry) const;
  // False, and counted, if too many refused calls were recorded lately.
  bool MayRecordRefusal() const;

  const bool over_tls_;
  const AuditLog audit_;
  const Clock& clock_;
  mutable CallGate gate_;
  mutable CallDeadlines deadlines_;
  mutable OpenStreams streams_;
  mutable std::atomic<int64_t> unauthenticated_ = 0;
  mutable std::atomic<int64_t> not_permitted_ = 0;

  mutable Mutex mu_;
  std::shared_ptr<const Roster> roster_ ABSL_GUARDED_BY(mu_);
  mutable double refusals_ ABSL_GUARDED_BY(mu_);  // that may be recorded now
  mutable absl::Duration refusals_at_ ABSL_GUARDED_BY(mu_);  // Uptime()
  mutable int64_t unrecorded_ ABSL_GUARDED_BY(mu_) = 0;      // since the last
};

}  // namespace rehai

#endif  // CONTROLLER_API_ADMISSION_H_
