// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Scripts stand for ohai. ChildProcess's tests say how a program is ended;
// these, that each way to go wrong is told as what it is.

#include "agent/ohai_runner.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class OhaiRunnerTest : public testing::Test {
 protected:
  OhaiRunnerTest() : runner_(Clock::Real()) {
    folder_ = absl::StrCat(testing::TempDir(), "/ohai.XXXXXX");
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    fifo_ = absl::StrCat(folder_, "/fifo");
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
    // For both, so that opening it waits for nobody.
    fifo_fd_ = open(fifo_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~OhaiRunnerTest() override { close(fifo_fd_); }

  // Runs `script` as ohai.
  absl::StatusOr<OhaiRunner::Output> Run(const std::string& script,
                                         OhaiRunner::Request request = {}) {
    request.path = absl::StrCat(folder_, "/ohai");
    const std::string text =
        absl::StrCat("#!/bin/sh\nfifo=", fifo_, "\n", script, "\n");
    EXPECT_THAT(WriteFileAtomically(request.path, text, 0755), IsOk());
    return runner_.Run(request);
  }

  // True once nothing that the script has started is left. It must have opened
  // the FIFO for writing.
  bool EverybodyIsGone() {
    const int reader = open(fifo_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    close(fifo_fd_);
    fifo_fd_ = -1;
    pollfd news = {reader, POLLIN, 0};
    char buffer[64];
    bool gone = false;
    while (!gone && poll(&news, 1, 60'000) == 1) {
      gone = read(reader, buffer, sizeof(buffer)) == 0;
    }
    close(reader);
    return gone;
  }

  OhaiRunner runner_;
  std::string folder_;
  std::string fifo_;
  int fifo_fd_ = -1;
};

TEST_F(OhaiRunnerTest, GivesWhatOhaiPrintedByteForByte) {
  const auto output = Run(R"(printf '{ "os":"linux",\n "n": 1.50 }\n'; )"
                          "echo a warning >&2");
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->json, "{ \"os\":\"linux\",\n \"n\": 1.50 }\n");
  EXPECT_TRUE(output->whole);
  EXPECT_GT(output->took, absl::ZeroDuration());
}

TEST_F(OhaiRunnerTest, PassesPluginFoldersAndAttributes) {
  const auto output =
      Run(R"(printf '{"args":"%s"}\n{"b":[{"}":"\\"}"}]}\n' "$*")",
          {.plugin_folders = {"/etc/a b", "/opt/c"},
           .attributes = {"virtualization", "cpu"}});
  ASSERT_THAT(output, IsOk());
  EXPECT_FALSE(output->whole);
  EXPECT_EQ(output->json, R"({"virtualization":{"args":"-d /etc/a b -d /opt/c )"
                          R"(virtualization cpu"},"cpu":{"b":[{"}":"\"}"}]}})");
}

TEST_F(OhaiRunnerTest, WhatIsNotPrintedAsAnObjectCannotBeChosen) {
  for (const char* const script :
       {"echo '[\"hv1\"]'", "echo 17", "true", "echo '{\"a\":[}'",
        "echo '{\"a\":1'", "echo '{} {}'"}) {
    EXPECT_THAT(Run(script, {.attributes = {"hostname"}}),
                StatusIs(absl::StatusCode::kDataLoss))
        << script;
  }
}

TEST_F(OhaiRunnerTest, WhatWouldBeAnotherArgumentIsRefused) {
  for (const char* const name :
       {"", "-c", "virtualization/kvm", "a b", "--config=/x", "a,b"}) {
    EXPECT_THAT(Run("echo '{}'", {.attributes = {name}}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
  EXPECT_THAT(Run("echo '{}{}'", {.attributes = {"cpu", "cpu"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Run("echo '{}'", {.plugin_folders = {"plugins"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(OhaiRunnerTest, HasNothingOfOurEnvironmentButPathAndHome) {
  ASSERT_EQ(setenv("REHAI_TEST_SECRET", "s", 1), 0);
  const auto output = Run(
      "printf '{\"e\":\"%s\"}' \"$(env | sed 's/=.*//' | sort | tr '\\n' ' ')"
      "$LANG\"");
  unsetenv("REHAI_TEST_SECRET");
  ASSERT_THAT(output, IsOk());
  // PWD, OLDPWD and _ are the shell's own.
  EXPECT_THAT(output->json,
              AllOf(HasSubstr("HOME LANG "), HasSubstr("PATH "),
                    HasSubstr("C.UTF-8"), testing::Not(HasSubstr("REHAI"))));
}

TEST_F(OhaiRunnerTest, AnErrorIsToldWithTheLastThatOhaiSaid) {
  EXPECT_THAT(Run("echo '{}'; echo 'FATAL: no such plugin' >&2; exit 1"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("ended with status 1"),
                             HasSubstr("it said: FATAL: no such plugin"))));
}

TEST_F(OhaiRunnerTest, WhatIsNoJsonIsDataLoss) {
  for (const char* const script :
       {"true", "echo 'ERROR: x'; echo '{}'", "echo '{\"os\":'",
        "echo '{\"os\":1,\"os\":2}'", "printf '{\"os\":\"\\377\"}'"}) {
    EXPECT_THAT(Run(absl::StrCat(script, "; echo hint >&2")),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("hint")))
        << script;
  }
}

TEST_F(OhaiRunnerTest, AHangIsEndedWithWhatItStarted) {
  EXPECT_THAT(Run("exec 3>$fifo; trap '' TERM; (trap '' TERM; sleep 1000) & "
                  "echo in plugin :Slow >&2; while :; do sleep 1000; done",
                  {.timeout = absl::Milliseconds(200),
                   .patience = absl::Milliseconds(100)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("in plugin :Slow")));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(OhaiRunnerTest, EndlessOutputIsEnded) {
  EXPECT_THAT(Run("exec 3>$fifo; yes", {.max_output_bytes = 10'000}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(OhaiRunnerTest, StopEndsARun) {
  std::thread stopper([this] {
    pollfd news = {fifo_fd_, POLLIN, 0};
    EXPECT_EQ(poll(&news, 1, 60'000), 1);
    runner_.Stop();
  });
  EXPECT_THAT(Run("exec 3>$fifo; (sleep 1000) & echo >&3; sleep 1000"),
              StatusIs(absl::StatusCode::kCancelled));
  stopper.join();
  EXPECT_THAT(Run("echo '{}'"), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(OhaiRunnerTest, AMissingProgramIsNamed) {
  OhaiRunner::Request request;
  request.path = "/no/such/ohai";
  EXPECT_THAT(runner_.Run(request), StatusIs(absl::StatusCode::kNotFound,
                                             HasSubstr("/no/such/ohai")));
}

TEST_F(OhaiRunnerTest, IsFoundInPath) {
  const std::string ohai = absl::StrCat(folder_, "/ohai");
  ASSERT_THAT(WriteFileAtomically(ohai, "#!/bin/sh\necho '{\"ours\":1}'", 0755),
              IsOk());
  const std::string path = getenv("PATH");
  setenv("PATH", absl::StrCat("relative::", folder_, ":", path).c_str(), 1);
  const auto output = runner_.Run({});
  setenv("PATH", path.c_str(), 1);
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->json, "{\"ours\":1}\n");
}

}  // namespace
}  // namespace rehai::agent
