// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/run_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::HasSubstr;
using ::testing::IsNull;
using ::testing::NotNull;

// As chef-client 16 and 18 send them, lists shortened.
constexpr char kStart[] =
    R"({"chef_server_fqdn":"chef.example.com",)"
    R"("entity_uuid":"5cbd2d29-4b7d-4d4c-8a8b-6e6f0a7d4f01",)"
    R"("id":"0b8d2a4e-7b53-4c55-9a1c-1d7a94a0f6c2",)"
    R"("message_version":"1.0.0","message_type":"run_start",)"
    R"("node_name":"hv1.example.com","organization_name":"prod",)"
    R"("run_id":"0b8d2a4e-7b53-4c55-9a1c-1d7a94a0f6c2",)"
    R"("source":"chef_client","start_time":"2026-11-24T14:00:03Z"})";

constexpr char kNode[] =
    R"({"name":"hv1.example.com","chef_environment":"_default",)"
    R"("json_class":"Chef::Node","automatic":{"ohai_time":1795527759.2440631,)"
    R"("virtualization":{"system":"kvm","role":"host"},)"
    R"("n":18446744073709551616,"text":"\u003c&> \"node\":"},)"
    R"("normal":{"tags":[]},"chef_type":"node","default":{},)"
    R"("override":{},"run_list":["recipe[base]","role[hv]"]})";

std::string End(const std::string& status, const std::string& run_list,
                const std::string& node) {
  return absl::StrCat(
      R"({"chef_server_fqdn":"chef.example.com",)"
      R"("entity_uuid":"5cbd2d29-4b7d-4d4c-8a8b-6e6f0a7d4f01",)"
      R"("expanded_run_list":{"id":"_default","run_list":[{"type":"recipe",)"
      R"("name":"base","version":null,"skipped":false}]},)"
      R"("id":"0b8d2a4e-7b53-4c55-9a1c-1d7a94a0f6c2",)"
      R"("message_version":"1.1.0","message_type":"run_converge","node":)",
      node,
      R"(,"node_name":"hv1.example.com","organization_name":"prod",)"
      R"("resources":[{"type":"file","name":"/etc/motd","id":"/etc/motd",)"
      R"("after":{"mode":"0644"},"before":{},"duration":"3","delta":"",)"
      R"("ignore_failure":false,"result":"create","status":"updated"}],)"
      R"("run_id":"0b8d2a4e-7b53-4c55-9a1c-1d7a94a0f6c2","run_list":)",
      run_list,
      R"(,"cookbooks":{"base":{"version":"1.2.0"}},"policy_name":null,)"
      R"("policy_group":null,"start_time":"2026-11-24T14:00:03Z",)"
      R"("end_time":"2026-11-24T14:00:09Z","source":"chef_client",)"
      R"("status":")",
      status,
      R"(","total_resource_count":1,"updated_resource_count":1,)"
      R"("deprecations":[]})");
}

constexpr char kRunList[] = R"(["recipe[base]", "role[hv]"])";

TEST(RunMessageTest, AStartNamesItsNodeAndRun) {
  const auto run = ParseRunMessage(kStart);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->kind, RunMessage::Kind::kStart);
  EXPECT_EQ(run->node, "hv1.example.com");
  EXPECT_EQ(run->run_id, "0b8d2a4e-7b53-4c55-9a1c-1d7a94a0f6c2");
  EXPECT_EQ(run->started_at,
            absl::FromCivil(absl::CivilSecond(2026, 11, 24, 14, 0, 3),
                            absl::UTCTimeZone()));
  EXPECT_THAT(run->node_document, IsNull());
}

TEST(RunMessageTest, AnEndHoldsTheNodeAsItWasSaved) {
  const auto run = ParseRunMessage(End("success", kRunList, kNode));
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->kind, RunMessage::Kind::kEnd);
  EXPECT_EQ(run->node, "hv1.example.com");
  EXPECT_TRUE(run->success);
  EXPECT_TRUE(run->saved);
  ASSERT_THAT(run->node_document, NotNull());
  EXPECT_EQ(*run->node_document, kNode);
}

TEST(RunMessageTest, ARunThatFailedHasSavedNothing) {
  const auto run = ParseRunMessage(End("failure", kRunList, kNode));
  ASSERT_THAT(run, IsOk());
  EXPECT_FALSE(run->success);
  EXPECT_FALSE(run->saved);
  // Before it had read its node.
  for (const char* const node : {"{}", "null"}) {
    const auto early = ParseRunMessage(End("failure", "[]", node));
    ASSERT_THAT(early, IsOk());
    EXPECT_FALSE(early->saved);
    EXPECT_THAT(early->node_document, IsNull());
  }
}

TEST(RunMessageTest, ARunWithAnotherRunListThanTheNodesHasSavedNothing) {
  for (const char* const run_list : {R"(["recipe[other]"])", "[]", "null",
                                     R"(["role[hv]","recipe[base]"])"}) {
    const auto run = ParseRunMessage(End("success", run_list, kNode));
    ASSERT_THAT(run, IsOk());
    EXPECT_TRUE(run->success);
    EXPECT_FALSE(run->saved) << run_list;
  }
}

TEST(RunMessageTest, OtherMessagesArePassedOver) {
  for (const char* const body :
       {R"({"message_type":"action","message_version":"1.1.0","id":"1"})",
        R"({"type":"inspec_report","node_uuid":"1","profiles":[]})"}) {
    EXPECT_THAT(ParseRunMessage(body),
                StatusIs(absl::StatusCode::kUnimplemented))
        << body;
  }
}

TEST(RunMessageTest, AMessageOfOursQuotesOnlyTheBeginOfAnother) {
  const std::string longer(100'000, 'x');
  for (const std::string& body :
       {absl::StrCat(R"({"message_type":")", longer, R"("})"),
        absl::StrCat(R"({"message_type":"run_start","message_version":")",
                     longer, R"("})")}) {
    const auto run = ParseRunMessage(body);
    ASSERT_FALSE(run.ok());
    EXPECT_LT(run.status().message().size(), 500u);
  }
}

TEST(RunMessageTest, AMessageThatLacksWhatItNeedsIsRefused) {
  const std::string end = End("success", kRunList, kNode);
  for (const auto& [key, other] :
       {std::pair("\"message_type\"", "\"x\""),
        std::pair("\"message_version\"", "\"x\""),
        std::pair("\"message_version\":\"1", "\"message_version\":\"3"),
        std::pair("\"message_version\":\"1", "\"message_version\":\"12"),
        std::pair("\"node_name\"", "\"x\""),
        std::pair("\"node_name\":\"hv1", "\"node_name\":\"hv2"),
        std::pair("\"node_name\":\"hv1", "\"node_name\":\"h/v"),
        std::pair("\"run_id\"", "\"x\""), std::pair("\"start_time\"", "\"x\""),
        std::pair("T14:00:03Z", "T14"),
        std::pair("2026-11-24T14:00:03Z", "infinite-past"),
        std::pair("2026-11-24T14:00:03Z", "infinite-future"),
        std::pair("\"status\":\"success\"", "\"status\":\"done\""),
        std::pair("\"status\":\"success\"", "\"status\":7"),
        std::pair("\"node\":{", "\"x\":{")}) {
    EXPECT_THAT(ParseRunMessage(absl::StrReplaceAll(end, {{key, other}})),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << key << " -> " << other;
  }
}

TEST(RunMessageTest, WhatIsNotJsonIsRefusedWithItsPlace) {
  EXPECT_THAT(
      ParseRunMessage("{\"a\":"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte 5 of 5")));
  for (const char* const body : {"", "[]", "null", "{}", "\"run_start\""}) {
    EXPECT_THAT(ParseRunMessage(body),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << body;
  }
  EXPECT_THAT(ParseRunMessage(absl::StrCat("{\"a\":", std::string(5000, '['))),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::chef
