// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/operation_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

class OperationWatchTest : public testing::Test {
 protected:
  OperationWatchTest() {
    for (const char* node : {"a", "b", "c"}) {
      inventory_.AddHost(HostId{node}, {});
    }
  }

  std::string Begin() {
    return operations_.Begin(v1::HostSelector(), {v1::RESYNC_MODE_REREAD})
        .value()
        .id();
  }
  void Answer(const std::string& node) {
    rereads_.extract(node).mapped()(absl::OkStatus());
    operations_.Tick();
  }
  // The next response, which there is.
  v1::Operation Take(OperationWatch& watch) {
    const auto next = watch.Next();
    EXPECT_THAT(next, IsOk());
    EXPECT_TRUE(next.ok() && next->has_value());
    return next.ok() && next->has_value() ? (*next)->operation()
                                          : v1::Operation();
  }
  // True if there is none.
  bool IsQuiet(OperationWatch& watch) {
    const auto next = watch.Next();
    return next.ok() && !next->has_value();
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  FakeSink sink_{clock_};
  Syncer syncer_{{}, inventory_, sink_, clock_};
  std::map<std::string, absl::AnyInvocable<void(absl::Status)>> rereads_;
  ResyncOperations operations_{
      {},
      inventory_,
      syncer_,
      [this](const HostId& host, absl::AnyInvocable<void(absl::Status)> done) {
        rereads_.emplace(host.node, std::move(done));
      },
      clock_};
};

TEST_F(OperationWatchTest, BeginsWithTheWholeAndGoesOnWithWhatChanged) {
  const std::string id = Begin();
  OperationWatch watch(operations_, id);
  EXPECT_EQ(Take(watch).hosts_size(), 3);
  EXPECT_TRUE(IsQuiet(watch));
  operations_.Tick();
  EXPECT_EQ(Take(watch).hosts_size(), 3);  // reading
  Answer("b");
  const v1::Operation change = Take(watch);
  ASSERT_EQ(change.hosts_size(), 1);
  EXPECT_EQ(change.hosts(0).node(), "b");
  EXPECT_EQ(change.progress().done(), 1);
  EXPECT_EQ(change.total(), 3);
  EXPECT_TRUE(IsQuiet(watch));
}

TEST_F(OperationWatchTest, ASlowReaderGetsTheNewestOnly) {
  const std::string id = Begin();
  OperationWatch watch(operations_, id);
  Take(watch);
  operations_.Tick();
  Answer("a");
  Answer("c");
  EXPECT_EQ(Take(watch).hosts_size(), 3);
  EXPECT_TRUE(IsQuiet(watch));
}

TEST_F(OperationWatchTest, TellsAPauseAndTheEndAndIsOver) {
  const std::string id = Begin();
  operations_.Tick();
  OperationWatch watch(operations_, id);
  Take(watch);
  ASSERT_THAT(operations_.Pause(id), IsOk());
  const v1::Operation paused = Take(watch);
  EXPECT_EQ(paused.state(), v1::OPERATION_STATE_PAUSED);
  EXPECT_EQ(paused.hosts_size(), 0);
  for (const char* node : {"a", "b", "c"}) Answer(node);
  EXPECT_FALSE(watch.ended());
  EXPECT_TRUE(Take(watch).has_ended_at());
  EXPECT_TRUE(watch.ended());
  EXPECT_TRUE(IsQuiet(watch));
}

TEST_F(OperationWatchTest, AWatchOfWhatIsNotThereSaysSo) {
  OperationWatch watch(operations_, "rs-1");
  EXPECT_THAT(watch.Next(), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace rehai
