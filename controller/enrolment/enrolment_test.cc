// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/enrolment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/fake_clock.h"
#include "chef/client_proof.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

const RsaKeyPair& Key(int which) {
  static const auto* const keys = new std::vector<RsaKeyPair>{
      MakeRsaKeyPair(), MakeRsaKeyPair(), MakeRsaKeyPair()};
  return (*keys)[which];
}

auto IsDenied(const char* why) {
  return StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(why));
}

class EnrolmentTest : public testing::Test {
 protected:
  EnrolmentTest() {
    fleet_ = {"hv1", "hv2"};
    keys_["hv1"] = {Key(0).public_pem};
    keys_["hv2"] = {Key(1).public_pem};
  }

  // What the agent of `node` sends in the second step, signed with `key`.
  v1::FinishEnrolmentRequest Signed(const std::string& node, int key) {
    v1::FinishEnrolmentRequest request;
    request.set_node(node);
    request.set_challenge(enrolment_.Begin({node})->challenge());
    request.set_certificate_request(request_.der);
    Sign(key, request);
    return request;
  }
  static void Sign(int key, v1::FinishEnrolmentRequest& request) {
    const std::string text =
        chef::ProofText(View(request.node()), View(request.challenge()),
                        View(request.certificate_request()));
    request.set_signature(
        *chef::SignProof(View(Key(key).private_pkcs1), View(text)));
  }

  absl::StatusOr<v1::FinishEnrolmentResponse> Finish(
      const v1::FinishEnrolmentRequest& request) {
    std::optional<absl::StatusOr<v1::FinishEnrolmentResponse>> result;
    enrolment_.Finish(request, [&](auto done) { result = std::move(done); });
    return result.value_or(absl::InternalError("never called back"));
  }

  static std::unique_ptr<CertificateAuthority> Authority(
      const TestAuthority& authority, const Clock& clock) {
    return *CertificateAuthority::Create(View(authority.certificate_pem),
                                         View(authority.key_pem), clock);
  }

  FakeClock clock_;
  std::set<std::string> fleet_;
  std::map<std::string, std::vector<std::string>> keys_;
  absl::Status chef_;
  const TestAuthority authority_ = MakeTestAuthority(clock_.Now());
  const TestRequest request_ = MakeTestRequest("hv1");
  Enrolment enrolment_{
      {.certificate_lifetime = absl::Hours(12)},
      Authority(authority_, clock_),
      {.is_in_fleet =
           [this](const HostId& host) { return fleet_.contains(host.node); },
       .keys =
           [this](const std::string& client, Enrolment::KeysDone done) {
             if (!chef_.ok()) return done(chef_);
             done(keys_[client]);
           }},
      clock_};
};

TEST_F(EnrolmentTest, TheHostsChefClientKeyEarnsACertificateForTheHost) {
  const auto response = Finish(Signed("hv1", 0));
  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(Verifies(response->certificate_chain(),
                       authority_.certificate_pem, clock_.Now()));
  EXPECT_THAT(Printed(response->certificate_chain()),
              HasSubstr("URI:rehai:node:hv1"));
  EXPECT_EQ(response->expires_at().seconds(),
            absl::ToUnixSeconds(clock_.Now() + absl::Hours(12)));
}

TEST_F(EnrolmentTest, AnyOfTheClientsKeysWillDo) {
  keys_["hv1"].push_back(Key(2).public_pem);
  EXPECT_THAT(Finish(Signed("hv1", 0)), IsOk());
  EXPECT_THAT(Finish(Signed("hv1", 2)), IsOk());
}

TEST_F(EnrolmentTest, AnotherHostsKeyEarnsNothing) {
  EXPECT_THAT(Finish(Signed("hv1", 1)), IsDenied("none of the keys"));
  EXPECT_THAT(Finish(Signed("hv1", 2)), IsDenied("none of the keys"));
}

TEST_F(EnrolmentTest, ASecondUseOfAProofIsRefused) {
  const v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  EXPECT_THAT(Finish(request), IsOk());
  EXPECT_THAT(Finish(request), IsDenied("unknown, used or expired"));
}

TEST_F(EnrolmentTest, AFailedTryUsesTheChallengeUp) {
  v1::FinishEnrolmentRequest request = Signed("hv1", 1);
  EXPECT_THAT(Finish(request), IsDenied("none of the keys"));
  Sign(0, request);
  EXPECT_THAT(Finish(request), IsDenied("unknown, used or expired"));
}

TEST_F(EnrolmentTest, AChallengeExpires) {
  const v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(Finish(request), IsDenied("unknown, used or expired"));
}

TEST_F(EnrolmentTest, AChallengeIsForTheHostThatAskedForIt) {
  v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  request.set_node("hv2");
  Sign(1, request);
  EXPECT_THAT(Finish(request), IsDenied("another host"));
}

TEST_F(EnrolmentTest, AProofIsForOneCertificateRequest) {
  v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  request.set_certificate_request(MakeTestRequest("thief").der);
  EXPECT_THAT(Finish(request), IsDenied("none of the keys"));
}

TEST_F(EnrolmentTest, AHostThatIsNotInTheFleetGetsNothing) {
  EXPECT_THAT(enrolment_.Begin({"hv3"}), StatusIs(absl::StatusCode::kNotFound));
  const v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  fleet_.erase("hv1");
  EXPECT_THAT(Finish(request), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(enrolment_.Renew({"hv1"}, request_.der),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EnrolmentTest, ChefsAbsenceIsNoRefusalAndNoConsent) {
  chef_ = absl::UnavailableError("https://chef: refused");
  EXPECT_THAT(Finish(Signed("hv1", 0)),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(EnrolmentTest, ARequestThatIsNoneIsRefusedBeforeChefIsAsked) {
  chef_ = absl::InternalError("Chef was asked");
  v1::FinishEnrolmentRequest request = Signed("hv1", 0);
  request.set_certificate_request("x");
  EXPECT_THAT(Finish(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(EnrolmentTest, RenewsForTheHostOfTheOldCertificate) {
  const auto response = enrolment_.Renew({"hv2"}, request_.der);
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(Printed(response->certificate_chain()),
              HasSubstr("URI:rehai:node:hv2"));
}

}  // namespace
}  // namespace rehai
