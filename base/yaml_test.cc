// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "rehai/v1/config.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

absl::Status Parse(const std::string& text, v1::ControllerConfig& config) {
  return ParseYaml("f.yaml", text, config);
}

std::string ProblemOf(const std::string& text) {
  v1::ControllerConfig config;
  return std::string(Parse(text, config).message());
}

TEST(YamlTest, FillsEveryKindOfField) {
  v1::ControllerConfig config;
  ASSERT_THAT(Parse(R"(
chef:
  server_url: https://chef.example.com
  max_node_bytes: 5000000000
sync:
  window: 1500ms
  requests_per_second: 2.5
  max_in_flight: 3
renderings:
  rehai: false
hosts:
  - node: hv1
    uri: qemu:///system
    labels: {rack: a1, row: 7}
  - node: hv2
)",
                    config),
              IsOk());
  EXPECT_EQ(config.chef().server_url(), "https://chef.example.com");
  EXPECT_EQ(config.chef().max_node_bytes(), 5000000000);
  EXPECT_EQ(config.sync().window().seconds(), 1);
  EXPECT_EQ(config.sync().window().nanos(), 500000000);
  EXPECT_EQ(config.sync().requests_per_second(), 2.5);
  EXPECT_TRUE(config.renderings().has_rehai());
  EXPECT_FALSE(config.renderings().rehai());
  ASSERT_EQ(config.hosts_size(), 2);
  EXPECT_EQ(config.hosts(0).labels().at("row"), "7");
  EXPECT_EQ(config.hosts(1).node(), "hv2");
}

TEST(YamlTest, AnEmptyDocumentAndAnEmptyKeySetNothing) {
  v1::ControllerConfig config;
  EXPECT_THAT(Parse("", config), IsOk());
  EXPECT_THAT(Parse("chef:\nhosts:\n", config), IsOk());
  EXPECT_THAT(config, EqualsProto(v1::ControllerConfig()));
}

TEST(YamlTest, AnUnknownKeyNamesFileLinePathAndTheLikelyKey) {
  EXPECT_EQ(ProblemOf("chef:\n  server_url: x\n  client_keyfile: y\n"),
            "f.yaml:3: chef.client_keyfile: unknown key; did you mean "
            "client_key_file?");
  EXPECT_THAT(ProblemOf("log:\n  zzzzzzzzzz: 1\n"),
              HasSubstr("known here: level, format"));
}

TEST(YamlTest, EveryProblemIsReportedAtOnce) {
  EXPECT_EQ(
      ProblemOf("sync:\n  window: 10\n  max_in_flight: many\n"),
      "f.yaml:2: sync.window: is \"10\"; expected a duration like 200ms, "
      "10s, 5m or 1h\n"
      "f.yaml:3: sync.max_in_flight: is \"many\"; expected a whole number");
}

TEST(YamlTest, WrongShapesAreNamed) {
  EXPECT_THAT(ProblemOf("hosts: hv1\n"), HasSubstr("expected a list"));
  EXPECT_THAT(ProblemOf("chef: [a]\n"), HasSubstr("chef: is a list"));
  EXPECT_THAT(ProblemOf("chef:\n  server_url: {a: b}\n"),
              HasSubstr("expected one value"));
  EXPECT_THAT(ProblemOf("hosts:\n  - node: a\n    labels: {x: [1]}\n"),
              HasSubstr("hosts[0].labels.x"));
  EXPECT_THAT(ProblemOf("renderings:\n  rehai: maybe\n"),
              HasSubstr("expected true or false"));
  EXPECT_THAT(ProblemOf("sync: {window: -1s}\n"), HasSubstr("duration"));
  EXPECT_THAT(ProblemOf("just words\n"), HasSubstr("f.yaml:1: is"));
}

TEST(YamlTest, WhatNobodyCanCountWithIsNoNumber) {
  for (const char* const value : {"nan", "inf", "-inf", "1e999", ".inf"}) {
    EXPECT_THAT(
        ProblemOf(absl::StrCat("sync: {requests_per_second: ", value, "}")),
        HasSubstr("expected a number"))
        << value;
  }
}

TEST(YamlTest, TextThatIsNotUtf8IsAProblem) {
  EXPECT_THAT(ProblemOf("hosts: [{node: hv1, labels: {owner: Ren\xE9}}]"),
              HasSubstr("f.yaml: is not UTF-8"));
  // Of UTF-32, and of no character.
  EXPECT_THAT(ProblemOf(std::string("5\0\0\0s:\n  - \nn5\0\0", 16)),
              HasSubstr("f.yaml: is not UTF-8"));
}

// yaml-cpp alone would never come back.
TEST(YamlTest, ADocumentThatBeginsWithACommaIsAProblemAndAnEnd) {
  EXPECT_THAT(ProblemOf(",osts:\n  - node: hv2\n"),
              HasSubstr("f.yaml: holds more than one document"));
  EXPECT_THAT(ProblemOf("log: {}\n---\nlog: {}\n"),
              HasSubstr("f.yaml: holds more than one document"));
  EXPECT_EQ(ProblemOf("---\nlog: {}\n...\n"), "");
}

TEST(YamlTest, AKeyGivenTwiceIsAProblem) {
  EXPECT_THAT(ProblemOf("log:\n  level: a\n  level: b\n"),
              HasSubstr("f.yaml:3: log.level: is given twice"));
}

TEST(YamlTest, BrokenYamlNamesItsLine) {
  EXPECT_THAT(ProblemOf("chef:\n  a: [1, 2\n"), HasSubstr("not YAML"));
  EXPECT_THAT(ProblemOf("a: b\n---\nc: d\n"),
              HasSubstr("more than one document"));
}

}  // namespace
}  // namespace rehai
