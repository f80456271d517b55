// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/report_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/proto_time.h"

namespace rehai::agent {
namespace {

using hypervisor::GuestEvent;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;

constexpr absl::Duration kNow = absl::Seconds(100);

v1::Guest MakeGuest(const std::string& uuid,
                    v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name("guest-" + uuid);
  guest.set_state(state);
  return guest;
}

hypervisor::Inventory Reading(std::vector<v1::Guest> guests) {
  hypervisor::Inventory found;
  found.facts.set_hostname("hv1");
  found.guests = std::move(guests);
  return found;
}

std::vector<std::string> Uuids(const v1::AgentReport& report) {
  std::vector<std::string> uuids;
  for (const v1::Guest& guest : report.guests()) uuids.push_back(guest.uuid());
  return uuids;
}

std::vector<std::string> Removed(const v1::AgentReport& report) {
  return {report.removed_uuids().begin(), report.removed_uuids().end()};
}

class ReportBufferTest : public testing::Test {
 protected:
  void Read(std::vector<v1::Guest> guests,
            const ReportBuffer::LastWords& told = {}) {
    buffer_.Take(Reading(std::move(guests)), kNow, told);
  }
  // The next report, which the controller acknowledges.
  std::optional<v1::AgentReport> Deliver() {
    auto report = buffer_.Next(kNow);
    if (report.has_value()) buffer_.Acknowledged(report->sequence());
    return report;
  }
  // A session in which the controller knows guests a and b, running.
  void BeginWithTwoKnown() {
    Read({MakeGuest("a"), MakeGuest("b")});
    buffer_.Begin(7, /*need_full=*/true);
    ASSERT_TRUE(Deliver().has_value());
  }

  ReportBuffer buffer_;
};

TEST_F(ReportBufferTest, TheFirstReportIsFullIfTheControllerWantsThat) {
  Read({MakeGuest("a"), MakeGuest("b")});
  buffer_.Begin(7, /*need_full=*/true);
  const auto report = buffer_.Next(kNow + absl::Seconds(2));
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_EQ(report->epoch(), 7);
  EXPECT_EQ(report->sequence(), 1);
  EXPECT_EQ(FromProto(report->age()), absl::Seconds(2));
  EXPECT_EQ(report->facts().hostname(), "hv1");
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
}

TEST_F(ReportBufferTest, NothingIsSaidBeforeAReadingOrASession) {
  buffer_.Begin(7, /*need_full=*/true);
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
  Read({MakeGuest("a")});
  buffer_.End();
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AReadingThatConfirmsIsNotReported) {
  BeginWithTwoKnown();
  Read({MakeGuest("a"), MakeGuest("b")});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AChangeIsReportedAlone) {
  BeginWithTwoKnown();
  Read({MakeGuest("a"), MakeGuest("b", v1::GUEST_STATE_PAUSED)});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->full());
  EXPECT_FALSE(report->has_facts());
  EXPECT_EQ(report->sequence(), 2);
  EXPECT_THAT(Uuids(*report), ElementsAre("b"));
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, OnlyTheNewestStateIsReportedAfterALongAbsence) {
  BeginWithTwoKnown();
  buffer_.End();
  for (const auto state : {v1::GUEST_STATE_PAUSED, v1::GUEST_STATE_RUNNING,
                           v1::GUEST_STATE_SHUT_OFF}) {
    Read({MakeGuest("a", state), MakeGuest("b")});
  }
  buffer_.Begin(8, /*need_full=*/false);
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  ASSERT_THAT(Uuids(*report), ElementsAre("a"));
  EXPECT_EQ(report->guests(0).state(), v1::GUEST_STATE_SHUT_OFF);
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AGuestThatIsGoneIsRemovedOnce) {
  BeginWithTwoKnown();
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kUndefined}});
  EXPECT_THAT(Removed(*Deliver()), ElementsAre("b"));
  Read({MakeGuest("a")});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, ARemovalThatWasNotAcknowledgedIsSaidAgain) {
  BeginWithTwoKnown();
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kUndefined}});
  ASSERT_TRUE(buffer_.Next(kNow).has_value());
  buffer_.End();
  buffer_.Begin(8, /*need_full=*/false);
  EXPECT_THAT(Removed(*Deliver()), ElementsAre("b"));
}

// Otherwise a broken hypervisor could make a whole host's guests disappear: the
// controller's brake judges full lists only.
TEST_F(ReportBufferTest, AGuestThatIsGoneWithoutAnEventMakesAFullReport) {
  BeginWithTwoKnown();
  Read({MakeGuest("a")});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Uuids(*report), ElementsAre("a"));
  EXPECT_THAT(Removed(*report), IsEmpty());
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AnEventOfSomethingElseIsNoRemoval) {
  BeginWithTwoKnown();
  for (const GuestEvent event : {GuestEvent::kChanged, GuestEvent::kPresent}) {
    Read({MakeGuest("a")}, {{{"b"}, event}});
    const auto report = Deliver();
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->full());
    EXPECT_THAT(Removed(*report), IsEmpty());
    Read({MakeGuest("a"), MakeGuest("b")});
    ASSERT_TRUE(Deliver().has_value());
  }
}

TEST_F(ReportBufferTest, AStopRemovesOnlyATransientGuest) {
  v1::Guest persistent = MakeGuest("b");
  persistent.set_persistent(true);
  Read({MakeGuest("a"), persistent});
  buffer_.Begin(7, /*need_full=*/true);
  ASSERT_TRUE(Deliver().has_value());
  Read({}, {{{"a"}, GuestEvent::kStopped}, {{"b"}, GuestEvent::kStopped}});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full()) << "for the controller to judge of b";
  EXPECT_THAT(Removed(*report), ElementsAre("a"));
}

TEST_F(ReportBufferTest, AnEndThatIsToldLateIsARemovalAllTheSame) {
  BeginWithTwoKnown();
  Read({MakeGuest("a")});
  ASSERT_TRUE(Deliver()->full());
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kUndefined}});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->full());
  EXPECT_THAT(Removed(*report), ElementsAre("b"));
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kUndefined}});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt) << "said once";
}

TEST_F(ReportBufferTest, AnEndThatIsToldMuchLaterIsOfAnotherGuestsLife) {
  BeginWithTwoKnown();
  Read({MakeGuest("a")});
  ASSERT_TRUE(Deliver()->full());
  buffer_.Take(Reading({MakeGuest("a")}), kNow + ReportBuffer::kLateEvent);
  buffer_.Take(Reading({MakeGuest("a")}), kNow + ReportBuffer::kLateEvent,
               {{{"b"}, GuestEvent::kUndefined}});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AnEndIsTakenBackByAGuestThatIsSaidToBeThere) {
  BeginWithTwoKnown();
  buffer_.SetMoving({"b"});
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kMigratedAway}});
  ASSERT_TRUE(Deliver().has_value());
  buffer_.SetMoving({});
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kPresent}});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Removed(*report), IsEmpty());
}

TEST_F(ReportBufferTest, AGuestThatWentWithoutAnEventWhileAwayMakesOneToo) {
  BeginWithTwoKnown();
  buffer_.End();
  Read({MakeGuest("a")});
  buffer_.Begin(8, /*need_full=*/false);
  auto report = buffer_.Next(kNow);
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  // And again until it is known to have arrived.
  buffer_.End();
  buffer_.Begin(9, /*need_full=*/false);
  report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED)});
  EXPECT_FALSE(Deliver()->full());
}

TEST_F(ReportBufferTest, ASessionThatGoesOnSaysThatNothingHasChanged) {
  BeginWithTwoKnown();
  buffer_.End();
  buffer_.Begin(8, /*need_full=*/false);
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->full());
  EXPECT_FALSE(report->has_facts());
  EXPECT_THAT(report->guests(), IsEmpty());
  EXPECT_THAT(report->removed_uuids(), IsEmpty());
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, ANewSessionIsToldOfAHypervisorThatIsStillAway) {
  BeginWithTwoKnown();
  buffer_.SetSourceError("libvirt is away");
  ASSERT_TRUE(Deliver().has_value());
  buffer_.End();
  buffer_.Begin(8, /*need_full=*/false);
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->source_error(), "libvirt is away");
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, OneReportIsUnderWayAtATime) {
  BeginWithTwoKnown();
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  const auto first = buffer_.Next(kNow);
  ASSERT_TRUE(first.has_value());
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED),
        MakeGuest("b", v1::GUEST_STATE_PAUSED)});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
  buffer_.Acknowledged(first->sequence());
  EXPECT_THAT(Uuids(*buffer_.Next(kNow)), ElementsAre("b"));
}

TEST_F(ReportBufferTest, AChangeDuringAReportSurvivesItsAcknowledgement) {
  BeginWithTwoKnown();
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  const auto first = buffer_.Next(kNow);
  Read({MakeGuest("a", v1::GUEST_STATE_SHUT_OFF), MakeGuest("b")});
  buffer_.Acknowledged(first->sequence());
  const auto second = buffer_.Next(kNow);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->guests(0).state(), v1::GUEST_STATE_SHUT_OFF);
}

TEST_F(ReportBufferTest, AnOldAcknowledgementChangesNothing) {
  BeginWithTwoKnown();
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(buffer_.Next(kNow).has_value());
  buffer_.Acknowledged(1);
  EXPECT_EQ(buffer_.last_acknowledged(), 1);
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);  // still under way
}

TEST_F(ReportBufferTest, AReportThatWasNotMergedIsFollowedByAFullOne) {
  BeginWithTwoKnown();
  Read({MakeGuest("a", v1::GUEST_STATE_PAUSED), MakeGuest("b")});
  ASSERT_TRUE(buffer_.Next(kNow).has_value());
  buffer_.NeedFull();
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_EQ(report->sequence(), 3);
  EXPECT_TRUE(report->has_facts());
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
}

TEST_F(ReportBufferTest, RemembersWhatWasAcknowledgedForTheNextHello) {
  EXPECT_EQ(buffer_.last_epoch(), 0);
  BeginWithTwoKnown();
  buffer_.End();
  EXPECT_EQ(buffer_.last_epoch(), 7);
  EXPECT_EQ(buffer_.last_acknowledged(), 1);
}

TEST_F(ReportBufferTest, AnUnreadGuestIsReportedAsSuchAndKeptIfNotListed) {
  BeginWithTwoKnown();
  hypervisor::Inventory found =
      Reading({MakeGuest("a", v1::GUEST_STATE_PAUSED)});
  found.unread_uuids = {"a", "b"};
  buffer_.Take(found, kNow);
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(Uuids(*report), ElementsAre("a"));
  EXPECT_THAT(report->unread_uuids(), ElementsAre("a"));
  EXPECT_THAT(Removed(*report), IsEmpty());
}

TEST_F(ReportBufferTest, AGuestThatMovesIsNotRemovedUntilTheMoveIsGivenUp) {
  BeginWithTwoKnown();
  buffer_.SetMoving({"b"});
  Read({MakeGuest("a")}, {{{"b"}, GuestEvent::kUndefined}});
  const auto moving = Deliver();
  ASSERT_TRUE(moving.has_value());
  EXPECT_THAT(Removed(*moving), IsEmpty());
  EXPECT_THAT(moving->moving_uuids(), ElementsAre("b"));
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);

  buffer_.SetMoving({});
  EXPECT_THAT(Removed(*Deliver()), ElementsAre("b"));
}

// The controller may know it by the agent before this one.
TEST_F(ReportBufferTest,
       AMoveThatIsGivenUpOfAGuestNeverListedHereIsSaidInFull) {
  buffer_.SetMoving({"c"});
  BeginWithTwoKnown();
  buffer_.SetMoving({});
  buffer_.End();
  buffer_.Begin(8, /*need_full=*/false);
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_THAT(report->moving_uuids(), IsEmpty());
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, AHypervisorThatIsAwayIsSaidOnceAndItsReturnToo) {
  BeginWithTwoKnown();
  buffer_.SetSourceError("qemu:///system: refused");
  const auto away = Deliver();
  ASSERT_TRUE(away.has_value());
  EXPECT_EQ(away->source_error(), "qemu:///system: refused");
  EXPECT_THAT(Uuids(*away), IsEmpty());
  buffer_.SetSourceError("qemu:///system: refused");
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);

  Read({MakeGuest("a"), MakeGuest("b")});
  const auto back = Deliver();
  ASSERT_TRUE(back.has_value());
  EXPECT_THAT(back->source_error(), IsEmpty());
  EXPECT_FALSE(back->full());
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, ARequestIsAnsweredByTheNextReadingEvenWithoutNews) {
  BeginWithTwoKnown();
  buffer_.WantAnswer(5);
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
  Read({MakeGuest("a"), MakeGuest("b")});
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->answers(), ElementsAre(5));
  EXPECT_TRUE(report->full());
  EXPECT_THAT(Uuids(*report), ElementsAre("a", "b"));
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
}

TEST_F(ReportBufferTest, ARequestIsAnsweredByTheSameErrorAgain) {
  BeginWithTwoKnown();
  buffer_.SetSourceError("qemu:///system: refused");
  ASSERT_TRUE(Deliver().has_value());
  buffer_.WantAnswer(5);
  buffer_.SetSourceError("qemu:///system: refused");
  const auto report = Deliver();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->source_error(), "qemu:///system: refused");
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
  // It was the answer.
  Read({MakeGuest("a"), MakeGuest("b")});
  EXPECT_THAT(Deliver()->answers(), IsEmpty());
}

TEST_F(ReportBufferTest, AbsentVolatileValuesAreNoNews) {
  v1::Guest guest = MakeGuest("a");
  guest.set_cpu_time_ns(5);
  hypervisor::Inventory found = Reading({guest});
  found.facts.set_free_memory_kib(1000);
  buffer_.Take(found, kNow);
  buffer_.Begin(7, /*need_full=*/true);
  ASSERT_TRUE(Deliver().has_value());

  Read({MakeGuest("a")});
  EXPECT_EQ(buffer_.Next(kNow), std::nullopt);
  found.guests[0].set_cpu_time_ns(6);
  buffer_.Take(found, kNow);
  EXPECT_THAT(Uuids(*Deliver()), ElementsAre("a"));
}

}  // namespace
}  // namespace rehai::agent
