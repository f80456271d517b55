// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/pulled_stream.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "controller/api/watch_hub.h"
#include "rehai/v1/fleet.grpc.pb.h"

namespace rehai {
namespace {

using Step = absl::StatusOr<std::optional<v1::FleetWatchResponse>>;

// A watch that does what the test says at each pull, counted from 1.
class ScriptedWatch {
 public:
  using Response = v1::FleetWatchResponse;

  explicit ScriptedWatch(std::function<Step(int pull)> script)
      : script_(std::move(script)) {}

  Step Next() { return script_(++pulls_); }
  bool ended() const { return false; }

 private:
  const std::function<Step(int)> script_;
  int pulls_ = 0;
};

class ScriptedService final : public v1::Fleet::CallbackService {
 public:
  ScriptedService(WatchHub& hub, std::function<Step(int)> script)
      : hub_(hub), script_(std::move(script)) {}

  grpc::ServerWriteReactor<v1::FleetWatchResponse>* Watch(
      grpc::CallbackServerContext*, const v1::FleetWatchRequest*) override {
    return PulledStream<ScriptedWatch>::Open(ScriptedWatch(script_), hub_);
  }

 private:
  WatchHub& hub_;
  const std::function<Step(int)> script_;
};

// Knows when the hub has been through a round, and stops it in the second.
class RoundCounter final : public Waiter {
 public:
  void Wake() override {
    MutexLock lock(mu_);
    ++rounds_;
    changed_.NotifyAll();
    while (rounds_ == 2 && !released_) changed_.Wait(mu_);
  }

  void Release() {
    MutexLock lock(mu_);
    released_ = true;
    changed_.NotifyAll();
  }

  void AwaitRounds(int rounds) {
    MutexLock lock(mu_);
    while (rounds_ < rounds) changed_.Wait(mu_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int rounds_ ABSL_GUARDED_BY(mu_) = 0;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

v1::FleetWatchResponse Numbered(int pull) {
  v1::FleetWatchResponse step;
  step.set_revision(pull);
  return step;
}

// A stream of a watch, from end to end.
class PulledStreamTest : public testing::Test {
 protected:
  void Open(std::function<Step(int)> script) {
    service_ = std::make_unique<ScriptedService>(hub_, std::move(script));
    hub_.Start();
    grpc::ServerBuilder builder;
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Fleet::NewStub(server_->InProcessChannel({}));
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    reader_ = stub_->Watch(&context_, v1::FleetWatchRequest());
  }

  void TearDown() override {
    hub_.Stop();
    context_.TryCancel();
    server_->Shutdown();
  }

  WatchHub hub_;
  std::unique_ptr<ScriptedService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Fleet::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::FleetWatchResponse>> reader_;
};

TEST_F(PulledStreamTest, NewsDuringAPullIsNotLost) {
  const auto rounds = std::make_shared<RoundCounter>();
  hub_.Add(rounds);
  Open([&](int pull) -> Step {
    if (pull != 2) {
      if (pull > 3) return std::nullopt;
      return Numbered(pull);
    }
    // The news comes after this pull has looked and before it says that there
    // is none. When the second round has begun, the first woke the stream; and
    // the second ends here, so that it does not wake it once more.
    hub_.Notify();
    rounds->AwaitRounds(1);
    hub_.Notify();
    rounds->AwaitRounds(2);
    return std::nullopt;
  });
  v1::FleetWatchResponse step;
  EXPECT_TRUE(reader_->Read(&step));
  EXPECT_EQ(step.revision(), 1);
  EXPECT_TRUE(reader_->Read(&step));
  EXPECT_EQ(step.revision(), 3);
  rounds->Release();
}

TEST_F(PulledStreamTest, AnErrorEndsTheStreamWithItsStatus) {
  Open([](int pull) -> Step {
    if (pull == 1) return Numbered(pull);
    return absl::OutOfRangeError("too old");
  });
  v1::FleetWatchResponse step;
  ASSERT_TRUE(reader_->Read(&step));
  EXPECT_FALSE(reader_->Read(&step));
  const grpc::Status status = reader_->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(status.error_message(), "too old");
}

}  // namespace
}  // namespace rehai
