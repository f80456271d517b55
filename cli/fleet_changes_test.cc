// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/fleet_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"

namespace rehai::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Record FromText(const std::string& text) {
  v1::Record record;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &record));
  return record;
}

std::vector<std::string> Describe(const std::string& before,
                                  const std::string& after) {
  std::vector<std::string> texts;
  for (const ChangeLine& line :
       DescribeChange(FromText(before), FromText(after))) {
    texts.push_back(line.text);
  }
  return texts;
}

std::string Guest(const std::string& rest) {
  return "guests { uuid: 'u1' name: 'web01' " + rest + " }";
}

TEST(FleetChangesTest, TellsAppearedAndGoneGuests) {
  const std::string guest = Guest("state: GUEST_STATE_SHUT_OFF");
  EXPECT_THAT(Describe("", guest), ElementsAre("web01 appeared, shut off"));
  EXPECT_THAT(Describe(guest, ""), ElementsAre("web01 gone"));
}

TEST(FleetChangesTest, TellsStateChangesInVerbs) {
  const struct {
    const char* before;
    const char* after;
    const char* line;
  } cases[] = {
      {"SHUT_OFF", "RUNNING", "web01 started"},
      {"CRASHED", "RUNNING", "web01 started"},
      {"PAUSED", "RUNNING", "web01 resumed"},
      {"PM_SUSPENDED", "RUNNING", "web01 resumed"},
      {"RUNNING", "SHUT_OFF", "web01 stopped"},
      {"RUNNING", "PAUSED", "web01 paused"},
      {"RUNNING", "CRASHED", "web01 crashed"},
      {"RUNNING", "SHUTTING_DOWN", "web01 shutting down"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Describe(Guest(std::string("state: GUEST_STATE_") + c.before),
                         Guest(std::string("state: GUEST_STATE_") + c.after)),
                ElementsAre(c.line));
  }
}

TEST(FleetChangesTest, GivesTheHypervisorsReason) {
  EXPECT_THAT(
      Describe(Guest("state: GUEST_STATE_RUNNING state_reason: 'booted'"),
               Guest("state: GUEST_STATE_SHUT_OFF state_reason: 'destroyed'")),
      ElementsAre("web01 stopped (destroyed)"));
}

TEST(FleetChangesTest, TellsOtherChangesOfAGuest) {
  EXPECT_THAT(Describe(Guest("vcpus: 1"), Guest("vcpus: 2")),
              ElementsAre("web01 changed"));
  EXPECT_THAT(Describe(Guest(""), "guests { uuid: 'u1' name: 'web02' }"),
              ElementsAre("web01 renamed to web02"));
}

TEST(FleetChangesTest, TellsThatAHostWentAndCameBack) {
  EXPECT_THAT(
      Describe("presence: PRESENCE_CURRENT",
               "presence: PRESENCE_STALE "
               "conditions { type: 'Unreachable' message: 'no route' }"),
      ElementsAre("stale: no route"));
  EXPECT_THAT(
      Describe("presence: PRESENCE_STALE", "presence: PRESENCE_CURRENT"),
      ElementsAre("current"));
}

TEST(FleetChangesTest, AHostIsStaleForWhatMakesItUnreachableAndNothingElse) {
  const std::string doubt =
      "conditions { type: 'HostUuidChanged' message: 'another host?' } ";
  EXPECT_THAT(
      Describe("presence: PRESENCE_CURRENT " + doubt,
               "presence: PRESENCE_STALE " + doubt +
                   "conditions { type: 'Unreachable' message: 'no route' }"),
      ElementsAre("stale: no route"));
}

TEST(FleetChangesTest, TellsConditionsThatComeAndGo) {
  const std::string doubt =
      "conditions { type: 'HostUuidChanged' message: 'another host?' } ";
  EXPECT_THAT(Describe("", doubt),
              ElementsAre("HostUuidChanged: another host?"));
  EXPECT_THAT(Describe(doubt, ""), ElementsAre("HostUuidChanged no more"));
  EXPECT_THAT(Describe(doubt, doubt), IsEmpty());
}

TEST(FleetChangesTest, TellsMissingGuests) {
  EXPECT_THAT(Describe(Guest(""), Guest("") + "missing_uuids: 'u1'"),
              ElementsAre("web01 missing"));
  EXPECT_THAT(Describe(Guest("") + "missing_uuids: 'u1'", Guest("")),
              ElementsAre("web01 back"));
  EXPECT_THAT(Describe(Guest("") + "missing_uuids: 'u1'", ""),
              ElementsAre("web01 gone"));
}

TEST(FleetChangesTest, TellsChangesOfTheHostItself) {
  EXPECT_THAT(Describe("facts { cpus: 1 }", "facts { cpus: 2 }"),
              ElementsAre("host facts changed"));
  EXPECT_THAT(Describe("labels { key: 'a' value: 'b' }", ""),
              ElementsAre("labels changed"));
}

TEST(FleetChangesTest, AnAgeIsNoChange) {
  EXPECT_THAT(Describe("revision: 1 confirmed_at { seconds: 1 }",
                       "revision: 2 confirmed_at { seconds: 2 }"),
              IsEmpty());
}

}  // namespace
}  // namespace rehai::cli
