// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/tls_files.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// A server has nobody to ask for a passphrase.
int NoPassphrase(char*, int, int, void*) { return -1; }

Owned<BIO> Reader(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::StatusOr<Owned<X509>> ParseCertificate(const std::string& file,
                                             const std::string& pem) {
  Owned<X509> certificate(
      PEM_read_bio_X509(Reader(pem).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        file,
        ": no PEM certificate in it; it must hold a block that begins "
        "with -----BEGIN CERTIFICATE-----"));
  }
  return certificate;
}

absl::StatusOr<Owned<EVP_PKEY>> ParseKey(const std::string& file,
                                         const std::string& pem) {
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr,
                                              NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        file,
        ": no PEM private key in it, or one with a passphrase; give a "
        "key without a passphrase"));
  }
  return key;
}

absl::Time ExpiryOf(const X509& certificate) {
  tm until = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &until) != 1) {
    return absl::InfiniteFuture();
  }
  return absl::FromTM(until, absl::UTCTimeZone());
}

absl::Status CheckAllPresent(absl::string_view section, const TlsFiles& files,
                             ClientCertificates clients) {
  const bool mutual = clients == ClientCertificates::kRequired;
  const auto missing = [&](const char* field) {
    return absl::InvalidArgumentError(
        absl::StrCat(section, ".tls.", field, ": missing; TLS needs ",
                     mutual ? "certificate_file, key_file and client_ca_file"
                            : "certificate_file and key_file"));
  };
  if (files.certificate.empty()) return missing("certificate_file");
  if (files.key.empty()) return missing("key_file");
  if (mutual && files.client_ca.empty()) return missing("client_ca_file");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TlsMaterial> LoadTlsFiles(absl::string_view section,
                                         const TlsFiles& files,
                                         ClientCertificates clients) {
  RETURN_IF_ERROR(CheckAllPresent(section, files, clients));
  TlsMaterial material;
  ASSIGN_OR_RETURN(material.certificate_pem, ReadFile(files.certificate));
  ASSIGN_OR_RETURN(material.key_pem, ReadFile(files.key));

  ASSIGN_OR_RETURN(
      const Owned<X509> certificate,
      ParseCertificate(files.certificate, material.certificate_pem));
  ASSIGN_OR_RETURN(const Owned<EVP_PKEY> key,
                   ParseKey(files.key, material.key_pem));
  material.expires_at = ExpiryOf(*certificate);
  if (!files.client_ca.empty()) {
    ASSIGN_OR_RETURN(material.client_ca_pem, ReadFile(files.client_ca));
    RETURN_IF_ERROR(
        ParseCertificate(files.client_ca, material.client_ca_pem).status());
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrCat(files.key, ": is not the key of ", files.certificate,
                     "; give the key that the certificate was made for"));
  }
  return material;
}

}  // namespace rehai
