// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
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
using ::testing::ElementsAreArray;
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

  // As the client gets it.
  absl::StatusOr<v1::ListGuestsResponse> ListGuests(
      const v1::ListGuestsRequest& request) {
    const auto sent = queries_.ListGuests(request);
    if (!sent.ok()) return sent.status();
    v1::ListGuestsResponse received;
    EXPECT_TRUE(received.ParseFromString(sent->SerializeAsString()));
    return received;
  }

  std::vector<std::string> ListAllGuests(v1::ListGuestsRequest request) {
    std::vector<std::string> found;
    do {
      const auto page = ListGuests(request);
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
  FleetQueries queries_{inventory_, syncer_, clock_};
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
  EXPECT_THAT(ListGuests(guests),
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

TEST_F(FleetQueriesTest, ListGuestsLooksUpWhatIsIndexed) {
  v1::Guest web = MakeGuest(1, "web01");
  web.add_interfaces()->set_mac("52:54:00:00:00:01");
  web.mutable_interfaces(0)->add_addresses("10.0.0.7/24");
  Observe("a1", {web, MakeGuest(2, "db01")});
  // Elsewhere it was left behind, under another name too.
  Observe("b1", {MakeGuest(1, "web01", v1::GUEST_STATE_SHUT_OFF),
                 MakeGuest(3, "web01"), MakeGuest(4, "web02")});
  v1::ListGuestsRequest request;
  const struct {
    const char* filter;
    std::vector<std::string> found;
  } cases[] = {
      {"name = web01", {"web01@a1", "web01@b1"}},
      {"name = web01 state = running host.labels.rack = b", {"web01@b1"}},
      {"mac = 52:54:00:00:00:01", {"web01@a1"}},
      {"ip = 10.0.0.7", {"web01@a1"}},
      {"ip = 10.0.0.7 AND node = b1", {}},
      {"ip = 10.0.0.0/24", {"web01@a1"}},
      {"name = web09", {}},
      {"host.running_guest_count = 2 name = web01", {"web01@a1", "web01@b1"}},
  };
  for (const auto& c : cases) {
    request.set_filter(c.filter);
    EXPECT_EQ(ListAllGuests(request), c.found) << c.filter;
    // The same question, so that no index answers it.
    request.set_filter(absl::StrCat("(", c.filter, ") OR name = nobody"));
    EXPECT_EQ(ListAllGuests(request), c.found) << c.filter;
  }
}

TEST_F(FleetQueriesTest, EveryOrderIsKeptOverAllPages) {
  const auto sized = [](int number, const std::string& name, int64_t kib) {
    v1::Guest guest = MakeGuest(number, name);
    guest.set_memory_kib(kib);
    return guest;
  };
  Observe("hv1", {sized(1, "b", 10), sized(2, "a", 30), sized(3, "c", 10)});
  Observe("hv2", {sized(4, "d", 20), sized(5, "a", 10)});
  v1::ListGuestsRequest request;
  for (int page_size = 1; page_size <= 6; ++page_size) {
    request.set_page_size(page_size);
    request.set_order_by("memory desc, name");
    EXPECT_THAT(ListAllGuests(request),
                ElementsAre("a@hv1", "d@hv2", "a@hv2", "b@hv1", "c@hv1"));
    request.set_order_by("node desc");
    EXPECT_THAT(ListAllGuests(request),
                ElementsAre("a@hv2", "d@hv2", "a@hv1", "b@hv1", "c@hv1"));
  }
  request.set_order_by("mac");
  EXPECT_THAT(ListGuests(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("order_by: mac")));
}

TEST_F(FleetQueriesTest, PagesNeitherRepeatNorSkipWhatStays) {
  std::vector<v1::Guest> guests;
  for (int i = 0; i < 10; ++i) {
    guests.push_back(MakeGuest(i, absl::StrCat("g", i)));
  }
  Observe("hv1", guests);
  for (const char* order : {"", "name desc"}) {
    v1::ListGuestsRequest request;
    request.set_order_by(order);
    request.set_page_size(4);
    auto page = ListGuests(request);
    ASSERT_THAT(page, IsOk());
    std::vector<std::string> found;
    for (const auto& guest : page->guests()) {
      found.push_back(guest.guest().name());
    }
    // The last one that was shown goes, and one comes where the reader was.
    std::vector<v1::Guest> changed = guests;
    std::erase_if(changed, [&](const v1::Guest& guest) {
      return guest.name() == found.back();
    });
    changed.push_back(MakeGuest(99, found.front() + "x"));
    Observe("hv1", changed);
    while (!page->next_page_token().empty()) {
      request.set_page_token(page->next_page_token());
      page = ListGuests(request);
      ASSERT_THAT(page, IsOk());
      for (const auto& guest : page->guests()) {
        found.push_back(guest.guest().name());
      }
    }
    std::sort(found.begin(), found.end());
    EXPECT_THAT(found, ElementsAre("g0", "g1", "g2", "g3", "g4", "g5", "g6",
                                   "g7", "g8", "g9"))
        << order;
    Observe("hv1", guests);
  }
}

TEST_F(FleetQueriesTest, ATokenIsForItsOwnQuestion) {
  Observe("hv1", {MakeGuest(1, "a"), MakeGuest(2, "b")});
  v1::ListGuestsRequest request;
  request.set_page_size(1);
  const auto first = ListGuests(request);
  ASSERT_THAT(first, IsOk());
  request.set_page_token(first->next_page_token());

  v1::ListGuestsRequest other_size = request;
  other_size.set_page_size(2);
  other_size.mutable_read_mask()->add_paths("node");
  EXPECT_THAT(ListGuests(other_size), IsOk());

  v1::ListGuestsRequest other_filter = request;
  other_filter.set_filter("name = b*");
  v1::ListGuestsRequest other_order = request;
  other_order.set_order_by("name desc");
  v1::ListGuestsRequest other_hosts = request;
  other_hosts.mutable_hosts()->add_nodes("hv1");
  for (const auto& other : {other_filter, other_order, other_hosts}) {
    EXPECT_THAT(ListGuests(other), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("page_token: ")));
  }
}

TEST_F(FleetQueriesTest, AMaskLeavesOutTheRest) {
  Observe("hv1", {MakeGuest(1, "a")});
  v1::ListGuestsRequest guests;
  guests.mutable_read_mask()->add_paths("guest.name");
  const auto page = ListGuests(guests);
  ASSERT_THAT(page, IsOk());
  v1::LocatedGuest expected;
  expected.mutable_guest()->set_name("a");
  EXPECT_THAT(page->guests(0), EqualsProto(expected));
  guests.mutable_read_mask()->add_paths("guest.nmae");
  EXPECT_THAT(ListGuests(guests), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("guest.nmae")));

  v1::ListHostsRequest hosts;
  hosts.mutable_read_mask()->add_paths("guest_count");
  const auto host_page = queries_.ListHosts(hosts);
  ASSERT_THAT(host_page, IsOk());
  v1::Host host;
  host.set_guest_count(1);
  EXPECT_THAT(host_page->hosts(0), EqualsProto(host));

  v1::GetHostRequest one;
  one.set_node("hv1");
  one.mutable_read_mask()->add_paths("nod");
  EXPECT_THAT(queries_.GetHost(one),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean node?")));
}

TEST_F(FleetQueriesTest, GetGuestByItsAddresses) {
  v1::Guest web = MakeGuest(1, "web01");
  web.add_interfaces()->set_mac("52:54:00:00:00:01");
  web.mutable_interfaces(0)->add_addresses("10.0.0.7/24");
  v1::Guest db = MakeGuest(2, "db01");
  db.add_interfaces()->add_addresses("10.0.0.8/24");
  v1::Guest twin = MakeGuest(3, "db02");
  twin.add_interfaces()->add_addresses("10.0.0.8/24");
  Observe("hv1", {web, db, twin});

  v1::GetGuestRequest request;
  request.set_mac("52-54-00-00-00-01");
  auto answer = queries_.GetGuest(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->guest().guest().name(), "web01");
  request.set_ip("10.0.0.7");
  answer = queries_.GetGuest(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->guest().guest().name(), "web01");

  request.set_ip("10.0.0.8");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(Uuid(2)), HasSubstr(Uuid(3)))));
  request.set_ip("10.0.0.9");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kNotFound));
  request.set_ip("10.0.0");
  EXPECT_THAT(queries_.GetGuest(request),
              StatusIs(absl::StatusCode::kInvalidArgument));

  // An address that goes to another guest goes in the index too.
  db.mutable_interfaces(0)->clear_addresses();
  Observe("hv1", {web, db, twin});
  request.set_ip("10.0.0.8");
  answer = queries_.GetGuest(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->guest().guest().name(), "db02");
}

TEST_F(FleetQueriesTest, ListHostsFiltersAndOrders) {
  Observe("a1", {MakeGuest(1, "x")});
  Observe("a2", {MakeGuest(2, "y"), MakeGuest(3, "z")});
  Observe("b1", {});
  const auto list = [this](v1::ListHostsRequest request) {
    std::vector<std::string> nodes;
    do {
      const auto page = queries_.ListHosts(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const v1::Host& host : page->hosts()) nodes.push_back(host.node());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return nodes;
  };
  v1::ListHostsRequest request;
  request.set_page_size(1);
  request.set_order_by("guest_count desc");
  EXPECT_THAT(list(request), ElementsAre("a2", "a1", "b1"));
  request.set_filter("labels.rack = a");
  EXPECT_THAT(list(request), ElementsAre("a2", "a1"));
  request.set_filter("running_guest_count < 2");
  EXPECT_THAT(list(request), ElementsAre("a1", "b1"));
  request.set_filter("sync = pending");
  EXPECT_THAT(list(request), ElementsAre("a2", "a1", "b1"));
  // Ages are the clock's.
  request.set_filter("age > 1m");
  EXPECT_THAT(list(request), IsEmpty());
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(list(request), ElementsAre("a2", "a1", "b1"));
}

TEST_F(FleetQueriesTest, SummarizeCountsByGroup) {
  const auto sized = [](int number, v1::GuestState state) {
    v1::Guest guest = MakeGuest(number, absl::StrCat("g", number), state);
    guest.set_vcpus(2);
    guest.set_memory_kib(100);
    guest.set_max_memory_kib(200);
    return guest;
  };
  Observe("a1", {sized(1, v1::GUEST_STATE_RUNNING),
                 sized(2, v1::GUEST_STATE_SHUT_OFF)});
  Observe("a2", {sized(3, v1::GUEST_STATE_RUNNING),
                 sized(1, v1::GUEST_STATE_SHUT_OFF)});  // left behind
  Observe("b1", {});

  v1::SummarizeRequest request;
  request.add_group_by("state");
  auto answer = queries_.Summarize(request);
  ASSERT_THAT(answer, IsOk());
  ASSERT_EQ(answer->groups_size(), 2);
  EXPECT_THAT(answer->groups(0).keys(), ElementsAre("running"));
  EXPECT_EQ(answer->groups(0).figures().guests(), 2);
  EXPECT_EQ(answer->groups(0).figures().hosts(), 2);
  EXPECT_EQ(answer->groups(0).figures().running_memory_kib(), 200);
  EXPECT_THAT(answer->groups(1).keys(), ElementsAre("shut_off"));
  EXPECT_EQ(answer->groups(1).figures().guests(), 1);
  EXPECT_EQ(answer->groups(1).figures().running_memory_kib(), 0);
  EXPECT_EQ(answer->total().guests(), 3);
  EXPECT_EQ(answer->total().running_vcpus(), 4);
  EXPECT_EQ(answer->total().vcpus(), 6);
  EXPECT_EQ(answer->total().max_memory_kib(), 600);
  EXPECT_EQ(answer->total().hosts(), 3);  // with the one without guests
  EXPECT_EQ(answer->revision(), inventory_.revision());
  EXPECT_TRUE(answer->has_oldest_confirmed_at());

  // By what hosts have, those without guests have groups too.
  request.set_group_by(0, "host.labels.rack");
  request.add_group_by("node");
  answer = queries_.Summarize(request);
  ASSERT_THAT(answer, IsOk());
  ASSERT_EQ(answer->groups_size(), 3);
  EXPECT_THAT(answer->groups(2).keys(), ElementsAre("b", "b1"));
  EXPECT_EQ(answer->groups(2).figures().hosts(), 1);
  EXPECT_EQ(answer->groups(2).figures().guests(), 0);

  request.set_filter("state = running");
  answer = queries_.Summarize(request);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->groups_size(), 2);
  EXPECT_EQ(answer->total().hosts(), 2);

  for (const char* bad : {"mac", "name", "host.labels", "nonsense"}) {
    request.set_group_by(0, bad);
    EXPECT_THAT(
        queries_.Summarize(request),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("group_by")))
        << bad;
  }
  request.add_group_by("state");
  EXPECT_THAT(queries_.Summarize(request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(FleetQueriesTest, AHostMayHaveMoreGuestsThanABlock) {
  // Every third one runs. Two hosts, so that the second does not begin where
  // the guests of the first would end.
  std::vector<std::string> running;
  int number = 0;
  for (const auto& [node, count] :
       std::map<std::string, int>{{"hv1", 150}, {"hv2", 129}}) {
    std::vector<v1::Guest> guests;
    for (int i = 0; i < count; ++i) {
      ++number;
      const std::string name = absl::StrFormat("vm-%03d", number);
      const bool runs = number % 3 == 0;
      guests.push_back(
          MakeGuest(number, name,
                    runs ? v1::GUEST_STATE_RUNNING : v1::GUEST_STATE_SHUT_OFF));
      guests.back().set_vcpus(1);
      if (runs) running.push_back(absl::StrCat(name, "@", node));
    }
    Observe(node, guests);
  }

  v1::ListGuestsRequest request;
  request.set_filter("state = running");
  request.set_page_size(40);
  EXPECT_THAT(ListAllGuests(request), ElementsAreArray(running));
  request.set_order_by("vcpus, name");
  EXPECT_THAT(ListAllGuests(request), ElementsAreArray(running));

  v1::SummarizeRequest summary;
  summary.set_filter("state = running");
  const auto answer = queries_.Summarize(summary);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->total().guests(), 93);
  EXPECT_EQ(answer->total().running_guests(), 93);
  EXPECT_EQ(answer->total().running_vcpus(), 93);
}

TEST_F(FleetQueriesTest, ListGuestsCountsAllPages) {
  Observe("a1", {MakeGuest(1, "x"), MakeGuest(2, "y"), MakeGuest(3, "z")});
  v1::ListGuestsRequest request;
  request.set_page_size(1);
  const auto first = ListGuests(request);
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
  const auto first = ListGuests({});
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
    EXPECT_THAT(ListGuests(bad), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace rehai
