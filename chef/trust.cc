// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/trust.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::chef {
namespace {

constexpr size_t kMaxFileBytes = 8 << 20;
constexpr size_t kSha256Bytes = 32;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// The certificates of `pem`, each written anew: a file may hold keys and
// remarks beside them.
std::string Certificates(absl::string_view pem) {
  const std::unique_ptr<BIO, BioDeleter> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<BIO, BioDeleter> out(BIO_new(BIO_s_mem()));
  while (const std::unique_ptr<X509, X509Deleter> certificate{
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)}) {
    PEM_write_bio_X509(out.get(), certificate.get());
  }
  ERR_clear_error();  // the end of the file counts as an error
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, size);
}

absl::StatusOr<std::string> ReadCertificates(const std::string& path) {
  const absl::StatusOr<std::string> content = ReadFile(path, kMaxFileBytes);
  if (!content.ok()) {
    return absl::InvalidArgumentError(content.status().message());
  }
  std::string certificates = Certificates(*content);
  if (certificates.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": holds no certificate in PEM"));
  }
  return certificates;
}

absl::StatusOr<std::vector<std::string>> CertificateFiles(
    const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error)) {
    const std::filesystem::path extension = it->path().extension();
    if (extension == ".crt" || extension == ".pem") {
      files.push_back(it->path().string());
    }
  }
  if (error) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder, ": cannot list trusted certificates: ", error.message()));
  }
  if (files.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder,
        ": holds no certificates (*.crt, *.pem); fetch the server's with "
        "knife ssl fetch, or set chef.ca_file instead "
        "(/etc/ssl/certs/ca-certificates.crt trusts the system's)"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::string> LoadTrustedCertificates(
    const std::string& ca_file, const std::string& trusted_certs_dir) {
  std::vector<std::string> files;
  if (!trusted_certs_dir.empty()) {
    ASSIGN_OR_RETURN(files, CertificateFiles(trusted_certs_dir));
  }
  if (!ca_file.empty()) files.push_back(ca_file);
  std::string certificates;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string more, ReadCertificates(file));
    certificates += more;
  }
  return certificates;
}

absl::Status CheckPins(const std::vector<std::string>& pins) {
  for (const std::string& pin : pins) {
    absl::string_view base64 = pin;
    std::string digest;
    if (absl::ConsumePrefix(&base64, "sha256//") &&
        absl::Base64Unescape(base64, &digest) &&
        digest.size() == kSha256Bytes && absl::Base64Escape(digest) == base64) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "chef.pinned_public_keys: \"", absl::CHexEscape(pin),
        "\" is no pin; a pin is sha256// and the digest of a public key: "
        "openssl x509 -in SERVER.crt -noout -pubkey | openssl pkey -pubin "
        "-outform der | openssl dgst -sha256 -binary | base64"));
  }
  return absl::OkStatus();
}

}  // namespace rehai::chef
