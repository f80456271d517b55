// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/history_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/proto_time.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/state/scratch_folder_fixture.h"
#include "controller/state/sqlite_past.h"
#include "controller/state/sqlite_store.h"
#include "rehai/v1/history.grpc.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Long enough never to matter on a busy machine.
constexpr absl::Duration kPatience = absl::Minutes(1);

std::string Uuid(int number) {
  return absl::StrCat("00000000-0000-4000-8000-00000000000", number);
}

// A gRPC server with the service, and a client of it.
class Face {
 public:
  explicit Face(Past& past) : service_(MakeHistoryService(past)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::History::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
  }
  ~Face() {
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::seconds(2));
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::History::Stub::*method)(grpc::ClientContext*,
                                                const Request&, Response*),
      const Request& request, absl::Duration patience = kPatience) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoMilliseconds(patience));
    Response response;
    const grpc::Status status =
        (stub_.get()->*method)(&context, request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

 private:
  int port_ = 0;
  const std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::History::Stub> stub_;
};

// The service over what an inventory's changes left in a store.
class HistoryServiceTest : public testing::Test {
 protected:
  HistoryServiceTest() {
    SqliteStore::Options options;
    options.folder = folder_ / "state";
    store_ = *SqliteStore::Create(std::move(options), clock_);
    inventory_.AddListener([this](const Change& change) {
      std::vector<v1::HistoryEvent> events = chronicle_.OnChange(change);
      v1::StoredHost host;
      *host.mutable_record() = *change.record;
      store_->Put(std::move(host), std::move(events));
    });
    store_->Start();
    past_.Start();
  }
  ~HistoryServiceTest() override { past_.Stop(); }

  void See(const std::string& node, const std::vector<v1::Guest>& guests) {
    inventory_.AddHost(HostId{node}, {});
    v1::Observation seen;
    seen.set_node(node);
    seen.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    seen.set_session(1);
    seen.set_sequence(++sequence_);
    seen.set_full(true);
    seen.mutable_facts()->set_hostname(node);
    for (const v1::Guest& guest : guests) *seen.add_guests() = guest;
    ASSERT_THAT(inventory_.Observe(seen).status(), IsOk());
    ASSERT_THAT(store_->Flush(kPatience), IsOk());
  }
  static v1::Guest Guest(int number, v1::GuestState state) {
    v1::Guest guest;
    guest.set_uuid(Uuid(number));
    guest.set_name(absl::StrCat("web", number));
    guest.set_state(state);
    return guest;
  }

  Clock& clock_ = Clock::Real();
  const ScratchFolder folder_;
  std::unique_ptr<SqliteStore> store_;
  SqlitePast past_{{.folder = folder_ / "state"}, clock_};
  Inventory inventory_{clock_};
  Chronicle chronicle_{clock_};
  int64_t sequence_ = 0;
  Face face_{past_};
};

constexpr v1::GuestState kRunning = v1::GUEST_STATE_RUNNING;
constexpr v1::GuestState kOff = v1::GUEST_STATE_SHUT_OFF;

TEST_F(HistoryServiceTest, ATimelineIsPagedEitherWay) {
  See("a", {Guest(1, kOff)});
  See("a", {Guest(1, kRunning)});
  See("a", {Guest(1, kOff)});
  v1::ListEventsRequest request;
  // As people may write it.
  request.set_guest_uuid("00000000-0000-4000-8000-000000000001");
  request.set_page_size(2);
  std::vector<v1::EventKind> kinds;
  do {
    const auto page = face_.Call(&v1::History::Stub::ListEvents, request);
    ASSERT_THAT(page.status(), IsOk());
    EXPECT_TRUE(page->has_complete_since());
    for (const v1::HistoryEvent& event : page->events()) {
      EXPECT_EQ(event.source(), v1::SOURCE_KIND_PULL);
      kinds.push_back(event.kind());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(kinds, ElementsAre(v1::EVENT_KIND_GUEST_STOPPED,
                                 v1::EVENT_KIND_GUEST_STARTED,
                                 v1::EVENT_KIND_GUEST_FOUND));
  request.set_oldest_first(true);
  const auto page = face_.Call(&v1::History::Stub::ListEvents, request);
  ASSERT_THAT(page.status(), IsOk());
  EXPECT_EQ(page->events(0).kind(), v1::EVENT_KIND_GUEST_FOUND);
  // A token of another question.
  request.set_page_token(page->next_page_token());
  request.set_node("b");
  EXPECT_THAT(face_.Call(&v1::History::Stub::ListEvents, request).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(HistoryServiceTest, TheFleetOfAMomentIsPaged) {
  See("a", {Guest(1, kRunning), Guest(2, kOff)});
  See("b", {Guest(3, kOff)});
  const absl::Time then = clock_.Now();
  See("b", {});
  v1::ListGuestsAsOfRequest request;
  *request.mutable_at() = ToProto(then);
  request.set_page_size(2);
  std::vector<std::string> places;
  do {
    const auto page = face_.Call(&v1::History::Stub::ListGuestsAsOf, request);
    ASSERT_THAT(page.status(), IsOk());
    for (const v1::GuestAsOf& guest : page->guests()) {
      places.push_back(absl::StrCat(guest.node(), " ", guest.guest().name()));
      EXPECT_EQ(guest.since().kind(), v1::EVENT_KIND_GUEST_FOUND);
      EXPECT_FALSE(guest.since().has_guest());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(places, ElementsAre("a web1", "a web2", "b web3"));
  *request.mutable_at() = ToProto(clock_.Now());
  request.set_node("b");
  const auto now = face_.Call(&v1::History::Stub::ListGuestsAsOf, request);
  ASSERT_THAT(now.status(), IsOk());
  EXPECT_THAT(now->guests(), IsEmpty());

  v1::ListHostsAsOfRequest hosts;
  *hosts.mutable_at() = ToProto(then);
  hosts.set_page_size(1);
  places.clear();
  do {
    const auto page = face_.Call(&v1::History::Stub::ListHostsAsOf, hosts);
    ASSERT_THAT(page.status(), IsOk());
    for (const v1::HostAsOf& host : page->hosts()) {
      EXPECT_EQ(host.host().facts().hostname(), host.node());
      places.push_back(host.node());
    }
    hosts.set_page_token(page->next_page_token());
  } while (!hosts.page_token().empty());
  EXPECT_THAT(places, ElementsAre("a", "b"));
}

TEST_F(HistoryServiceTest, ADiffTellsWhatBecameOfEachGuest) {
  See("a", {Guest(1, kRunning), Guest(2, kOff), Guest(4, kOff)});
  See("b", {});
  v1::HistoryDiffRequest request;
  *request.mutable_from() = ToProto(clock_.Now());
  See("b", {Guest(1, kRunning)});
  See("a", {Guest(2, kRunning), Guest(3, kOff)});
  See("a", {Guest(2, kOff), Guest(3, kOff)});
  *request.mutable_to() = ToProto(clock_.Now());
  const auto page = face_.Call(&v1::History::Stub::Diff, request);
  ASSERT_THAT(page.status(), IsOk());
  std::vector<std::string> lines;
  for (const v1::GuestDifference& difference : page->differences()) {
    lines.push_back(absl::StrCat(v1::DifferenceKind_Name(difference.kind()),
                                 " ", difference.before().node(), "-",
                                 difference.after().node()));
  }
  // Not web2: it is as it was.
  EXPECT_THAT(lines, ElementsAre("DIFFERENCE_KIND_MOVED a-b",
                                 "DIFFERENCE_KIND_APPEARED -a",
                                 "DIFFERENCE_KIND_GONE a-"));
  request.set_node("b");
  const auto of_b = face_.Call(&v1::History::Stub::Diff, request);
  ASSERT_THAT(of_b.status(), IsOk());
  EXPECT_EQ(of_b->differences_size(), 1);
}

TEST_F(HistoryServiceTest, WhatCanNeverSucceedIsRefusedWithItsField) {
  v1::ListEventsRequest events;
  events.set_guest_uuid("web1");
  EXPECT_THAT(face_.Call(&v1::History::Stub::ListEvents, events).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("uuid")));
  events.clear_guest_uuid();
  events.add_kinds(v1::EVENT_KIND_UNSPECIFIED);
  EXPECT_THAT(face_.Call(&v1::History::Stub::ListEvents, events).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("kinds")));
  events.clear_kinds();
  events.set_page_size(1001);
  EXPECT_THAT(face_.Call(&v1::History::Stub::ListEvents, events).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      face_
          .Call(&v1::History::Stub::ListGuestsAsOf, v1::ListGuestsAsOfRequest())
          .status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at")));
  v1::HistoryDiffRequest diff;
  diff.mutable_from()->set_seconds(9);
  diff.mutable_to()->set_seconds(9);
  EXPECT_THAT(face_.Call(&v1::History::Stub::Diff, diff).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("to")));
  diff.mutable_to()->set_seconds(10);
  EXPECT_THAT(face_.Call(&v1::History::Stub::Diff, diff).status(),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(HistoryServiceWithoutStateTest, SaysWhatToSet) {
  NullPast past;
  Face face(past);
  EXPECT_THAT(
      face.Call(&v1::History::Stub::ListEvents, v1::ListEventsRequest())
          .status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("state.dir")));
}

// Nobody answers: the thread is not started. The client goes, and then the
// answer comes.
TEST(HistoryServiceWithoutStateTest, AnAnswerThatNobodyWaitsForHurtsNothing) {
  const ScratchFolder folder;
  SqlitePast past({.folder = folder / "state"}, Clock::Real());
  Face face(past);
  EXPECT_THAT(face.Call(&v1::History::Stub::ListEvents, v1::ListEventsRequest(),
                        absl::Milliseconds(50))
                  .status(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  past.Stop();
}

}  // namespace
}  // namespace rehai
