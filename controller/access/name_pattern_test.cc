// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/name_pattern.h"

#include "gtest/gtest.h"

namespace rehai {
namespace {

CertificateName Cn(const char* value) { return {"CN", value}; }
CertificateName Dns(const char* value) { return {"DNS", value}; }

TEST(NamePatternTest, WithoutAStarItIsTheNameAndNothingElse) {
  EXPECT_TRUE(NameMatches("alice", Cn("alice")));
  EXPECT_FALSE(NameMatches("alice", Cn("alice2")));
  EXPECT_FALSE(NameMatches("alice", Cn("malice")));
  EXPECT_FALSE(NameMatches("alice", Cn("Alice")));
  EXPECT_FALSE(NameMatches("", Cn("")));
}

TEST(NamePatternTest, AStarStaysWithinItsPart) {
  EXPECT_TRUE(NameMatches("*.ops.example.com", Dns("alice.ops.example.com")));
  EXPECT_FALSE(NameMatches("*.ops.example.com", Dns("a.b.ops.example.com")));
  EXPECT_FALSE(NameMatches("*.ops.example.com", Dns("ops.example.com")));
  EXPECT_FALSE(
      NameMatches("*.ops.example.com", Dns("x.ops.example.com.evil.org")));
  EXPECT_TRUE(NameMatches("spiffe://ops/*", {"URI", "spiffe://ops/alice"}));
  EXPECT_FALSE(NameMatches("spiffe://ops/*", {"URI", "spiffe://ops/a/b"}));
}

TEST(NamePatternTest, StarsAreTriedAgainWithinTheirPart) {
  EXPECT_TRUE(NameMatches("*ab*c.x", Cn("aabbab-c.x")));
  EXPECT_TRUE(NameMatches("web-*-*.x", Cn("web-a-b-c.x")));
  EXPECT_FALSE(NameMatches("web-*-*.x", Cn("web-a.b-c.x")));
  EXPECT_TRUE(NameMatches("**", Cn("alice")));
}

TEST(NamePatternTest, AKindBeforeItMeansThatKindOnly) {
  EXPECT_TRUE(NameMatches("CN:alice", Cn("alice")));
  EXPECT_FALSE(NameMatches("CN:alice", Dns("alice")));
  EXPECT_TRUE(NameMatches("URI:rehai:ops:*", {"URI", "rehai:ops:alice"}));
  EXPECT_FALSE(NameMatches("CN:", Cn("")));
  // "urn:" is no kind.
  EXPECT_TRUE(NameMatches("urn:x:1", {"URI", "urn:x:1"}));
}

TEST(NamePatternTest, DnsNamesHaveNoCase) {
  EXPECT_TRUE(NameMatches("*.Ops.example.com", Dns("Alice.OPS.example.com")));
}

}  // namespace
}  // namespace rehai
