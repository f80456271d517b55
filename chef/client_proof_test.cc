// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client_proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::HasSubstr;

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

const RsaKeyPair& Key() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

std::string Signature(const std::string& text) {
  return *SignProof(View(Key().private_pkcs1), View(text));
}

TEST(ClientProofTest, TheOtherHalfOfTheKeyAccepts) {
  const std::string text = ProofText("hv1", "challenge", "request");
  for (const std::string& key : {Key().private_pkcs1, Key().private_pkcs8}) {
    const auto signature = SignProof(View(key), View(text));
    ASSERT_THAT(signature, IsOk());
    EXPECT_THAT(
        VerifyProof(View(Key().public_pem), View(text), View(*signature)),
        IsOk());
  }
}

TEST(ClientProofTest, AnotherKeyRefuses) {
  const RsaKeyPair other = MakeRsaKeyPair();
  const std::string text = ProofText("hv1", "challenge", "request");
  EXPECT_THAT(
      VerifyProof(View(other.public_pem), View(text), View(Signature(text))),
      StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(ClientProofTest, EveryPartIsSigned) {
  const std::string signature =
      Signature(ProofText("hv1", "challenge", "request"));
  for (const std::string& other : {ProofText("hv2", "challenge", "request"),
                                   ProofText("hv1", "challengf", "request"),
                                   ProofText("hv1", "challenge", "requesu")}) {
    EXPECT_THAT(
        VerifyProof(View(Key().public_pem), View(other), View(signature)),
        StatusIs(absl::StatusCode::kPermissionDenied))
        << other;
  }
}

TEST(ClientProofTest, GarbageIsNoSignature) {
  const std::string text = ProofText("hv1", "challenge", "request");
  for (const std::string& garbage :
       {std::string(), std::string(256, '\0'), Signature(text) + "x"}) {
    EXPECT_THAT(VerifyProof(View(Key().public_pem), View(text), View(garbage)),
                StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST(ClientProofTest, WeakAndForeignKeysAreRefused) {
  const std::string text = ProofText("hv1", "challenge", "request");
  const RsaKeyPair weak = MakeRsaKeyPair(1024);
  EXPECT_THAT(
      VerifyProof(View(weak.public_pem), View(text), "x"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1024 bits")));
  EXPECT_THAT(VerifyProof("", View(text), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(VerifyProof(View(Key().private_pkcs1), View(text), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(SignProof("not a key", View(text)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::chef
