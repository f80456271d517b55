// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/access_options.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/access/role.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rehai {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// printf %s abc | sha256sum
constexpr char kSum[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

struct Read {
  AccessOptions options;
  std::vector<std::string> problems;
};

Read ReadText(const std::string& text) {
  v1::ApiConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config));
  Read read;
  read.options = MakeAccessOptions(
      config, [&](absl::string_view key, absl::string_view problem) {
        read.problems.push_back(absl::StrCat(key, ": ", problem));
      });
  return read;
}

TEST(AccessOptionsTest, WithoutKeysNobodyIsRestrictedAndLimitsAreTheDefaults) {
  const Read read = ReadText("");
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(read.options.roster.grants, IsEmpty());
  EXPECT_EQ(read.options.limits.max_streams_per_client, 100);
  EXPECT_EQ(read.options.limits.max_calls, 4000);
  EXPECT_EQ(read.options.limits.max_streams, 2000);
  EXPECT_EQ(read.options.limits.calls_per_second, 5000);
  EXPECT_EQ(read.options.limits.call_burst, 10000);
}

TEST(AccessOptionsTest, RolesAndLimitsAreRead) {
  const Read read = ReadText(absl::StrCat(
      "tls { client_ca_file: 'ca.pem' } default_role: 'reader' "
      "roles { role: 'operator' name: 'night' certificates: '*.ops' "
      "  token_sha256: '",
      kSum,
      "' } "
      "limits { max_calls: 1 max_streams: 2 max_streams_per_client: 3 "
      "  calls_per_second: 4.5 call_burst: 5 }"));
  ASSERT_THAT(read.problems, IsEmpty());
  const Roster::Options& roster = read.options.roster;
  EXPECT_EQ(roster.default_role, Role::kReader);
  ASSERT_EQ(roster.grants.size(), 1u);
  EXPECT_EQ(roster.grants[0].role, Role::kOperator);
  EXPECT_EQ(roster.grants[0].name, "night");
  EXPECT_THAT(roster.grants[0].certificates, ElementsAre("*.ops"));
  EXPECT_THAT(roster.grants[0].tokens, ElementsAre(Sha256Of("abc")));
  EXPECT_EQ(read.options.limits.max_calls, 1);
  EXPECT_EQ(read.options.limits.max_streams, 2);
  EXPECT_EQ(read.options.limits.max_streams_per_client, 3);
  EXPECT_EQ(read.options.limits.calls_per_second, 4.5);
  EXPECT_EQ(read.options.limits.call_burst, 5);
}

// The only problem of what is wrong in one way.
std::string ProblemOf(const std::string& text) {
  const Read read = ReadText(text);
  EXPECT_EQ(read.problems.size(), 1u) << text;
  return read.problems.empty() ? "" : read.problems[0];
}

TEST(AccessOptionsTest, ATokenInPlaceOfItsSumIsNotRepeated) {
  EXPECT_THAT(
      ProblemOf("roles { role: 'reader' token_sha256: 's3cret-token' }"),
      AllOf(HasSubstr("api.roles[0].token_sha256"), HasSubstr("sha256sum"),
            Not(HasSubstr("s3cret"))));
}

TEST(AccessOptionsTest, TheSumOfAnEmptyFileIsNoToken) {
  EXPECT_THAT(ProblemOf("roles { role: 'reader' token_sha256: "
                        "'e3b0c44298fc1c149afbf4c8996fb924"
                        "27ae41e4649b934ca495991b7852b855' }"),
              HasSubstr("nothing at all"));
}

TEST(AccessOptionsTest, WhatWouldMeanNobodyOrTwoThingsIsAnError) {
  const std::string token = absl::StrCat("token_sha256: '", kSum, "' ");
  EXPECT_THAT(ProblemOf("roles { role: 'reader' }"), HasSubstr("nobody"));
  EXPECT_THAT(ProblemOf(absl::StrCat("roles { role: 'root' ", token, "}")),
              HasSubstr("api.roles[0].role"));
  EXPECT_THAT(ProblemOf(absl::StrCat("roles { role: 'none' ", token, "}")),
              HasSubstr("api.roles[0].role"));
  EXPECT_THAT(ProblemOf(absl::StrCat("roles { role: 'reader' name: 'a b' ",
                                     token, "}")),
              HasSubstr("api.roles[0].name"));
  EXPECT_THAT(ProblemOf(absl::StrCat("roles { role: 'reader' ", token,
                                     "} roles { role: 'admin' ", token, "}")),
              HasSubstr("api.roles[1].token_sha256"));
  EXPECT_THAT(ProblemOf("roles { role: 'reader' certificates: 'alice' }"),
              HasSubstr("client_ca_file"));
  EXPECT_THAT(ProblemOf("default_role: 'reader'"),
              HasSubstr("without api.roles"));
  EXPECT_THAT(ProblemOf(absl::StrCat("default_role: 'root' roles { "
                                     "role: 'reader' ",
                                     token, "}")),
              HasSubstr("api.default_role"));
  EXPECT_THAT(ProblemOf("limits { max_calls: -1 }"),
              HasSubstr("api.limits.max_calls"));
}

TEST(AccessOptionsTest, OptionalCertificatesMustNotOpenTheDoor) {
  EXPECT_THAT(ProblemOf("tls { client_certificates: 'optional' }"),
              HasSubstr("let everybody do everything"));
  EXPECT_THAT(ProblemOf(absl::StrCat("tls { client_certificates: 'optional' } "
                                     "default_role: 'operator' "
                                     "roles { role: 'reader' token_sha256: '",
                                     kSum, "' }")),
              HasSubstr("api.default_role"));
}

}  // namespace
}  // namespace rehai
