// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/churn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/lab/lab.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Enough that hundreds of changes take no time.
constexpr double kFast = 1000;

std::vector<Host*> AllOf(Lab& lab) {
  std::vector<Host*> hosts;
  for (int i = 0; i < lab.size(); ++i) hosts.push_back(&lab.host(i));
  return hosts;
}

std::string Line(const std::string& node, const std::string& guest,
                 const std::string& uuid, GuestState state) {
  return absl::StrCat(node, " ", guest, " ", uuid, " ",
                      static_cast<int>(state));
}

// What plain clients see on all hosts.
std::set<std::string> Seen(Lab& lab) {
  std::set<std::string> seen;
  for (int i = 0; i < lab.size(); ++i) {
    const auto client = LibvirtClient::Open(lab.host(i).local_uri());
    EXPECT_THAT(client, IsOk());
    if (!client.ok()) continue;
    const auto guests = (*client)->List();
    EXPECT_THAT(guests, IsOk());
    if (!guests.ok()) continue;
    for (const ShownGuest& guest : *guests) {
      seen.insert(
          Line(lab.host(i).node(), guest.name, guest.uuid, guest.state));
    }
  }
  return seen;
}

std::set<std::string> Told(const Churn& churn) {
  std::set<std::string> told;
  for (const GuestTruth& guest : churn.Truth()) {
    told.insert(Line(guest.node, guest.guest, guest.uuid, guest.state));
  }
  return told;
}

absl::Status Made(const Churn& churn, uint64_t count) {
  const uint64_t made = churn.counts().made;
  return made >= count ? absl::OkStatus()
                       : absl::UnavailableError(absl::StrCat(made, " made"));
}

absl::Status AwaitMade(const Churn& churn, uint64_t count) {
  return WaitUntil(absl::Seconds(30), [&] { return Made(churn, count); });
}

class ChurnTest : public testing::Test {
 protected:
  void SetUp() override {
    auto lab = Lab::Start({.test_hosts = 4, .ssh = false, .guests = 10});
    ASSERT_THAT(lab, IsOk());
    lab_ = std::move(*lab);
  }

  std::unique_ptr<Lab> lab_;
};

TEST_F(ChurnTest, TellsTheTruthOfWhatItLeaves) {
  auto churn = Churn::Start(AllOf(*lab_), {.changes_per_second = kFast});
  ASSERT_THAT(churn, IsOk());

  ASSERT_THAT(AwaitMade(**churn, 500), IsOk());
  (*churn)->Stop();

  EXPECT_THAT((*churn)->status(), IsOk());
  EXPECT_EQ(Seen(*lab_), Told(**churn));
}

TEST_F(ChurnTest, TellsEveryChangeOnceInOrder) {
  std::map<std::string, std::string> replayed;  // by UUID
  for (Host* host : AllOf(*lab_)) {
    for (const ShownGuest& guest : host->guests()) {
      replayed[guest.uuid] =
          Line(host->node(), guest.name, guest.uuid, guest.state);
    }
  }
  auto churn = Churn::Start(AllOf(*lab_), {.changes_per_second = kFast});
  ASSERT_THAT(churn, IsOk());
  ASSERT_THAT(AwaitMade(**churn, 100), IsOk());
  std::vector<Change> changes = (*churn)->Take();
  ASSERT_THAT(AwaitMade(**churn, 500), IsOk());
  (*churn)->Stop();
  for (Change& change : (*churn)->Take()) changes.push_back(std::move(change));

  EXPECT_THAT(changes, SizeIs((*churn)->counts().made));
  EXPECT_THAT((*churn)->Take(), IsEmpty());
  absl::Duration last = absl::ZeroDuration();
  for (const Change& change : changes) {
    EXPECT_LT(change.begun, change.confirmed);
    EXPECT_LE(last, change.begun);
    last = change.confirmed;
    replayed.erase(change.uuid);
    if (change.after.has_value()) {
      replayed[change.uuid] =
          Line(change.node, change.guest, change.uuid, *change.after);
    }
  }
  std::set<std::string> result;
  for (const auto& [uuid, line] : replayed) result.insert(line);
  EXPECT_EQ(result, Told(**churn));
}

TEST_F(ChurnTest, LeavesHurtHostsAloneAndTheirGuestsAsTheyWere) {
  auto churn = Churn::Start(AllOf(*lab_), {.changes_per_second = kFast});
  ASSERT_THAT(churn, IsOk());
  ASSERT_THAT(AwaitMade(**churn, 100), IsOk());

  lab_->host(0).Hang();
  lab_->host(1).Kill();
  ASSERT_THAT(AwaitMade(**churn, (*churn)->counts().made + 200), IsOk());
  EXPECT_GT((*churn)->counts().skipped, 0);
  ASSERT_THAT(lab_->HealAll(), IsOk());
  ASSERT_THAT(AwaitMade(**churn, (*churn)->counts().made + 200), IsOk());
  ASSERT_THAT(lab_->RestartAll(), IsOk());
  (*churn)->Stop();

  EXPECT_THAT((*churn)->status(), IsOk());
  EXPECT_EQ(Seen(*lab_), Told(**churn));
}

TEST_F(ChurnTest, ForgetsTheOldestChangesAndCountsThem) {
  auto churn = Churn::Start(AllOf(*lab_),
                            {.changes_per_second = kFast, .max_changes = 10});
  ASSERT_THAT(churn, IsOk());
  ASSERT_THAT(AwaitMade(**churn, 50), IsOk());
  (*churn)->Stop();

  EXPECT_THAT((*churn)->Take(), SizeIs(10));
  EXPECT_EQ((*churn)->counts().forgotten, (*churn)->counts().made - 10);
}

TEST_F(ChurnTest, MakesNothingUntilItHasARate) {
  auto churn = Churn::Start(AllOf(*lab_), {.changes_per_second = 0});
  ASSERT_THAT(churn, IsOk());
  EXPECT_EQ((*churn)->counts().made, 0);

  (*churn)->SetRate(kFast);

  EXPECT_THAT(AwaitMade(**churn, 10), IsOk());
}

}  // namespace
}  // namespace rehai::lab
