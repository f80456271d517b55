// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/slow_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/knife.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kNode[] = R"({"name":"hv1","normal":{"n":1.50}})";

class SlowProxyTest : public testing::Test {
 protected:
  void StartProxy(SlowProxy::Delay delay = nullptr) {
    auto chef = Goiardi::Start({.tls = false});
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    ASSERT_THAT(chef_->CreateNode(kNode), IsOk());
    auto proxy = SlowProxy::Start(chef_->url(), std::move(delay));
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
    auto knife = Knife::Create({.server_url = proxy_->url(),
                                .client_name = chef_->admin_name(),
                                .client_key_file = chef_->admin_key_file()});
    ASSERT_THAT(knife, IsOk());
    knife_ = *std::move(knife);
  }

  std::unique_ptr<Goiardi> chef_;
  std::unique_ptr<SlowProxy> proxy_;
  std::unique_ptr<Knife> knife_;
};

TEST_F(SlowProxyTest, PassesSignedRequestsAndAnswersOnAndRemembersThem) {
  StartProxy();
  const auto put = knife_->Send("PUT", "/nodes/hv1", kNode);
  ASSERT_THAT(put, IsOk());
  EXPECT_EQ(put->http_status, 200);
  const auto get = knife_->Send("GET", "/nodes/hv1");
  ASSERT_THAT(get, IsOk());
  EXPECT_THAT(get->body, HasSubstr("1.50"));
  const auto search = knife_->Send("GET", "/search/node", "", "q=name:hv1");
  ASSERT_THAT(search, IsOk());
  EXPECT_EQ(search->http_status, 200);
  EXPECT_THAT(search->body, HasSubstr("\"rows\""));

  const auto exchanges = proxy_->Exchanges();
  ASSERT_THAT(exchanges, SizeIs(3));
  EXPECT_EQ(exchanges[0].method, "PUT");
  EXPECT_EQ(exchanges[0].request_body, kNode);
  EXPECT_EQ(exchanges[1].path, "/nodes/hv1");
  EXPECT_EQ(exchanges[1].response_body, get->body);
  EXPECT_EQ(exchanges[1].status, 200);
}

TEST_F(SlowProxyTest, DelaysWhatItIsToldTo) {
  StartProxy([](const std::string& method, const std::string&) {
    return method == "PUT" ? absl::Milliseconds(100) : absl::ZeroDuration();
  });
  ASSERT_THAT(knife_->Send("PUT", "/nodes/hv1", kNode), IsOk());
  const auto exchanges = proxy_->Exchanges();
  ASSERT_THAT(exchanges, SizeIs(1));
  EXPECT_THAT(exchanges[0].forwarded_at - exchanges[0].received_at,
              Ge(absl::Milliseconds(100)));
}

// Who has seen what a write did is to find the write.
TEST_F(SlowProxyTest, WaitsForTheAnswerToWhatTheServerHasDoneAlready) {
  httplib::Server server;
  std::promise<void> done;
  std::promise<void> released;
  server.Put("/nodes/hv1", [&](const auto&, auto& response) {
    done.set_value();
    released.get_future().wait();
    response.set_content("{}", "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  const std::string url = absl::StrCat("http://127.0.0.1:", port);
  auto proxy = SlowProxy::Start(url);
  ASSERT_THAT(proxy, IsOk());
  std::thread put([&] {
    httplib::Client((*proxy)->url()).Put("/nodes/hv1", "{}", "text/plain");
  });
  done.get_future().wait();
  std::promise<void> asking;
  auto exchanges = std::async(std::launch::async, [&] {
    asking.set_value();
    return (*proxy)->Exchanges();
  });
  asking.get_future().wait();
  released.set_value();
  EXPECT_THAT(exchanges.get(), SizeIs(1));
  put.join();
  *proxy = nullptr;
  server.stop();
  serving.join();
}

TEST_F(SlowProxyTest, WhatIsHeldReachesTheServerOnlyWhenItIsReleased) {
  StartProxy();
  proxy_->Hold("PUT", "/nodes/hv1");
  std::thread put([&] {
    EXPECT_THAT(
        knife_->Send("PUT", "/nodes/hv1", R"({"name":"hv1","normal":{"n":2}})"),
        IsOk());
  });
  EXPECT_THAT(WaitUntil(absl::Seconds(10),
                        [&] {
                          return proxy_->held() == 1
                                     ? absl::OkStatus()
                                     : absl::UnknownError("nothing is held");
                        }),
              IsOk());
  EXPECT_THAT(chef_->GetNode("hv1"), IsOkAndHolds(HasSubstr("1.50")));
  proxy_->Release();
  put.join();
  EXPECT_THAT(chef_->GetNode("hv1"), IsOkAndHolds(HasSubstr("\"n\":2")));
  EXPECT_EQ(proxy_->held(), 0);
}

}  // namespace
}  // namespace rehai::lab
