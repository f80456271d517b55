// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/certificate_authority.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/enrolment/agent_names.h"

namespace rehai {
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

using Bio = Owned<BIO, BIO_free_all>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using CertificateRequest = Owned<X509_REQ, X509_REQ_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Number = Owned<BIGNUM, BN_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

constexpr size_t kMostRequestBytes = 16 << 10;
// Before now, for agents whose clock is behind.
constexpr absl::Duration kBackdated = absl::Minutes(5);
constexpr int kSerialBits = 127;  // positive, and more than can be guessed

std::string OpenSslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL gave no reason" : reason;
}

absl::Status Failed(absl::string_view what) {
  return absl::InternalError(
      absl::StrCat("agents' authority: ", what, ": ", OpenSslError()));
}

absl::Status BadAuthority(absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(
      "agents' authority: ", what, "; docs/security.md says how to make one"));
}

absl::Status BadRequest(absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(
      absl::StrCat("certificate request: ", what));
}

Bio Reader(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::StatusOr<std::string> ToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return Failed("PEM");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, size);
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Failed("time");
  return absl::FromTM(parts, absl::UTCTimeZone());
}

bool IsGoodKey(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return bits >= 2048 && bits <= 8192;
    case EVP_PKEY_ED25519:
      return true;
    case EVP_PKEY_EC: {
      char group[64] = "";
      size_t size = 0;
      EVP_PKEY_get_group_name(key, group, sizeof(group), &size);
      const absl::string_view name(group, size);
      return name == "prime256v1" || name == "P-256" || name == "secp384r1" ||
             name == "P-384";
    }
    default:
      return false;
  }
}

absl::StatusOr<CertificateRequest> Parse(absl::string_view request) {
  if (request.size() > kMostRequestBytes) return BadRequest("is too large");
  const auto* begin = reinterpret_cast<const unsigned char*>(request.data());
  const unsigned char* at = begin;
  CertificateRequest parsed(
      d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size())));
  if (parsed == nullptr || at != begin + request.size()) {
    return BadRequest("is not PKCS #10 in DER");
  }
  EVP_PKEY* const key = X509_REQ_get0_pubkey(parsed.get());
  if (key == nullptr || !IsGoodKey(key)) {
    return BadRequest(
        "its key must be EC on P-256 or P-384, Ed25519, or RSA of 2048 to 8192 "
        "bits");
  }
  if (X509_REQ_verify(parsed.get(), key) != 1) {
    return BadRequest("is not signed by the key that it is for");
  }
  return parsed;
}

absl::Status SetSerial(X509* certificate, std::string& hexadecimal) {
  const Number serial(BN_new());
  if (serial == nullptr ||
      BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) !=
          1 ||
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) ==
          nullptr) {
    return Failed("serial number");
  }
  char* const text = BN_bn2hex(serial.get());
  hexadecimal = text;
  OPENSSL_free(text);
  return absl::OkStatus();
}

absl::Status AddExtension(X509* certificate, X509* authority, int type,
                          const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, authority, certificate, nullptr, nullptr, 0);
  const Extension extension(
      X509V3_EXT_conf_nid(nullptr, &context, type, value));
  if (extension == nullptr ||
      X509_add_ext(certificate, extension.get(), -1) != 1) {
    return Failed(OBJ_nid2sn(type));
  }
  return absl::OkStatus();
}

// Not by a configuration text, in which a name could hide another extension.
absl::Status AddHostName(X509* certificate, const HostId& host) {
  const std::string uri = NodeUri(host);
  const Names names(GENERAL_NAMES_new());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
  GENERAL_NAME_set0_value(name, GEN_URI, text);
  sk_GENERAL_NAME_push(names.get(), name);
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0,
                        X509V3_ADD_DEFAULT) != 1) {
    return Failed("subject alternative name");
  }
  // For people; see agent_names.h.
  X509_NAME* const subject = X509_get_subject_name(certificate);
  if (X509_NAME_add_entry_by_NID(
          subject, NID_organizationName, MBSTRING_ASC,
          reinterpret_cast<const unsigned char*>("rehai agents"), -1, -1,
          0) != 1) {
    return Failed("subject");
  }
  return absl::OkStatus();
}

class Authority final : public CertificateAuthority {
 public:
  Authority(Certificate certificate, Key key, std::string pem,
            absl::Time expires_at, const Clock& clock)
      : certificate_(std::move(certificate)),
        key_(std::move(key)),
        pem_(std::move(pem)),
        expires_at_(expires_at),
        clock_(clock) {}

  absl::StatusOr<Issued> Issue(absl::string_view request, const HostId& host,
                               absl::Duration lifetime) const override {
    ASSIGN_OR_RETURN(const CertificateRequest parsed, Parse(request));
    const absl::Time now = clock_.Now();
    if (now >= expires_at_) {
      return absl::FailedPreconditionError(
          "agents' authority: its certificate has expired; replace it");
    }
    Issued issued;
    issued.expires_at = std::min(now + lifetime, expires_at_);
    const Certificate certificate(X509_new());
    X509* const raw = certificate.get();
    X509_set_version(raw, X509_VERSION_3);
    RETURN_IF_ERROR(SetSerial(raw, issued.serial));
    ASN1_TIME_set(X509_getm_notBefore(raw), absl::ToTimeT(now - kBackdated));
    ASN1_TIME_set(X509_getm_notAfter(raw), absl::ToTimeT(issued.expires_at));
    if (X509_set_issuer_name(raw, X509_get_subject_name(certificate_.get())) !=
            1 ||
        X509_set_pubkey(raw, X509_REQ_get0_pubkey(parsed.get())) != 1) {
      return Failed("certificate");
    }
    RETURN_IF_ERROR(AddExtensions(raw, host));
    if (X509_sign(raw, key_.get(), DigestOf(key_.get())) == 0) {
      return Failed("signature");
    }
    ASSIGN_OR_RETURN(issued.chain_pem, ToPem(raw));
    issued.chain_pem += pem_;
    return issued;
  }

  const std::string& certificate_pem() const override { return pem_; }

 private:
  static const EVP_MD* DigestOf(EVP_PKEY* key) {
    // Ed25519 brings its own.
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr
                                                         : EVP_sha256();
  }

  absl::Status AddExtensions(X509* certificate, const HostId& host) const {
    X509* const authority = certificate_.get();
    RETURN_IF_ERROR(AddExtension(certificate, authority, NID_basic_constraints,
                                 "critical,CA:FALSE"));
    RETURN_IF_ERROR(AddExtension(certificate, authority, NID_key_usage,
                                 "critical,digitalSignature"));
    RETURN_IF_ERROR(
        AddExtension(certificate, authority, NID_ext_key_usage, "clientAuth"));
    RETURN_IF_ERROR(AddExtension(certificate, authority,
                                 NID_authority_key_identifier, "keyid"));
    return AddHostName(certificate, host);
  }

  const Certificate certificate_;
  const Key key_;
  const std::string pem_;
  const absl::Time expires_at_;
  const Clock& clock_;
};

int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::Create(absl::string_view certificate_pem,
                             absl::string_view key_pem, const Clock& clock) {
  Certificate certificate(PEM_read_bio_X509(Reader(certificate_pem).get(),
                                            nullptr, NoPassphrase, nullptr));
  if (certificate == nullptr) {
    return BadAuthority("its certificate is not one in PEM");
  }
  Key key(PEM_read_bio_PrivateKey(Reader(key_pem).get(), nullptr, NoPassphrase,
                                  nullptr));
  if (key == nullptr) {
    return BadAuthority("its key is not a private one in PEM, or is encrypted");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return BadAuthority("its certificate and its key do not belong together");
  }
  if (X509_check_ca(certificate.get()) != 1) {
    return BadAuthority("its certificate may not sign others (CA:TRUE)");
  }
  ASSIGN_OR_RETURN(const absl::Time expires_at,
                   ToTime(X509_get0_notAfter(certificate.get())));
  if (expires_at <= clock.Now()) {
    return BadAuthority("its certificate has expired");
  }
  // Without what a file may hold beside the certificate.
  ASSIGN_OR_RETURN(std::string pem, ToPem(certificate.get()));
  return std::make_unique<Authority>(std::move(certificate), std::move(key),
                                     std::move(pem), expires_at, clock);
}

absl::Status CertificateAuthority::Check(absl::string_view request) {
  return Parse(request).status();
}

}  // namespace rehai
