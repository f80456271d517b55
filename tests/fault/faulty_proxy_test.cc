// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/faulty_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

using Fault = FaultyProxy::Fault;

// A server that echoes what is put, and counts.
class FaultyProxyTest : public testing::Test {
 protected:
  FaultyProxyTest() {
    server_.Put("/echo", [this](const auto& request, auto& response) {
      ++served_;
      response.set_content(request.body, "text/plain");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~FaultyProxyTest() override {
    client_ = nullptr;
    proxy_ = nullptr;
    server_.stop();
    thread_.join();
  }

  void Start(Fault fault, double share = 1) {
    auto proxy =
        FaultyProxy::Start({.server_port = port_,
                            .seed = 7,
                            .shares = {{fault, share}},
                            .longest_delay = absl::Milliseconds(1)},
                           [this](const FaultyProxy::Exchange& exchange) {
                             MutexLock lock(mu_);
                             last_ = exchange;
                           });
    ASSERT_THAT(proxy, IsOk());
    proxy_ = *std::move(proxy);
    client_ = std::make_unique<httplib::Client>(proxy_->url());
    client_->set_keep_alive(true);
  }
  httplib::Result Put(const std::string& body = std::string(5000, 'x')) {
    return client_->Put("/echo?a=b", body, "text/plain");
  }

  httplib::Server server_;
  std::atomic<int> served_ = 0;
  int port_ = 0;
  std::thread thread_;
  Mutex mu_;
  FaultyProxy::Exchange last_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<FaultyProxy> proxy_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(FaultyProxyTest, PassesRequestsOnAsTheyCome) {
  Start(Fault::kLate);
  for (const std::string& body : {std::string(), std::string(1'000'000, 'y')}) {
    const auto answer = Put(body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, body);
    MutexLock lock(mu_);
    EXPECT_EQ(last_.method, "PUT");
    EXPECT_EQ(last_.target, "/echo?a=b");
    EXPECT_EQ(last_.request_body, body);
    EXPECT_EQ(last_.status, 200);
  }
  EXPECT_EQ(proxy_->requests(), 2);
  EXPECT_EQ(proxy_->injected()[Fault::kLate], 2);
}

TEST_F(FaultyProxyTest, ResetsBeforeTheServerKnowsAndAfter) {
  Start(Fault::kResetBefore);
  EXPECT_FALSE(Put());
  EXPECT_EQ(served_, 0);
  Start(Fault::kResetAfter);
  EXPECT_FALSE(Put());
  EXPECT_EQ(served_, 1);
}

TEST_F(FaultyProxyTest, AnswersInTheServersPlaceBeforeItKnowsAndAfter) {
  Start(Fault::kRefused);
  auto answer = Put();
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->status, testing::AnyOf(429, 500, 502, 503, 504));
  EXPECT_EQ(served_, 0);
  Start(Fault::kErrorAfter);
  answer = Put();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_EQ(served_, 1);
}

TEST_F(FaultyProxyTest, CutsAnswersShort) {
  Start(Fault::kTruncated);
  EXPECT_FALSE(Put());
  EXPECT_EQ(served_, 1);
}

TEST_F(FaultyProxyTest, HurtsAboutAsManyAsAskedAndNoneOnceHealed) {
  Start(Fault::kRefused, 0.3);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Put("z"));
  const int64_t injected = proxy_->injected()[Fault::kRefused];
  EXPECT_GT(injected, 30);
  EXPECT_LT(injected, 90);
  EXPECT_EQ(served_, 200 - injected);
  proxy_->Heal();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Put("z")->status, 200);
  EXPECT_EQ(proxy_->injected()[Fault::kRefused], injected);
}

}  // namespace
}  // namespace rehai::fault
