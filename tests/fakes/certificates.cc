// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

namespace rehai {
namespace {

std::string Taken(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, size);
  BIO_free_all(bio);
  return text;
}

std::string KeyPem(EVP_PKEY* key) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                nullptr);
  return Taken(bio);
}

void SetName(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_NID(
      name, NID_commonName, MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

X509* Parsed(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free_all(bio);
  return certificate;
}

}  // namespace

TestAuthority MakeTestAuthority(absl::Time now, absl::Duration lifetime) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(certificate),
                absl::ToTimeT(now - absl::Hours(1)));
  ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(now + lifetime));
  SetName(X509_get_subject_name(certificate), "test authority");
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  for (const auto& [type, value] :
       {std::pair(NID_basic_constraints, "critical,CA:TRUE"),
        std::pair(NID_subject_key_identifier, "hash"),
        std::pair(NID_key_usage, "critical,keyCertSign")}) {
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, &context, type, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  TestAuthority authority{Taken(bio), KeyPem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return authority;
}

TestCertificate MakeTestCertificate(const TestAuthority& authority,
                                    const std::string& names, absl::Time now,
                                    absl::Duration lifetime) {
  X509* const issuer = Parsed(authority.certificate_pem);
  BIO* const issuer_key_reader = BIO_new_mem_buf(
      authority.key_pem.data(), static_cast<int>(authority.key_pem.size()));
  EVP_PKEY* const issuer_key =
      PEM_read_bio_PrivateKey(issuer_key_reader, nullptr, nullptr, nullptr);
  BIO_free_all(issuer_key_reader);
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 2);
  ASN1_TIME_set(X509_getm_notBefore(certificate),
                absl::ToTimeT(now - absl::Hours(1)));
  ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(now + lifetime));
  SetName(X509_get_subject_name(certificate), "test agent");
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [type, value] :
       {std::pair(NID_ext_key_usage, std::string("clientAuth")),
        std::pair(NID_subject_alt_name, names)}) {
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, &context, type, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, issuer_key, EVP_sha256());
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  TestCertificate made{Taken(bio), KeyPem(key)};
  X509_free(certificate);
  X509_free(issuer);
  EVP_PKEY_free(key);
  EVP_PKEY_free(issuer_key);
  return made;
}

TestRequest MakeTestRequest(const std::string& name, const std::string& curve) {
  EVP_PKEY* const key = EVP_EC_gen(curve.c_str());
  X509_REQ* const request = X509_REQ_new();
  SetName(X509_REQ_get_subject_name(request), name);
  X509_REQ_set_pubkey(request, key);
  X509_REQ_sign(request, key, EVP_sha256());
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request, &bytes);
  TestRequest made{std::string(reinterpret_cast<const char*>(bytes), size),
                   KeyPem(key)};
  OPENSSL_free(bytes);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  return made;
}

std::string Printed(const std::string& pem) {
  X509* const certificate = Parsed(pem);
  BIO* const bio = BIO_new(BIO_s_mem());
  X509_print(bio, certificate);
  X509_free(certificate);
  return Taken(bio);
}

bool Verifies(const std::string& pem, const std::string& authority_pem,
              absl::Time time) {
  X509* const certificate = Parsed(pem);
  X509* const authority = Parsed(authority_pem);
  X509_STORE* const store = X509_STORE_new();
  X509_STORE_add_cert(store, authority);
  X509_STORE_CTX* const context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, certificate, nullptr);
  X509_STORE_CTX_set_time(context, 0, absl::ToTimeT(time));
  X509_STORE_CTX_set_default(context, "ssl_client");
  const bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  X509_free(authority);
  X509_free(certificate);
  return good;
}

}  // namespace rehai
