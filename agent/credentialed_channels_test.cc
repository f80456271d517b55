// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/credentialed_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/fake_credentials.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using Opened = absl::StatusOr<ChannelSource::Channel>;

class CredentialedChannelsTest : public testing::Test {
 protected:
  CredentialedChannelsTest()
      : channels_(
            {.controller = "127.0.0.1:9"},
            std::make_unique<FakeCredentials>(credentials_),
            [this] {
              MutexLock lock(mu_);
              ++renewed_;
              changed_.NotifyAll();
            },
            clock_) {}

  void Open() {
    channels_.Open([this](Opened opened) {
      MutexLock lock(mu_);
      opened_ = std::move(opened);
      changed_.NotifyAll();
    });
  }
  absl::Status AwaitOpened() {
    const bool opened = Await([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return opened_.has_value();
    });
    if (!opened) return absl::UnknownError("nothing was opened");
    MutexLock lock(mu_);
    return opened_->status();
  }
  bool AwaitRenewed(int count) {
    return Await([this, count]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return renewed_ >= count;
    });
  }
  int renewed() {
    MutexLock lock(mu_);
    return renewed_;
  }

  FakeClock clock_;
  FakeCredentialsState credentials_;

 private:
  template <typename Condition>
  bool Await(const Condition& condition) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (!condition()) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

  Mutex mu_;
  CondVar changed_;
  std::optional<Opened> opened_ ABSL_GUARDED_BY(mu_);
  int renewed_ ABSL_GUARDED_BY(mu_) = 0;

 protected:
  CredentialedChannels channels_;
};

TEST_F(CredentialedChannelsTest, EachChannelIsOpenedWithWhatIsGoodThen) {
  channels_.Start();
  Open();
  EXPECT_THAT(AwaitOpened(), IsOk());
  EXPECT_EQ(credentials_.gets(), 1);
}

TEST_F(CredentialedChannelsTest, WhyThereIsNoneIsSaid) {
  credentials_.FailGets(absl::PermissionDeniedError("hv1: refused"));
  channels_.Start();
  Open();
  EXPECT_THAT(AwaitOpened(), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(CredentialedChannelsTest, RenewsWhenItIsTimeAndSaysSo) {
  credentials_.SetRenewal(clock_.Now() + absl::Hours(16), absl::Hours(16));
  channels_.Start();
  Open();
  ASSERT_THAT(AwaitOpened(), IsOk());
  EXPECT_EQ(renewed(), 0);
  clock_.Advance(absl::Hours(16));
  EXPECT_TRUE(AwaitRenewed(1));
  clock_.Advance(absl::Hours(16));
  EXPECT_TRUE(AwaitRenewed(2));
}

TEST_F(CredentialedChannelsTest, AClockThatIsSetForwardIsNoticed) {
  credentials_.SetRenewal(clock_.Now() + absl::Hours(16), absl::Hours(1000));
  channels_.Start();
  clock_.JumpWall(absl::Hours(17));
  clock_.Advance(absl::Minutes(1));
  EXPECT_TRUE(AwaitRenewed(1));
}

TEST_F(CredentialedChannelsTest, ARenewalThatFailsIsTriedAgainWhenItIsTime) {
  credentials_.SetRenewal(clock_.Now(), absl::Minutes(10));
  credentials_.FailRenewals(absl::UnavailableError("127.0.0.1:9: refused"));
  channels_.Start();
  ASSERT_TRUE(credentials_.AwaitRenewals(1));
  EXPECT_EQ(renewed(), 0);
  credentials_.FailRenewals(absl::OkStatus());
  clock_.Advance(absl::Minutes(10));
  EXPECT_TRUE(AwaitRenewed(1));
}

TEST_F(CredentialedChannelsTest, WhoWaitsWhenItStopsIsTold) {
  Open();  // and nobody opens it
  channels_.Start();
  channels_.Stop();
  ASSERT_NE(AwaitOpened().code(), absl::StatusCode::kUnknown);
  Open();
  EXPECT_THAT(AwaitOpened(), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace rehai::agent
