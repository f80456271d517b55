// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1795527759);

std::string Uuid(int i) {
  return absl::StrFormat("c7a5fdbd-edaf-4d1c-8f64-%012d", i);
}

// Full, of two guests.
v1::AgentReport GoodReport() {
  v1::AgentReport report;
  report.set_epoch(7);
  report.set_sequence(1);
  report.set_full(true);
  *report.mutable_age() = ToProto(absl::Seconds(2));
  report.mutable_facts()->set_uuid(Uuid(100));
  report.add_guests()->set_uuid(Uuid(1));
  report.add_guests()->set_uuid(Uuid(2));
  return report;
}

TEST(AgentObservationTest, OnlyUuidsAsLibvirtWritesThemAreCanonical) {
  EXPECT_TRUE(IsCanonicalUuid("c7a5fdbd-edaf-4d1c-8f64-0123456789ab"));
  EXPECT_TRUE(IsCanonicalUuid("00000000-0000-0000-0000-000000000000"));
  for (const char* text : {"", "0", "C7A5FDBD-EDAF-4D1C-8F64-0123456789AB",
                           "c7a5fdbdedaf4d1c8f640123456789ab",
                           "c7a5fdbd-edaf-4d1c-8f64-0123456789a",
                           "c7a5fdbd-edaf-4d1c-8f64-0123456789abc",
                           "c7a5fdbd-edaf-4d1c-8f64-0123456789ag",
                           "c7a5fdbde-daf-4d1c-8f64-0123456789ab",
                           "c7a5fdbd edaf 4d1c 8f64 0123456789ab",
                           "{c7a5fdbd-edaf-4d1c-8f64-0123456789}"}) {
    EXPECT_FALSE(IsCanonicalUuid(text)) << text;
  }
}

TEST(AgentObservationTest, AReportIsWhatAnAgentSawOfItsHost) {
  v1::AgentReport report = GoodReport();
  report.add_removed_uuids(Uuid(3));
  report.add_unread_uuids(Uuid(1));
  report.add_moving_uuids(Uuid(4));
  report.add_answers(9);
  ASSERT_THAT(CheckReport(report), IsOk());
  const v1::Observation seen = ToObservation(report, "hv1.example.com", kNow);
  EXPECT_EQ(seen.provenance().kind(), v1::SOURCE_KIND_PUSH);
  EXPECT_EQ(seen.provenance().origin(), "agent hv1.example.com");
  EXPECT_EQ(FromProto(seen.provenance().observed_at()),
            kNow - absl::Seconds(2));
  EXPECT_TRUE(seen.full());
  EXPECT_EQ(seen.facts().uuid(), Uuid(100));
  EXPECT_THAT(seen.guests(), SizeIs(2));
  EXPECT_THAT(seen.removed_uuids(), ElementsAre(Uuid(3)));
  EXPECT_THAT(seen.unread_uuids(), ElementsAre(Uuid(1)));
  EXPECT_THAT(seen.moving_uuids(), ElementsAre(Uuid(4)));
  EXPECT_EQ(seen.node(), "");
  EXPECT_EQ(seen.session(), 0);
  EXPECT_EQ(seen.sequence(), 0);
}

TEST(AgentObservationTest, FactsThatWereNotReadStayAbsent) {
  v1::AgentReport report = GoodReport();
  report.set_full(false);
  report.clear_facts();
  ASSERT_THAT(CheckReport(report), IsOk());
  EXPECT_FALSE(ToObservation(report, "hv1", kNow).has_facts());
}

// A report from the future would win over what is seen later, and one from
// long ago would look stale.
TEST(AgentObservationTest, NoAgeMakesAReadingNewerThanNowOrOlderThanADay) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  struct Case {
    int64_t seconds;
    int32_t nanos;
    absl::Duration age;
  };
  for (const Case& c : std::vector<Case>{
           {0, 0, absl::ZeroDuration()},
           {3, 500'000'000, absl::Milliseconds(3500)},
           {-5, 0, absl::ZeroDuration()},
           {0, -1, absl::ZeroDuration()},
           {kLeast, std::numeric_limits<int32_t>::min(), absl::ZeroDuration()},
           {3, std::numeric_limits<int32_t>::min(),
            absl::Seconds(3) - absl::Nanoseconds(2147483648)},
           {86'400, 0, absl::Hours(24)},
           {86'401, 0, absl::Hours(24)},
           {kMost, std::numeric_limits<int32_t>::max(), absl::Hours(24)}}) {
    v1::AgentReport report = GoodReport();
    report.mutable_age()->set_seconds(c.seconds);
    report.mutable_age()->set_nanos(c.nanos);
    const absl::Duration age = std::max(c.age, absl::ZeroDuration());
    EXPECT_EQ(AgeOf(report), age) << c.seconds << " " << c.nanos;
    ASSERT_THAT(CheckReport(report), IsOk());
    EXPECT_EQ(
        FromProto(
            ToObservation(report, "hv1", kNow).provenance().observed_at()),
        kNow - age);
  }
  v1::AgentReport ageless = GoodReport();
  ageless.clear_age();
  EXPECT_EQ(AgeOf(ageless), absl::ZeroDuration());
}

TEST(AgentObservationTest, AReportThatCannotBeIsNotBelieved) {
  struct Case {
    const char* message;
    std::function<void(v1::AgentReport&)> spoil;
  };
  const auto fill = [](google::protobuf::RepeatedPtrField<std::string>* uuids) {
    for (int i = 0; i <= kMostGuestsOfReport; ++i) *uuids->Add() = Uuid(i);
  };
  for (const Case& c : std::vector<Case>{
           {"has the UUID \"\"", [](auto& r) { r.add_guests(); }},
           {"has the UUID \"ABC\"",
            [](auto& r) { r.add_guests()->set_uuid("ABC"); }},
           {"is listed twice",
            [](auto& r) { r.add_guests()->set_uuid(Uuid(2)); }},
           {"listed and removed",
            [](auto& r) {
              r.set_full(false);
              r.add_removed_uuids(Uuid(2));
            }},
           {"host UUID \"me\"",
            [](auto& r) { r.mutable_facts()->set_uuid("me"); }},
           {"nothing of the host itself", [](auto& r) { r.clear_facts(); }},
           {"20001 guests",
            [](auto& r) {
              for (int i = 10; i < 10 + kMostGuestsOfReport - 1; ++i) {
                r.add_guests()->set_uuid(Uuid(i));
              }
            }},
           {"20001 removed_uuids",
            [&](auto& r) { fill(r.mutable_removed_uuids()); }},
           {"20001 unread_uuids",
            [&](auto& r) { fill(r.mutable_unread_uuids()); }},
           {"20001 moving_uuids",
            [&](auto& r) { fill(r.mutable_moving_uuids()); }},
           {"removed_uuids has \"\"", [](auto& r) { r.add_removed_uuids(""); }},
           {"unread_uuids has \"x\"", [](auto& r) { r.add_unread_uuids("x"); }},
           {"moving_uuids has \"y\"", [](auto& r) { r.add_moving_uuids("y"); }},
           {"1001 answers",
            [](auto& r) {
              for (int i = 0; i <= kMostAnswersOfReport; ++i) r.add_answers(i);
            }},
           {"why nothing could be read, and what was",
            [](auto& r) { r.set_source_error("libvirtd is away"); }},
       }) {
    v1::AgentReport report = GoodReport();
    c.spoil(report);
    EXPECT_THAT(
        CheckReport(report),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(AgentObservationTest, AsManyGuestsAsMayBeAreBelieved) {
  v1::AgentReport report = GoodReport();
  for (int i = 10; i < 10 + kMostGuestsOfReport - 2; ++i) {
    report.add_guests()->set_uuid(Uuid(i));
  }
  EXPECT_THAT(report.guests(), SizeIs(kMostGuestsOfReport));
  EXPECT_THAT(CheckReport(report), IsOk());
}

TEST(AgentObservationTest, ASourceErrorStandsAloneAndIsCutBetweenCharacters) {
  v1::AgentReport report;
  report.set_epoch(7);
  report.set_sequence(1);
  std::string error(999, 'x');
  error += "\xC3\xA4 and more";  // the 1000th byte is in the middle of it
  report.set_source_error(error);
  ASSERT_THAT(CheckReport(report), IsOk());
  EXPECT_EQ(SourceErrorOf(report), std::string(999, 'x') + "...");
  report.set_source_error("short");
  EXPECT_EQ(SourceErrorOf(report), "short");
}

TEST(AgentObservationTest, TextThatIsNotUtf8IsNoMessage) {
  v1::AgentReport report = GoodReport();
  report.mutable_guests(0)->set_name("guest-XX");
  std::string bytes = report.SerializeAsString();
  const size_t at = bytes.find("XX");
  bytes.replace(at, 2, "\xC3\x28");
  v1::AgentReport parsed;
  EXPECT_FALSE(parsed.ParseFromString(bytes));
  bytes.replace(at, 2, "\xC3\xA4");
  EXPECT_TRUE(parsed.ParseFromString(bytes));
}

}  // namespace
}  // namespace rehai
