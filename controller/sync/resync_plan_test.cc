// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/resync_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/proto_time.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const v1::HostSelector kAll;
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

v1::HostSelector Nodes(const std::vector<std::string>& nodes) {
  v1::HostSelector selector;
  for (const std::string& node : nodes) selector.add_nodes(node);
  return selector;
}

v1::ResyncStartRequest Asking(const std::vector<v1::ResyncMode>& modes) {
  v1::ResyncStartRequest request;
  for (const v1::ResyncMode mode : modes) request.add_modes(mode);
  return request;
}

absl::StatusOr<v1::Operation> Plan(const v1::ResyncStartRequest& request) {
  return PlanResync(request, ResyncDefaults(), kNow);
}

TEST(MatchesTest, AnyOfTheNodesAndAllOfTheLabels) {
  v1::Record record;
  record.set_node("hv1");
  (*record.mutable_labels())["rack"] = "b2";
  (*record.mutable_labels())["env"] = "prod";
  EXPECT_TRUE(Matches(kAll, record));
  EXPECT_TRUE(Matches(Nodes({"hv0", "hv1"}), record));
  EXPECT_FALSE(Matches(Nodes({"hv0", "hv11"}), record));

  v1::HostSelector labels;
  (*labels.mutable_labels())["rack"] = "b2";
  EXPECT_TRUE(Matches(labels, record));
  (*labels.mutable_labels())["env"] = "test";
  EXPECT_FALSE(Matches(labels, record));
  labels.clear_labels();
  (*labels.mutable_labels())["floor"] = "";
  EXPECT_FALSE(Matches(labels, record));

  v1::HostSelector both = Nodes({"hv1"});
  (*both.mutable_labels())["rack"] = "c3";
  EXPECT_FALSE(Matches(both, record));
}

TEST(PlanResyncTest, FillsInTheDefaults) {
  const auto operation =
      Plan(Asking({v1::RESYNC_MODE_REWRITE, v1::RESYNC_MODE_REREAD}));
  ASSERT_THAT(operation, IsOk());
  EXPECT_THAT(operation->modes(),
              ElementsAre(v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE));
  EXPECT_EQ(operation->state(), v1::OPERATION_STATE_RUNNING);
  EXPECT_EQ(operation->pace().hosts_at_once(), 32);
  EXPECT_EQ(operation->pace().hosts_per_second(), 0);
  EXPECT_EQ(FromProto(operation->pace().host_timeout()), absl::Minutes(2));
  EXPECT_EQ(FromProto(operation->started_at()), kNow);
  EXPECT_EQ(FromProto(operation->deadline()), kNow + absl::Hours(24));

  const auto ohai = Plan(Asking({v1::RESYNC_MODE_OHAI}));
  ASSERT_THAT(ohai, IsOk());
  EXPECT_EQ(ohai->pace().hosts_at_once(), 8);
  EXPECT_EQ(FromProto(ohai->pace().host_timeout()), absl::Minutes(4));
}

TEST(PlanResyncTest, TakesThePaceThatIsAskedFor) {
  v1::ResyncStartRequest request = Asking({v1::RESYNC_MODE_OHAI});
  request.mutable_pace()->set_hosts_per_second(0.5);
  request.mutable_pace()->set_hosts_at_once(1000);
  request.mutable_pace()->mutable_host_timeout()->set_seconds(3600);
  request.mutable_timeout()->set_seconds(1);
  const auto operation = Plan(request);
  ASSERT_THAT(operation, IsOk());
  EXPECT_THAT(operation->pace(), EqualsProto(request.pace()));
  EXPECT_EQ(FromProto(operation->deadline()), kNow + absl::Seconds(1));
}

TEST(PlanResyncTest, RefusesWhatIsOutOfBoundsAndNamesIt) {
  const auto refused = [](auto change, const char* field) {
    v1::ResyncStartRequest request = Asking({v1::RESYNC_MODE_REREAD});
    change(request);
    EXPECT_THAT(Plan(request),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  };
  using Request = v1::ResyncStartRequest;
  for (const double rate : {-1.0, 1001.0, std::nan("")}) {
    refused([&](Request& r) { r.mutable_pace()->set_hosts_per_second(rate); },
            "pace.hosts_per_second");
  }
  for (const int at_once : {-1, 1001}) {
    refused([&](Request& r) { r.mutable_pace()->set_hosts_at_once(at_once); },
            "pace.hosts_at_once");
  }
  for (const int64_t seconds :
       {int64_t{0}, int64_t{3601}, std::numeric_limits<int64_t>::max()}) {
    refused(
        [&](Request& r) {
          r.mutable_pace()->mutable_host_timeout()->set_seconds(seconds);
        },
        "pace.host_timeout");
  }
  refused([](Request& r) { r.mutable_timeout()->set_seconds(7 * 86400 + 1); },
          "timeout");
  refused([](Request& r) { r.set_idempotency_key("two words"); },
          "idempotency_key");
  refused([](Request& r) { r.set_idempotency_key(std::string(129, 'k')); },
          "idempotency_key");
}

TEST(PlanResyncTest, RefusesModesThatDoNotGoTogether) {
  for (const auto& modes : std::vector<std::vector<v1::ResyncMode>>{
           {},
           {v1::RESYNC_MODE_UNSPECIFIED},
           {static_cast<v1::ResyncMode>(9)},
           {v1::RESYNC_MODE_OHAI, v1::RESYNC_MODE_VERIFY_ONLY},
           {v1::RESYNC_MODE_REWRITE, v1::RESYNC_MODE_VERIFY_ONLY}}) {
    EXPECT_THAT(Plan(Asking(modes)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  v1::ResyncStartRequest dry = Asking({v1::RESYNC_MODE_VERIFY_ONLY});
  dry.set_dry_run(true);
  EXPECT_THAT(Plan(dry), StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("dry_run")));
}

TEST(StepsOfTest, AreWhatTheModesAskFor) {
  const auto steps = [](const std::vector<v1::ResyncMode>& modes, bool dry) {
    v1::ResyncStartRequest request = Asking(modes);
    request.set_dry_run(dry);
    return StepsOf(Plan(request).value());
  };
  EXPECT_THAT(
      steps({v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE}, false),
      ElementsAre(v1::HOST_PROGRESS_READING, v1::HOST_PROGRESS_WRITING));
  EXPECT_THAT(
      steps({v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_VERIFY_ONLY}, false),
      ElementsAre(v1::HOST_PROGRESS_READING, v1::HOST_PROGRESS_VERIFYING));
  EXPECT_THAT(
      steps({v1::RESYNC_MODE_OHAI}, false),
      ElementsAre(v1::HOST_PROGRESS_RUNNING_OHAI, v1::HOST_PROGRESS_WRITING));
  EXPECT_THAT(steps({v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE}, true),
              ElementsAre(v1::HOST_PROGRESS_VERIFYING));
  EXPECT_THAT(steps({v1::RESYNC_MODE_REREAD}, true), IsEmpty());
  EXPECT_THAT(steps({v1::RESYNC_MODE_OHAI}, true), IsEmpty());
}

TEST(CheckSameRequestTest, WhenItWasAskedForDoesNotMatterAndAllElseDoes) {
  v1::ResyncStartRequest request = Asking({v1::RESYNC_MODE_OHAI});
  request.set_idempotency_key("k1");
  request.add_ohai_plugins("network");
  (*request.mutable_selector()->mutable_labels())["rack"] = "b2";
  v1::Operation known = Plan(request).value();
  known.set_id("rs-1");
  const v1::Operation later =
      PlanResync(request, ResyncDefaults(), kNow + absl::Hours(1)).value();
  EXPECT_THAT(CheckSameRequest(known, later), IsOk());

  const auto differs = [&](auto change, const char* what) {
    v1::ResyncStartRequest other = request;
    change(other);
    EXPECT_THAT(CheckSameRequest(known, Plan(other).value()),
                StatusIs(absl::StatusCode::kAlreadyExists,
                         AllOf(HasSubstr("rs-1"), HasSubstr(what))));
  };
  using Request = v1::ResyncStartRequest;
  differs([](Request& r) { r.add_ohai_plugins("uptime"); }, "ohai_plugins");
  differs([](Request& r) { r.mutable_selector()->add_nodes("hv1"); },
          "selector");
  differs([](Request& r) { r.set_dry_run(true); }, "dry_run");
  differs([](Request& r) { r.mutable_pace()->set_hosts_at_once(3); }, "pace");
  differs([](Request& r) { r.mutable_timeout()->set_seconds(9); }, "timeout");
  differs(
      [](Request& r) {
        r.clear_ohai_plugins();
        r.set_modes(0, v1::RESYNC_MODE_REREAD);
      },
      "modes");
}

}  // namespace
}  // namespace rehai
