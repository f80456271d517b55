// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/fault_point.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "controller/state/scratch_folder_fixture.h"
#include "controller/state/state_folder.h"
#include "tests/matchers.h"

namespace {

// Told of each step of a commit.
std::function<void(const std::string&)>& AtFaultPoint() {
  static auto& at = *new std::function<void(const std::string&)>();
  return at;
}

}  // namespace

extern "C" void RehaiFaultPoint(const char* name) {
  if (AtFaultPoint() != nullptr) AtFaultPoint()(name);
}

namespace rehai {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

v1::StoredHost Host(const std::string& node, int64_t revision,
                    const std::string& guest_name = "web1") {
  v1::StoredHost host;
  host.mutable_record()->set_node(node);
  host.mutable_record()->set_revision(revision);
  host.mutable_record()->set_session(10 * revision);
  host.mutable_record()->add_guests()->set_name(guest_name);
  host.add_held_uuids("u1");
  return host;
}

v1::StoredNode Node(const std::string& name, const std::string& digest) {
  v1::StoredNode node;
  node.set_node(name);
  node.set_digest(digest);
  return node;
}

v1::Operation Operation(const std::string& id, int64_t started_at) {
  v1::Operation operation;
  operation.set_id(id);
  operation.mutable_started_at()->set_seconds(started_at);
  return operation;
}

v1::HistoryEvent Event(absl::Time at) {
  v1::HistoryEvent event;
  *event.mutable_at() = ToProto(at);
  event.set_node("a");
  static int64_t sequence = 0;
  event.set_sequence(++sequence);
  event.set_kind(v1::EVENT_KIND_HOST_JOINED);
  return event;
}

// No write of this process gets through while one lives: to the system, files
// have grown as large as they may.
class NoRoom {
 public:
  NoRoom() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoRoom() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

class SqliteStoreTest : public testing::Test {
 protected:
  ~SqliteStoreTest() override { AtFaultPoint() = nullptr; }

  absl::StatusOr<std::unique_ptr<SqliteStore>> Create(
      const std::string& folder) {
    SqliteStore::Options options;
    options.folder = folder;
    options.retention = retention_;
    return SqliteStore::Create(std::move(options), clock_);
  }
  std::unique_ptr<SqliteStore> Open(const std::string& name = "state") {
    auto store = Create(temp_ / name);
    EXPECT_THAT(store.status(), IsOk());
    return *std::move(store);
  }
  // Commits what waits.
  void Commit(SqliteStore& store) {
    clock_.Advance(absl::Minutes(2));
    store.Tick();
  }
  std::string file() const { return temp_ / "state/rehai.db"; }
  int64_t Count(const std::string& table) {
    auto database =
        sqlite::Database::Open(file(), sqlite::Database::Mode::kReadOnly);
    return *database->QueryInt("SELECT count(*) FROM " + table);
  }
  static std::string Mode(const std::string& path) {
    struct stat found = {};
    stat(path.c_str(), &found);
    return absl::StrCat(absl::Hex(found.st_mode & 0777));
  }

  FakeClock clock_;
  Retention retention_;
  const ScratchFolder temp_;
};

TEST_F(SqliteStoreTest, WhatWasPutIsThereAtTheNextStart) {
  {
    auto store = Open();
    EXPECT_EQ(store->TakeContents().kept_at, absl::InfinitePast());
    store->Put(Host("b", 7));
    store->Put(Host("a", 5));
    store->Put(Node("a", "d1"));
    store->Put(Operation("o2", 20));
    store->Put(Operation("o1", 10));
  }
  const Store::Contents contents = Open()->TakeContents();
  ASSERT_EQ(contents.hosts.size(), 2u);
  EXPECT_THAT(contents.hosts[0], EqualsProto(Host("a", 5)));
  EXPECT_THAT(contents.hosts[1], EqualsProto(Host("b", 7)));
  ASSERT_EQ(contents.nodes.size(), 1u);
  EXPECT_THAT(contents.nodes[0], EqualsProto(Node("a", "d1")));
  ASSERT_EQ(contents.operations.size(), 2u);
  EXPECT_EQ(contents.operations[0].id(), "o1");
  EXPECT_EQ(contents.last_revision, 7);
  EXPECT_EQ(contents.last_session, 70);
  EXPECT_EQ(contents.kept_at, clock_.Now());
}

TEST_F(SqliteStoreTest, GreatestRevisionOutlivesItsHost) {
  {
    auto store = Open();
    store->Put(Host("a", 9));
    Commit(*store);
    store->Remove(HostId{"a"});
    store->Put(Host("b", 5));
  }
  const Store::Contents contents = Open()->TakeContents();
  ASSERT_EQ(contents.hosts.size(), 1u);
  EXPECT_EQ(contents.last_revision, 9);
}

TEST_F(SqliteStoreTest, LateOlderRevisionDoesNotReplaceTheKeptOne) {
  {
    auto store = Open();
    store->Put(Host("a", 9));
    Commit(*store);
    store->Put(Host("a", 8));
  }
  EXPECT_EQ(Open()->TakeContents().hosts[0].record().revision(), 9);
}

TEST_F(SqliteStoreTest, GroupIsCommittedAfterTheIntervalOrWhenItIsLarge) {
  auto store = Open();
  EXPECT_EQ(store->Tick(), absl::InfiniteDuration());
  store->Put(Host("a", 1));
  clock_.Advance(absl::Milliseconds(150));
  store->Put(Host("a", 2));
  EXPECT_EQ(store->Tick(), clock_.Uptime() + absl::Milliseconds(50));
  EXPECT_EQ(store->health().waiting, 1);
  EXPECT_EQ(store->health().oldest, absl::Milliseconds(150));
  EXPECT_EQ(store->health().commits, 0);
  clock_.Advance(absl::Milliseconds(50));
  store->Tick();
  EXPECT_EQ(store->health().commits, 1);
  EXPECT_EQ(store->health().waiting, 0);
  EXPECT_EQ(store->health().oldest, absl::ZeroDuration());
  EXPECT_GT(store->health().bytes, 4096);

  for (int i = 0; i < 1000; ++i) store->Put(Host(absl::StrCat("h", i), i));
  store->Tick();
  EXPECT_EQ(store->health().commits, 2);
}

TEST_F(SqliteStoreTest, ThreadCommitsByItselfAndFlushWaitsForIt) {
  auto store = Open();
  store->Start();
  store->Put(Host("a", 1));
  EXPECT_THAT(store->Flush(absl::Seconds(60)), IsOk());
  EXPECT_EQ(Count("hosts"), 1);
  store->Put(Host("b", 1));
  store->Stop();
  EXPECT_EQ(Count("hosts"), 2);
}

TEST_F(SqliteStoreTest, FolderAndFileAreForTheirOwnerOnly) {
  auto store = Open("deep/state");
  store->Put(Host("a", 1));
  Commit(*store);
  EXPECT_EQ(Mode(temp_ / "deep/state"), "1c0");           // 0700
  EXPECT_EQ(Mode(temp_ / "deep/state/rehai.db"), "180");  // 0600
  EXPECT_EQ(Mode(temp_ / "deep/state/rehai.db-wal"), "180");

  ASSERT_EQ(mkdir((temp_ / "open").c_str(), 0755), 0);
  EXPECT_THAT(
      Create(temp_ / "open").status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 0700")));
}

TEST_F(SqliteStoreTest, SecondProcessIsRefusedByThePidOfTheFirst) {
  int ready[2];
  int done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto folder = StateFolder::Lock(temp_ / "state");
    char byte = folder.ok() ? 'y' : 'n';
    (void)!write(ready[1], &byte, 1);
    close(done[1]);
    (void)!read(done[0], &byte, 1);
    raise(SIGKILL);
  }
  close(done[0]);
  char locked = 0;
  ASSERT_EQ(read(ready[0], &locked, 1), 1);
  ASSERT_EQ(locked, 'y');
  EXPECT_THAT(Create(temp_ / "state").status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr(absl::StrCat("process ", child, " "))));
  close(done[1]);
  waitpid(child, nullptr, 0);
  // The killed one's right went with it.
  EXPECT_THAT(Create(temp_ / "state").status(), IsOk());
}

TEST_F(SqliteStoreTest, NewerFileIsRefusedAndNotTouched) {
  { Open()->Put(Host("a", 1)); }
  {
    auto database =
        sqlite::Database::Open(file(), sqlite::Database::Mode::kReadWrite);
    ASSERT_THAT(database->Execute("PRAGMA user_version = 99"), IsOk());
  }
  const std::string before = *ReadFile(file());
  EXPECT_THAT(Create(temp_ / "state").status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("version 99"), HasSubstr(file()))));
  EXPECT_EQ(*ReadFile(file()), before);
}

TEST_F(SqliteStoreTest, DamagedFileIsMovedAsideAndTheServiceStartsEmpty) {
  const auto damage = [](std::string& bytes, size_t at) {
    bytes.replace(at, 512, std::string(512, '\x5a'));
  };
  // The header, the first table's root, a page in the middle.
  for (const size_t at : {size_t{0}, size_t{4096}, size_t{4096 * 8}}) {
    SCOPED_TRACE(at);
    const std::string name = absl::StrCat("state", at);
    const std::string file = temp_ / (name + "/rehai.db");
    {
      auto store = Open(name);
      for (int i = 0; i < 200; ++i) {
        store->Put(Host(absl::StrCat("h", i), i, std::string(500, 'n')));
      }
    }
    std::string bytes = *ReadFile(file);
    ASSERT_GT(bytes.size(), 4096u * 9);
    damage(bytes, at);
    ASSERT_THAT(WriteFileAtomically(file, bytes, 0600), IsOk());

    auto store = Open(name);
    const std::string aside = store->health().moved_aside;
    EXPECT_THAT(aside, HasSubstr(file + ".corrupt-"));
    EXPECT_EQ(*ReadFile(aside), bytes);
    EXPECT_TRUE(store->TakeContents().hosts.empty());
    EXPECT_THAT(store->health().status, IsOk());
    store->Put(Host("a", 1));
    Commit(*store);
    EXPECT_EQ(store->health().commits, 1);
  }
}

TEST_F(SqliteStoreTest, FullDiskDegradesAndTheNewestIsKeptOnceThereIsRoom) {
  auto store = Open();
  store->Put(Host("a", 1));
  Commit(*store);
  Store::Health first;
  Store::Health second;
  absl::Duration next;
  {
    const NoRoom no_room;  // for what a failed expectation says, either
    store->Put(Host("a", 2));
    store->Put(Host("b", 2));
    store->Put(Host("a", 1), {Event(clock_.Now())});
    Commit(*store);
    first = store->health();
    next = store->Tick() - clock_.Uptime();
    store->Put(Host("a", 3));
    Commit(*store);
    second = store->health();
  }
  EXPECT_THAT(first.status,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(file())));
  EXPECT_EQ(first.waiting, 3);
  EXPECT_GE(first.oldest, absl::Minutes(2));
  // Tried again after a wait, not at once.
  EXPECT_GT(next, absl::ZeroDuration());
  EXPECT_EQ(second.waiting, 3);
  EXPECT_GE(second.oldest, absl::Minutes(4));
  EXPECT_EQ(second.commits, 1);
  Commit(*store);
  EXPECT_THAT(store->health().status, IsOk());
  EXPECT_EQ(store->health().waiting, 0);
  EXPECT_EQ(store->health().commits, 2);
  store.reset();
  const Store::Contents contents = Open()->TakeContents();
  ASSERT_EQ(contents.hosts.size(), 2u);
  EXPECT_EQ(contents.hosts[0].record().revision(), 3);
  EXPECT_EQ(Count("history"), 1);
}

TEST_F(SqliteStoreTest, StartOnAFullDiskStillReadsWhatTheLastRunLeft) {
  {
    auto store = Open();
    store->Put(Host("a", 1));
    store->Put(Host("b", 1));
  }
  std::unique_ptr<SqliteStore> store;
  Store::Health at_start;
  Store::Contents found;
  {
    const NoRoom no_room;
    store = Open();
    at_start = store->health();
    found = store->TakeContents();
    store->Put(Host("a", 2));
    Commit(*store);
  }
  EXPECT_THAT(at_start.status, testing::Not(IsOk()));
  EXPECT_EQ(found.hosts.size(), 2u);
  EXPECT_EQ(store->health().waiting, 1);
  Commit(*store);
  EXPECT_THAT(store->health().status, IsOk());
  store.reset();
  const Store::Contents contents = Open()->TakeContents();
  ASSERT_EQ(contents.hosts.size(), 2u);
  EXPECT_EQ(contents.hosts[0].record().revision(), 2);
  EXPECT_EQ(contents.hosts[1].record().revision(), 1);
}

TEST_F(SqliteStoreTest, HostsThatWereNeverReadAreForgottenAtTheFirstCommit) {
  { Open()->Put(Host("gone", 1)); }
  ASSERT_EQ(rename((temp_ / "state").c_str(), (temp_ / "away").c_str()), 0);
  // Something else is in the folder's place, for a while.
  ASSERT_EQ(symlink("/proc/1/none", (temp_ / "state").c_str()), 0);
  auto store = Open();
  EXPECT_THAT(store->health().status, testing::Not(IsOk()));
  EXPECT_TRUE(store->TakeContents().hosts.empty());
  store->Put(Host("a", 2));
  ASSERT_EQ(unlink((temp_ / "state").c_str()), 0);
  ASSERT_EQ(rename((temp_ / "away").c_str(), (temp_ / "state").c_str()), 0);
  Commit(*store);
  EXPECT_THAT(store->health().status, IsOk());
  store.reset();
  const Store::Contents contents = Open()->TakeContents();
  ASSERT_EQ(contents.hosts.size(), 1u);
  EXPECT_EQ(contents.hosts[0].record().node(), "a");
}

TEST_F(SqliteStoreTest, FlushKeepsByItselfBeforeTheThreadIsStarted) {
  auto store = Open();
  store->Put(Host("a", 7));
  EXPECT_THAT(store->Flush(absl::Seconds(60)), IsOk());
  EXPECT_EQ(store->health().waiting, 0);
  EXPECT_EQ(Count("hosts"), 1);
  const NoRoom no_room;
  store->Put(Host("a", 8));
  const absl::Status flushed = store->Flush(absl::Seconds(60));
  EXPECT_THAT(flushed,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(file())));
}

TEST_F(SqliteStoreTest, FlushSaysWhyNothingIsKept) {
  auto store = Open();
  store->Start();
  absl::Status flushed;
  {
    const NoRoom no_room;
    store->Put(Host("a", 1));
    flushed = store->Flush(absl::Seconds(60));
  }
  EXPECT_THAT(flushed,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(file())));
}

// What a group is: both hosts and the node of one round.
void PutRound(Store& store, int64_t round) {
  store.Put(Host("a", round, std::string(3000, 'a')));
  store.Put(Host("b", round, std::string(3000, 'b')));
  store.Put(Node("a", absl::StrCat(round)));
}

// The round that the files hold; -1 if they hold parts of several.
int64_t RoundIn(SqliteStore& store) {
  const Store::Contents contents = store.TakeContents();
  if (contents.hosts.empty() && contents.nodes.empty()) return 0;
  if (contents.hosts.size() != 2 || contents.nodes.size() != 1) return -1;
  const int64_t round = contents.hosts[0].record().revision();
  const bool is_whole = contents.hosts[1].record().revision() == round &&
                        contents.nodes[0].digest() == absl::StrCat(round) &&
                        contents.last_revision == round;
  return is_whole ? round : -1;
}

TEST_F(SqliteStoreTest, ProcessKilledAtAnyStepLeavesWholeGroups) {
  // A copy of the files is what a new process would find.
  int copies = 0;
  int64_t round = 0;
  struct Copy {
    std::string folder;
    std::string point;
    int64_t round;
  };
  std::vector<Copy> crashes;
  AtFaultPoint() = [&](const std::string& point) {
    const std::string folder = absl::StrCat("crash", copies++);
    fs::copy(temp_ / "state", temp_ / folder);
    crashes.push_back({folder, point, round});
  };
  auto store = Open();
  for (round = 1; round <= 3; ++round) {
    PutRound(*store, round);
    Commit(*store);
  }
  AtFaultPoint() = nullptr;
  ASSERT_EQ(crashes.size(), 3u * 4);
  for (const Copy& crash : crashes) {
    SCOPED_TRACE(absl::StrCat(crash.point, " ", crash.round));
    chmod((temp_ / crash.folder).c_str(), 0700);
    const bool committed = crash.point == "store.committed";
    EXPECT_EQ(RoundIn(*Open(crash.folder)),
              committed ? crash.round : crash.round - 1);
  }
}

TEST_F(SqliteStoreTest, LogCutAtAnyByteLeavesWholeGroups) {
  auto store = Open();
  for (int64_t round = 1; round <= 4; ++round) {
    PutRound(*store, round);
    Commit(*store);
  }
  const std::string database = *ReadFile(file());
  const std::string log = *ReadFile(file() + "-wal");
  ASSERT_GT(log.size(), 20'000u);
  int64_t last = 0;
  const size_t step = 2999;  // meets headers, frames and what is between
  for (size_t size = 0; size <= log.size() + step; size += step) {
    const std::string folder = temp_ / "cut";
    fs::remove_all(folder);
    ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
    ASSERT_THAT(WriteFileAtomically(folder + "/rehai.db", database, 0600),
                IsOk());
    ASSERT_THAT(WriteFileAtomically(folder + "/rehai.db-wal",
                                    log.substr(0, size), 0600),
                IsOk());
    auto found = Open("cut");
    EXPECT_EQ(found->health().moved_aside, "");
    const int64_t round = RoundIn(*found);
    EXPECT_THAT(round, AnyOf(last, last + 1)) << "cut at " << size;
    last = round;
  }
  EXPECT_EQ(last, 4);
}

v1::AuditEntry Audited(absl::Time at) {
  v1::AuditEntry entry;
  *entry.mutable_at() = ToProto(at);
  entry.set_command("Resync.Start");
  return entry;
}

TEST_F(SqliteStoreTest, HistoryIsKeptByAgeAndByNumber) {
  retention_ = {.history_age = absl::Hours(1),
                .history_rows = 5,
                .audit_age = absl::Hours(1),
                .audit_rows = 5,
                .operations = 2};
  auto store = Open();
  for (int i = 0; i < 3; ++i) store->Put(Host("a", 1), {Event(clock_.Now())});
  // The oldest has not ended.
  store->Put(Operation("paused", 0));
  for (int i = 1; i < 4; ++i) {
    v1::Operation ended = Operation(absl::StrCat("o", i), i);
    ended.mutable_ended_at()->set_seconds(i);
    store->Put(ended);
  }
  Commit(*store);
  EXPECT_EQ(Count("history"), 3);
  EXPECT_EQ(Count("operations WHERE id IN ('paused', 'o2', 'o3')"), 3);
  EXPECT_EQ(Count("operations"), 3);
  clock_.Advance(absl::Hours(2));
  for (int i = 0; i < 9; ++i) {
    store->Put(Host("a", 1), {Event(clock_.Now())});
    store->Append(Audited(clock_.Now()));
  }
  Commit(*store);
  EXPECT_EQ(Count("history"), 5);
  EXPECT_EQ(Count("audit"), 5);
  clock_.Advance(absl::Hours(2));
  store->Put(Host("a", 1), {Event(clock_.Now())});
  store->Append(Audited(clock_.Now()));
  Commit(*store);
  EXPECT_EQ(Count("history"), 1);
  EXPECT_EQ(Count("audit"), 1);
}

}  // namespace
}  // namespace rehai
