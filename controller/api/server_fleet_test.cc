// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/api/server_fixture.h"

namespace rehai {
namespace {

TEST(ApiServerTest, AnswersEachQuestionOfFleet) {
  TestController controller;
  controller.Observe("hv1", {MakeGuest(1, "web01")});
  Client client(controller);

  v1::GetHostRequest host;
  host.set_node("hv1");
  const auto got_host =
      Client::Call(*client.fleet, &v1::Fleet::Stub::GetHost, host);
  ASSERT_THAT(got_host, IsOk());
  EXPECT_EQ(got_host->host().guest_count(), 1);

  const auto hosts = Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                                  v1::ListHostsRequest());
  ASSERT_THAT(hosts, IsOk());
  EXPECT_EQ(hosts->hosts_size(), 1);

  v1::GetGuestRequest guest;
  guest.set_name("web01");
  const auto got_guest =
      Client::Call(*client.fleet, &v1::Fleet::Stub::GetGuest, guest);
  ASSERT_THAT(got_guest, IsOk());
  EXPECT_EQ(got_guest->guest().node(), "hv1");

  const auto guests = Client::Call(*client.fleet, &v1::Fleet::Stub::ListGuests,
                                   v1::ListGuestsRequest());
  ASSERT_THAT(guests, IsOk());
  EXPECT_EQ(guests->guests_size(), 1);
}

TEST(ApiServerTest, WatchSendsTheStateThenChangesAsTheyHappen) {
  TestController controller;
  controller.Observe("hv1", {MakeGuest(1, "web01")});
  Client client(controller);
  const auto context = Patient();
  auto stream = client.fleet->Watch(context.get(), v1::FleetWatchRequest());
  v1::FleetWatchResponse step;
  ASSERT_TRUE(stream->Read(&step));
  EXPECT_EQ(step.kind(), v1::FleetWatchResponse::KIND_HOST_CHANGED);
  EXPECT_EQ(step.record().guests_size(), 1);
  ASSERT_TRUE(stream->Read(&step));
  EXPECT_EQ(step.kind(), v1::FleetWatchResponse::KIND_SYNCED);

  controller.Observe("hv1", {MakeGuest(1, "web01"), MakeGuest(2, "web02")});
  ASSERT_TRUE(stream->Read(&step));
  EXPECT_EQ(step.record().guests_size(), 2);
  controller.inventory().RemoveHost({"hv1"});
  ASSERT_TRUE(stream->Read(&step));
  EXPECT_EQ(step.kind(), v1::FleetWatchResponse::KIND_HOST_REMOVED);
  EXPECT_EQ(step.record().node(), "hv1");
}

TEST(ApiServerTest, AWatchFromAForgottenRevisionIsOutOfRange) {
  TestController controller;
  Client client(controller);
  v1::FleetWatchRequest request;
  request.set_after_revision(1);
  const auto context = Patient();
  auto stream = client.fleet->Watch(context.get(), request);
  v1::FleetWatchResponse step;
  EXPECT_FALSE(stream->Read(&step));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST(ApiServerTest, ManyWatchersSeeEveryHost) {
  TestController controller;
  static constexpr int kWatchers = 50;
  static constexpr int kHosts = 20;
  Client client(controller);
  std::vector<std::thread> watchers;
  for (int i = 0; i < kWatchers; ++i) {
    watchers.emplace_back([&client] {
      const auto context = Patient();
      auto stream = client.fleet->Watch(context.get(), v1::FleetWatchRequest());
      v1::FleetWatchResponse step;
      std::set<std::string> hosts;
      while (hosts.size() < kHosts && stream->Read(&step)) {
        if (step.kind() == v1::FleetWatchResponse::KIND_HOST_CHANGED) {
          hosts.insert(step.record().node());
        }
      }
      EXPECT_EQ(hosts.size(), size_t{kHosts});
      context->TryCancel();
    });
  }
  for (int i = 0; i < kHosts; ++i) {
    controller.Observe(absl::StrCat("hv", i), {MakeGuest(i, "web")});
  }
  for (std::thread& watcher : watchers) watcher.join();
}

TEST(ApiServerTest, AWatcherThatDoesNotReadIsSentNewestStatesOnly) {
  TestController controller;
  std::vector<v1::Guest> guests(1, MakeGuest(1, "web01"));
  controller.Observe("hv1", guests);
  Client client(controller);
  const auto context = Patient();
  auto stream = client.fleet->Watch(context.get(), v1::FleetWatchRequest());
  v1::FleetWatchResponse step;
  do {
    ASSERT_TRUE(stream->Read(&step));
  } while (step.kind() != v1::FleetWatchResponse::KIND_SYNCED);

  // Nothing is read meanwhile, and it is far more than the connection's windows
  // and buffers hold.
  constexpr int kChanges = 300;
  for (int i = 1; i <= kChanges; ++i) {
    guests[0].set_metadata_xml(std::string(100'000, 'x'));
    guests[0].set_vcpus(i);
    controller.Observe("hv1", guests);
  }
  int sent = 0;
  do {
    ASSERT_TRUE(stream->Read(&step));
    ++sent;
  } while (step.record().guests(0).vcpus() < kChanges);
  EXPECT_LT(sent, kChanges / 2);
}

TEST(ApiServerTest, FiltersAndSummariesAreAnswered) {
  TestController controller;
  controller.Observe("hv1", {MakeGuest(1, "web01"), MakeGuest(2, "db01")},
                     {{"rack", "r1"}});
  controller.Observe("hv2", {MakeGuest(3, "web02")}, {{"rack", "r2"}});
  Client client(controller);
  v1::ListGuestsRequest guests;
  guests.set_filter("name = web* AND host.labels.rack = r2");
  const auto page = Client::Call<v1::ListGuestsResponse>(
      *client.fleet, &v1::Fleet::Stub::ListGuests, guests);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->guests_size(), 1);
  EXPECT_EQ(page->guests(0).guest().name(), "web02");

  guests.set_filter("nmae = web*");
  EXPECT_THAT(Client::Call<v1::ListGuestsResponse>(
                  *client.fleet, &v1::Fleet::Stub::ListGuests, guests),
              StatusIs(absl::StatusCode::kInvalidArgument));

  v1::SummarizeRequest summary;
  summary.add_group_by("host.labels.rack");
  const auto groups = Client::Call<v1::SummarizeResponse>(
      *client.fleet, &v1::Fleet::Stub::Summarize, summary);
  ASSERT_THAT(groups, IsOk());
  ASSERT_EQ(groups->groups_size(), 2);
  EXPECT_EQ(groups->groups(0).figures().guests(), 2);
  EXPECT_EQ(groups->total().hosts(), 2);
}

TEST(ApiServerTest, ABookmarkComesToAWatchThatHasNothingElse) {
  TestController controller;
  controller.Observe("hv1", {});
  Client client(controller);
  v1::FleetWatchRequest request;
  request.mutable_bookmark_interval()->set_seconds(1);
  const auto context = Patient();
  auto stream = client.fleet->Watch(context.get(), request);
  v1::FleetWatchResponse step;
  do {
    ASSERT_TRUE(stream->Read(&step));
  } while (step.kind() != v1::FleetWatchResponse::KIND_BOOKMARK);
  EXPECT_EQ(step.revision(), controller.inventory().revision());
}

TEST(ApiServerTest, AWatcherThatLeavesIsForgotten) {
  TestController controller;
  Client client(controller);
  for (int i = 0; i < 20; ++i) {
    const auto context = Patient();
    auto stream = client.fleet->Watch(context.get(), v1::FleetWatchRequest());
    context->TryCancel();
    EXPECT_FALSE(stream->Finish().ok());
  }
  controller.Observe("hv1", {});
  controller.server().Stop(kPatience);  // would wait for a stream that is stuck
}

}  // namespace
}  // namespace rehai
