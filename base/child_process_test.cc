// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// As long as the machine may take for anything; nothing waits for it to pass.
constexpr absl::Duration kPlenty = absl::Seconds(60);

class ChildProcessTest : public testing::Test {
 protected:
  ChildProcessTest() : child_(Clock::Real()) {
    std::string folder = absl::StrCat(testing::TempDir(), "/child.XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    fifo_ = absl::StrCat(folder, "/fifo");
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
    // For reading and writing, so that opening it waits for nobody.
    fifo_fd_ = open(fifo_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~ChildProcessTest() override { close(fifo_fd_); }

  // What a shell does with `script`, in which $1 is the FIFO.
  ChildCommand Shell(const std::string& script) const {
    ChildCommand command;
    command.argv = {"/bin/sh", "-c", script, "sh", fifo_};
    command.environment = {"PATH=/usr/bin:/bin"};
    command.timeout = kPlenty;
    return command;
  }

  // Returns when the script has written a line to its FIFO.
  void AwaitLine() const {
    pollfd news = {fifo_fd_, POLLIN, 0};
    ASSERT_EQ(poll(&news, 1, 60'000), 1) << "the script never came so far";
    char buffer[64];
    ASSERT_GT(read(fifo_fd_, buffer, sizeof(buffer)), 0);
  }

  // True once nobody else holds the FIFO open for writing: its readers see the
  // end of it. Everything that the script has started held it.
  bool EverybodyIsGone() {
    const int reader = open(fifo_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    close(fifo_fd_);
    fifo_fd_ = -1;
    pollfd news = {reader, POLLIN, 0};
    while (poll(&news, 1, 60'000) == 1) {
      char buffer[64];
      if (read(reader, buffer, sizeof(buffer)) > 0) continue;
      close(reader);
      return true;
    }
    close(reader);
    return false;
  }

  ChildProcess child_;
  std::string fifo_;
  int fifo_fd_ = -1;
};

TEST_F(ChildProcessTest, TellsOutputAndExitStatus) {
  const auto end = child_.Run(Shell("echo out; echo err >&2; exit 3"));
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->exit_status, 3);
  EXPECT_EQ(end->output, "out\n");
  EXPECT_EQ(end->error_tail, "err\n");
  EXPECT_GT(end->took, absl::ZeroDuration());
}

TEST_F(ChildProcessTest, ASignalIsToldAsShellsTellIt) {
  const auto end = child_.Run(Shell("kill -9 $$"));
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->exit_status, 128 + 9);
}

TEST_F(ChildProcessTest, RunsOneAfterTheOther) {
  EXPECT_EQ(child_.Run(Shell("echo 1"))->output, "1\n");
  EXPECT_EQ(child_.Run(Shell("echo 2"))->output, "2\n");
}

TEST_F(ChildProcessTest, HasItsEnvironmentItsFolderAndNothingOfOurs) {
  // Open without close-on-exec, as a library may leave one.
  const int leaked = open("/dev/null", O_RDONLY);
  ChildCommand command;
  command.argv = {"/bin/sh", "-c",
                  "env; pwd; cat; ls /proc/self/fd | sort | tail -n 1"};
  command.environment = {"PATH=/usr/bin:/bin", "A=b c"};
  command.timeout = kPlenty;
  const auto end = child_.Run(command);
  close(leaked);
  ASSERT_THAT(end, IsOk());
  // 3 is the folder that ls reads. PWD is the shell's own.
  EXPECT_THAT(
      absl::StrSplit(end->output, '\n', absl::SkipEmpty()),
      UnorderedElementsAre("PATH=/usr/bin:/bin", "A=b c", "PWD=/", "/", "3"));
}

TEST_F(ChildProcessTest, NoShellReadsTheArguments) {
  ChildCommand command;
  command.argv = {"/bin/echo", "$HOME; `id`", "*"};
  command.timeout = kPlenty;
  EXPECT_EQ(child_.Run(command)->output, "$HOME; `id` *\n");
}

TEST_F(ChildProcessTest, RunsInTheBackgroundIfAsked) {
  // It is asked for just after the start.
  ChildCommand command =
      Shell("until test \"$(nice) $(ionice -p $$)\" = '10 idle'; do :; done");
  command.in_background = true;
  const auto end = child_.Run(command);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->exit_status, 0);
}

TEST_F(ChildProcessTest, AMissingProgramIsNamed) {
  ChildCommand command;
  command.argv = {"/no/such/ohai"};
  EXPECT_THAT(child_.Run(command), StatusIs(absl::StatusCode::kNotFound,
                                            HasSubstr("/no/such/ohai")));
  command.argv = {"/etc/passwd"};
  EXPECT_THAT(child_.Run(command),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ChildProcessTest, WhatHangsIsEndedWithItsChildren) {
  ChildCommand command =
      Shell("exec 3>\"$1\"; echo up to no good >&2; (sleep 1000 & sleep 1000)");
  command.timeout = absl::Milliseconds(200);
  EXPECT_THAT(child_.Run(command),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("it said: up to no good")));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(ChildProcessTest, WhatIgnoresTheSignalIsKilledWithItsChildren) {
  ChildCommand command = Shell(
      "exec 3>\"$1\"; trap '' TERM; (trap '' TERM; sleep 1000) & "
      "while :; do sleep 1000; done");
  command.timeout = absl::Milliseconds(200);
  command.patience = absl::Milliseconds(100);
  EXPECT_THAT(child_.Run(command),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(ChildProcessTest, ItsEndIsNotWaitedForWhereItMindsTheSignal) {
  ChildCommand command = Shell("sleep 1000");
  command.timeout = absl::Milliseconds(50);
  command.patience = absl::Hours(1);
  EXPECT_THAT(child_.Run(command),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ChildProcessTest, WhatItLeavesBehindIsEndedAndNotWaitedFor) {
  // They hold its standard output open, too.
  const auto end =
      child_.Run(Shell("exec 3>\"$1\"; (trap '' TERM; sleep 1000) & echo x"));
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->output, "x\n");
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(ChildProcessTest, EndlessOutputEndsIt) {
  ChildCommand command = Shell("exec 3>\"$1\"; yes & trap '' TERM; yes");
  command.max_output_bytes = 100'000;
  command.patience = absl::Milliseconds(100);
  EXPECT_THAT(child_.Run(command),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("more than 100000 bytes")));
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(ChildProcessTest, OutputUpToTheBoundIsWhole) {
  ChildCommand command = Shell("head -c 300000 /dev/zero");
  command.max_output_bytes = 300'000;
  const auto end = child_.Run(command);
  ASSERT_THAT(end, IsOk());
  EXPECT_EQ(end->output, std::string(300'000, '\0'));
}

TEST_F(ChildProcessTest, OfEndlessErrorsTheLastAreKept) {
  const auto end =
      child_.Run(Shell("yes nothing | head -n 200000 >&2; echo last >&2"));
  ASSERT_THAT(end, IsOk());
  EXPECT_THAT(end->error_tail, testing::EndsWith("nothing\nlast\n"));
  EXPECT_EQ(end->error_tail.size(), 4096);
}

TEST_F(ChildProcessTest, StopEndsWhatRunsAndLetsNothingRunAnyMore) {
  std::thread stopper([this] {
    AwaitLine();
    child_.Stop();
  });
  EXPECT_THAT(
      child_.Run(Shell("exec 3>\"$1\"; (sleep 1000) & echo >&3; sleep 1000")),
      StatusIs(absl::StatusCode::kCancelled));
  stopper.join();
  EXPECT_THAT(child_.Run(Shell("echo never >\"$1\"")),
              StatusIs(absl::StatusCode::kCancelled));
  pollfd news = {fifo_fd_, POLLIN, 0};
  EXPECT_EQ(poll(&news, 1, 0), 0);
  EXPECT_TRUE(EverybodyIsGone());
}

TEST_F(ChildProcessTest, StopInTheEndingChangesNothing) {
  ChildCommand command = Shell("trap '' TERM; echo >\"$1\"; sleep 1000");
  command.timeout = kPlenty;
  command.patience = absl::Milliseconds(100);
  std::thread stopper([this] {
    AwaitLine();
    for (int i = 0; i < 3; ++i) child_.Stop();
  });
  EXPECT_THAT(child_.Run(command), StatusIs(absl::StatusCode::kCancelled));
  stopper.join();
}

}  // namespace
}  // namespace rehai
