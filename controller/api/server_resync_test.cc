// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <set>
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

TEST(ApiServerTest, AKeyFindsTheOperationAgainAndSaysWhoBeganIt) {
  TestController controller;
  controller.Observe("hv1", {});
  Client client(controller);
  v1::ResyncStartRequest request;
  request.add_modes(v1::RESYNC_MODE_REREAD);
  request.set_idempotency_key("k1");
  const auto first =
      Client::Call(*client.resync, &v1::Resync::Stub::Start, request);
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->existed());
  EXPECT_THAT(first->operation().started_by(), HasSubstr("ipv4:127.0.0.1:"));
  const auto again =
      Client::Call(*client.resync, &v1::Resync::Stub::Start, request);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->existed());
  EXPECT_EQ(again->operation().id(), first->operation().id());
  request.set_dry_run(true);
  EXPECT_THAT(Client::Call(*client.resync, &v1::Resync::Stub::Start, request),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("dry_run")));
}

TEST(ApiServerTest, APausedResyncIsResumed) {
  TestController controller;
  for (int i = 0; i < 40; ++i) controller.Observe(absl::StrCat("hv", i), {});
  controller.HoldRereads();
  Client client(controller);
  const auto started = client.Start({v1::RESYNC_MODE_REREAD});
  ASSERT_THAT(started, IsOk());
  v1::ResyncPauseRequest pause;
  pause.set_id(started->id());
  const auto paused =
      Client::Call(*client.resync, &v1::Resync::Stub::Pause, pause);
  ASSERT_THAT(paused, IsOk());
  EXPECT_EQ(paused->operation().state(), v1::OPERATION_STATE_PAUSED);
  v1::ResyncResumeRequest resume;
  resume.set_id(started->id());
  const auto resumed =
      Client::Call(*client.resync, &v1::Resync::Stub::Resume, resume);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(resumed->operation().state(), v1::OPERATION_STATE_RUNNING);
  controller.ReleaseRereads();

  v1::ResyncWatchRequest watch;
  watch.set_id(started->id());
  const auto context = Patient();
  auto stream = client.resync->Watch(context.get(), watch);
  v1::ResyncWatchResponse step;
  while (stream->Read(&step)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(step.operation().state(), v1::OPERATION_STATE_ENDED);
  EXPECT_EQ(step.operation().progress().done(), 40);
  EXPECT_THAT(Client::Call(*client.resync, &v1::Resync::Stub::Pause, pause),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(ApiServerTest, ResyncsAreListedNewestFirstInPages) {
  TestController controller;
  controller.Observe("hv1", {});
  controller.HoldRereads();
  Client client(controller);
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.insert(client.Start({v1::RESYNC_MODE_REREAD}).value().id());
  }
  v1::ResyncListRequest request;
  request.add_states(v1::OPERATION_STATE_RUNNING);
  request.set_page_size(2);
  const auto list = [&] {
    return Client::Call(*client.resync, &v1::Resync::Stub::List, request);
  };
  const auto first = list();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->total(), 3);
  ASSERT_EQ(first->operations_size(), 2);
  EXPECT_EQ(first->operations(0).hosts_size(), 0);
  request.set_page_token(first->next_page_token());
  const auto second = list();
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->operations_size(), 1);
  EXPECT_EQ(second->next_page_token(), "");
  EXPECT_EQ((std::set<std::string>{first->operations(0).id(),
                                   first->operations(1).id(),
                                   second->operations(0).id()}),
            ids);

  request.set_states(0, v1::OPERATION_STATE_PAUSED);
  EXPECT_THAT(list(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("page_token")));
  request.clear_page_token();
  EXPECT_EQ(list()->operations_size(), 0);
  request.set_states(0, v1::OPERATION_STATE_UNSPECIFIED);
  EXPECT_THAT(list(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("states")));
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
