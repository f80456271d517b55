// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite_past.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/proto_time.h"
#include "controller/state/scratch_folder_fixture.h"
#include "controller/state/sqlite_store.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SqlitePastTest : public testing::Test {
 protected:
  SqlitePastTest() { OpenStore(); }

  void OpenStore() {
    store_.reset();
    SqliteStore::Options options;
    options.folder = folder_ / "state";
    options.retention = retention_;
    auto store = SqliteStore::Create(std::move(options), clock_);
    EXPECT_THAT(store.status(), IsOk());
    store_ = *std::move(store);
  }
  std::unique_ptr<SqlitePast> MakePast(size_t most_waiting = 8) {
    return std::make_unique<SqlitePast>(
        SqlitePast::Options{.folder = folder_ / "state",
                            .most_waiting = most_waiting,
                            .page_bytes = page_bytes_},
        clock_);
  }

  // A second later, something happens to a guest, or to the host if `guest` is
  // empty. It is on the host after that unless `ends`.
  v1::HistoryEvent Happen(const std::string& node, const std::string& guest,
                          v1::EventKind kind, bool ends = false) {
    clock_.Advance(absl::Seconds(1));
    v1::HistoryEvent event;
    event.set_sequence(++sequence_);
    event.set_revision(10 * sequence_);
    event.set_kind(kind);
    event.set_node(node);
    event.set_guest_uuid(guest);
    *event.mutable_at() = ToProto(clock_.Now());
    if (!guest.empty()) {
      event.set_guest_name(absl::StrCat("name-", guest));
      if (!ends) {
        event.mutable_guest()->set_uuid(guest);
        event.mutable_guest()->set_name(event.guest_name());
      }
    } else if (!ends) {
      event.mutable_host()->set_presence(v1::PRESENCE_CURRENT);
    }
    v1::StoredHost host;
    host.mutable_record()->set_node(node);
    host.mutable_record()->set_revision(event.revision());
    store_->Put(std::move(host), {event});
    return event;
  }
  void Show(const std::string& node, int64_t revision) {
    v1::Shown shown;
    shown.set_node(node);
    shown.set_revision(revision);
    *shown.mutable_at() = ToProto(clock_.Now());
    store_->Append(std::move(shown));
  }
  void Command(const std::string& caller, const std::string& command) {
    clock_.Advance(absl::Seconds(1));
    v1::AuditEntry entry;
    *entry.mutable_at() = ToProto(clock_.Now());
    entry.set_caller(caller);
    entry.set_command(command);
    store_->Append(std::move(entry));
  }
  void Commit() { ASSERT_THAT(Flushed(), IsOk()); }
  absl::Status Flushed() {
    clock_.Advance(absl::Seconds(1));
    store_->Tick();
    return store_->health().status;
  }

  template <typename Answer, typename Query>
  absl::StatusOr<Answer> Ask(void (Past::*list)(Query, Past::Done<Answer>),
                             Query query) {
    if (past_ == nullptr) past_ = MakePast();
    absl::StatusOr<Answer> got = absl::UnknownError("no answer");
    (past_.get()->*list)(std::move(query), [&](absl::StatusOr<Answer> answer) {
      got = std::move(answer);
    });
    past_->AnswerOne();
    return got;
  }
  std::vector<int64_t> Events(EventQuery query) {
    auto page = Ask(&Past::ListEvents, std::move(query));
    EXPECT_THAT(page.status(), IsOk());
    std::vector<int64_t> sequences;
    if (!page.ok()) return sequences;
    for (const auto& event : page->events)
      sequences.push_back(event.sequence());
    return sequences;
  }
  // "a u1", in order.
  std::vector<std::string> AsOf(AsOfQuery query) {
    auto page = Ask(&Past::ListAsOf, std::move(query));
    EXPECT_THAT(page.status(), IsOk());
    std::vector<std::string> places;
    if (!page.ok()) return places;
    for (const auto& event : page->events) {
      places.push_back(absl::StrCat(event.node(), " ", event.guest_uuid()));
    }
    return places;
  }
  std::vector<std::string> Commands(AuditQuery query) {
    auto page = Ask(&Past::ListAudit, std::move(query));
    EXPECT_THAT(page.status(), IsOk());
    std::vector<std::string> commands;
    if (!page.ok()) return commands;
    for (const auto& entry : page->entries) commands.push_back(entry.command());
    return commands;
  }

  FakeClock clock_;
  const ScratchFolder folder_;
  Retention retention_;
  size_t page_bytes_ = 2 << 20;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<SqlitePast> past_;
  int64_t sequence_ = 0;
};

constexpr v1::EventKind kFound = v1::EVENT_KIND_GUEST_FOUND;
constexpr v1::EventKind kChanged = v1::EVENT_KIND_GUEST_CHANGED;
constexpr v1::EventKind kGone = v1::EVENT_KIND_GUEST_GONE;
constexpr v1::EventKind kJoined = v1::EVENT_KIND_HOST_JOINED;
constexpr v1::EventKind kLeft = v1::EVENT_KIND_HOST_LEFT;

TEST_F(SqlitePastTest, EventsAreFoundByWhatTheyAreAbout) {
  Happen("a", "", kJoined);   // 1
  Happen("a", "u1", kFound);  // 2
  Happen("b", "u1", kFound);  // 3
  const absl::Time third = clock_.Now();
  Happen("a", "u2", kChanged);  // 4
  Commit();
  EXPECT_THAT(Events({}), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(Events({.oldest_first = true}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Events({.node = "a"}), ElementsAre(4, 2, 1));
  EXPECT_THAT(Events({.guest_uuid = "u1"}), ElementsAre(3, 2));
  EXPECT_THAT(Events({.guest_name = "name-u2"}), ElementsAre(4));
  EXPECT_THAT(Events({.node = "b", .guest_uuid = "u1"}), ElementsAre(3));
  EXPECT_THAT(Events({.kinds = {kJoined, kChanged}}), ElementsAre(4, 1));
  EXPECT_THAT(Events({.from = third}), ElementsAre(4, 3));
  EXPECT_THAT(Events({.until = third}), ElementsAre(2, 1));
  EXPECT_THAT(Events({.node = "a", .kinds = {kFound}, .until = third}),
              ElementsAre(2));
  EXPECT_THAT(Events({.guest_uuid = "u9"}), IsEmpty());
  // A value is never part of a statement.
  EXPECT_THAT(Events({.node = "a' OR '1' = '1"}), IsEmpty());
}

TEST_F(SqlitePastTest, PagesNeitherRepeatNorSkipThoughEventsCome) {
  for (int i = 0; i < 5; ++i) Happen("a", "u1", kChanged);
  Commit();
  auto page = Ask(&Past::ListEvents, EventQuery{.limit = 2});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_TRUE(page->more);
  Happen("a", "u1", kChanged);
  Commit();
  EXPECT_THAT(Events({.after = 4, .limit = 2}), ElementsAre(3, 2));
  page = Ask(&Past::ListEvents, EventQuery{.after = 2, .limit = 2});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_EQ(page->events.size(), 1u);
  EXPECT_FALSE(page->more);
  EXPECT_THAT(Events({.oldest_first = true, .after = 4}), ElementsAre(5, 6));
}

TEST_F(SqlitePastTest, APageOfLargeEntriesIsShorter) {
  page_bytes_ = 100;
  for (int i = 0; i < 5; ++i) Happen("a", absl::StrCat("u", i), kFound);
  Commit();
  auto page = Ask(&Past::ListEvents, EventQuery());
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_TRUE(page->more);
  EXPECT_LT(page->events.size(), 5u);
  EXPECT_GE(page->events.size(), 1u);
}

TEST_F(SqlitePastTest, AsOfShowsWhatWasThereAtThatMoment) {
  Happen("a", "", kJoined);
  Happen("a", "u1", kFound);
  Happen("a", "u2", kFound);
  Happen("b", "", kJoined);
  const absl::Time early = clock_.Now();
  Happen("b", "u1", v1::EVENT_KIND_GUEST_MOVED_IN);
  const absl::Time amid = clock_.Now();
  Happen("a", "u1", v1::EVENT_KIND_GUEST_MOVED_OUT, /*ends=*/true);
  Happen("a", "", kLeft, /*ends=*/true);
  Commit();
  EXPECT_THAT(AsOf({.at = early}), ElementsAre("a u1", "a u2"));
  EXPECT_THAT(AsOf({.at = amid}), ElementsAre("a u1", "b u1", "a u2"));
  EXPECT_THAT(AsOf({.at = clock_.Now()}), ElementsAre("b u1", "a u2"));
  EXPECT_THAT(AsOf({.at = amid, .node = "a"}), ElementsAre("a u1", "a u2"));
  EXPECT_THAT(AsOf({.at = amid, .guest_uuid = "u1"}),
              ElementsAre("a u1", "b u1"));
  EXPECT_THAT(AsOf({.at = amid, .guest_name = "name-u2"}), ElementsAre("a u2"));
  EXPECT_THAT(AsOf({.at = amid, .after_guest = "u1", .after_node = "a"}),
              ElementsAre("b u1", "a u2"));
  EXPECT_THAT(AsOf({.whose = AsOfQuery::kHosts, .at = amid}),
              ElementsAre("a ", "b "));
  EXPECT_THAT(AsOf({.whose = AsOfQuery::kHosts, .at = clock_.Now()}),
              ElementsAre("b "));
  EXPECT_THAT(AsOf({.whose = AsOfQuery::kHosts, .at = amid, .after_node = "a"}),
              ElementsAre("b "));
  EXPECT_THAT(AsOf({.whose = AsOfQuery::kHosts, .at = amid, .node = "a"}),
              ElementsAre("a "));
}

TEST_F(SqlitePastTest, AMomentBeforeHistoryIsOutOfRange) {
  const absl::Time before = clock_.Now();
  EXPECT_THAT(Ask(&Past::ListAsOf, AsOfQuery{.at = before}).status(),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("yet")));
  Happen("a", "u1", kFound);
  const absl::Time first = clock_.Now();
  Commit();
  EXPECT_THAT(Ask(&Past::ListAsOf, AsOfQuery{.at = before}).status(),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("since")));
  auto page = Ask(&Past::ListAsOf, AsOfQuery{.at = first});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_EQ(page->complete_since, first);
}

TEST_F(SqlitePastTest, OfTwoMomentsThoseAreToldToWhichSomethingHappened) {
  Happen("a", "u1", kFound);
  Happen("a", "u2", kFound);
  Happen("a", "u3", kFound);
  const absl::Time from = clock_.Now();
  Happen("a", "u3", kGone, /*ends=*/true);
  Happen("b", "u2", kFound);
  const absl::Time to = clock_.Now();
  Happen("a", "u1", kChanged);
  Commit();
  auto page = Ask(&Past::ListAtTwoTimes, TwoTimesQuery{.from = from, .to = to});
  ASSERT_THAT(page.status(), IsOk());
  ASSERT_EQ(page->guests.size(), 2u);
  EXPECT_EQ(page->guests[0].uuid, "u2");
  EXPECT_EQ(page->guests[0].before.size(), 1u);
  EXPECT_EQ(page->guests[0].after.size(), 2u);
  EXPECT_EQ(page->guests[1].uuid, "u3");
  EXPECT_THAT(page->guests[1].after, IsEmpty());
  page = Ask(&Past::ListAtTwoTimes,
             TwoTimesQuery{.from = from, .to = to, .limit = 1});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_TRUE(page->more);
  page = Ask(&Past::ListAtTwoTimes,
             TwoTimesQuery{.from = from, .to = to, .after_guest = "u2"});
  ASSERT_THAT(page.status(), IsOk());
  ASSERT_EQ(page->guests.size(), 1u);
  EXPECT_FALSE(page->more);
}

TEST_F(SqlitePastTest, AnEventIsShownByTheFirstRevisionThatHasIt) {
  const v1::HistoryEvent first = Happen("a", "u1", kFound);
  const v1::HistoryEvent second = Happen("a", "u1", kChanged);
  Happen("a", "u1", kChanged);
  Show("b", second.revision());
  clock_.Advance(absl::Seconds(5));
  Show("a", second.revision());
  const absl::Time shown = clock_.Now();
  Commit();
  auto page = Ask(&Past::ListEvents, EventQuery{.oldest_first = true});
  ASSERT_THAT(page.status(), IsOk());
  ASSERT_EQ(page->events.size(), 3u);
  EXPECT_EQ(FromProto(page->events[0].shown_at()), shown);
  EXPECT_EQ(FromProto(page->events[1].shown_at()), shown);
  EXPECT_FALSE(page->events[2].has_shown_at());
}

TEST_F(SqlitePastTest, PruningByAgeKeepsWhatAsOfNeeds) {
  retention_.history_age = absl::Hours(1);
  OpenStore();
  Happen("a", "", kJoined);                 // 1
  Happen("a", "u1", kFound);                // 2
  Happen("a", "u1", kChanged);              // 3, baseline
  Happen("a", "u2", kFound);                // 4
  Happen("a", "u2", kGone, /*ends=*/true);  // 5
  Show("a", 50);
  const absl::Time last_old = clock_.Now();
  clock_.Advance(absl::Hours(2));
  Happen("a", "u1", kChanged);  // 6
  Commit();
  EXPECT_THAT(Events({}), ElementsAre(6, 3, 1));
  auto page = Ask(&Past::ListAsOf, AsOfQuery{.at = last_old});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_EQ(page->complete_since, last_old);
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].sequence(), 3);
  EXPECT_THAT(
      Ask(&Past::ListAsOf, AsOfQuery{.at = last_old - absl::Microseconds(1)})
          .status(),
      StatusIs(absl::StatusCode::kOutOfRange));
  // A later showing is not passed for that of what is known of no more.
  Show("a", 60);
  Commit();
  page = Ask(&Past::ListEvents, EventQuery{.oldest_first = true});
  ASSERT_THAT(page.status(), IsOk());
  ASSERT_EQ(page->events.size(), 3u);
  EXPECT_FALSE(page->events[0].has_shown_at());
  EXPECT_FALSE(page->events[1].has_shown_at());
  EXPECT_TRUE(page->events[2].has_shown_at());
}

TEST_F(SqlitePastTest, PruningBySizeKeepsOneOfEachGuest) {
  retention_.history_rows = 4;
  OpenStore();
  for (int round = 0; round < 3; ++round) {
    for (const char* guest : {"u1", "u2", "u3"}) Happen("a", guest, kChanged);
  }
  clock_.Advance(absl::Minutes(2));
  Commit();
  EXPECT_THAT(Events({}), ElementsAre(9, 8, 7, 6));
  EXPECT_THAT(AsOf({.at = clock_.Now()}), ElementsAre("a u1", "a u2", "a u3"));
}

TEST_F(SqlitePastTest, AuditEntriesAreFilteredAndPaged) {
  Command("anna", "Resync.Start");
  Command("ben", "Resync.Cancel");
  const absl::Time second = clock_.Now();
  Command("anna", "Resyncs.Start");
  Command("anna", "Chef.SetLimits");
  Commit();
  EXPECT_THAT(Commands({}), ElementsAre("Chef.SetLimits", "Resyncs.Start",
                                        "Resync.Cancel", "Resync.Start"));
  EXPECT_THAT(Commands({.caller = "anna"}),
              ElementsAre("Chef.SetLimits", "Resyncs.Start", "Resync.Start"));
  EXPECT_THAT(Commands({.command = "Resync"}),
              ElementsAre("Resync.Cancel", "Resync.Start"));
  EXPECT_THAT(Commands({.command = "Resync.Start"}),
              ElementsAre("Resync.Start"));
  EXPECT_THAT(Commands({.from = second}),
              ElementsAre("Chef.SetLimits", "Resyncs.Start", "Resync.Cancel"));
  EXPECT_THAT(Commands({.until = second}), ElementsAre("Resync.Start"));
  auto page = Ask(&Past::ListAudit, AuditQuery{.limit = 3});
  ASSERT_THAT(page.status(), IsOk());
  ASSERT_NE(page->next, 0);
  EXPECT_THAT(Commands({.before = page->next}), ElementsAre("Resync.Start"));
  page = Ask(&Past::ListAudit, AuditQuery{.limit = 4});
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_EQ(page->next, 0);
}

TEST_F(SqlitePastTest, TooManyQuestionsAreRefusedAndLateOnesToo) {
  auto past = MakePast(/*most_waiting=*/2);
  std::vector<absl::Status> answers;
  const auto ask = [&] {
    past->ListEvents({}, [&](absl::StatusOr<EventPage> answer) {
      answers.push_back(answer.status());
    });
  };
  ask();
  ask();
  EXPECT_THAT(answers, IsEmpty());
  ask();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_THAT(answers[0], StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_TRUE(past->AnswerOne());
  EXPECT_THAT(answers.back(), IsOk());
  clock_.Advance(absl::Seconds(3));
  ASSERT_TRUE(past->AnswerOne());
  EXPECT_THAT(answers.back(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(past->AnswerOne());
  ask();
  past->Stop();
  EXPECT_THAT(answers.back(), StatusIs(absl::StatusCode::kUnavailable));
  ask();
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_THAT(answers.back(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SqlitePastTest, AFileThatWasBegunAnewIsReadInsteadOfTheOldOne) {
  Happen("a", "u1", kFound);
  Commit();
  EXPECT_THAT(Events({}), ElementsAre(1));
  store_.reset();
  std::filesystem::rename(folder_ / "state/rehai.db", folder_ / "old.db");
  EXPECT_THAT(Ask(&Past::ListEvents, EventQuery()).status(),
              StatusIs(absl::StatusCode::kUnavailable));
  OpenStore();
  EXPECT_THAT(Events({}), IsEmpty());
}

TEST_F(SqlitePastTest, NothingIsKeptWithoutAFolder) {
  NullPast past;
  absl::Status status;
  past.ListEvents(
      {}, [&](absl::StatusOr<EventPage> answer) { status = answer.status(); });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("state.dir")));
}

// A host and what happened to it are kept by one commit; so after a crash the
// next run neither finds an event of which its record knows nothing, which it
// would then tell again, nor a record whose event is lost.
TEST_F(SqlitePastTest, AHostIsNeverKeptWithoutWhatHappenedToIt) {
  for (int i = 0; i < 50; ++i) {
    Happen("a", "u1", kChanged);
    if (i % 7 == 0) Commit();
    const std::string copy = folder_ / absl::StrCat("copy", i);
    std::filesystem::copy(folder_ / "state", copy);
    std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
    SqliteStore::Options options;
    options.folder = copy;
    auto found = SqliteStore::Create(std::move(options), clock_);
    ASSERT_THAT(found.status(), IsOk());
    const Store::Contents contents = (*found)->TakeContents();
    ASSERT_LE(contents.hosts.size(), 1u);
    const int64_t revision =
        contents.hosts.empty() ? 0 : contents.hosts[0].record().revision();
    EXPECT_EQ(revision, 10 * contents.last_event);
  }
}

}  // namespace
}  // namespace rehai
