// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/admission.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "controller/access/role.h"
#include "controller/access/roster.h"
#include "controller/api/guarded_service.h"
#include "controller/api/late_answer.h"
#include "controller/api/server_fixture.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "rehai/v1/resync.grpc.pb.h"

// Admission in front of a service that a test holds in its hand, over gRPC.
namespace rehai {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kToken[] = "an operator's token, not to be guessed";
constexpr char kReadersToken[] = "a reader's token, not to be guessed";

// Keeps calls of Start until a test answers them, and watches until a test, or
// the client, ends them.
class HeldService final : public v1::Resync::CallbackService {
 public:
  using Started = std::shared_ptr<LateAnswer<v1::ResyncStartResponse>>;

  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context,
                                  const v1::ResyncStartRequest*,
                                  v1::ResyncStartResponse* response) override {
    auto call = LateAnswer<v1::ResyncStartResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    MutexLock lock(mu_);
    caller_ = CallerName(*context);
    held_.push_back(std::move(call));
    arrived_.NotifyAll();
    return reactor;
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const v1::ResyncGetRequest*,
                                v1::ResyncGetResponse*) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  // Writes one response, and stays.
  grpc::ServerWriteReactor<v1::ResyncWatchResponse>* Watch(
      grpc::CallbackServerContext*, const v1::ResyncWatchRequest*) override {
    class Stream final
        : public grpc::ServerWriteReactor<v1::ResyncWatchResponse> {
     public:
      Stream() { StartWrite(&response_); }
      void OnCancel() override { Finish(grpc::Status::CANCELLED); }
      void OnDone() override { delete this; }

     private:
      const v1::ResyncWatchResponse response_;
    };
    return new Stream;
  }

  Started AwaitStart() {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + kPatience;
    MutexLock lock(mu_);
    while (held_.empty() && clock.Uptime() < deadline) {
      clock.WaitUntil(deadline, mu_, arrived_);
    }
    Started call = std::move(held_.back());
    held_.pop_back();
    return call;
  }
  size_t started() {
    MutexLock lock(mu_);
    return held_.size();
  }
  std::string caller() {
    MutexLock lock(mu_);
    return caller_;
  }

 private:
  Mutex mu_;
  CondVar arrived_;
  std::vector<Started> held_ ABSL_GUARDED_BY(mu_);
  std::string caller_ ABSL_GUARDED_BY(mu_);
};

// What was put on record.
class Audited {
 public:
  AuditLog Log() {
    return [this](v1::AuditEntry entry) {
      MutexLock lock(mu_);
      entries_.push_back(std::move(entry));
      came_.NotifyAll();
    };
  }
  std::vector<v1::AuditEntry> Await(size_t count) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + kPatience;
    MutexLock lock(mu_);
    while (entries_.size() < count && clock.Uptime() < deadline) {
      clock.WaitUntil(deadline, mu_, came_);
    }
    return entries_;
  }

 private:
  Mutex mu_;
  CondVar came_;
  std::vector<v1::AuditEntry> entries_ ABSL_GUARDED_BY(mu_);
};

class AdmissionTest : public testing::Test {
 protected:
  void Serve(Admission::Options options) {
    admission_.emplace(std::move(options), audited_.Log(), clock_);
    admission_->Start();
    auto service = std::make_unique<HeldService>();
    held_ = service.get();
    auto guarded =
        GuardService("rehai.v1.Resync", std::move(service), *admission_);
    ASSERT_THAT(guarded, IsOk());
    service_ = *std::move(guarded);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service_.get());
    std::vector<
        std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
        interceptors;
    interceptors.push_back(admission_->MakeRecorder());
    builder.SetContextAllocator(admission_->MakeContexts());
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    server_ = builder.BuildAndStart();
    channel_ = Connect(absl::StrCat("127.0.0.1:", port));
    stub_ = v1::Resync::NewStub(channel_);
  }
  ~AdmissionTest() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    if (admission_.has_value()) admission_->Stop();
  }

  static Admission::Options WithRoles() {
    Admission::Options options;
    options.access.grants.push_back({.role = Role::kOperator,
                                     .name = "night shift",
                                     .tokens = {Sha256Of(kToken)}});
    options.access.grants.push_back({.role = Role::kReader,
                                     .name = "dashboard",
                                     .tokens = {Sha256Of(kReadersToken)}});
    return options;
  }

  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = Patient();
    if (!token.empty()) {
      context->AddMetadata("authorization", "Bearer " + token);
    }
    return context;
  }

  grpc::Status Get(const std::string& token = "") {
    v1::ResyncGetResponse response;
    return stub_->Get(As(token).get(), {}, &response);
  }
  // For calls that are refused, so do not wait for the service.
  grpc::Status Start(const std::string& token,
                     const v1::ResyncStartRequest& request = {}) {
    v1::ResyncStartResponse response;
    return stub_->Start(As(token).get(), request, &response);
  }

  FakeClock clock_;
  Audited audited_;
  std::optional<Admission> admission_;
  HeldService* held_ = nullptr;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Resync::Stub> stub_;
};

// A Start() under way.
struct StartCall {
  StartCall(v1::Resync::Stub& stub,
            std::unique_ptr<grpc::ClientContext> call_context,
            const v1::ResyncStartRequest& request = {})
      : context(std::move(call_context)) {
    reader = stub.AsyncStart(context.get(), request, &queue);
    reader->Finish(&response, &status, nullptr);
  }
  grpc::Status Await() {
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    return status;
  }

  std::unique_ptr<grpc::ClientContext> context;
  grpc::CompletionQueue queue;
  v1::ResyncStartResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ResyncStartResponse>>
      reader;
};

TEST_F(AdmissionTest, WhoMayNotNeverReachesTheHandlerAndIsOnRecord) {
  Serve(WithRoles());
  v1::ResyncStartRequest request;
  request.mutable_selector()->add_nodes("hv1");
  const grpc::Status refused = Start(kReadersToken, request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), HasSubstr("needs the role operator"));
  EXPECT_EQ(held_->started(), 0u);

  const auto entries = audited_.Await(1);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].caller(), "dashboard");
  EXPECT_EQ(entries[0].role(), "reader");
  EXPECT_EQ(entries[0].command(), "Resync.Start");
  EXPECT_EQ(entries[0].request(), "selector { nodes: \"hv1\" }");
  EXPECT_THAT(entries[0].outcome(), StartsWith("PERMISSION_DENIED: "));
  EXPECT_THAT(entries[0].address(), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_TRUE(entries[0].has_at());
}

TEST_F(AdmissionTest, AReaderReadsAndThatIsNotOnRecord) {
  Serve(WithRoles());
  EXPECT_TRUE(Get(kReadersToken).ok());
  EXPECT_EQ(Get().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(admission_->counts().not_permitted, 1);
  // The only entry is of what was commanded afterwards.
  Start(kReadersToken);
  EXPECT_THAT(audited_.Await(1), SizeIs(1));
}

TEST_F(AdmissionTest, AGuessedTokenIsUnauthenticatedAndNowhereToBeRead) {
  Serve(WithRoles());
  const grpc::Status refused = Start("s3cret-guess");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(held_->started(), 0u);
  EXPECT_EQ(admission_->counts().unauthenticated, 1);
  const auto entries = audited_.Await(1);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].role(), "");
  EXPECT_THAT(entries[0].caller(), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_THAT(entries[0].ShortDebugString(), testing::Not(HasSubstr("s3cret")));
}

TEST_F(AdmissionTest, TheOutcomeOfALateAnswerIsWhatTheCallEndedWith) {
  Serve(WithRoles());
  StartCall call(*stub_, As(kToken));
  const HeldService::Started held = held_->AwaitStart();
  EXPECT_THAT(held_->caller(), StartsWith("night shift at ipv4:127.0.0.1:"));
  EXPECT_EQ(admission_->counts().under_way, 1);
  clock_.Advance(absl::Seconds(7));
  held->Answer(absl::NotFoundError("host hv9: unknown"));
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::NOT_FOUND);

  StartCall next(*stub_, As(kToken));
  held_->AwaitStart()->Answer(v1::ResyncStartResponse());
  EXPECT_TRUE(next.Await().ok());

  const auto entries = audited_.Await(2);
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].outcome(), "NOT_FOUND: host hv9: unknown");
  EXPECT_EQ(FromProto(entries[0].duration()), absl::Seconds(7));
  EXPECT_EQ(entries[1].outcome(), "OK");
}

TEST_F(AdmissionTest, ACommandWhoseClientHasGoneIsOnRecordAsCancelled) {
  Serve(WithRoles());
  StartCall call(*stub_, As(kToken));
  const HeldService::Started held = held_->AwaitStart();
  call.context->TryCancel();
  call.Await();
  const auto entries = audited_.Await(1);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0].outcome(), StartsWith("CANCELLED"));
}

TEST_F(AdmissionTest, ACallThatTakesTooLongIsEndedWhateverItsClientAllows) {
  Serve(WithRoles());
  StartCall call(*stub_, As(kToken));
  const HeldService::Started held = held_->AwaitStart();
  clock_.Advance(absl::Seconds(119));
  StartCall younger(*stub_, As(kToken));
  const HeldService::Started younger_held = held_->AwaitStart();
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(call.Await().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  const auto entries = audited_.Await(1);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0].outcome(), StartsWith("DEADLINE_EXCEEDED"));
  // Too late, and not for the wrong call.
  held->Answer(v1::ResyncStartResponse());
  younger_held->Answer(v1::ResyncStartResponse());
  EXPECT_TRUE(younger.Await().ok());
}

TEST_F(AdmissionTest, WhoMayNothingCannotPushOthersOutOfTheRecord) {
  Serve(WithRoles());
  for (int i = 0; i < 150; ++i) Start("a guess");
  StartCall call(*stub_, As(kToken));
  held_->AwaitStart()->Answer(v1::ResyncStartResponse());
  EXPECT_TRUE(call.Await().ok());
  auto entries = audited_.Await(101);
  ASSERT_THAT(entries, SizeIs(101));
  EXPECT_EQ(entries.back().outcome(), "OK");

  clock_.Advance(absl::Seconds(1));
  Start("a guess");
  Start("a guess");
  EXPECT_EQ(Start(kReadersToken).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(audited_.Await(102), SizeIs(102));
}

TEST_F(AdmissionTest, ALongRequestIsCut) {
  Serve(WithRoles());
  v1::ResyncStartRequest request;
  for (int i = 0; i < 1000; ++i) {
    request.mutable_selector()->add_nodes(absl::StrCat("hv", i));
  }
  Start(kReadersToken, request);
  const auto entries = audited_.Await(1);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_LE(entries[0].request().size(), 2000u);
  EXPECT_THAT(entries[0].request(), testing::EndsWith("..."));
}

// What grpc-status-details-bin says of when to try again.
std::optional<absl::Duration> RetryDelay(const grpc::Status& status) {
  google::rpc::Status detailed;
  google::rpc::RetryInfo retry;
  if (!detailed.ParseFromString(status.error_details()) ||
      detailed.details().empty() || !detailed.details(0).UnpackTo(&retry)) {
    return std::nullopt;
  }
  EXPECT_EQ(detailed.code(), static_cast<int>(status.error_code()));
  return FromProto(retry.retry_delay());
}

TEST_F(AdmissionTest, TooManyCallsAreShedWithATimeToComeBack) {
  Admission::Options options;
  options.limits.max_calls = 1;
  Serve(std::move(options));
  StartCall call(*stub_, Patient());
  const HeldService::Started held = held_->AwaitStart();
  const grpc::Status refused = Get();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const std::optional<absl::Duration> delay = RetryDelay(refused);
  ASSERT_TRUE(delay.has_value());
  EXPECT_GT(*delay, absl::ZeroDuration());
  EXPECT_EQ(admission_->counts().over_limit, 1);
  held->Answer(v1::ResyncStartResponse());
  EXPECT_TRUE(call.Await().ok());
}

TEST_F(AdmissionTest, AClientsStreamsAreBoundedAndItsPlacesComeBack) {
  Admission::Options options = WithRoles();
  options.limits.max_streams_per_client = 1;
  Serve(std::move(options));
  v1::ResyncWatchResponse response;

  auto context = As(kReadersToken);
  auto first = stub_->Watch(context.get(), {});
  ASSERT_TRUE(first->Read(&response));
  auto second_context = As(kReadersToken);
  auto second = stub_->Watch(second_context.get(), {});
  EXPECT_FALSE(second->Read(&response));
  const grpc::Status refused = second->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(RetryDelay(refused).has_value());
  // Another client is not held up by it.
  auto other_context = As(kToken);
  auto other = stub_->Watch(other_context.get(), {});
  EXPECT_TRUE(other->Read(&response));
  other_context->TryCancel();
  other->Finish();

  context->TryCancel();
  first->Finish();
  // The server learns of it a moment later.
  const absl::Duration deadline = Clock::Real().Uptime() + absl::Seconds(20);
  bool back = false;
  while (!back && Clock::Real().Uptime() < deadline) {
    auto again_context = As(kReadersToken);
    auto again = stub_->Watch(again_context.get(), {});
    back = again->Read(&response);
    again_context->TryCancel();
    again->Finish();
  }
  EXPECT_TRUE(back);
}

TEST_F(AdmissionTest, ARequestThatIsNoneIsTheClientsFault) {
  Serve(WithRoles());
  grpc::TemplatedGenericStub<google::rpc::Status, google::rpc::Status> stub(
      channel_);
  google::rpc::Status request;  // its first field is no text
  request.set_code(7);
  request.set_message(std::string("\xff\xff\xff", 3));
  request.mutable_details()->Add()->set_value(std::string("\xff\xff", 2));
  for (const auto& [token, code] :
       {std::pair<std::string, grpc::StatusCode>{
            "", grpc::StatusCode::PERMISSION_DENIED},
        {kToken, grpc::StatusCode::INVALID_ARGUMENT}}) {
    const auto context = As(token);
    grpc::CompletionQueue queue;
    google::rpc::Status response;
    grpc::Status status;
    auto call = stub.PrepareUnaryCall(context.get(), "/rehai.v1.Resync/Start",
                                      request, &queue);
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
  }
  EXPECT_EQ(held_->started(), 0u);
}

TEST(GuardServiceTest, AServiceThatIsNotLinkedCannotBeGuarded) {
  const Admission admission({}, nullptr, Clock::Real());
  EXPECT_THAT(
      GuardService("rehai.v1.Typo", std::make_unique<HeldService>(), admission),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("rehai.v1.Typo")));
}

TEST(GuardServiceTest, AServiceWithoutCallbacksCannotBeGuarded) {
  const Admission admission({}, nullptr, Clock::Real());
  EXPECT_THAT(
      GuardService("rehai.v1.Resync",
                   std::make_unique<v1::Resync::AsyncService>(), admission),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai
