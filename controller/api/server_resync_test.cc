// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "controller/api/server_fixture.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(ApiServerTest, AResyncRunsToItsEndAndIsWatched) {
  TestController controller;
  controller.Observe("hv1", {});
  controller.Observe("hv2", {});
  controller.SetReread("hv2", absl::UnavailableError("hv2: no route"));
  Client client(controller);
  const auto started =
      client.Start({v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE});
  ASSERT_THAT(started, IsOk());
  EXPECT_EQ(started->total(), 2);

  v1::ResyncWatchRequest request;
  request.set_id(started->id());
  const auto context = Patient();
  auto stream = client.resync->Watch(context.get(), request);
  v1::ResyncWatchResponse step;
  std::map<std::string, v1::HostOutcome> outcomes;
  while (stream->Read(&step)) {
    for (const v1::HostResult& host : step.operation().hosts()) {
      outcomes[host.node()] = host.outcome();
    }
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(step.operation().has_ended_at());
  EXPECT_EQ(outcomes["hv1"], v1::HOST_OUTCOME_WRITTEN);
  EXPECT_EQ(outcomes["hv2"], v1::HOST_OUTCOME_UNREACHABLE);

  v1::ResyncGetRequest get;
  get.set_id(started->id());
  const auto got = Client::Call(*client.resync, &v1::Resync::Stub::Get, get);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->operation().done(), 2);
  EXPECT_EQ(got->operation().hosts_size(), 2);
}

TEST(ApiServerTest, AnOhaiIsRunWithItsPluginsAndWritten) {
  TestController controller;
  controller.Observe("hv1", {});
  v1::OhaiResult ohai;
  ohai.set_json(R"({"uptime":"7"})");
  controller.SetOhai("hv1", ohai);
  Client client(controller);
  const auto started =
      client.Start({v1::RESYNC_MODE_OHAI}, "hv1", {"uptime", "network"});
  ASSERT_THAT(started, IsOk());
  v1::ResyncWatchRequest request;
  request.set_id(started->id());
  const auto context = Patient();
  auto stream = client.resync->Watch(context.get(), request);
  v1::ResyncWatchResponse step;
  while (stream->Read(&step)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(step.operation().has_ended_at());
  EXPECT_THAT(controller.ohai_plugins(), ElementsAre("uptime", "network"));
  EXPECT_THAT(controller.sink().ohai("hv1"),
              ElementsAre(Pair("uptime", "\"7\"")));
}

TEST(ApiServerTest, AResyncThatCannotBeginSaysWhy) {
  TestController controller;
  Client client(controller);
  EXPECT_THAT(client.Start({}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_UNSPECIFIED}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({static_cast<v1::ResyncMode>(9)}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_OHAI}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_OHAI}, "", {"--help"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_REREAD}, "hv9"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_REREAD}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(ApiServerTest, AnUnknownOperationIsNotFound) {
  TestController controller;
  Client client(controller);
  v1::ResyncGetRequest get;
  get.set_id("nope");
  EXPECT_THAT(Client::Call(*client.resync, &v1::Resync::Stub::Get, get),
              StatusIs(absl::StatusCode::kNotFound));
  v1::ResyncCancelRequest cancel;
  cancel.set_id("nope");
  EXPECT_THAT(Client::Call(*client.resync, &v1::Resync::Stub::Cancel, cancel),
              StatusIs(absl::StatusCode::kNotFound));
  v1::ResyncWatchRequest watch;
  watch.set_id("nope");
  const auto context = Patient();
  auto stream = client.resync->Watch(context.get(), watch);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(ApiServerTest, CancelLeavesHostsNotBegunAlone) {
  TestController controller;
  // More hosts than one operation begins at once.
  for (int i = 0; i < 100; ++i) controller.Observe(absl::StrCat("hv", i), {});
  controller.HoldRereads();
  Client client(controller);
  const auto started = client.Start({v1::RESYNC_MODE_REREAD});
  ASSERT_THAT(started, IsOk());
  v1::ResyncCancelRequest cancel;
  cancel.set_id(started->id());
  const auto canceled =
      Client::Call(*client.resync, &v1::Resync::Stub::Cancel, cancel);
  ASSERT_THAT(canceled, IsOk());
  EXPECT_TRUE(canceled->operation().canceled());

  controller.ReleaseRereads();
  v1::ResyncWatchRequest watch;
  watch.set_id(started->id());
  const auto context = Patient();
  auto stream = client.resync->Watch(context.get(), watch);
  v1::ResyncWatchResponse step;
  while (stream->Read(&step)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  v1::ResyncGetRequest get;
  get.set_id(started->id());
  const auto ended = Client::Call(*client.resync, &v1::Resync::Stub::Get, get);
  ASSERT_THAT(ended, IsOk());
  int left_alone = 0;
  for (const v1::HostResult& host : ended->operation().hosts()) {
    left_alone += host.outcome() == v1::HOST_OUTCOME_CANCELED;
  }
  EXPECT_GE(left_alone, 68);  // all but the 32 that may have been begun
}

TEST(ApiServerTest, DiffShowsWhatAWriteWouldChange) {
  TestController controller;
  controller.Observe("hv1", {});
  controller.sink().SetDifferences(
      {{.path = "automatic.rehai.revision", .before = "1", .after = "2"},
       {.path = "automatic.rehai.source", .before = "", .after = "\"pull\""}});
  Client client(controller);
  v1::ResyncDiffRequest request;
  request.set_node("hv1");
  const auto diff =
      Client::Call(*client.resync, &v1::Resync::Stub::Diff, request);
  ASSERT_THAT(diff, IsOk());
  EXPECT_EQ(diff->node(), "hv1");
  ASSERT_EQ(diff->differences_size(), 2);
  EXPECT_EQ(diff->differences(0).path(), "automatic.rehai.revision");
  EXPECT_EQ(diff->differences(0).before(), "1");
  EXPECT_EQ(diff->differences(1).after(), "\"pull\"");
}

TEST(ApiServerTest, DiffOfAHostThatIsNotThereIsNotFound) {
  TestController controller;
  Client client(controller);
  v1::ResyncDiffRequest request;
  request.set_node("hv9");
  EXPECT_THAT(Client::Call(*client.resync, &v1::Resync::Stub::Diff, request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
}

TEST(ApiServerTest, ADiffThatNobodyWaitsForAnyMoreHurtsNothing) {
  TestController controller;
  controller.Observe("hv1", {});
  controller.sink().Hold();
  Client client(controller);
  v1::ResyncDiffRequest request;
  request.set_node("hv1");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(50));
  v1::ResyncDiffResponse response;
  EXPECT_EQ(client.resync->Diff(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  controller.sink().Release();  // answers a call that has ended
  controller.server().Stop(kPatience);
}

}  // namespace
}  // namespace rehai
