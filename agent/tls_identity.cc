// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/tls_identity.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/rsa_key.h"

namespace rehai::agent {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

// A BIO's memory is overwritten when it is freed.
using Bio = Owned<BIO, BIO_free_all>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Request = Owned<X509_REQ, X509_REQ_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

constexpr char kCertificateStart[] = "-----BEGIN CERTIFICATE-----";
// controller/enrolment/agent_names.h has what certificates say.
constexpr char kNodePrefix[] = "rehai:node:";

int NoPassphrase(char*, int, int, void*) { return -1; }

Bio Reader(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string Written(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, size);
}

absl::Status Cannot(absl::string_view what) {
  return absl::InternalError(
      absl::StrCat("cannot ", what, ": ", chef::TakeOpenSslError()));
}

absl::Status NoCertificate() {
  return absl::InvalidArgumentError(absl::StrCat(
      "no certificate in PEM is in it; it must hold a block that begins with ",
      kCertificateStart));
}

absl::StatusOr<Certificate> ParseCertificate(absl::string_view pem) {
  Certificate certificate(
      PEM_read_bio_X509(Reader(pem).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return NoCertificate();
  return certificate;
}

absl::StatusOr<Key> ParseKey(absl::string_view pem) {
  Key key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, NoPassphrase,
                                  nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        "no private key in PEM is in it, or one with a passphrase; give a key "
        "without a passphrase");
  }
  return key;
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) == 1) {
    return absl::FromTM(parts, absl::UTCTimeZone());
  }
  ERR_clear_error();
  return absl::InvalidArgumentError(
      "its certificate does not say from when to when it is good");
}

std::set<std::string> UrisOf(X509* certificate) {
  std::set<std::string> uris;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* const value =
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_URI) continue;
    const auto* const text = static_cast<const ASN1_IA5STRING*>(value);
    uris.emplace(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                 static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return uris;
}

}  // namespace

absl::StatusOr<TlsIdentity> TlsIdentity::Create(std::string chain_pem,
                                                std::string key_pem) {
  TlsIdentity identity(std::move(chain_pem), std::move(key_pem));
  ASSIGN_OR_RETURN(const Certificate certificate,
                   ParseCertificate(identity.chain_pem_));
  ASSIGN_OR_RETURN(const Key key, ParseKey(identity.key_pem_));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the certificate and the key do not belong together");
  }
  ASSIGN_OR_RETURN(identity.begins_at_,
                   ToTime(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(identity.ends_at_,
                   ToTime(X509_get0_notAfter(certificate.get())));
  identity.uris_ = UrisOf(certificate.get());
  return identity;
}

absl::StatusOr<TlsIdentity> TlsIdentity::Parse(absl::string_view text) {
  const size_t chain = text.find(kCertificateStart);
  if (chain == text.npos) return NoCertificate();
  return Create(std::string(text.substr(chain)),
                std::string(text.substr(0, chain)));
}

TlsIdentity& TlsIdentity::operator=(TlsIdentity&& other) noexcept {
  if (this == &other) return *this;
  chef::Wipe(key_pem_);
  chain_pem_ = std::move(other.chain_pem_);
  key_pem_ = std::move(other.key_pem_);
  begins_at_ = other.begins_at_;
  ends_at_ = other.ends_at_;
  uris_ = std::move(other.uris_);
  return *this;
}

TlsIdentity::~TlsIdentity() { chef::Wipe(key_pem_); }

bool TlsIdentity::IsIssuedTo(absl::string_view node) const {
  return uris_.contains(absl::StrCat(kNodePrefix, node));
}

absl::StatusOr<CertificateRequest> MakeCertificateRequest() {
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Cannot("make a key");
  const Request request(X509_REQ_new());
  if (request == nullptr ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return Cannot("make a certificate request");
  }
  const Bio der(BIO_new(BIO_s_mem()));
  const Bio pem(BIO_new(BIO_s_mem()));
  if (i2d_X509_REQ_bio(der.get(), request.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0,
                                    nullptr, nullptr) != 1) {
    return Cannot("write a certificate request");
  }
  return CertificateRequest{.key_pem = Written(pem), .der = Written(der)};
}

absl::Status CheckCertificate(absl::string_view pem) {
  return ParseCertificate(pem).status();
}

}  // namespace rehai::agent
