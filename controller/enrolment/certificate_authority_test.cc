// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/certificate_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/fake_clock.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const HostId kHost{"hv1.example.com"};

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

class CertificateAuthorityTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<CertificateAuthority>> Create(
      const TestAuthority& authority) {
    return CertificateAuthority::Create(View(authority.certificate_pem),
                                        View(authority.key_pem), clock_);
  }
  static auto IsBad(const char* why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  }

  FakeClock clock_;
  const TestAuthority authority_ = MakeTestAuthority(clock_.Now());
};

TEST_F(CertificateAuthorityTest, IssuesATlsClientsCertificateForOneHost) {
  const auto authority = Create(authority_);
  ASSERT_THAT(authority, IsOk());
  const TestRequest request = MakeTestRequest("whoever");
  const auto issued =
      (*authority)->Issue(View(request.der), kHost, absl::Hours(12));
  ASSERT_THAT(issued, IsOk());
  EXPECT_EQ(issued->expires_at, clock_.Now() + absl::Hours(12));
  EXPECT_TRUE(Verifies(issued->chain_pem, authority_.certificate_pem,
                       clock_.Now() + absl::Hours(11)));
  EXPECT_THAT(Printed(issued->chain_pem),
              AllOf(HasSubstr("URI:rehai:node:hv1.example.com"),
                    HasSubstr("TLS Web Client Authentication"),
                    HasSubstr("CA:FALSE"), Not(HasSubstr("whoever"))));
}

TEST_F(CertificateAuthorityTest, ACertificateEndsWithItsLifetime) {
  const auto authority = Create(authority_);
  const TestRequest request = MakeTestRequest("hv1");
  const auto issued =
      (*authority)->Issue(View(request.der), kHost, absl::Hours(1));
  const absl::Time end = clock_.Now() + absl::Hours(1);
  EXPECT_TRUE(Verifies(issued->chain_pem, authority_.certificate_pem,
                       end - absl::Seconds(1)));
  EXPECT_FALSE(Verifies(issued->chain_pem, authority_.certificate_pem,
                        end + absl::Seconds(1)));
}

TEST_F(CertificateAuthorityTest, ACertificateDoesNotOutliveItsAuthority) {
  const auto authority = Create(authority_);
  const TestRequest request = MakeTestRequest("hv1");
  const auto issued =
      (*authority)->Issue(View(request.der), kHost, absl::Hours(1000));
  EXPECT_EQ(issued->expires_at, clock_.Now() + absl::Hours(24));

  clock_.Advance(absl::Hours(25));
  EXPECT_THAT((*authority)->Issue(View(request.der), kHost, absl::Hours(1)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("has expired")));
}

TEST_F(CertificateAuthorityTest, NoTwoCertificatesHaveOneSerialNumber) {
  const auto authority = Create(authority_);
  const TestRequest request = MakeTestRequest("hv1");
  const auto first =
      (*authority)->Issue(View(request.der), kHost, absl::Hours(1));
  const auto second =
      (*authority)->Issue(View(request.der), kHost, absl::Hours(1));
  EXPECT_NE(first->serial, second->serial);
}

TEST_F(CertificateAuthorityTest, RefusesRequestsThatProveNothing) {
  TestRequest request = MakeTestRequest("hv1");
  EXPECT_THAT(CertificateAuthority::Check(View(request.der)), IsOk());
  EXPECT_THAT(CertificateAuthority::Check(View(request.der + "x")),
              IsBad("not PKCS #10"));
  EXPECT_THAT(CertificateAuthority::Check(""), IsBad("not PKCS #10"));
  EXPECT_THAT(CertificateAuthority::Check(View(std::string(20'000, '0'))),
              IsBad("too large"));
  request.der.back() ^= 1;  // in the signature
  EXPECT_THAT(CertificateAuthority::Check(View(request.der)),
              IsBad("not signed by the key"));
}

TEST_F(CertificateAuthorityTest, RefusesWeakKeys) {
  EXPECT_THAT(
      CertificateAuthority::Check(View(MakeTestRequest("hv1", "P-384").der)),
      IsOk());
  EXPECT_THAT(
      CertificateAuthority::Check(View(MakeTestRequest("hv1", "P-224").der)),
      IsBad("its key must be"));
}

TEST_F(CertificateAuthorityTest, RefusesToBeMadeOfWhatIsNoAuthority) {
  const TestAuthority other = MakeTestAuthority(clock_.Now());
  EXPECT_THAT(Create({authority_.certificate_pem, other.key_pem}),
              IsBad("do not belong together"));
  EXPECT_THAT(Create({"", authority_.key_pem}),
              IsBad("its certificate is not"));
  EXPECT_THAT(Create({authority_.certificate_pem, "x"}),
              IsBad("its key is not"));
  const SelfSignedCertificate server = MakeSelfSignedCertificate("hv1");
  EXPECT_THAT(Create({server.certificate_pem, server.key_pem}),
              IsBad("may not sign others"));
  clock_.Advance(absl::Hours(25));
  EXPECT_THAT(Create(authority_), IsBad("has expired"));
}

}  // namespace
}  // namespace rehai
