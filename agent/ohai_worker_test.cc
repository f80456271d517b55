// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/ohai_worker.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OhaiWorkerTest : public testing::Test {
 protected:
  OhaiWorkerTest() {
    folder_ = absl::StrCat(testing::TempDir(), "/ohai.XXXXXX");
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    fifo_ = absl::StrCat(folder_, "/fifo");
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
    // For both, so that opening it waits for nobody.
    fifo_fd_ = open(fifo_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~OhaiWorkerTest() override { close(fifo_fd_); }

  // A worker whose ohai is `script`.
  std::unique_ptr<OhaiWorker> Worker(const std::string& script) {
    OhaiRunner::Request base;
    base.path = absl::StrCat(folder_, "/ohai");
    base.plugin_folders = {"/plugins"};
    EXPECT_THAT(
        WriteFileAtomically(
            base.path, absl::StrCat("#!/bin/sh\nfifo=", fifo_, "\n", script),
            0755),
        IsOk());
    return std::make_unique<OhaiWorker>(base, Clock::Real());
  }

  static std::future<v1::OhaiResult> Ask(OhaiWorker& worker,
                                         const v1::RunOhai& request) {
    auto promise = std::make_shared<std::promise<v1::OhaiResult>>();
    worker.Start(request, [promise](v1::OhaiResult result) {
      promise->set_value(std::move(result));
    });
    return promise->get_future();
  }

  static v1::RunOhai Request(int64_t id) {
    v1::RunOhai request;
    request.set_request_id(id);
    return request;
  }

  // Returns when the script has written to its FIFO.
  void AwaitScript() const {
    pollfd news = {fifo_fd_, POLLIN, 0};
    ASSERT_EQ(poll(&news, 1, 60'000), 1);
  }

  std::string folder_;
  std::string fifo_;
  int fifo_fd_ = -1;
};

TEST_F(OhaiWorkerTest, TellsWhatOhaiPrinted) {
  const auto worker = Worker("printf '{ \"a\": \"%s\" }' \"$*\"");
  const v1::OhaiResult result = Ask(*worker, Request(7)).get();
  EXPECT_EQ(result.request_id(), 7);
  EXPECT_EQ(result.json(), R"({ "a": "-d /plugins" })");
  EXPECT_TRUE(result.whole());
  EXPECT_THAT(result.error(), IsEmpty());
}

TEST_F(OhaiWorkerTest, RunsOnlyThePluginsThatWereAskedFor) {
  const auto worker = Worker("printf '{\"a\":\"%s\"}{}' \"$*\"");
  v1::RunOhai request = Request(1);
  request.add_plugins("cpu");
  request.add_plugins("kernel");
  const v1::OhaiResult result = Ask(*worker, request).get();
  EXPECT_EQ(result.json(),
            R"({"cpu":{"a":"-d /plugins cpu kernel"},"kernel":{}})");
  EXPECT_FALSE(result.whole());
}

TEST_F(OhaiWorkerTest, AnErrorIsInTheResult) {
  const auto worker = Worker("echo no >&2; exit 3");
  const v1::OhaiResult result = Ask(*worker, Request(2)).get();
  EXPECT_EQ(result.request_id(), 2);
  EXPECT_THAT(result.json(), IsEmpty());
  EXPECT_THAT(result.error(), HasSubstr("ended with status 3; it said: no"));
}

TEST_F(OhaiWorkerTest, ARequestsTimeoutCounts) {
  const auto worker = Worker("sleep 1000");
  v1::RunOhai request = Request(3);
  *request.mutable_timeout() = ToProto(absl::Milliseconds(50));
  EXPECT_THAT(Ask(*worker, request).get().error(),
              HasSubstr("did not end within 50ms"));
}

TEST_F(OhaiWorkerTest, NoneWaitsForAnotherAndStopEndsWhatRuns) {
  const auto worker = Worker("echo >$fifo; sleep 1000");
  auto first = Ask(*worker, Request(1));
  AwaitScript();
  const v1::OhaiResult second = Ask(*worker, Request(2)).get();
  EXPECT_EQ(second.request_id(), 2);
  EXPECT_THAT(second.error(), HasSubstr("runs already"));
  worker->Stop();
  EXPECT_THAT(first.get().error(), HasSubstr("as we are to stop"));
  EXPECT_THAT(Ask(*worker, Request(3)).get().error(), HasSubstr("ending"));
}

TEST_F(OhaiWorkerTest, TheNextMayBeAskedForByWhoIsToldOfTheLast) {
  const auto worker = Worker("echo '{}'");
  std::promise<v1::OhaiResult> second;
  worker->Start(Request(1), [&](const v1::OhaiResult&) {
    worker->Start(Request(2), [&](v1::OhaiResult result) {
      second.set_value(std::move(result));
    });
  });
  const v1::OhaiResult result = second.get_future().get();
  EXPECT_EQ(result.request_id(), 2);
  EXPECT_THAT(result.error(), IsEmpty());
}

TEST_F(OhaiWorkerTest, AWorkerThatHasNothingToDoEnds) { Worker("true"); }

}  // namespace
}  // namespace rehai::agent
