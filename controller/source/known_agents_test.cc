// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/known_agents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/proto_time.h"

namespace rehai {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1795527759);
const HostId kHost{"hv1"};

v1::AgentHello Knows(int64_t epoch, int64_t sequence) {
  v1::AgentHello hello;
  hello.set_last_epoch(epoch);
  hello.set_last_acknowledged(sequence);
  return hello;
}

class KnownAgentsTest : public testing::Test {
 protected:
  void Come(int64_t epoch, bool need_full) {
    v1::AgentState state;
    state.set_node(kHost.node);
    state.set_connected(true);
    *state.mutable_since() = ToProto(kNow);
    state.set_epoch(epoch);
    known_.Came(kHost, state, need_full);
  }
  void Report(int64_t epoch, int64_t sequence, bool full) {
    known_.Reported(kHost, epoch, sequence, full, "", kNow);
  }
  bool MayResume(int64_t epoch, int64_t sequence) {
    return known_.MayResume(kHost, Knows(epoch, sequence));
  }
  v1::AgentState Only() {
    EXPECT_THAT(known_.All(), SizeIs(1));
    return known_.All().at(0);
  }

  KnownAgents known_;
};

TEST_F(KnownAgentsTest, WhoKnowsWhatWasAcknowledgedMayResume) {
  EXPECT_FALSE(MayResume(0, 0));
  Come(7, /*need_full=*/true);
  EXPECT_FALSE(MayResume(0, 0));
  Report(7, 1, /*full=*/true);
  Report(7, 2, /*full=*/false);
  EXPECT_TRUE(MayResume(7, 2));
  EXPECT_FALSE(MayResume(7, 1));
  EXPECT_FALSE(MayResume(7, 3));
  EXPECT_FALSE(MayResume(6, 2));
  EXPECT_FALSE(MayResume(0, 0));
}

TEST_F(KnownAgentsTest, ASessionThatSaidNothingKeepsWhatTheOneBeforeSaid) {
  Come(7, true);
  Report(7, 1, true);
  Come(8, /*need_full=*/false);
  EXPECT_TRUE(MayResume(7, 1));
  Report(8, 1, false);
  EXPECT_TRUE(MayResume(8, 1));
  EXPECT_FALSE(MayResume(7, 1));
}

TEST_F(KnownAgentsTest, NobodyResumesBeforeTheFullReportThatIsWanted) {
  Come(7, true);
  Report(7, 1, /*full=*/false);  // a source error
  EXPECT_FALSE(MayResume(7, 1));
  Report(7, 2, true);
  EXPECT_TRUE(MayResume(7, 2));
  known_.Doubt(kHost);
  Report(7, 3, false);
  EXPECT_FALSE(MayResume(7, 3));
  Report(7, 4, true);
  EXPECT_TRUE(MayResume(7, 4));
  Come(8, /*need_full=*/true);
  EXPECT_FALSE(MayResume(7, 4));
}

TEST_F(KnownAgentsTest, AnOlderSessionsLastReportMakesDoubt) {
  Come(7, true);
  Report(7, 1, true);
  Come(8, false);
  Report(7, 2, true);
  EXPECT_FALSE(MayResume(7, 1));
  EXPECT_FALSE(MayResume(7, 2));
}

TEST_F(KnownAgentsTest, StateIsOfTheNewestSession) {
  Come(7, true);
  known_.Reported(kHost, 7, 1, false, "libvirtd is away", kNow);
  EXPECT_EQ(Only().source_error(), "libvirtd is away");
  EXPECT_EQ(Only().reports(), 1);
  Come(8, true);
  EXPECT_EQ(Only().sessions(), 2);
  EXPECT_EQ(Only().reports(), 0);
  EXPECT_EQ(Only().source_error(), "libvirtd is away");
  known_.Went(kHost, 7, "another came", kNow);
  EXPECT_TRUE(Only().connected());
  known_.Went(kHost, 8, "silent", kNow + absl::Seconds(5));
  EXPECT_FALSE(Only().connected());
  EXPECT_EQ(Only().last_end(), "silent");
  EXPECT_EQ(FromProto(Only().since()), kNow + absl::Seconds(5));
  Come(9, true);
  EXPECT_EQ(Only().last_end(), "silent");
}

TEST_F(KnownAgentsTest, OnlyWhoIsGoneIsForgotten) {
  Come(7, true);
  known_.ForgetOlderThan(kNow + absl::Hours(100));
  EXPECT_THAT(known_.All(), SizeIs(1));
  known_.Went(kHost, 7, "closed", kNow);
  known_.ForgetOlderThan(kNow);
  EXPECT_THAT(known_.All(), SizeIs(1));
  known_.ForgetOlderThan(kNow + absl::Seconds(1));
  EXPECT_THAT(known_.All(), IsEmpty());
}

}  // namespace
}  // namespace rehai
