// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/identities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/inventory/record.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const HostId kA{"hva"};
const HostId kB{"hvb"};
const HostId kC{"hvc"};
constexpr char kX[] = "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
constexpr char kY[] = "22222222-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
constexpr char kZ[] = "33333333-cccc-4ccc-8ccc-cccccccccccc";

// Identities, and the conditions that stand by what they have told.
class Fleet {
 public:
  bool Answered(const HostId& host, const std::string& uuid) {
    const HostIdentities::Verdict verdict = identities_.Answered(host, uuid);
    Take(verdict.findings);
    return verdict.believed;
  }
  void Left(const HostId& host) { Take(identities_.Left(host)); }
  absl::StatusOr<std::string> Accept(const HostId& host) {
    const auto accepted = identities_.Accept(host);
    if (!accepted.ok()) return accepted.status();
    Take(accepted->findings);
    return accepted->uuid;
  }

  // The message of the host's condition, or "".
  std::string Message(const HostId& host, const std::string& type) const {
    const auto found = standing_.find({host, type});
    return found == standing_.end() ? "" : found->second;
  }
  bool IsDuplicate(const HostId& host) const {
    return !Message(host, kDuplicateHostUuid).empty();
  }
  bool IsChanged(const HostId& host) const {
    return !Message(host, kHostUuidChanged).empty();
  }
  bool IsInDoubt(const HostId& host) const {
    return IsDuplicate(host) || IsChanged(host);
  }

 private:
  void Take(const std::vector<HostIdentities::Finding>& findings) {
    for (const HostIdentities::Finding& finding : findings) {
      const std::pair key(finding.host, finding.type);
      if (!finding.condition.has_value()) {
        EXPECT_EQ(standing_.erase(key), 1u) << "told of nothing new";
        continue;
      }
      EXPECT_EQ(finding.condition->type(), finding.type);
      EXPECT_NE(standing_[key], finding.condition->message())
          << "told of nothing new";
      standing_[key] = finding.condition->message();
    }
  }

  HostIdentities identities_;
  std::map<std::pair<HostId, std::string>, std::string> standing_;
};

TEST(HostIdentitiesTest, HostsWithUuidsOfTheirOwnAreBelieved) {
  HostIdentities identities;
  EXPECT_TRUE(identities.Answered(kA, kX).believed);
  EXPECT_TRUE(identities.Answered(kB, kY).believed);
  const HostIdentities::Verdict again = identities.Answered(kA, kX);
  EXPECT_TRUE(again.believed);
  EXPECT_THAT(again.findings, IsEmpty());
}

TEST(HostIdentitiesTest, OfTwoHostsWithOneUuidNeitherIsBelieved) {
  Fleet fleet;
  EXPECT_TRUE(fleet.Answered(kA, kX));
  EXPECT_FALSE(fleet.Answered(kB, kX));
  EXPECT_THAT(fleet.Message(kA, kDuplicateHostUuid),
              AllOf(HasSubstr(kX), HasSubstr(kB.node)));
  EXPECT_THAT(fleet.Message(kB, kDuplicateHostUuid),
              AllOf(HasSubstr(kX), HasSubstr(kA.node)));
  EXPECT_FALSE(fleet.Answered(kA, kX)) << "the first one was believed again";

  EXPECT_TRUE(fleet.Answered(kB, kY));
  EXPECT_FALSE(fleet.IsInDoubt(kA));
  EXPECT_FALSE(fleet.IsInDoubt(kB)) << "it was never believed with the other";
  EXPECT_TRUE(fleet.Answered(kA, kX));
}

TEST(HostIdentitiesTest, ADuplicateEndsOnlyWhenOneIsLeft) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  fleet.Answered(kB, kX);
  fleet.Answered(kC, kX);
  EXPECT_THAT(fleet.Message(kA, kDuplicateHostUuid),
              AllOf(HasSubstr(kB.node), HasSubstr(kC.node)));

  fleet.Left(kA);
  EXPECT_FALSE(fleet.IsDuplicate(kA));
  EXPECT_TRUE(fleet.IsDuplicate(kB));
  EXPECT_TRUE(fleet.IsDuplicate(kC));
  fleet.Left(kC);
  EXPECT_FALSE(fleet.IsDuplicate(kB));
  EXPECT_TRUE(fleet.Answered(kB, kX));
}

TEST(HostIdentitiesTest, AChangedUuidIsNotBelievedUntilTheOldOneIsBack) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  EXPECT_FALSE(fleet.Answered(kA, kY));
  EXPECT_THAT(fleet.Message(kA, kHostUuidChanged),
              AllOf(HasSubstr(kX), HasSubstr(kY),
                    HasSubstr("rehaictl source accept hva")));
  EXPECT_FALSE(fleet.Answered(kA, kY)) << "repeating it made it true";
  EXPECT_FALSE(fleet.Answered(kA, kZ));
  EXPECT_THAT(fleet.Message(kA, kHostUuidChanged),
              AllOf(HasSubstr(kX), HasSubstr(kZ)));
  EXPECT_TRUE(fleet.Answered(kA, kX));
  EXPECT_FALSE(fleet.IsInDoubt(kA));
}

TEST(HostIdentitiesTest, AnAcceptedUuidIsTheOneToAnswerWith) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  fleet.Answered(kA, kY);
  const auto accepted = fleet.Accept(kA);
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(*accepted, kY);
  EXPECT_FALSE(fleet.IsInDoubt(kA));
  EXPECT_TRUE(fleet.Answered(kA, kY));
  EXPECT_FALSE(fleet.Answered(kA, kX));
}

TEST(HostIdentitiesTest, OnlyAChangeCanBeAccepted) {
  Fleet fleet;
  EXPECT_THAT(fleet.Accept(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  fleet.Answered(kA, kX);
  EXPECT_THAT(fleet.Accept(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(HostIdentitiesTest, AnothersUuidCannotBeAccepted) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  fleet.Answered(kB, kY);
  EXPECT_FALSE(fleet.Answered(kA, kY));
  EXPECT_TRUE(fleet.IsDuplicate(kA));
  EXPECT_TRUE(fleet.IsChanged(kA));
  EXPECT_TRUE(fleet.IsDuplicate(kB));
  EXPECT_FALSE(fleet.IsChanged(kB));
  EXPECT_THAT(fleet.Accept(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));

  fleet.Left(kB);
  EXPECT_FALSE(fleet.IsDuplicate(kA));
  EXPECT_TRUE(fleet.IsChanged(kA)) << "the other's leaving accepted it";
  EXPECT_THAT(fleet.Accept(kA), IsOk());
  EXPECT_TRUE(fleet.Answered(kA, kY));
}

TEST(HostIdentitiesTest, SwappedHostsAreBothInDoubt) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  fleet.Answered(kB, kY);
  fleet.Answered(kA, kY);
  fleet.Answered(kB, kX);
  EXPECT_TRUE(fleet.IsChanged(kA));
  EXPECT_TRUE(fleet.IsChanged(kB));
  EXPECT_FALSE(fleet.IsDuplicate(kA));
  EXPECT_FALSE(fleet.IsDuplicate(kB));
}

TEST(HostIdentitiesTest, AHostThatLeftIsKnownByItsNextAnswer) {
  Fleet fleet;
  fleet.Answered(kA, kX);
  fleet.Answered(kA, kY);
  fleet.Left(kA);
  EXPECT_FALSE(fleet.IsInDoubt(kA));
  EXPECT_TRUE(fleet.Answered(kA, kZ));
  fleet.Left(kB);  // unknown
}

TEST(HostIdentitiesTest, CaseIsNoDifference) {
  Fleet fleet;
  fleet.Answered(kA, "11111111-AAAA-4aaa-8aaa-aaaaaaaaaaaa");
  EXPECT_TRUE(fleet.Answered(kA, kX));
  EXPECT_FALSE(fleet.Answered(kB, "11111111-aaaa-4AAA-8aaa-aaaaaaaaaaaa"));
}

TEST(HostIdentitiesTest, UuidsThatAreNobodysAreNoEvidence) {
  for (const char* uuid : {"", "00000000-0000-0000-0000-000000000000",
                           "FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF",
                           "03000200-0400-0500-0006-000700080009"}) {
    SCOPED_TRACE(uuid);
    Fleet fleet;
    EXPECT_TRUE(fleet.Answered(kA, uuid));
    EXPECT_TRUE(fleet.Answered(kB, uuid));
    EXPECT_TRUE(fleet.Answered(kA, kX)) << "it was known by none";
    EXPECT_TRUE(fleet.Answered(kA, uuid));
    EXPECT_FALSE(fleet.Answered(kA, kY)) << "what it was known by is forgotten";
  }
}

// Who is a duplicate does not depend on who came first.
TEST(HostIdentitiesTest, TheOrderOfFirstAnswersDoesNotMatter) {
  const std::vector<std::string> uuids = {kX, kY, kX, kZ, kX, ""};
  std::vector<int> order(uuids.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    Fleet fleet;
    for (const int i : order) {
      fleet.Answered(HostId{absl::StrCat("hv", i)}, uuids[i]);
    }
    for (size_t i = 0; i < uuids.size(); ++i) {
      const HostId host{absl::StrCat("hv", i)};
      ASSERT_EQ(fleet.IsDuplicate(host), uuids[i] == kX);
      ASSERT_FALSE(fleet.IsChanged(host));
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(HostIdentitiesPropertyTest, NoTwoHostsAreEverBelievedWithOneUuid) {
  constexpr int kHosts = 4;
  const std::vector<std::string> uuids = {kX, kY, kZ, ""};
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    Fleet fleet;
    std::map<HostId, std::string> answers;
    for (int step = 0; step < 100; ++step) {
      const HostId host{absl::StrCat("hv", random() % kHosts)};
      switch (random() % 8) {
        case 0:
          fleet.Left(host);
          answers.erase(host);
          ASSERT_FALSE(fleet.IsInDoubt(host));
          break;
        case 1:
          ASSERT_FALSE(fleet.Accept(host).ok() && fleet.IsInDoubt(host));
          break;
        default: {
          answers[host] = uuids[random() % uuids.size()];
          const bool believed = fleet.Answered(host, answers[host]);
          ASSERT_EQ(believed, !fleet.IsInDoubt(host));
        }
      }
      std::set<std::string> believed;
      for (const auto& [each, uuid] : answers) {
        if (fleet.IsInDoubt(each)) continue;
        ASSERT_TRUE(uuid.empty() || believed.insert(uuid).second) << each;
      }
    }
  }
}

}  // namespace
}  // namespace rehai
