// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/server.h"

#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using google::protobuf::Empty;
using google::protobuf::Int32Value;
using google::protobuf::StringValue;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Long enough never to matter on a busy machine.
constexpr absl::Duration kPatience = absl::Minutes(1);

std::unique_ptr<grpc::ClientContext> Patient() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        absl::ToChronoSeconds(kPatience));
  return context;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

// A client of its own connection.
struct Client {
  explicit Client(std::shared_ptr<grpc::Channel> channel)
      : fleet(v1::Fleet::NewStub(channel)),
        resync(v1::Resync::NewStub(channel)),
        chef(v1::Chef::NewStub(channel)) {}
  explicit Client(const TestController& controller)
      : Client(Connect(controller.address())) {}

  // The answer, or the status in absl's type.
  template <typename Response, typename Stub, typename Request>
  static absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    Response response;
    const grpc::Status status =
        (stub.*method)(Patient().get(), request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  absl::StatusOr<v1::Operation> Start(std::vector<v1::ResyncMode> modes,
                                      const std::string& node = "") {
    v1::ResyncStartRequest request;
    for (const v1::ResyncMode mode : modes) request.add_modes(mode);
    if (!node.empty()) request.mutable_selector()->add_nodes(node);
    auto response = Call(*resync, &v1::Resync::Stub::Start, request);
    if (!response.ok()) return response.status();
    return response->operation();
  }

  std::unique_ptr<v1::Fleet::Stub> fleet;
  std::unique_ptr<v1::Resync::Stub> resync;
  std::unique_ptr<v1::Chef::Stub> chef;
};

// What the health service says: 1 SERVING, 2 NOT_SERVING. Debian ships the
// service without its proto; these messages are the same on the wire.
int Health(const std::shared_ptr<grpc::Channel>& channel,
           const std::string& service) {
  grpc::TemplatedGenericStub<StringValue, Int32Value> stub(channel);
  grpc::CompletionQueue queue;
  StringValue request;
  request.set_value(service);
  const auto context = Patient();
  Int32Value response;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(
      context.get(), "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.value();
}

// The bytes of the reflection service's answer to list_services.
std::string ListServices(const std::shared_ptr<grpc::Channel>& channel) {
  constexpr int kListServicesField = 7;
  grpc::TemplatedGenericStub<Empty, Empty> stub(channel);
  grpc::CompletionQueue queue;
  void* tag;
  bool ok = true;
  const auto context = Patient();
  auto call = stub.PrepareCall(
      context.get(),
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  Empty request;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(
      kListServicesField, "*");
  call->Write(request, nullptr);
  queue.Next(&tag, &ok);
  Empty response;
  call->Read(&response, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_TRUE(ok);
  context->TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return response.SerializeAsString();
}

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

TEST(ApiServerTest, ErrorsKeepTheirCodeAndMessage) {
  TestController controller;
  Client client(controller);
  v1::GetHostRequest request;
  request.set_node("hv9");
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::GetHost, request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("host hv9")));
}

TEST(ApiServerTest, ARequestBeyondTheBoundIsRefused) {
  TestController controller;
  Client client(controller);
  v1::GetHostRequest request;
  request.set_node(std::string(2 << 20, 'x'));
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::GetHost, request),
              StatusIs(absl::StatusCode::kResourceExhausted));
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

TEST(ApiServerTest, AResyncThatCannotBeginSaysWhy) {
  TestController controller;
  Client client(controller);
  EXPECT_THAT(client.Start({}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({v1::RESYNC_MODE_UNSPECIFIED}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(client.Start({static_cast<v1::ResyncMode>(9)}),
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

TEST(ApiServerTest, HealthIsNotServingUntilReady) {
  TestController controller;
  const auto channel = Connect(controller.address());
  for (const char* service :
       {"", "rehai.v1.Fleet", "rehai.v1.Resync", "rehai.v1.Chef"}) {
    controller.server().SetReady(false);
    EXPECT_EQ(Health(channel, service), 2) << service;
    controller.server().SetReady(true);
    EXPECT_EQ(Health(channel, service), 1) << service;
  }
}

TEST(ApiServerTest, ReflectionNamesTheServices) {
  TestController controller;
  EXPECT_THAT(ListServices(Connect(controller.address())),
              AllOf(HasSubstr("rehai.v1.Fleet"), HasSubstr("rehai.v1.Resync"),
                    HasSubstr("rehai.v1.Chef")));
}

TEST(ApiServerTest, StopEndsStreamsWithUnavailable) {
  TestController controller;
  Client client(controller);
  const auto context = Patient();
  auto stream = client.fleet->Watch(context.get(), v1::FleetWatchRequest());
  v1::FleetWatchResponse step;
  ASSERT_TRUE(stream->Read(&step));
  controller.server().Stop(kPatience);
  EXPECT_FALSE(stream->Read(&step));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("stopping"));
}

// A client that has connected, made itself known and gone to sleep: it answers
// neither a ping nor the wish that it go away.
class SleepingClient {
 public:
  explicit SleepingClient(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
    // The connection preface and an empty SETTINGS frame.
    const std::string hello(
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    EXPECT_EQ(send(fd_, hello.data(), hello.size(), 0),
              static_cast<ssize_t>(hello.size()));
    // The server's SETTINGS: the connection is taken in.
    char byte;
    EXPECT_EQ(recv(fd_, &byte, 1, 0), 1);
  }
  ~SleepingClient() { close(fd_); }

 private:
  const int fd_;
};

TEST(ApiServerTest, StopDoesNotWaitForIdleClients) {
  TestController controller;
  const SleepingClient sleeping(controller.server().port());
  const absl::Duration begin = Clock::Real().Uptime();
  controller.server().Stop(kPatience);
  // gRPC by itself would wait 20 s for the answer to its ping.
  EXPECT_LT(Clock::Real().Uptime() - begin, absl::Seconds(15));
}

TEST(ApiServerTest, StopLetsCallsFinish) {
  TestController controller;
  v1::ChefCostResponse cost;
  cost.set_node("hv1");
  controller.SetChefCost(cost);
  controller.HoldChefCosts();
  Client client(controller);
  v1::ChefCostRequest request;
  request.set_node("hv1");
  std::thread asker([&] {
    EXPECT_THAT(Client::Call(*client.chef, &v1::Chef::Stub::Cost, request),
                IsOk());
  });
  controller.AwaitHeldChefCost();
  std::thread stopper([&] { controller.server().Stop(kPatience); });
  controller.ReleaseChefCosts();
  asker.join();
  stopper.join();
}

TEST(ApiServerTest, ListensOnAUnixSocket) {
  const ApiServer::Options options = TestController::AnySocket();
  TestController controller(options);
  EXPECT_EQ(controller.server().port(), 0);
  Client client(Connect(options.listen));
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                           v1::ListHostsRequest()),
              IsOk());
}

ApiServer::Options ListenOn(const std::string& address) {
  ApiServer::Options options;
  options.listen = address;
  return options;
}

Syncer::Options AsClient(const std::string& name) {
  Syncer::Options options;
  options.client_name = name;
  return options;
}

// The parts that Create() wants, without a running server.
struct Parts {
  absl::StatusOr<std::unique_ptr<ApiServer>> Create(
      ApiServer::Options options) {
    return ApiServer::Create(std::move(options), inventory, syncer, operations);
  }

  Inventory inventory{Clock::Real()};
  FakeSink sink{Clock::Real()};
  Syncer syncer{AsClient("rehai"), inventory, sink, Clock::Real()};
  ResyncOperations operations{
      ResyncOperations::Options(), inventory, syncer,
      [](const HostId&, absl::AnyInvocable<void(absl::Status)>) {},
      Clock::Real()};
};

TEST(ApiServerTest, TheSyncerAnswersAboutChef) {
  Parts parts;
  const auto server = parts.Create(TestController::AnyPort());
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT((*server)->Start(), IsOk());
  Client client(Connect(absl::StrCat("127.0.0.1:", (*server)->port())));
  const auto status = Client::Call(*client.chef, &v1::Chef::Stub::Status,
                                   v1::ChefStatusRequest());
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->status().client_name(), "rehai");

  v1::ChefSetLimitsRequest limits;
  limits.mutable_limits()->set_max_in_flight(3);
  const auto set =
      Client::Call(*client.chef, &v1::Chef::Stub::SetLimits, limits);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->limits().max_in_flight(), 3);
  EXPECT_GT(set->limits().requests_per_second(), 0);

  v1::ChefCostRequest cost;
  cost.set_node("hv9");
  EXPECT_THAT(Client::Call(*client.chef, &v1::Chef::Stub::Cost, cost),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
}

TEST(ApiServerTest, APortThatIsTakenIsRefused) {
  TestController controller;
  Parts parts;
  const auto second = parts.Create(ListenOn(controller.address()));
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT((*second)->Start(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr(controller.address())));
}

TEST(ApiServerTest, PlaintextForEveryoneMustBeAskedFor) {
  Parts parts;
  ApiServer::Options options = ListenOn("0.0.0.0:0");
  EXPECT_THAT(parts.Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("allow_plaintext_from_anywhere")));
  options.allow_plaintext_from_anywhere = true;
  EXPECT_THAT(parts.Create(options), IsOk());
}

class TlsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0600), IsOk());
    return path;
  }

  const SelfSignedCertificate server_ = MakeSelfSignedCertificate();
  const SelfSignedCertificate client_ = MakeSelfSignedCertificate();
  const TlsFiles files_{
      .certificate = Write("server.pem", server_.certificate_pem),
      .key = Write("server.key", server_.key_pem),
      .client_ca = Write("client.pem", client_.certificate_pem)};
};

absl::Status ListHosts(const std::string& address,
                       const grpc::SslCredentialsOptions& ssl) {
  Client client(grpc::CreateChannel(address, grpc::SslCredentials(ssl)));
  return Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                      v1::ListHostsRequest())
      .status();
}

TEST_F(TlsTest, OnlyClientsWithATrustedCertificateAreAnswered) {
  ApiServer::Options options = TestController::AnyPort();
  options.tls = files_;
  TestController controller(options);
  const std::string address = controller.address();

  grpc::SslCredentialsOptions trusted;
  trusted.pem_root_certs = server_.certificate_pem;
  trusted.pem_cert_chain = client_.certificate_pem;
  trusted.pem_private_key = client_.key_pem;
  EXPECT_THAT(ListHosts(address, trusted), IsOk());

  grpc::SslCredentialsOptions without_certificate;
  without_certificate.pem_root_certs = server_.certificate_pem;
  EXPECT_THAT(ListHosts(address, without_certificate),
              StatusIs(absl::StatusCode::kUnavailable));

  const SelfSignedCertificate stranger = MakeSelfSignedCertificate();
  grpc::SslCredentialsOptions untrusted = trusted;
  untrusted.pem_cert_chain = stranger.certificate_pem;
  untrusted.pem_private_key = stranger.key_pem;
  EXPECT_THAT(ListHosts(address, untrusted),
              StatusIs(absl::StatusCode::kUnavailable));

  Client plaintext(Connect(address));
  EXPECT_THAT(Client::Call(*plaintext.fleet, &v1::Fleet::Stub::ListHosts,
                           v1::ListHostsRequest()),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, AWrongFileIsNamedAtTheStart) {
  Parts parts;
  const auto with = [&](auto change) {
    ApiServer::Options options;
    options.tls = files_;
    change(options.tls);
    return parts.Create(options).status();
  };
  EXPECT_THAT(with([](TlsFiles& tls) { tls.key = ""; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("api.tls.key_file")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.client_ca = "/no/such.pem"; }),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such.pem")));
  EXPECT_THAT(with([](TlsFiles& tls) { std::swap(tls.key, tls.certificate); }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no PEM certificate")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.key = tls.certificate; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no PEM private key")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.certificate = tls.client_ca; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not the key of")));
}

}  // namespace
}  // namespace rehai
