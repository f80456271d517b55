// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/audit_service.h"

#include <grpcpp/channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rehai/v1/audit.grpc.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using testing::HasSubstr;

// A Past that answers what a test says, and keeps what it was asked.
class AskedPast final : public Past {
 public:
  void ListAudit(AuditQuery query, Done<AuditPage> done) override {
    asked = std::move(query);
    done(answer);
  }
  void ListEvents(EventQuery /*query*/, Done<EventPage> done) override {
    done(absl::UnimplementedError("not asked here"));
  }
  void ListAsOf(AsOfQuery /*query*/, Done<EventPage> done) override {
    done(absl::UnimplementedError("not asked here"));
  }
  void ListAtTwoTimes(TwoTimesQuery /*query*/,
                      Done<TwoTimesPage> done) override {
    done(absl::UnimplementedError("not asked here"));
  }

  AuditQuery asked;
  absl::StatusOr<AuditPage> answer = AuditPage();
};

class AuditServiceTest : public testing::Test {
 protected:
  AuditServiceTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Audit::NewStub(server_->InProcessChannel({}));
  }

  absl::StatusOr<v1::ListEntriesResponse> List(
      const v1::ListEntriesRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::minutes(1));
    v1::ListEntriesResponse response;
    const grpc::Status status =
        stub_->ListEntries(&context, request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  AskedPast past_;
  const std::unique_ptr<grpc::Service> service_ = MakeAuditService(past_);
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Audit::Stub> stub_;
};

AuditPage PageOf(const std::string& command, int64_t next) {
  AuditPage page;
  page.entries.emplace_back().set_command(command);
  page.next = next;
  return page;
}

TEST_F(AuditServiceTest, TheQuestionIsAskedOfThePast) {
  v1::ListEntriesRequest request;
  request.set_caller("alice");
  request.set_command("Resync");
  *request.mutable_from() = ToProto(absl::FromUnixSeconds(100));
  *request.mutable_until() = ToProto(absl::FromUnixSeconds(200));
  request.set_page_size(7);
  past_.answer = PageOf("Resync.Start", 0);
  const auto response = List(request);
  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->entries_size(), 1);
  EXPECT_EQ(response->entries(0).command(), "Resync.Start");
  EXPECT_EQ(response->next_page_token(), "");
  EXPECT_EQ(past_.asked.caller, "alice");
  EXPECT_EQ(past_.asked.command, "Resync");
  EXPECT_EQ(past_.asked.from, absl::FromUnixSeconds(100));
  EXPECT_EQ(past_.asked.until, absl::FromUnixSeconds(200));
  EXPECT_EQ(past_.asked.limit, 7);
  EXPECT_EQ(past_.asked.before, 0);
}

TEST_F(AuditServiceTest, ATokenGoesOnWithTheSameQuestionOnly) {
  past_.answer = PageOf("Resync.Start", 42);
  v1::ListEntriesRequest request;
  request.set_caller("alice");
  const auto first = List(request);
  ASSERT_THAT(first, IsOk());
  request.set_page_token(first->next_page_token());
  ASSERT_THAT(List(request), IsOk());
  EXPECT_EQ(past_.asked.before, 42);

  request.set_caller("bob");
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(AuditServiceTest, APageFitsIntoAMessage) {
  v1::ListEntriesRequest request;
  request.set_page_size(1000);
  ASSERT_THAT(List(request), IsOk());
  EXPECT_EQ(past_.asked.limit, 500);
  request.set_page_size(1001);
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(AuditServiceTest, TimesThatHoldNothingAreAnError) {
  v1::ListEntriesRequest request;
  *request.mutable_from() = ToProto(absl::FromUnixSeconds(200));
  *request.mutable_until() = ToProto(absl::FromUnixSeconds(200));
  EXPECT_THAT(List(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("until")));
}

TEST_F(AuditServiceTest, ThePastsErrorsAreTheAnswers) {
  past_.answer = absl::FailedPreconditionError("nothing is kept");
  EXPECT_THAT(List({}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                 HasSubstr("nothing is kept")));
}

}  // namespace
}  // namespace rehai
