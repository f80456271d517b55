// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What RequestSigner makes, judged by mixlib-authentication, the library that
// Chef's own tools sign and verify with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "chef/request_signer.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

// A request as it arrives at a server.
struct SignedRequest {
  std::string public_key;
  std::string method;
  std::string path;
  std::string body;
  std::map<std::string, std::string> headers;
};

class MixlibCompatTest : public testing::Test {
 protected:
  std::string RandomText(absl::string_view alphabet, size_t min, size_t max) {
    std::string text(Uniform(min, max), '\0');
    for (char& c : text) c = alphabet[Uniform(0, alphabet.size() - 1)];
    return text;
  }

  // Every character that Chef allows in a name.
  std::string RandomName(size_t max) {
    return RandomText(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-", 1,
        max);
  }

  std::string RandomPath() {
    const std::string organization =
        Uniform(0, 1) ? absl::StrCat("/organizations/", RandomName(20)) : "";
    return absl::StrCat(organization, "/nodes/", RandomName(120));
  }

  std::string RandomBody() {
    switch (Uniform(0, 4)) {
      case 0:
        return "";
      case 1: {
        std::string binary(Uniform(1, 2000), '\0');
        for (char& c : binary) c = static_cast<char>(Uniform(0, 255));
        return binary;
      }
      case 2:
        return RandomText("{}[]\",:abcdefghij \n", 100'000, 100'000);
      case 3:
        return "{\"name\":\"\xC3\xBC\xE2\x82\xAC\xF0\x9F\x90\xA7\\u20ac\"}";
      default:
        return RandomText("abc", 1, 100);
    }
  }

  // The request that RequestSigner makes for a random body and path.
  SignedRequest RandomRequest(const RsaKeyPair& key, SignVersion version) {
    static constexpr const char* kMethods[] = {"GET", "PUT", "POST", "DELETE"};
    // Of 2048 bits, protocol 1.0 leaves 92 bytes for the name in a DELETE.
    const std::string name =
        RandomName(version == SignVersion::k1_0 ? 92 : 255);
    const auto signer = RequestSigner::Create(name, key.private_pkcs1, version);
    EXPECT_THAT(signer, IsOk());
    SignedRequest request = {.public_key = key.public_pem,
                             .method = kMethods[Uniform(0, 3)],
                             .path = RandomPath(),
                             .body = RandomBody(),
                             .headers = {}};
    const auto headers = signer->Sign(request.method, request.path,
                                      request.body, Clock::Real().Now());
    EXPECT_THAT(headers, IsOk());
    request.headers.insert(headers->begin(), headers->end());
    return request;
  }

  // What a server may notice of what has been changed on the way.
  std::vector<SignedRequest> Tampered(const SignedRequest& request) {
    std::vector<SignedRequest> changed(6, request);
    changed[0].body = Flipped(request.body.empty() ? "x" : request.body);
    changed[1].path = Flipped(request.path);
    changed[2].method = request.method == "GET" ? "PUT" : "GET";
    for (auto& [name, value] : changed[3].headers) {
      if (name == "X-Ops-Authorization-1") value = Flipped(value);
    }
    changed[4].headers["X-Ops-Userid"] += "x";
    // A minute earlier is well within the allowed difference of clocks.
    changed[5].headers["X-Ops-Timestamp"] = absl::FormatTime(
        "%Y-%m-%dT%H:%M:%SZ", Clock::Real().Now() - absl::Minutes(1),
        absl::UTCTimeZone());
    return changed;
  }

  // mixlib-authentication's word on each, "valid" or "refused", by one run of
  // Ruby.
  std::vector<std::string> Verify(const std::vector<SignedRequest>& requests) {
    const std::string in = absl::StrCat(testing::TempDir(), "/requests");
    const std::string out = absl::StrCat(testing::TempDir(), "/verdicts");
    std::ofstream lines(in);
    for (const SignedRequest& request : requests) {
      lines << nlohmann::json{{"public_key", request.public_key},
                              {"method", request.method},
                              {"path", request.path},
                              {"body", absl::Base64Escape(request.body)},
                              {"headers", request.headers}}
                   .dump()
            << '\n';
    }
    lines.close();
    const std::string command = absl::StrCat(
        "/usr/bin/ruby chef/mixlib_verify.rb <'", in, "' >'", out, "'");
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream answers(out);
    std::vector<std::string> verdicts;
    for (std::string line; std::getline(answers, line);) {
      verdicts.push_back(line);
    }
    return verdicts;
  }

  unsigned int seed() const { return seed_; }

  size_t Uniform(size_t low, size_t high) {
    return std::uniform_int_distribution<size_t>(low, high)(random_);
  }

 private:
  std::string Flipped(std::string text) {
    char& c = text[Uniform(0, text.size() - 1)];
    // Stays a character that may be sent, and base64 stays base64.
    c = c == 'A' ? 'B' : 'A';
    return text;
  }

  const unsigned int seed_ = std::random_device()();
  std::mt19937 random_{seed_};
};

std::vector<RsaKeyPair> MakeKeys(int bits, int count) {
  std::vector<RsaKeyPair> keys;
  for (int i = 0; i < count; ++i) keys.push_back(MakeRsaKeyPair(bits));
  return keys;
}

TEST_F(MixlibCompatTest, AcceptsOursAndRefusesWhatWasChangedOnTheWay) {
  std::vector<SignedRequest> requests;
  std::vector<std::string> expected;
  const auto add = [&](const RsaKeyPair& key, SignVersion version) {
    requests.push_back(RandomRequest(key, version));
    expected.push_back("valid");
    const std::vector<SignedRequest> tampered = Tampered(requests.back());
    requests.insert(requests.end(), tampered.begin(), tampered.end());
    expected.insert(expected.end(), tampered.size(), "refused");
  };

  std::vector<RsaKeyPair> keys = MakeKeys(2048, 16);
  for (const auto& [bits, count] : {std::pair(3072, 3), std::pair(4096, 2)}) {
    for (RsaKeyPair& key : MakeKeys(bits, count)) keys.push_back(key);
  }
  for (const RsaKeyPair& key : keys) {
    for (int i = 0; i < 3; ++i) {
      add(key, SignVersion::k1_0);
      add(key, SignVersion::k1_1);
      add(key, SignVersion::k1_3);
    }
  }
  for (const RsaKeyPair& key : MakeKeys(1024, 4)) add(key, SignVersion::k1_3);

  const std::vector<std::string> verdicts = Verify(requests);

  ASSERT_EQ(verdicts.size(), requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(verdicts[i], expected[i])
        << "seed " << seed() << ", request " << i << ": " << requests[i].method
        << ' ' << requests[i].path << " as "
        << requests[i].headers["X-Ops-Userid"] << " by "
        << requests[i].headers["X-Ops-Sign"];
  }
}

TEST_F(MixlibCompatTest, RefusesAnotherClientsKey) {
  const RsaKeyPair ours = MakeRsaKeyPair();
  const RsaKeyPair other = MakeRsaKeyPair();
  std::vector<SignedRequest> requests;
  for (const SignVersion version :
       {SignVersion::k1_0, SignVersion::k1_1, SignVersion::k1_3}) {
    requests.push_back(RandomRequest(ours, version));
    requests.back().public_key = other.public_pem;
  }
  EXPECT_THAT(Verify(requests), testing::Each("refused"));
}

}  // namespace
}  // namespace rehai::chef
