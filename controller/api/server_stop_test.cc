// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/clock.h"
#include "controller/api/server_fixture.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

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

}  // namespace
}  // namespace rehai
