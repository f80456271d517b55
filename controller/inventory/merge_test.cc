// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/merge.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(2000);

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

// A host with guests b and d, last read in session 7 as its third.
v1::Record Believed() {
  return Parse<v1::Record>(R"pb(
    node: "hv1"
    labels { key: "rack" value: "r1" }
    revision: 50
    provenance {
      kind: SOURCE_KIND_PULL
      observed_at { seconds: 1000 }
    }
    session: 7
    sequence: 3
    presence: PRESENCE_CURRENT
    confirmed_at { seconds: 1000 }
    facts { hostname: "hv1.example.com" cpus: 8 }
    guests { uuid: "b" name: "beta" state: GUEST_STATE_RUNNING }
    guests { uuid: "d" name: "delta" state: GUEST_STATE_SHUT_OFF }
  )pb");
}

// The next observation of it, with these fields too.
v1::Observation Next(const std::string& fields) {
  return Parse<v1::Observation>(
      R"pb(
        node: "hv1"
        session: 7
        sequence: 4
        provenance {
          kind: SOURCE_KIND_PULL
          observed_at { seconds: 1500 }
        }
      )pb" +
      fields);
}

// Merges as if there were no other host, and nobody missing or held.
absl::StatusOr<Merged> Merge(const v1::Record& record,
                             const v1::Observation& observation,
                             absl::Time received_at) {
  const Missing none;
  return rehai::Merge(
      record, observation,
      {.brake = {},
       .missing = none,
       .is_active_elsewhere = [](const GuestId&) { return false; }},
      received_at);
}

std::vector<std::string> Uuids(const v1::Record& record) {
  std::vector<std::string> uuids;
  for (const v1::Guest& guest : record.guests()) uuids.push_back(guest.uuid());
  return uuids;
}

std::vector<std::string> Uuids(const std::vector<GuestId>& guests) {
  std::vector<std::string> uuids;
  for (const GuestId& guest : guests) uuids.push_back(guest.uuid);
  return uuids;
}

constexpr char kB[] =
    R"pb(guests { uuid: "b" name: "beta" state: GUEST_STATE_RUNNING })pb";
constexpr char kD[] =
    R"pb(guests { uuid: "d" name: "delta" state: GUEST_STATE_SHUT_OFF })pb";

struct GuestCase {
  std::string claim;
  std::string observation;
  std::vector<std::string> after;
  std::vector<std::string> appeared;
  std::vector<std::string> changed;
  std::vector<std::string> gone;
};

void PrintTo(const GuestCase& c, std::ostream* out) { *out << c.claim; }

class MergeGuestsTest : public testing::TestWithParam<GuestCase> {};

TEST_P(MergeGuestsTest, EndsInTheseGuests) {
  const GuestCase& c = GetParam();
  const v1::Record before = Believed();

  const auto merged = Merge(before, Next(c.observation), kNow);

  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(Uuids(merged->record), c.after);
  EXPECT_EQ(Uuids(merged->appeared), c.appeared);
  EXPECT_EQ(Uuids(merged->changed), c.changed);
  EXPECT_EQ(Uuids(merged->gone), c.gone);
  EXPECT_EQ(merged->IsChange(),
            !c.appeared.empty() || !c.changed.empty() || !c.gone.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, MergeGuestsTest,
    testing::Values(
        GuestCase{"a full list that agrees changes nothing",
                  std::string("full: true ") + kD + kB,
                  {"b", "d"},
                  {},
                  {},
                  {}},
        GuestCase{"a full list removes the unlisted",
                  std::string("full: true ") + kB,
                  {"b"},
                  {},
                  {},
                  {"d"}},
        GuestCase{"an empty full list removes all",
                  "full: true",
                  {},
                  {},
                  {},
                  {"b", "d"}},
        GuestCase{"a full list keeps the unread",
                  std::string("full: true unread_uuids: 'd' ") + kB,
                  {"b", "d"},
                  {},
                  {},
                  {}},
        GuestCase{"an unread guest nobody knew stays unknown",
                  std::string("full: true unread_uuids: 'x' ") + kB + kD,
                  {"b", "d"},
                  {},
                  {},
                  {}},
        GuestCase{"a full list is not asked for removals",
                  std::string("full: true removed_uuids: 'b' ") + kB + kD,
                  {"b", "d"},
                  {},
                  {},
                  {}},
        GuestCase{"an empty partial list removes none",
                  "full: false",
                  {"b", "d"},
                  {},
                  {},
                  {}},
        GuestCase{"a partial list removes what it names",
                  "removed_uuids: 'b' removed_uuids: 'x'",
                  {"d"},
                  {},
                  {},
                  {"b"}},
        GuestCase{"a partial list adds and changes what it lists",
                  R"pb(guests { uuid: "c" name: "gamma" }
                       guests { uuid: "b" name: "renamed" })pb",
                  {"b", "c", "d"},
                  {"c"},
                  {"b"},
                  {}},
        GuestCase{"new guests are put in their order",
                  std::string("full: true guests { uuid: 'e' } "
                              "guests { uuid: 'a' } guests { uuid: 'c' } ") +
                      kD + kB,
                  {"a", "b", "c", "d", "e"},
                  {"a", "c", "e"},
                  {},
                  {}},
        GuestCase{"everything at once",
                  R"pb(full: true
                       guests { uuid: "e" }
                       guests { uuid: "b" state: GUEST_STATE_PAUSED })pb",
                  {"b", "e"},
                  {"e"},
                  {"b"},
                  {"d"}}));

struct OrderCase {
  int64_t session;
  int64_t sequence;
  absl::StatusCode code;
};

TEST(MergeTest, OnlyALaterObservationIsMerged) {
  const OrderCase cases[] = {
      {7, 4, absl::StatusCode::kOk},      {8, 0, absl::StatusCode::kOk},
      {8, 3, absl::StatusCode::kOk},      {7, 3, absl::StatusCode::kAborted},
      {7, 2, absl::StatusCode::kAborted}, {6, 9, absl::StatusCode::kAborted},
  };
  for (const OrderCase& c : cases) {
    v1::Observation observation = Next("full: true");
    observation.set_session(c.session);
    observation.set_sequence(c.sequence);
    EXPECT_THAT(Merge(Believed(), observation, kNow), StatusIs(c.code))
        << c.session << ", " << c.sequence;
  }
}

TEST(MergeTest, TheFirstObservationMayHaveAnyNumber) {
  v1::Record never_seen;
  never_seen.set_node("hv1");
  never_seen.set_presence(v1::PRESENCE_NEVER_SEEN);
  v1::Observation observation;
  observation.set_node("hv1");
  observation.set_full(true);
  const auto merged = Merge(never_seen, observation, kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_THAT(Merge(merged->record, observation, kNow),
              StatusIs(absl::StatusCode::kAborted));
}

TEST(MergeTest, AContradictoryObservationIsRefused) {
  const struct {
    std::string observation;
    std::string message;
  } cases[] = {
      {"guests { uuid: 'b' } guests { uuid: 'a' } guests { uuid: 'b' }",
       "guest b is listed twice"},
      {"guests { name: 'nobody' }", "guest nobody has no UUID"},
      {"guests { uuid: 'b' } removed_uuids: 'b'",
       "guest b is listed and removed"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(
        Merge(Believed(), Next(c.observation), kNow),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

TEST(MergeTest, AConfirmationMovesTheAgeAndNothingElse) {
  const auto merged =
      Merge(Believed(), Next(std::string("full: true ") + kB + kD), kNow);

  ASSERT_THAT(merged, IsOk());
  EXPECT_FALSE(merged->IsChange());
  v1::Record expected = Believed();
  expected.set_sequence(4);
  expected.mutable_confirmed_at()->set_seconds(1500);
  expected.mutable_provenance()->mutable_observed_at()->set_seconds(1500);
  expected.mutable_provenance()->mutable_received_at()->set_seconds(2000);
  EXPECT_THAT(merged->record, EqualsProto(expected));
}

TEST(MergeTest, UnreadGuestsKeepWhatWasBelieved) {
  const auto merged =
      Merge(Believed(), Next("full: true unread_uuids: ['b', 'd']"), kNow);
  ASSERT_THAT(merged, IsOk());
  ASSERT_EQ(merged->record.guests_size(), 2);
  EXPECT_THAT(merged->record.guests(0), EqualsProto(Believed().guests(0)));
}

TEST(MergeTest, AListedUnreadGuestHasTheListsStateAndTheBelievedDefinition) {
  v1::Record believed = Believed();
  believed.mutable_guests(0)->set_max_memory_kib(4096);
  believed.mutable_guests(0)->set_id(7);
  const auto merged = Merge(believed, Next(R"(
    full: true
    guests { uuid: 'b' name: 'renamed' state: GUEST_STATE_SHUT_OFF }
    guests { uuid: 'd' }
    unread_uuids: 'b'
  )"),
                            kNow);

  ASSERT_THAT(merged, IsOk());
  const v1::Guest& guest = merged->record.guests(0);
  EXPECT_EQ(guest.name(), "renamed");
  EXPECT_EQ(guest.state(), v1::GUEST_STATE_SHUT_OFF);
  EXPECT_FALSE(guest.has_id());
  EXPECT_EQ(guest.max_memory_kib(), 4096);
  EXPECT_THAT(merged->changed, Contains(GuestId{"b"}));
}

// Otherwise the first read after a restart would take it out of Chef.
TEST(MergeTest, AListedUnreadGuestThatNobodyKnewExists) {
  const auto merged =
      Merge(Believed(),
            Next(std::string("full: true guests { uuid: 'x' name: "
                             "'new' } unread_uuids: 'x' ") +
                 kB + kD),
            kNow);

  ASSERT_THAT(merged, IsOk());
  EXPECT_THAT(merged->appeared, ElementsAre(GuestId{"x"}));
  EXPECT_EQ(merged->record.guests(2).name(), "new");
}

TEST(MergeTest, AbsentFactsKeepTheOldOnes) {
  const auto merged = Merge(Believed(), Next(""), kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_FALSE(merged->facts_changed);
  EXPECT_THAT(merged->record.facts(), EqualsProto(Believed().facts()));
}

TEST(MergeTest, NewFactsReplaceTheOldOnesWhole) {
  const auto merged =
      Merge(Believed(), Next("facts { hostname: 'hv1.example.com' }"), kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_TRUE(merged->facts_changed);
  EXPECT_TRUE(merged->IsChange());
  EXPECT_EQ(merged->record.facts().cpus(), 0);
}

// A running guest and a volume, with volatile values that were read.
v1::Record BelievedWithVolatile() {
  return Parse<v1::Record>(R"pb(
    node: "hv1"
    provenance { kind: SOURCE_KIND_PULL }
    session: 7
    sequence: 3
    presence: PRESENCE_CURRENT
    facts {
      mhz: 2400
      free_memory_kib: 1000
      storage_pools {
        name: "default"
        volumes { key: "/v1" allocation_bytes: 5 }
        volumes { key: "/v2" allocation_bytes: 6 }
      }
    }
    guests { uuid: "b" id: 3 state: GUEST_STATE_RUNNING cpu_time_ns: 70 }
  )pb");
}

constexpr char kNothingVolatile[] = R"pb(
  full: true
  facts {
    mhz: 2400
    storage_pools {
      name: "default"
      volumes { key: "/v1" }
      volumes { key: "/v2" }
    }
  }
  guests { uuid: "b" id: 3 state: GUEST_STATE_RUNNING }
)pb";

TEST(MergeVolatileTest, ValuesThatWereNotReadStay) {
  const v1::Record before = BelievedWithVolatile();
  const auto merged = Merge(before, Next(kNothingVolatile), kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_FALSE(merged->IsChange());
  EXPECT_THAT(merged->record.facts(), EqualsProto(before.facts()));
  EXPECT_THAT(merged->record.guests(0), EqualsProto(before.guests(0)));
}

TEST(MergeVolatileTest, ValuesThatWereReadAreNews) {
  v1::Observation observation = Next(kNothingVolatile);
  observation.mutable_facts()->set_free_memory_kib(900);
  observation.mutable_guests(0)->set_cpu_time_ns(80);
  const auto merged = Merge(BelievedWithVolatile(), observation, kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_TRUE(merged->facts_changed);
  EXPECT_EQ(Uuids(merged->changed), std::vector<std::string>({"b"}));
  const v1::HostFacts& facts = merged->record.facts();
  EXPECT_EQ(facts.free_memory_kib(), 900);
  // Read, and empty.
  EXPECT_EQ(facts.storage_pools(0).volumes(0).allocation_bytes(), 0u);
  EXPECT_EQ(merged->record.guests(0).cpu_time_ns(), 80u);
}

TEST(MergeVolatileTest, CpuTimeBelongsToOneRunOfAGuest) {
  for (const char* now :
       {"id: 4 state: GUEST_STATE_RUNNING", "state: GUEST_STATE_SHUT_OFF"}) {
    for (const char* unread : {"", "unread_uuids: 'b'"}) {
      const auto merged =
          Merge(BelievedWithVolatile(),
                Next(absl::StrCat("full: true guests { uuid: 'b' ", now, " } ",
                                  unread)),
                kNow);
      ASSERT_THAT(merged, IsOk());
      EXPECT_FALSE(merged->record.guests(0).has_cpu_time_ns()) << now << unread;
    }
  }
}

TEST(MergeVolatileTest, AnUnreadGuestKeepsItsCpuTimeOrHasTheOneRead) {
  auto merged = Merge(
      BelievedWithVolatile(),
      Next("full: true guests { uuid: 'b' id: 3 } unread_uuids: 'b'"), kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(merged->record.guests(0).cpu_time_ns(), 70u);
  merged = Merge(BelievedWithVolatile(),
                 Next("full: true unread_uuids: 'b' "
                      "guests { uuid: 'b' id: 3 cpu_time_ns: 90 }"),
                 kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(merged->record.guests(0).cpu_time_ns(), 90u);
}

TEST(MergeVolatileTest, ACpuFrequencyAloneIsNoNewsButGoesAlongWithOthers) {
  const v1::Record before = BelievedWithVolatile();
  v1::Observation observation = Next(kNothingVolatile);
  observation.mutable_facts()->set_mhz(800);
  auto merged = Merge(before, observation, kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_FALSE(merged->IsChange());
  EXPECT_EQ(merged->record.facts().mhz(), 2400);

  observation.mutable_facts()->set_cpus(16);
  merged = Merge(before, observation, kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_TRUE(merged->facts_changed);
  EXPECT_EQ(merged->record.facts().mhz(), 800);
}

TEST(MergeTest, AnObservedHostIsCurrentAndReachable) {
  v1::Record stale = Believed();
  stale.set_presence(v1::PRESENCE_STALE);
  stale.add_conditions()->set_type("NodeMissing");
  stale.add_conditions()->set_type("Unreachable");

  const auto merged = Merge(stale, Next(""), kNow);

  ASSERT_THAT(merged, IsOk());
  EXPECT_TRUE(merged->status_changed);
  EXPECT_TRUE(merged->IsChange());
  EXPECT_EQ(merged->record.presence(), v1::PRESENCE_CURRENT);
  ASSERT_EQ(merged->record.conditions_size(), 1);
  EXPECT_EQ(merged->record.conditions(0).type(), "NodeMissing");
}

TEST(MergeTest, KeepsLabelsAndTheOldRevision) {
  const auto merged = Merge(Believed(), Next("full: true"), kNow);
  ASSERT_THAT(merged, IsOk());
  EXPECT_EQ(merged->record.labels().at("rack"), "r1");
  EXPECT_EQ(merged->record.revision(), 50);
}

v1::Condition Unreachable(const std::string& message) {
  v1::Condition condition;
  condition.set_type("Unreachable");
  condition.set_message(message);
  return condition;
}

TEST(WithPresenceTest, TheSamePresenceAgainIsNoChange) {
  EXPECT_EQ(WithPresence(Believed(), v1::PRESENCE_CURRENT, std::nullopt, kNow),
            std::nullopt);
  const auto stale = WithPresence(Believed(), v1::PRESENCE_STALE,
                                  Unreachable("refused"), kNow);
  ASSERT_TRUE(stale.has_value());
  EXPECT_EQ(WithPresence(*stale, v1::PRESENCE_STALE, Unreachable("refused"),
                         kNow + absl::Seconds(1)),
            std::nullopt);
  EXPECT_EQ(WithPresence(*stale, v1::PRESENCE_STALE, std::nullopt, kNow),
            std::nullopt);
}

TEST(WithPresenceTest, AConditionKeepsItsStartWhenItsMessageChanges) {
  const auto first = WithPresence(Believed(), v1::PRESENCE_STALE,
                                  Unreachable("refused"), kNow);
  ASSERT_TRUE(first.has_value());
  const auto second =
      WithPresence(*first, v1::PRESENCE_UNKNOWN, Unreachable("timed out"),
                   kNow + absl::Hours(1));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->presence(), v1::PRESENCE_UNKNOWN);
  ASSERT_EQ(second->conditions_size(), 1);
  EXPECT_EQ(second->conditions(0).message(), "timed out");
  EXPECT_EQ(second->conditions(0).since().seconds(), 2000);
}

TEST(WithPresenceTest, CurrentClearsUnreachableOnly) {
  v1::Record stale = Believed();
  stale.set_presence(v1::PRESENCE_STALE);
  *stale.add_conditions() = Unreachable("refused");
  stale.add_conditions()->set_type("Forbidden");

  const auto current =
      WithPresence(stale, v1::PRESENCE_CURRENT, std::nullopt, kNow);

  ASSERT_TRUE(current.has_value());
  ASSERT_EQ(current->conditions_size(), 1);
  EXPECT_EQ(current->conditions(0).type(), "Forbidden");
}

TEST(WithPresenceTest, GuestsAndFactsStay) {
  const auto unknown =
      WithPresence(Believed(), v1::PRESENCE_UNKNOWN, std::nullopt, kNow);
  ASSERT_TRUE(unknown.has_value());
  v1::Record expected = Believed();
  expected.set_presence(v1::PRESENCE_UNKNOWN);
  EXPECT_THAT(*unknown, EqualsProto(expected));
}

}  // namespace
}  // namespace rehai
