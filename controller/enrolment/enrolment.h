// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ENROLMENT_ENROLMENT_H_
#define CONTROLLER_ENROLMENT_ENROLMENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/enrolment/certificate_authority.h"
#include "controller/enrolment/challenges.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// Enrolment gives an agent its certificate for what a Chef-managed hypervisor
// already has: the private key of its Chef client. agent.proto has the steps.
//
// A host that is not in the fleet gets none, and none again once it has left:
// that is how an agent is revoked, with the short life of its certificate.
// Every certificate and every refusal is logged.
//
// Thread-safe. Nothing blocks; keys are fetched from Chef meanwhile.
class Enrolment {
 public:
  struct Options {
    absl::Duration certificate_lifetime = absl::Hours(24);
    Challenges::Options challenges = {};
  };
  using KeysDone =
      absl::AnyInvocable<void(absl::StatusOr<std::vector<std::string>>)>;
  // What it asks others. Called on any thread, several at once.
  struct Questions {
    std::function<bool(const HostId&)> is_in_fleet;
    // The public keys that Chef holds for the client of that name, in PEM.
    std::function<void(const std::string& client, KeysDone)> keys;
  };
  using FinishDone =
      absl::AnyInvocable<void(absl::StatusOr<v1::FinishEnrolmentResponse>)>;

  // `clock` must outlive what is under way.
  Enrolment(Options options, std::unique_ptr<CertificateAuthority> authority,
            Questions questions, const Clock& clock);

  // kNotFound: the host is not in the fleet.
  absl::StatusOr<v1::BeginEnrolmentResponse> Begin(const HostId& host);

  // `done` once, on any thread. kPermissionDenied: the proof is no good;
  // kInvalidArgument: the certificate request is not; kNotFound: the host is
  // not in the fleet; kUnavailable and others: Chef could not be asked. The
  // challenge is used up in any case.
  void Finish(const v1::FinishEnrolmentRequest& request, FinishDone done);

  // For an agent that has shown a certificate of this host's.
  absl::StatusOr<v1::RenewCertificateResponse> Renew(
      const HostId& host, const std::string& certificate_request);

 private:
  struct Parts;

  // Shared with what is under way.
  const std::shared_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_ENROLMENT_ENROLMENT_H_
