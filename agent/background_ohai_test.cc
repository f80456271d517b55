// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Scripts stand for ohai.

#include "agent/background_ohai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Where a run's result arrives.
class Result {
 public:
  BackgroundOhai::Done Done() {
    return [this](v1::OhaiResult result) {
      MutexLock lock(mu_);
      result_ = std::move(result);
      changed_.NotifyAll();
    };
  }
  v1::OhaiResult Await() {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (!result_.has_value() && clock.Uptime() < deadline) {
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return result_.value_or(v1::OhaiResult());
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::optional<v1::OhaiResult> result_ ABSL_GUARDED_BY(mu_);
};

class BackgroundOhaiTest : public testing::Test {
 protected:
  BackgroundOhaiTest()
      : folder_(MakeFolder()),
        ohai_("hv1", {.path = absl::StrCat(folder_, "/ohai")}, Clock::Real()) {}

  static std::string MakeFolder() {
    std::string folder = absl::StrCat(testing::TempDir(), "/ohai.XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    return folder;
  }
  void SetScript(const std::string& script) {
    EXPECT_THAT(
        WriteFileAtomically(absl::StrCat(folder_, "/ohai"),
                            absl::StrCat("#!/bin/sh\n", script, "\n"), 0755),
        IsOk());
  }

  const std::string folder_;
  BackgroundOhai ohai_;
};

TEST_F(BackgroundOhaiTest, SaysWhatOhaiSays) {
  SetScript(R"(echo '{"kernel": {"name": "Linux"}}')");
  Result result;
  ohai_.Start({}, result.Done());
  const v1::OhaiResult said = result.Await();
  EXPECT_THAT(said.json(), HasSubstr(R"("name": "Linux")"));
  EXPECT_TRUE(said.whole());
  EXPECT_THAT(said.error(), IsEmpty());
}

TEST_F(BackgroundOhaiTest, RunsOneAfterTheOther) {
  SetScript(R"(echo '{"kernel": {}}')");
  for (int i = 0; i < 3; ++i) {
    Result result;
    ohai_.Start({}, result.Done());
    EXPECT_THAT(result.Await().error(), IsEmpty());
  }
}

TEST_F(BackgroundOhaiTest, AFailureIsAResultToo) {
  SetScript("echo out of luck >&2; exit 3");
  Result result;
  ohai_.Start({}, result.Done());
  const v1::OhaiResult said = result.Await();
  EXPECT_THAT(said.error(), HasSubstr("out of luck"));
  EXPECT_THAT(said.error(), HasSubstr("hv1"));
  EXPECT_THAT(said.json(), IsEmpty());
}

TEST_F(BackgroundOhaiTest, TheRequestsTimeoutCounts) {
  SetScript("sleep 600");
  v1::RunOhai request;
  *request.mutable_timeout() = ToProto(absl::Milliseconds(50));
  Result result;
  ohai_.Start(request, result.Done());
  EXPECT_FALSE(result.Await().error().empty());
}

TEST_F(BackgroundOhaiTest, ASecondIsRefusedAndAStopEndsTheFirst) {
  SetScript("sleep 600");
  Result first;
  ohai_.Start({}, first.Done());
  Result second;
  ohai_.Start({}, second.Done());
  EXPECT_THAT(second.Await().error(), HasSubstr("runs already"));
  ohai_.Stop();
  EXPECT_FALSE(first.Await().error().empty());
  Result third;
  ohai_.Start({}, third.Done());
  EXPECT_THAT(third.Await().error(), HasSubstr("stopping"));
}

}  // namespace
}  // namespace rehai::agent
