// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Uuid(int number) {
  return absl::StrFormat("00000000-0000-4000-8000-%012x", number);
}

v1::Guest MakeGuest(int number, const std::string& name,
                    v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(Uuid(number));
  guest.set_name(name);
  guest.set_state(state);
  if (state == v1::GUEST_STATE_RUNNING) guest.set_id(number);
  return guest;
}

class FleetQueriesTest : public testing::Test {
 protected:
  void Observe(const std::string& node, const std::vector<v1::Guest>& guests) {
    v1::Observation observation;
    observation.set_node(node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    observation.mutable_provenance()->mutable_observed_at()->set_seconds(
        absl::ToUnixSeconds(clock_.Now()));
    observation.mutable_facts()->set_hostname(node);
    for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
    inventory_.AddHost({node}, {{"rack", node.substr(0, 1)}});
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }

  std::vector<std::string> ListAllGuests(v1::ListGuestsRequest request) {
    std::vector<std::string> found;
    do {
      const auto page = queries_.ListGuests(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) return found;
      for (const v1::LocatedGuest& guest : page->guests()) {
        found.push_back(absl::StrCat(guest.guest().name(), "@", guest.node()));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return found;
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  FakeSink sink_{clock_};
  Syncer syncer_{Syncer::Options(), inventory_, sink_, clock_};
  FleetQueries queries_{inventory_, syncer_};
  int64_t sequence_ = 0;
};

TEST_F(FleetQueriesTest, GetHostGivesTheHostAndItsSync) {
  Observe("hv1", {MakeGuest(1, "web01"),
                  MakeGuest(2, "web02", v1::GUEST_STATE_SHUT_OFF)});
  v1::GetHostRequest request;
  request.set_node("hv1");
  const auto answer = queries_.GetHost(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->host().node(), "hv1");
  EXPECT_EQ(answer->host().guest_count(), 2);
  EXPECT_EQ(answer->host().running_guest_count(), 1);
  EXPECT_EQ(answer->host().presence(), v1::PRESENCE_CURRENT);
  EXPECT_NE(answer->host().sync().state(), v1::SYNC_STATE_UNSPECIFIED);
  EXPECT_TRUE(answer->host().has_confirmed_at());
  EXPECT_EQ(answer->revision(), inventory_.revision());
}

TEST_F(FleetQueriesTest, GetHostRefusesWhatIsNotThere) {
  v1::GetHostRequest request;
  EXPECT_THAT(queries_.GetHost(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node")));
  request.set_node("hv9");
  EXPECT_THAT(queries_.GetHost(request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
}

TEST_F(FleetQueriesTest, AListOfANamedHostThatIsNotThereIsRefused) {
  Observe("hv1", {MakeGuest(1, "web01")});
  v1::ListHostsRequest hosts;
  hosts.mutable_selector()->add_nodes("hv1");
  hosts.mutable_selector()->add_nodes("hv9");
  EXPECT_THAT(queries_.ListHosts(hosts),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("host hv9")));
  v1::ListGuestsRequest guests;
  *guests.mutable_hosts() = hosts.selector();
  EXPECT_THAT(queries_.ListGuests(guests),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("host hv9")));
}

TEST_F(FleetQueriesTest, ListHostsPagesInTheOrderOfNames) {
  for (const char* node : {"a1", "a2", "a3", "b1"}) Observe(node, {});
  v1::ListHostsRequest request;
  (*request.mutable_selector()->mutable_labels())["rack"] = "a";
  request.set_page_size(2);
  const auto first = queries_.ListHosts(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->hosts_size(), 2);
  EXPECT_EQ(first->hosts(0).node(), "a1");
  EXPECT_EQ(first->hosts(1).node(), "a2");
  EXPECT_EQ(first->total_size(), 3);

  request.set_page_token(first->next_page_token());
  const auto second = queries_.ListHosts(request);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->hosts_size(), 1);
  EXPECT_EQ(second->hosts(0).node(), "a3");
  EXPECT_EQ(second->next_page_token(), "");
  EXPECT_EQ(second->total_size(), 3);
}

TEST_F(FleetQueriesTest, ListHostsRefusesABadPage) {
  Observe("a1", {});
  Observe("a2", {});
  v1::ListHostsRequest request;
  request.set_page_size(1);
  const auto first = queries_.ListHosts(request);
  ASSERT_THAT(first, IsOk());

  v1::ListHostsRequest other_filter = request;
  other_filter.set_page_token(first->next_page_token());
  other_filter.mutable_selector()->add_nodes("a1");
  v1::ListHostsRequest damaged;
  damaged.set_page_token("nonsense");
  v1::ListHostsRequest huge;
  huge.set_page_size(1001);
  for (const auto& bad : {other_filter, damaged, huge}) {
    EXPECT_THAT(queries_.ListHosts(bad),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(FleetQueriesTest, APageTokenOutlivesTheHostItNames) {
  for (const char* node : {"a1", "a2", "a3"}) Observe(node, {});
  v1::ListHostsRequest request;
  request.set_page_size(2);
  request.set_page_token(queries_.ListHosts(request)->next_page_token());
  inventory_.RemoveHost({"a2"});
  const auto second = queries_.ListHosts(request);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->hosts_size(), 1);
  EXPECT_EQ(second->hosts(0).node(), "a3");
}

TEST_F(FleetQueriesTest, GetGuestFindsByUuidInEitherCase) {
  Observe("hv1", {MakeGuest(0xabc, "web01")});
  v1::GetGuestRequest request;
  request.set_uuid("00000000-0000-4000-8000-000000000ABC");
  const auto answer = queries_.GetGuest(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->guest().guest().name(), "web01");
  EXPECT_EQ(answer->guest().node(), "hv1");
  EXPECT_EQ(answer->revision(), inventory_.revision());
}

TEST_F(FleetQueriesTest, GetGuestFindsByName) {
  Observe("hv1", {MakeGuest(1, "web01"), MakeGuest(2, "web02")});
  v1::GetGuestRequest request;
  request.set_name("web02");
  const auto answer = queries_.GetGuest(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->guest().guest().uuid(), Uuid(2));
}

TEST_F(FleetQueriesTest, GetGuestSaysWhatItCannotFind) {
  v1::GetGuestRequest request;
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kInvalidArgument));
  request.set_name("");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kInvalidArgument));
  request.set_name("web09");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("web09")));
  request.set_uuid(Uuid(9));
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Uuid(9))));
  request.set_uuid("web09");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(FleetQueriesTest, ANameOfSeveralGuestsIsAnsweredWithAllTheirPlaces) {
  Observe("hv1", {MakeGuest(1, "web01")});
  Observe("hv2", {MakeGuest(2, "web01")});
  v1::GetGuestRequest request;
  request.set_name("web01");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(Uuid(1) + " on hv1"),
                             HasSubstr(Uuid(2) + " on hv2"))));
}

TEST_F(FleetQueriesTest, ListGuestsIsInTheOrderOfNameAndUuidOverAllPages) {
  Observe("hv1", {MakeGuest(5, "b"), MakeGuest(2, "a"), MakeGuest(9, "ab")});
  Observe("hv2", {MakeGuest(1, "b"), MakeGuest(7, "c"), MakeGuest(3, "aa")});
  v1::ListGuestsRequest request;
  for (int page_size = 1; page_size <= 7; ++page_size) {
    request.set_page_size(page_size);
    EXPECT_THAT(ListAllGuests(request), ElementsAre("a@hv1", "aa@hv2", "ab@hv1",
                                                    "b@hv2", "b@hv1", "c@hv2"))
        << "page size " << page_size;
  }
}

TEST_F(FleetQueriesTest, ListGuestsFilters) {
  Observe("a1", {MakeGuest(1, "web01"),
                 MakeGuest(2, "web02", v1::GUEST_STATE_SHUT_OFF)});
  Observe("b1", {MakeGuest(3, "web03"), MakeGuest(4, "db01")});

  v1::ListGuestsRequest request;
  request.set_filter("name = web*");
  EXPECT_THAT(ListAllGuests(request),
              ElementsAre("web01@a1", "web02@a1", "web03@b1"));
  request.set_filter("name = web* AND state = running");
  EXPECT_THAT(ListAllGuests(request), ElementsAre("web01@a1", "web03@b1"));
  request.mutable_hosts()->add_nodes("b1");
  EXPECT_THAT(ListAllGuests(request), ElementsAre("web03@b1"));
  (*request.mutable_hosts()->mutable_labels())["rack"] = "a";
  EXPECT_THAT(ListAllGuests(request), IsEmpty());
}

TEST_F(FleetQueriesTest, ListGuestsCountsAllPages) {
  Observe("a1", {MakeGuest(1, "x"), MakeGuest(2, "y"), MakeGuest(3, "z")});
  v1::ListGuestsRequest request;
  request.set_page_size(1);
  const auto first = queries_.ListGuests(request);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->total_size(), 3);
  EXPECT_EQ(first->revision(), inventory_.revision());
}

TEST_F(FleetQueriesTest, AGuestThatAMigrationLeftBehindIsListedWhereItRuns) {
  Observe("hv1", {MakeGuest(1, "web01")});
  Observe("hv2", {MakeGuest(1, "web01", v1::GUEST_STATE_SHUT_OFF)});
  EXPECT_THAT(ListAllGuests({}), ElementsAre("web01@hv1"));

  v1::ListGuestsRequest on_hv2;
  on_hv2.mutable_hosts()->add_nodes("hv2");
  EXPECT_THAT(ListAllGuests(on_hv2), IsEmpty());
}

TEST_F(FleetQueriesTest, APageEndsBeforeItIsTooLargeToSend) {
  std::vector<v1::Guest> guests;
  for (int i = 0; i < 10; ++i) {
    guests.push_back(MakeGuest(i, absl::StrCat("big", i)));
    guests.back().set_metadata_xml(std::string(1 << 20, 'x'));
  }
  Observe("hv1", guests);
  const auto first = queries_.ListGuests({});
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->total_size(), 10);
  EXPECT_LT(first->ByteSizeLong(), size_t{4} << 20);
  EXPECT_EQ(ListAllGuests({}).size(), 10u);
}

TEST_F(FleetQueriesTest, ListGuestsRefusesABadRequest) {
  v1::ListGuestsRequest bad_state;
  bad_state.set_filter("state = sideways");
  v1::ListGuestsRequest bad_size;
  bad_size.set_page_size(-1);
  v1::ListGuestsRequest bad_token;
  bad_token.set_page_token("?");
  for (const auto& bad : {bad_state, bad_size, bad_token}) {
    EXPECT_THAT(queries_.ListGuests(bad),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace rehai
