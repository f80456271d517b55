// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_AUTHORITIES_H_
#define TESTS_LAB_AUTHORITIES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/fakes/certificates.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// Who signs for whom at a site with agents, in files: the controller's own
// certificate, the authority by which it enrols agents, and one of the site's
// own for certificates that agents bring. All are good for a day. Thread-safe.
class Authorities {
 public:
  struct CertificateFiles {
    std::string certificate_file;
    std::string key_file;
  };

  static absl::StatusOr<std::unique_ptr<Authorities>> Create();

  // Who signed the controller's certificate, which is for localhost and
  // 127.0.0.1: for agents to trust.
  std::string server_ca_file() const { return *folder_ / "server.pem"; }

  // The key tls of a controller's section `api` or `agents`: clients bring
  // certificates of the site's authority.
  std::string TlsYaml() const;
  // The keys tls and enrolment of a controller's section `agents`, in this
  // order: more of enrolment may follow, four spaces before each line.
  std::string AgentsYaml() const;

  // A certificate for a client, with these subject alternative names, as
  // openssl writes them: "URI:rehai:node:hv1".
  TestCertificate Certificate(const std::string& names) const;
  // The same in files of that name.
  absl::StatusOr<CertificateFiles> CertificateIn(
      const std::string& file, const std::string& names) const;

 private:
  Authorities(std::unique_ptr<TempFolder> folder, TestAuthority site)
      : folder_(std::move(folder)), site_(std::move(site)) {}

  absl::Status Write(const std::string& file, const std::string& text) const;

  const std::unique_ptr<TempFolder> folder_;
  const TestAuthority site_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_AUTHORITIES_H_
