// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_SERVER_H_
#define CONTROLLER_API_SERVER_H_

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/access/call_counts.h"
#include "controller/access/call_gate.h"
#include "controller/access/roster.h"
#include "controller/api/admission.h"
#include "controller/api/chef_service.h"
#include "controller/api/source_service.h"
#include "controller/api/tls_files.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"

namespace rehai {

// A service that the API offers beside its own.
struct NamedService {
  std::string name;  // as the health service knows it: "rehai.v1.History"
  std::unique_ptr<grpc::Service> service;
};

// ApiServer is the controller's face: the services Fleet, Resync, Chef and
// Source, those that it is given, and the standard health and reflection
// services.
//
// - Handlers never block, and answers come from memory; only Resync.Diff and
//   Chef.Cost wait for Chef, without holding a thread.
// - The health of "" and of each service is NOT_SERVING until SetReady(true).
//   Requests are answered before that, too: with what is known so far.
// - Every call of its services goes through an Admission: roles, limits, and
// the
//   audit. Health and reflection, which know nothing of the fleet, are open to
//   whoever can connect.
// - Without TLS it listens only where other machines cannot reach it, unless
//   told otherwise. With TLS every client must present a certificate, unless
//   they are optional.
//
// Thread-safe after Start().
class ApiServer {
 public:
  struct Options {
    // host:port, [IPv6]:port or unix:/path. Port 0 takes a free one.
    std::string listen = "127.0.0.1:7420";
    TlsFiles tls;
    // Optional: who presents none may come with a token; without tls.client_ca
    // nobody can present one.
    ClientCertificates client_certificates = ClientCertificates::kRequired;
    bool allow_plaintext_from_anywhere = false;
    // Without grants everybody who can connect may do everything.
    Roster::Options access = {};
    CallGate::Limits limits = {};
    // Where commands go beside the log; null: nowhere.
    AuditLog audit = nullptr;
  };

  // Checks the options and listens to the inventory and the operations, which
  // no thread may use yet. All referred to must outlive the server. About
  // Chef the syncer answers, unless `chef` is given, as by tests. Without
  // `source` there is no Source service.
  // kInvalidArgument: the address cannot be understood, it would be open to
  // everyone, a service cannot be guarded, or the TLS files do not fit
  // together; kNotFound and kPermissionDenied name the TLS file that cannot be
  // read.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Create(
      Options options, Inventory& inventory, Syncer& syncer,
      ResyncOperations& operations,
      std::optional<ChefAnswers> chef = std::nullopt,
      std::optional<SourceAnswers> source = std::nullopt,
      std::vector<NamedService> more_services = {});
  ~ApiServer();

  // Listens and answers from here on. kUnavailable: the address is taken or not
  // this machine's.
  absl::Status Start();

  // The port listened on; 0 for a unix socket or before Start().
  int port() const;

  // Calls under way and calls refused, for metrics.
  CallCounts calls() const;

  // What the health service says.
  void SetReady(bool ready);

  // When the server's certificate expires; nullopt without TLS.
  std::optional<absl::Time> certificate_expires_at() const;

  // Reads anew what may change while the server runs: the TLS files, and who
  // has which role. Nothing changes before the result is called, which has to
  // happen before the server is destroyed. Then connections that are made get
  // the new certificates, calls that begin the new roles, and streams end whose
  // callers may no longer have them. What else differs in `options` is not
  // looked at, nor TLS where one of both has none. Errors are those of
  // Create().
  absl::StatusOr<std::function<void()>> PrepareReload(const Options& options);

  // Ends every stream with UNAVAILABLE, lets the other calls finish, and
  // cancels those that have not after `grace`. Clients without a call are not
  // waited for. Once or more.
  void Stop(absl::Duration grace);

 private:
  struct Parts;
  explicit ApiServer(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_SERVER_H_
