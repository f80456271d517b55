// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/command_line.h"
#include "cli/usage.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/timestamp.pb.h"
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

TEST(ArgumentsTest, AGuestIsNamedByOneOfItsKeys) {
  const auto key = [](const std::vector<std::string>& words) {
    const auto request = ReadGuestKey(Parse(words));
    EXPECT_THAT(request, IsOk());
    return request.ok() ? *request : v1::GetGuestRequest();
  };
  EXPECT_EQ(key({"guest", "6B29FC40-ca47-1067-b31d-00dd010662da"}).uuid(),
            "6B29FC40-ca47-1067-b31d-00dd010662da");
  EXPECT_EQ(key({"guest", "web01"}).name(), "web01");
  EXPECT_EQ(key({"guest", "6b29fc40-ca47-1067-b31d"}).name(),
            "6b29fc40-ca47-1067-b31d");
  EXPECT_EQ(key({"guest", "--mac", "52:54:00:6b:3c:58"}).mac(),
            "52:54:00:6b:3c:58");
  EXPECT_EQ(key({"guest", "--ip", "10.0.0.7"}).ip(), "10.0.0.7");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"guest"}, {"guest", "web01", "--ip", "10.0.0.7"}}) {
    EXPECT_THAT(
        ReadGuestKey(Parse(words)),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("which one?")));
  }
}

TEST(ArgumentsTest, AFilterGoesWithTheOtherFlags) {
  EXPECT_EQ(ReadGuestQuestion(Parse({"guests", "-f", "memory > 1"}))->filter(),
            "memory > 1");
  EXPECT_EQ(ReadGuestQuestion(Parse({"guests", "--name", "a", "--filter",
                                     "ip = x OR missing"}))
                ->filter(),
            R"(name = "a" AND (ip = x OR missing))");
  const auto hosts = ReadHostQuestion(
      Parse({"hosts", "hv1", "--filter", "sync = parked", "--sort",
             "guests desc", "--fields", "node,labels.rack"}));
  ASSERT_THAT(hosts, IsOk());
  EXPECT_THAT(*hosts, EqualsProto(FromText<v1::ListHostsRequest>(R"pb(
    selector { nodes: "hv1" }
    filter: "sync = parked"
    order_by: "guests desc"
    read_mask { paths: "node" paths: "labels.rack" }
  )pb")));
}

TEST(ArgumentsTest, LimitsAreCounts) {
  EXPECT_THAT(ReadLimit(Parse({"audit"}), 100), IsOkAndHolds(100));
  EXPECT_THAT(ReadLimit(Parse({"audit", "-n", "0"}), 100), IsOkAndHolds(0));
  EXPECT_THAT(
      ReadLimit(Parse({"audit", "--limit", "-1"}), 100),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--limit")));
}

TEST(ArgumentsTest, APeriodEndsAfterItsBeginning) {
  const absl::Time now = absl::FromUnixSeconds(100000);
  google::protobuf::Timestamp from;
  google::protobuf::Timestamp until;
  EXPECT_THAT(ReadPeriod(Parse({"audit", "--since", "100s", "--until", "10s"}),
                         now, from, until),
              IsOk());
  EXPECT_EQ(from.seconds(), 99900);
  EXPECT_EQ(until.seconds(), 99990);
  EXPECT_THAT(
      ReadPeriod(Parse({"audit", "--since", "10s", "--until", "100s"}), now,
                 from, until),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--until")));
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

// What resync with these words asks for.
v1::ResyncStartRequest Start(std::vector<std::string> words) {
  words.insert(words.begin(), {"resync", "hv1"});
  const auto request = ReadResyncStart(Parse(words));
  EXPECT_THAT(request, IsOk());
  return request.ok() ? *request : v1::ResyncStartRequest();
}

absl::Status StartError(std::vector<std::string> words) {
  words.insert(words.begin(), {"resync", "hv1"});
  return ReadResyncStart(Parse(words)).status();
}

TEST(ArgumentsTest, OhaiGoesAlone) {
  EXPECT_THAT(Start({"--ohai"}).modes(), ElementsAre(v1::RESYNC_MODE_OHAI));
  for (const char* other : {"--reread", "--rewrite", "--verify-only"}) {
    EXPECT_THAT(StartError({"--ohai", other}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("--ohai"), HasSubstr(other))));
  }
}

TEST(ArgumentsTest, PluginsAreForOhai) {
  EXPECT_THAT(Start({"--ohai"}).ohai_plugins(), IsEmpty());
  EXPECT_THAT(
      Start({"--ohai", "--plugins", "network,cpu", "--plugins", "uptime"})
          .ohai_plugins(),
      ElementsAre("network", "cpu", "uptime"));
  EXPECT_THAT(
      StartError({"--ohai", "--plugins", "cpu,"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--plugins")));
  EXPECT_THAT(
      StartError({"--plugins", "cpu"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--ohai")));
}

TEST(ArgumentsTest, AResyncDistrustsBothUnlessToldWhich) {
  EXPECT_THAT(Start({}).modes(),
              ElementsAre(v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE));
  EXPECT_THAT(Start({"--reread"}).modes(), ElementsAre(v1::RESYNC_MODE_REREAD));
  EXPECT_THAT(Start({"--rewrite"}).modes(),
              ElementsAre(v1::RESYNC_MODE_REWRITE));
  EXPECT_THAT(Start({"--verify-only"}).modes(),
              ElementsAre(v1::RESYNC_MODE_VERIFY_ONLY));
  EXPECT_THAT(Start({"--reread", "--verify-only"}).modes(),
              ElementsAre(v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_VERIFY_ONLY));
  EXPECT_THAT(
      StartError({"--rewrite", "--verify-only"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--verify-only")));
}

TEST(ArgumentsTest, AResyncHasItsOwnPace) {
  EXPECT_THAT(Start({"--rate=2.5", "--concurrency", "4", "--host-timeout", "1m",
                     "--deadline", "2h", "--idempotency-key", "k1", "--dry-run",
                     "--reread"}),
              EqualsProto(FromText<v1::ResyncStartRequest>(R"pb(
                selector { nodes: "hv1" }
                modes: RESYNC_MODE_REREAD
                dry_run: true
                pace {
                  hosts_per_second: 2.5
                  hosts_at_once: 4
                  host_timeout { seconds: 60 }
                }
                timeout { seconds: 7200 }
                idempotency_key: "k1"
              )pb")));
  EXPECT_THAT(
      StartError({"--deadline", "soon"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--deadline")));
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
