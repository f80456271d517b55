// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/authorities.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/fakes/self_signed_certificate.h"

namespace rehai::lab {

absl::StatusOr<std::unique_ptr<Authorities>> Authorities::Create() {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("authorities"));
  const absl::Time now = Clock::Real().Now();
  std::unique_ptr<Authorities> authorities(
      new Authorities(std::move(folder), MakeTestAuthority(now)));
  const SelfSignedCertificate server = MakeSelfSignedCertificate();
  const TestAuthority enrolment = MakeTestAuthority(now);
  RETURN_IF_ERROR(authorities->Write("server.pem", server.certificate_pem));
  RETURN_IF_ERROR(authorities->Write("server.key", server.key_pem));
  RETURN_IF_ERROR(
      authorities->Write("enrolment.pem", enrolment.certificate_pem));
  RETURN_IF_ERROR(authorities->Write("enrolment.key", enrolment.key_pem));
  RETURN_IF_ERROR(
      authorities->Write("site.pem", authorities->site_.certificate_pem));
  return authorities;
}

std::string Authorities::TlsYaml() const {
  return absl::StrCat("  tls: {certificate_file: ", *folder_ / "server.pem",
                      ", key_file: ", *folder_ / "server.key",
                      ", client_ca_file: ", *folder_ / "site.pem", "}\n");
}

std::string Authorities::AgentsYaml() const {
  return absl::StrCat(TlsYaml(), "  enrolment:\n    ca_certificate_file: ",
                      *folder_ / "enrolment.pem",
                      "\n    ca_key_file: ", *folder_ / "enrolment.key", "\n");
}

TestCertificate Authorities::Certificate(const std::string& names) const {
  return MakeTestCertificate(site_, names, Clock::Real().Now());
}

absl::StatusOr<Authorities::CertificateFiles> Authorities::CertificateIn(
    const std::string& file, const std::string& names) const {
  const TestCertificate certificate = Certificate(names);
  const std::string certificate_file = absl::StrCat(file, ".pem");
  const std::string key_file = absl::StrCat(file, ".key");
  RETURN_IF_ERROR(Write(certificate_file, certificate.certificate_pem));
  RETURN_IF_ERROR(Write(key_file, certificate.key_pem));
  return CertificateFiles{.certificate_file = *folder_ / certificate_file,
                          .key_file = *folder_ / key_file};
}

absl::Status Authorities::Write(const std::string& file,
                                const std::string& text) const {
  return WriteFileAtomically(*folder_ / file,
                             absl::string_view(text.data(), text.size()), 0600);
}

}  // namespace rehai::lab
