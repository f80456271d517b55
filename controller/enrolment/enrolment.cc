// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/enrolment.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "chef/client_proof.h"

namespace rehai {
namespace {

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

absl::Status NotInFleet(const HostId& host) {
  return absl::NotFoundError(
      absl::StrCat("enrolment of ", host.node,
                   ": the host is not in the fleet; add it to the "
                   "configuration or to what discovery finds"));
}

absl::Status NotProven(const HostId& host) {
  return absl::PermissionDeniedError(absl::StrCat(
      "enrolment of ", host.node,
      ": the signature is by none of the keys that Chef holds for client ",
      host.node, "; sign with the key in the host's client.rb"));
}

}  // namespace

struct Enrolment::Parts {
  Parts(const Options& options, std::unique_ptr<CertificateAuthority> authority,
        Questions questions, const Clock& clock)
      : options(options),
        authority(std::move(authority)),
        questions(std::move(questions)),
        challenges(options.challenges, clock) {}

  absl::StatusOr<CertificateAuthority::Issued> Issue(
      const HostId& host, const std::string& request) const {
    ASSIGN_OR_RETURN(
        CertificateAuthority::Issued issued,
        authority->Issue(View(request), host, options.certificate_lifetime));
    log::Info("agent certified",
              {{"host", host.node},
               {"serial", issued.serial},
               {"until", absl::FormatTime(issued.expires_at)}});
    return issued;
  }

  absl::Status BeforeKeys(const HostId& host,
                          const v1::FinishEnrolmentRequest& request) {
    RETURN_IF_ERROR(challenges.Redeem(host, request.challenge()));
    if (!questions.is_in_fleet(host)) return NotInFleet(host);
    return CertificateAuthority::Check(View(request.certificate_request()));
  }

  absl::StatusOr<v1::FinishEnrolmentResponse> WithKeys(
      const HostId& host, const v1::FinishEnrolmentRequest& request,
      const absl::StatusOr<std::vector<std::string>>& keys) const {
    RETURN_IF_ERROR(keys.status());
    const std::string text =
        chef::ProofText(host.node, View(request.challenge()),
                        View(request.certificate_request()));
    const bool proven =
        std::any_of(keys->begin(), keys->end(), [&](const std::string& key) {
          return chef::VerifyProof(View(key), View(text),
                                   View(request.signature()))
              .ok();
        });
    if (!proven) return NotProven(host);
    ASSIGN_OR_RETURN(const CertificateAuthority::Issued issued,
                     Issue(host, request.certificate_request()));
    v1::FinishEnrolmentResponse response;
    response.set_certificate_chain(issued.chain_pem);
    *response.mutable_expires_at() = ToProto(issued.expires_at);
    return response;
  }

  const Options options;
  const std::unique_ptr<CertificateAuthority> authority;
  const Questions questions;
  Challenges challenges;
};

Enrolment::Enrolment(Options options,
                     std::unique_ptr<CertificateAuthority> authority,
                     Questions questions, const Clock& clock)
    : parts_(std::make_shared<Parts>(options, std::move(authority),
                                     std::move(questions), clock)) {}

absl::StatusOr<v1::BeginEnrolmentResponse> Enrolment::Begin(
    const HostId& host) {
  if (!parts_->questions.is_in_fleet(host)) return NotInFleet(host);
  ASSIGN_OR_RETURN(Challenges::Challenge challenge,
                   parts_->challenges.Issue(host));
  v1::BeginEnrolmentResponse response;
  response.set_challenge(std::move(challenge.bytes));
  *response.mutable_expires_at() = ToProto(challenge.expires_at);
  return response;
}

void Enrolment::Finish(const v1::FinishEnrolmentRequest& request,
                       FinishDone done) {
  const HostId host{request.node()};
  auto finish =
      [host, done = std::move(done)](
          absl::StatusOr<v1::FinishEnrolmentResponse> result) mutable {
        if (!result.ok()) {
          log::Warning(
              "agent not certified",
              {{"host", host.node}, {"error", result.status().message()}});
        }
        done(std::move(result));
      };
  if (absl::Status checked = parts_->BeforeKeys(host, request); !checked.ok()) {
    return finish(std::move(checked));
  }
  parts_->questions.keys(
      host.node, [parts = parts_, host, request, finish = std::move(finish)](
                     absl::StatusOr<std::vector<std::string>> keys) mutable {
        finish(parts->WithKeys(host, request, keys));
      });
}

absl::StatusOr<v1::RenewCertificateResponse> Enrolment::Renew(
    const HostId& host, const std::string& certificate_request) {
  if (!parts_->questions.is_in_fleet(host)) return NotInFleet(host);
  ASSIGN_OR_RETURN(const CertificateAuthority::Issued issued,
                   parts_->Issue(host, certificate_request));
  v1::RenewCertificateResponse response;
  response.set_certificate_chain(issued.chain_pem);
  *response.mutable_expires_at() = ToProto(issued.expires_at);
  return response;
}

}  // namespace rehai
