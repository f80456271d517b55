// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/uri_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::string> Expand(
    const std::string& text, const std::map<std::string, std::string>& values) {
  const auto parsed = UriTemplate::Parse(text);
  if (!parsed.ok()) return parsed.status();
  return parsed->Expand(values);
}

TEST(UriTemplateTest, ValuesStandWhereTheirBracesStood) {
  EXPECT_THAT(
      Expand("qemu+ssh://rehai@{fqdn}/system", {{"fqdn", "hv1.example"}}),
      IsOkAndHolds("qemu+ssh://rehai@hv1.example/system"));
  EXPECT_THAT(Expand("qemu+tls://{cloud.local_ipv4}:{port}/{name}",
                     {{"cloud.local_ipv4", "192.0.2.1"},
                      {"port", "16514"},
                      {"name", "hv_1"}}),
              IsOkAndHolds("qemu+tls://192.0.2.1:16514/hv_1"));
}

TEST(UriTemplateTest, OfSeveralTheFirstThatTheNodeHasIsTaken) {
  const std::string text = "qemu://{a|b.c|d}/";
  EXPECT_THAT(Expand(text, {{"a", "1"}, {"b.c", "2"}, {"d", "3"}}),
              IsOkAndHolds("qemu://1/"));
  EXPECT_THAT(Expand(text, {{"b.c", "2"}, {"d", "3"}}),
              IsOkAndHolds("qemu://2/"));
  EXPECT_THAT(Expand(text, {{"a", ""}, {"d", "3"}}), IsOkAndHolds("qemu://3/"));
}

TEST(UriTemplateTest, ANodeWithoutAnyOfThemIsRefusedByTheirNames) {
  EXPECT_THAT(Expand("qemu://{a|b.c}/", {{"x", "1"}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("has no a and no b.c")));
}

TEST(UriTemplateTest, TellsWhichAttributesItWants) {
  EXPECT_THAT(UriTemplate::Parse("qemu://{b|a}:{p.q}/{a}")->attributes(),
              ElementsAre("a", "b", "p.q"));
}

TEST(UriTemplateTest, AnIpv6AddressGetsBrackets) {
  for (const char* const value : {"2001:db8::1", "[2001:db8::1]"}) {
    EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", value}}),
                IsOkAndHolds("qemu://[2001:db8::1]/"));
  }
  EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", "[::1]:22"}}),
              IsOkAndHolds("qemu://[::1]:22/"));
  EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", "hv1:22"}}),
              IsOkAndHolds("qemu://hv1:22/"));
}

TEST(UriTemplateTest, AValueThatMeansMoreThanAHostIsRefused) {
  for (const std::string value :
       {"a/b",    "a@b",      "a?command=x",  "a#b",      "a b",
        "a\nb",   "a%2fb",    "a&b",          "a{b}",     "-oProxyCommand",
        "-l",     "a;b",      "$(x)",         "[x]",      "[::1",
        "[::1]x", "[::1]:",   "[::1]:0",      "a:b",      "a:70000",
        ":22",    "aa:bb:cc", "fe80::1%eth0", "\xC3\xA9", "[]",
        "a]"}) {
    EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", value}}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("ip is"), HasSubstr("correct it"))))
        << value;
  }
  EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", std::string("a\0b", 3)}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(UriTemplateTest, WhatIsBehindAZeroByteIsLookedAtToo) {
  const std::string value("[::1\0@evil/]", 12);
  EXPECT_THAT(Expand("qemu://{ip}/", {{"ip", value}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(UriTemplateTest, WhatIsNoTemplateIsRefusedWithTheReason) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "is empty"},
      {"qemu:///system", "names no attribute"},
      {"qemu://{fqdn/system", "a { without its }"},
      {"qemu://{a{b}}/", "a { without its }"},
      {"qemu://fqdn}/system", "a } without its {"},
      {"qemu://{}/", "\"\" is not the path"},
      {"qemu://{a|}/", "\"\" is not the path"},
      {"qemu://{a..b}/", "\"a..b\" is not the path"},
      {"qemu://{ a }/", "\" a \" is not the path"},
      {"{fqdn}/system", "does not begin like a libvirt URI"},
      {"system/{fqdn}:x", "does not begin like a libvirt URI"},
  };
  for (const auto& [text, why] : bad) {
    EXPECT_THAT(UriTemplate::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(why), HasSubstr("write it like"))))
        << text;
  }
}

TEST(UriTemplateTest, APathIsItsKeys) {
  const auto path = ParseAttributePath("a.OS Type.c");
  ASSERT_THAT(path, IsOk());
  EXPECT_THAT(*path, ElementsAre("a", "OS Type", "c"));
  for (const char* const text : {"", ".", "a.", ".a", "a..b", " a", "a. b"}) {
    EXPECT_THAT(ParseAttributePath(text),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace rehai
