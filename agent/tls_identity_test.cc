// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <string>
#include <utility>

#include "tests/fakes/certificates.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

auto IsInvalid(const char* why) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
}

TEST(TlsIdentityTest, KnowsFromWhenToWhenItsCertificateIsGood) {
  const absl::Time begin = absl::FromUnixSeconds(1795527759);
  const TestAuthority made = MakeTestAuthority(begin, absl::Hours(24));
  const auto identity = TlsIdentity::Create(made.certificate_pem, made.key_pem);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->begins_at(), begin - absl::Hours(1));
  EXPECT_EQ(identity->ends_at(), begin + absl::Hours(24));
}

TEST(TlsIdentityTest, ItsTextMakesItAgain) {
  const SelfSignedCertificate made = MakeSelfSignedCertificate();
  const auto identity = TlsIdentity::Create(made.certificate_pem, made.key_pem);
  ASSERT_THAT(identity, IsOk());
  const auto again = TlsIdentity::Parse(identity->Text());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->chain_pem(), made.certificate_pem);
  EXPECT_EQ(again->key_pem(), made.key_pem);
}

TEST(TlsIdentityTest, AnothersKeyIsRefused) {
  EXPECT_THAT(TlsIdentity::Create(MakeSelfSignedCertificate().certificate_pem,
                                  MakeSelfSignedCertificate().key_pem),
              IsInvalid("do not belong together"));
}

TEST(TlsIdentityTest, WhatIsNoCertificateAndNoKeyIsRefused) {
  const SelfSignedCertificate made = MakeSelfSignedCertificate();
  EXPECT_THAT(TlsIdentity::Create("garbage", made.key_pem),
              IsInvalid("no certificate in PEM"));
  EXPECT_THAT(TlsIdentity::Create(made.certificate_pem, "garbage"),
              IsInvalid("no private key in PEM"));
  EXPECT_THAT(TlsIdentity::Parse(""), IsInvalid("no certificate in PEM"));
  EXPECT_THAT(TlsIdentity::Parse(made.key_pem),
              IsInvalid("no certificate in PEM"));
  EXPECT_THAT(TlsIdentity::Parse(made.certificate_pem),
              IsInvalid("no private key in PEM"));
  const std::string text = made.key_pem + made.certificate_pem;
  EXPECT_THAT(
      TlsIdentity::Parse(absl::string_view(text.data(), text.size() - 100)),
      IsInvalid("no certificate in PEM"));
}

TEST(TlsIdentityTest, AnErrorNeverShowsTheKey) {
  const SelfSignedCertificate made = MakeSelfSignedCertificate();
  const std::string secret = made.key_pem.substr(40, 20);
  EXPECT_THAT(std::string(TlsIdentity::Parse(made.key_pem).status().message()),
              Not(HasSubstr(secret)));
}

TEST(TlsIdentityTest, MovingItMovesTheKey) {
  const SelfSignedCertificate made = MakeSelfSignedCertificate();
  auto identity = TlsIdentity::Create(made.certificate_pem, made.key_pem);
  ASSERT_THAT(identity, IsOk());
  TlsIdentity moved = *std::move(identity);
  EXPECT_EQ(moved.key_pem(), made.key_pem);
  const SelfSignedCertificate next = MakeSelfSignedCertificate();
  moved = *TlsIdentity::Create(next.certificate_pem, next.key_pem);
  EXPECT_EQ(moved.key_pem(), next.key_pem);
}

TEST(TlsIdentityTest, ACertificateWithoutTheUriIsIssuedToNoNode) {
  const SelfSignedCertificate made = MakeSelfSignedCertificate("hv1");
  const auto identity = TlsIdentity::Create(made.certificate_pem, made.key_pem);
  ASSERT_THAT(identity, IsOk());
  EXPECT_FALSE(identity->IsIssuedTo("hv1"));
}

TEST(CertificateRequestTest, IsSignedByTheFreshKeyThatItIsFor) {
  const auto request = MakeCertificateRequest();
  ASSERT_THAT(request, IsOk());
  const auto* at = reinterpret_cast<const unsigned char*>(request->der.data());
  X509_REQ* const parsed =
      d2i_X509_REQ(nullptr, &at, static_cast<long>(request->der.size()));
  ASSERT_NE(parsed, nullptr);
  EVP_PKEY* const key = X509_REQ_get0_pubkey(parsed);
  EXPECT_EQ(X509_REQ_verify(parsed, key), 1);
  EXPECT_EQ(EVP_PKEY_get_base_id(key), EVP_PKEY_EC);
  EXPECT_EQ(EVP_PKEY_get_bits(key), 256);
  X509_REQ_free(parsed);

  const auto another = MakeCertificateRequest();
  ASSERT_THAT(another, IsOk());
  EXPECT_NE(another->key_pem, request->key_pem);
}

}  // namespace
}  // namespace rehai::agent
