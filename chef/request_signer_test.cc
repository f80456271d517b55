// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/request_signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

using Headers = std::map<std::string, std::string>;

const absl::Time kNow = absl::FromUnixSeconds(1795527759);

const RsaKeyPair& TestKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

EvpPkeyPtr PublicKey(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EvpPkeyPtr key(PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr));
  BIO_free_all(bio);
  return key;
}

std::string Signature(const Headers& headers) {
  std::string encoded;
  for (int line = 1;; ++line) {
    const auto found = headers.find(absl::StrCat("X-Ops-Authorization-", line));
    if (found == headers.end()) break;
    encoded += found->second;
  }
  std::string signature;
  EXPECT_TRUE(absl::Base64Unescape(encoded, &signature));
  return signature;
}

// The text inside a signature of protocol 1.0 or 1.1.
std::string Recovered(const std::string& public_pem, const Headers& headers) {
  const EvpPkeyPtr key = PublicKey(public_pem);
  const std::string signature = Signature(headers);
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(key.get(), nullptr);
  std::string text(EVP_PKEY_get_size(key.get()), '\0');
  size_t size = text.size();
  EXPECT_GT(EVP_PKEY_verify_recover_init(context), 0);
  EXPECT_GT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 0);
  EXPECT_GT(EVP_PKEY_verify_recover(
                context, reinterpret_cast<unsigned char*>(text.data()), &size,
                reinterpret_cast<const unsigned char*>(signature.data()),
                signature.size()),
            0);
  EVP_PKEY_CTX_free(context);
  text.resize(size);
  return text;
}

// Whether the signature is one of protocol 1.3 over `text`.
bool Verifies(const std::string& public_pem, const Headers& headers,
              const std::string& text) {
  const EvpPkeyPtr key = PublicKey(public_pem);
  const std::string signature = Signature(headers);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EXPECT_GT(
      EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key.get()),
      0);
  const bool good =
      EVP_DigestVerify(
          context, reinterpret_cast<const unsigned char*>(signature.data()),
          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
          text.size()) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

Headers Sign(SignVersion version, const std::string& name,
             const std::string& method, const std::string& path,
             const std::string& body) {
  const auto signer =
      RequestSigner::Create(name, TestKey().private_pkcs1, version);
  EXPECT_THAT(signer, IsOk());
  const auto headers = signer->Sign(method, path, body, kNow);
  EXPECT_THAT(headers, IsOk());
  return Headers(headers->begin(), headers->end());
}

// Digests worked out with `printf ... | openssl dgst -sha1 -binary | base64`.
constexpr char kSha1OfEmpty[] = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
constexpr char kSha256OfEmpty[] =
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
constexpr char kSha1OfNodesHv1[] = "04KiuKZ3EcXU0/MKWfVehjrQ2iI=";
constexpr char kSha1OfRehai[] = "wIx7N77cE+0ubiNRJEI8TtVZkUM=";

TEST(RequestSignerTest, Version10SignsTheTextWithTheNameInTheClear) {
  const Headers headers =
      Sign(SignVersion::k1_0, "rehai", "GET", "/nodes/hv1", "");
  EXPECT_EQ(Recovered(TestKey().public_pem, headers),
            absl::StrCat("Method:GET\nHashed Path:", kSha1OfNodesHv1,
                         "\nX-Ops-Content-Hash:", kSha1OfEmpty,
                         "\nX-Ops-Timestamp:2026-11-24T13:42:39Z"
                         "\nX-Ops-UserId:rehai"));
  EXPECT_THAT(headers,
              Contains(Pair("X-Ops-Sign", "algorithm=sha1;version=1.0;")));
}

TEST(RequestSignerTest, Version11SignsTheNamesDigest) {
  const Headers headers =
      Sign(SignVersion::k1_1, "rehai", "GET", "/nodes/hv1", "");
  EXPECT_EQ(Recovered(TestKey().public_pem, headers),
            absl::StrCat("Method:GET\nHashed Path:", kSha1OfNodesHv1,
                         "\nX-Ops-Content-Hash:", kSha1OfEmpty,
                         "\nX-Ops-Timestamp:2026-11-24T13:42:39Z"
                         "\nX-Ops-UserId:",
                         kSha1OfRehai));
  EXPECT_THAT(headers,
              Contains(Pair("X-Ops-Sign", "algorithm=sha1;version=1.1;")));
}

TEST(RequestSignerTest, Version13SignsASha256OfPathAndApiVersionToo) {
  const Headers headers =
      Sign(SignVersion::k1_3, "rehai", "put", "/organizations/o/nodes/hv1", "");
  const std::string text = absl::StrCat(
      "Method:PUT\nPath:/organizations/o/nodes/hv1\nX-Ops-Content-Hash:",
      kSha256OfEmpty,
      "\nX-Ops-Sign:version=1.3\nX-Ops-Timestamp:2026-11-24T13:42:39Z"
      "\nX-Ops-UserId:rehai\nX-Ops-Server-API-Version:1");
  EXPECT_TRUE(Verifies(TestKey().public_pem, headers, text));
  EXPECT_FALSE(Verifies(TestKey().public_pem, headers, text + "0"));
  EXPECT_THAT(headers,
              Contains(Pair("X-Ops-Sign", "algorithm=sha256;version=1.3;")));
}

TEST(RequestSignerTest, SendsEveryHeaderThatServersAskFor) {
  for (const SignVersion version :
       {SignVersion::k1_0, SignVersion::k1_1, SignVersion::k1_3}) {
    const Headers headers = Sign(version, "rehai", "GET", "/nodes/hv1", "");
    EXPECT_THAT(headers, Contains(Pair("X-Ops-Userid", "rehai")));
    EXPECT_THAT(headers,
                Contains(Pair("X-Ops-Timestamp", "2026-11-24T13:42:39Z")));
    EXPECT_THAT(headers,
                Contains(Pair("X-Ops-Content-Hash", version == SignVersion::k1_3
                                                        ? kSha256OfEmpty
                                                        : kSha1OfEmpty)));
    EXPECT_THAT(headers, Contains(Pair("X-Ops-Server-API-Version", "1")));
    EXPECT_THAT(headers, Contains(Pair("X-Chef-Version", "18.0.0")));
    // 256 bytes are 344 characters of base64: five lines of 60 and one of 44.
    EXPECT_THAT(headers, Contains(Pair("X-Ops-Authorization-1", SizeIs(60))));
    EXPECT_THAT(headers, Contains(Pair("X-Ops-Authorization-6", SizeIs(44))));
    EXPECT_THAT(headers, Not(Contains(Key("X-Ops-Authorization-7"))));
  }
}

TEST(RequestSignerTest, BodyIsCoveredByItsDigest) {
  const Headers one = Sign(SignVersion::k1_3, "rehai", "PUT", "/nodes/a", "{}");
  const Headers two =
      Sign(SignVersion::k1_3, "rehai", "PUT", "/nodes/a", "{} ");
  EXPECT_NE(one.at("X-Ops-Content-Hash"), two.at("X-Ops-Content-Hash"));
  EXPECT_NE(Signature(one), Signature(two));
}

TEST(RequestSignerTest, Pkcs8AndPkcs1AreTheSameKey) {
  const auto pkcs8 = RequestSigner::Create("rehai", TestKey().private_pkcs8,
                                           SignVersion::k1_3);
  ASSERT_THAT(pkcs8, IsOk());
  const auto headers = pkcs8->Sign("GET", "/nodes/hv1", "", kNow);
  ASSERT_THAT(headers, IsOk());
  EXPECT_EQ(Headers(headers->begin(), headers->end()),
            Sign(SignVersion::k1_3, "rehai", "GET", "/nodes/hv1", ""));
}

TEST(RequestSignerTest, CanonicalPathCollapsesSlashes) {
  EXPECT_EQ(CanonicalPath("/nodes/hv1"), "/nodes/hv1");
  EXPECT_EQ(CanonicalPath("//organizations///o//nodes/"),
            "/organizations/o/nodes");
  EXPECT_EQ(CanonicalPath("/"), "/");
  EXPECT_EQ(CanonicalPath("///"), "/");
  EXPECT_EQ(Sign(SignVersion::k1_3, "rehai", "GET", "//nodes///hv1/", ""),
            Sign(SignVersion::k1_3, "rehai", "GET", "/nodes/hv1", ""));
}

TEST(RequestSignerTest, Version10RefusesANameTooLongForTheKeyAtOnce) {
  // 245 bytes fit into 2048 bits; all but the name take 151 in a POST.
  EXPECT_THAT(RequestSigner::Create(std::string(94, 'n'),
                                    TestKey().private_pkcs1, SignVersion::k1_0),
              IsOk());
  EXPECT_THAT(RequestSigner::Create(std::string(95, 'n'),
                                    TestKey().private_pkcs1, SignVersion::k1_0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("2048"), HasSubstr("sign_version"))));
  EXPECT_THAT(RequestSigner::Create(std::string(255, 'n'),
                                    TestKey().private_pkcs1, SignVersion::k1_1),
              IsOk());
}

TEST(RequestSignerTest, AKeyOf1024BitsSignsOnlyVersion13) {
  const RsaKeyPair key = MakeRsaKeyPair(1024);
  EXPECT_THAT(
      RequestSigner::Create("rehai", key.private_pkcs1, SignVersion::k1_0),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1024")));
  EXPECT_THAT(
      RequestSigner::Create("rehai", key.private_pkcs1, SignVersion::k1_1),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1024")));
  EXPECT_THAT(
      RequestSigner::Create("rehai", key.private_pkcs1, SignVersion::k1_3),
      IsOk());
}

TEST(RequestSignerTest, SaysWhatIsWrongWithAKey) {
  const auto create = [](absl::string_view pem) {
    return RequestSigner::Create("rehai", pem, SignVersion::k1_3).status();
  };
  EXPECT_THAT(create("not a key"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("rehai"), HasSubstr("PEM"))));
  EXPECT_THAT(
      create(TestKey().public_pem),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("public key")));
  // Words of the key must not appear in what may be logged.
  const std::string broken = TestKey().private_pkcs1.substr(0, 900);
  EXPECT_THAT(create(broken), StatusIs(absl::StatusCode::kInvalidArgument,
                                       Not(HasSubstr(broken.substr(100, 30)))));
}

TEST(RequestSignerTest, AnEncryptedKeyIsRefusedWithoutAskingForItsPassphrase) {
  const EvpPkeyPtr key = *ParseRsaPrivateKey(TestKey().private_pkcs1);
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), EVP_aes_128_cbc(), nullptr, 0,
                           nullptr, const_cast<char*>("secret"));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  EXPECT_THAT(RequestSigner::Create("rehai", absl::string_view(text, size),
                                    SignVersion::k1_3),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("without a passphrase")));
  BIO_free_all(bio);
}

TEST(RequestSignerTest, RefusesAKeyThatIsNotRsa) {
  const EvpPkeyPtr key(EVP_EC_gen("P-256"));
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr,
                           nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  EXPECT_THAT(
      RequestSigner::Create("rehai", absl::string_view(text, size),
                            SignVersion::k1_3),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("type EC")));
  BIO_free_all(bio);
}

TEST(RequestSignerTest, RefusesANameThatCouldForgeAHeader) {
  for (const char* const name : {"", "a b", "a\nX-Ops-Userid: admin", "é"}) {
    EXPECT_THAT(
        RequestSigner::Create(name, TestKey().private_pkcs1, SignVersion::k1_3),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("client name")));
  }
}

TEST(RequestSignerTest, KnowsTheVersionsByTheirNames) {
  EXPECT_THAT(ParseSignVersion("1.0"), IsOkAndHolds(SignVersion::k1_0));
  EXPECT_THAT(ParseSignVersion("1.1"), IsOkAndHolds(SignVersion::k1_1));
  EXPECT_THAT(ParseSignVersion("1.3"), IsOkAndHolds(SignVersion::k1_3));
  EXPECT_THAT(ParseSignVersion("1.2"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("1.2"), HasSubstr("1.3"))));
}

}  // namespace
}  // namespace rehai::chef
