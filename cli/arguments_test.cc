// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command_line.h"
#include "cli/usage.h"
#include "google/protobuf/text_format.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Invocation Parse(const std::vector<std::string>& words) {
  const auto invocation = ParseCommandLine(Rehaictl(), words);
  EXPECT_THAT(invocation, IsOk());
  return invocation.ok() ? *invocation : Invocation();
}

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

TEST(ArgumentsTest, TheServerIsTheFlagsThenTheEnvironmentsThenLocal) {
  unsetenv("REHAI_SERVER");
  EXPECT_EQ(ReadClientOptions(Parse({"hosts"}))->server, "127.0.0.1:7420");
  setenv("REHAI_SERVER", "rehai:1", 1);
  EXPECT_EQ(ReadClientOptions(Parse({"hosts"}))->server, "rehai:1");
  EXPECT_EQ(ReadClientOptions(Parse({"hosts", "-s", "other:2"}))->server,
            "other:2");
  unsetenv("REHAI_SERVER");
}

TEST(ArgumentsTest, ATimeoutIsADuration) {
  const auto options =
      ReadClientOptions(Parse({"hosts", "--timeout", "1m30s"}));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->timeout, absl::Seconds(90));
  EXPECT_EQ(options->watch_timeout, absl::Seconds(90));
  for (const char* text : {"30", "soon", "-1s", "0s"}) {
    EXPECT_THAT(
        ReadClientOptions(Parse({"hosts", "--timeout", text})),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--timeout")))
        << text;
  }
}

TEST(ArgumentsTest, FormatsHaveNames) {
  EXPECT_THAT(ReadOutputFormat(Parse({"hosts"})),
              IsOkAndHolds(OutputFormat::kTable));
  EXPECT_THAT(ReadOutputFormat(Parse({"hosts", "-o", "yaml"})),
              IsOkAndHolds(OutputFormat::kYaml));
  EXPECT_THAT(ReadOutputFormat(Parse({"hosts", "-o", "jsno"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean json?")));
}

TEST(ArgumentsTest, AGuestQuestionIsAllItsFlags) {
  const auto question = ReadGuestQuestion(Parse(
      {"guests", "--state", "running", "--state=shut-off", "--name",
       R"(we"b\*)", "--host", "hv1", "--host", "hv2", "--label", "rack=a=1"}));
  ASSERT_THAT(question, IsOk());
  EXPECT_EQ(question->filter(),
            "(state = GUEST_STATE_RUNNING OR state = GUEST_STATE_SHUT_OFF) "
            R"(AND name = "we\"b\\*")");
  EXPECT_THAT(question->hosts(), EqualsProto(FromText<v1::HostSelector>(R"pb(
                nodes: [ "hv1", "hv2" ]
                labels { key: "rack" value: "a=1" }
              )pb")));
}

TEST(ArgumentsTest, AGuestQuestionWithoutFlagsIsForAll) {
  EXPECT_THAT(ReadGuestQuestion(Parse({"guests"})),
              IsOkAndHolds(EqualsProto(v1::ListGuestsRequest())));
}

TEST(ArgumentsTest, LabelsAreKeysWithValues) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"hosts", "--label", "rack"},
           {"hosts", "--label", "=a"},
           {"hosts", "-l", "k=a", "-l", "k=b"}}) {
    EXPECT_THAT(
        ReadSelector(Parse(words), {}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--label")));
  }
}

TEST(ArgumentsTest, AGuestIsNamedByUuidOrName) {
  EXPECT_EQ(ReadGuestKey("6B29FC40-ca47-1067-b31d-00dd010662da").uuid(),
            "6B29FC40-ca47-1067-b31d-00dd010662da");
  EXPECT_EQ(ReadGuestKey("web01").name(), "web01");
  EXPECT_EQ(ReadGuestKey("6b29fc40-ca47-1067-b31d").name(),
            "6b29fc40-ca47-1067-b31d");
}

TEST(ArgumentsTest, HostsMustBeChosen) {
  EXPECT_THAT(ReadChosenHosts(Parse({"resync"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("resync: which hosts?")));
  EXPECT_THAT(ReadChosenHosts(Parse({"source", "retry"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("source retry: which hosts?")));
  EXPECT_THAT(ReadChosenHosts(Parse({"resync", "--all", "hv1"})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--all")));
  EXPECT_THAT(ReadChosenHosts(Parse({"resync", "--all"})),
              IsOkAndHolds(EqualsProto(v1::HostSelector())));
  const auto named = ReadChosenHosts(Parse({"resync", "hv1", "hv2"}));
  ASSERT_THAT(named, IsOk());
  EXPECT_THAT(named->nodes(), ElementsAre("hv1", "hv2"));
}

TEST(ArgumentsTest, OhaiGoesAlone) {
  EXPECT_THAT(*ReadModes(Parse({"resync", "hv1", "--ohai"})),
              ElementsAre(v1::RESYNC_MODE_OHAI));
  for (const char* other : {"--reread", "--rewrite"}) {
    EXPECT_THAT(ReadModes(Parse({"resync", "hv1", "--ohai", other})),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("--ohai"), HasSubstr(other))));
  }
}

TEST(ArgumentsTest, PluginsAreForOhai) {
  EXPECT_THAT(*ReadPlugins(Parse({"resync", "hv1", "--ohai"})), IsEmpty());
  EXPECT_THAT(*ReadPlugins(Parse({"resync", "hv1", "--ohai", "--plugins",
                                  "network,cpu", "--plugins", "uptime"})),
              ElementsAre("network", "cpu", "uptime"));
  EXPECT_THAT(
      ReadPlugins(Parse({"resync", "hv1", "--ohai", "--plugins", "cpu,"})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--plugins")));
  EXPECT_THAT(
      ReadPlugins(Parse({"resync", "hv1", "--plugins", "cpu"})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--ohai")));
}

TEST(ArgumentsTest, AResyncDistrustsBothUnlessToldWhich) {
  EXPECT_THAT(*ReadModes(Parse({"resync", "--all"})),
              ElementsAre(v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE));
  EXPECT_THAT(*ReadModes(Parse({"resync", "--all", "--reread"})),
              ElementsAre(v1::RESYNC_MODE_REREAD));
  EXPECT_THAT(*ReadModes(Parse({"resync", "--all", "--rewrite"})),
              ElementsAre(v1::RESYNC_MODE_REWRITE));
}

TEST(ArgumentsTest, OnlyLimitsThatAreNamedAreSet) {
  const auto none = ReadLimits(Parse({"chef", "limits"}));
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(*none, EqualsProto(v1::ChefLimits()));
  const auto all = ReadLimits(
      Parse({"chef", "limits", "--requests_per_second=12.5", "--request_burst",
             "25", "--bytes_per_second=5000000000", "--byte_burst=1",
             "--max_in_flight=8", "--server_share=0"}));
  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(*all, EqualsProto(FromText<v1::ChefLimits>(R"pb(
    requests_per_second: 12.5
    request_burst: 25
    bytes_per_second: 5000000000
    byte_burst: 1
    max_in_flight: 8
    server_share: 0
  )pb")));
}

TEST(ArgumentsTest, ALimitIsANumber) {
  for (const char* text : {"--requests_per_second=fast", "--server_share=nan",
                           "--request_burst=2.5", "--max_in_flight=5000000000",
                           "--bytes_per_second=", "--byte_burst=5MB"}) {
    const std::string flag(text, std::string(text).find('='));
    EXPECT_THAT(ReadLimits(Parse({"chef", "limits", text})),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(flag)));
  }
}

TEST(ArgumentsTest, StatesOfConnectionsAreRepeatedOrListed) {
  const auto states = [](const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"source", "connections"};
    words.insert(words.end(), flags.begin(), flags.end());
    return ReadConnectionStates(Parse(words));
  };
  EXPECT_THAT(states({}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(states({"--state", "up,Quarantined", "--state=waiting"}),
              IsOkAndHolds(ElementsAre(v1::CONNECTION_STATE_UP,
                                       v1::CONNECTION_STATE_QUARANTINED,
                                       v1::CONNECTION_STATE_WAITING)));
  EXPECT_THAT(states({"--state", "up,"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(states({"--state", "quarantine"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean quarantined?")));
}

TEST(ArgumentsTest, WhatIsHeldIsANumberAboveZero) {
  const auto held = [](const std::string& text) {
    return ReadHeld(Parse({"source", "confirm-discovery", "--held", text}));
  };
  EXPECT_THAT(held("12"), IsOkAndHolds(12));
  for (const char* text : {"0", "-3", "all", ""}) {
    EXPECT_THAT(held(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("--held")));
  }
}

TEST(ArgumentsTest, ARevisionIsANumber) {
  EXPECT_THAT(ReadAfterRevision(Parse({"watch"})), IsOkAndHolds(0));
  EXPECT_THAT(ReadAfterRevision(Parse({"watch", "--after", "17"})),
              IsOkAndHolds(17));
  for (const char* text : {"x", "-1", ""}) {
    EXPECT_THAT(
        ReadAfterRevision(Parse({"watch", "--after", text})),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--after")));
  }
}

}  // namespace
}  // namespace rehai::cli
