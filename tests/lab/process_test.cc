// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::HasSubstr;

bool Exists(pid_t pid) { return kill(pid, 0) == 0; }

TEST(RunProgramTest, FeedsInputAndReturnsBothOutputsAndTheExitStatus) {
  const auto result =
      RunProgram({.argv = {"sh", "-c", "cat; echo no >&2; exit 3"}}, "yes");

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->output, "yes");
  EXPECT_EQ(result->error, "no\n");
}

TEST(RunProgramTest, KillsWhatTakesTooLong) {
  EXPECT_THAT(
      RunProgram({.argv = {"sleep", "1000"}}, "", absl::Milliseconds(20)),
      StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(RunProgramTest, NamesTheProgramThatIsNotThere) {
  EXPECT_THAT(
      RunProgram({.argv = {"no-such-program"}}),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no-such-program")));
}

TEST(OutputOfTest, AFailureTellsWhatTheProgramSaid) {
  EXPECT_THAT(OutputOf({.argv = {"sh", "-c", "echo broken >&2; exit 1"}}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("broken")));
}

TEST(ProcessTest, EnvironmentFolderAndLogAreAsAsked) {
  const auto folder = TempFolder::Create("process");
  ASSERT_THAT(folder, IsOk());
  const std::string log = **folder / "log";

  const auto process = Process::Start({.argv = {"sh", "-c", "echo $COLOR; pwd"},
                                       .environment = {{"COLOR", "blue"}},
                                       .folder = "/usr",
                                       .log_file = log});

  ASSERT_THAT(process, IsOk());
  EXPECT_THAT((*process)->Wait(absl::Seconds(10)), IsOkAndHolds(0));
  EXPECT_THAT(ReadFile(log), IsOkAndHolds("blue\n/usr\n"));
}

TEST(ProcessTest, TellsASignalFromAnExitStatus) {
  const auto process = Process::Start({.argv = {"sleep", "1000"}});
  ASSERT_THAT(process, IsOk());

  (*process)->Signal(SIGKILL);

  EXPECT_THAT((*process)->Wait(absl::Seconds(10)), IsOkAndHolds(128 + SIGKILL));
  EXPECT_FALSE((*process)->Running());
}

TEST(ProcessTest, EndsWhenLetGoEvenIfStopped) {
  auto process = Process::Start({.argv = {"sleep", "1000"}});
  ASSERT_THAT(process, IsOk());
  const pid_t pid = (*process)->pid();
  (*process)->Signal(SIGSTOP);

  process->reset();

  EXPECT_FALSE(Exists(pid));
}

TEST(ProcessTest, KillsTheWholeGroupOfOneThatWillNotEnd) {
  const auto folder = TempFolder::Create("process");
  ASSERT_THAT(folder, IsOk());
  const std::string log = **folder / "log";
  const auto process = Process::Start(
      {.argv = {"sh", "-c", "trap '' TERM; echo ready; sleep 1000; sleep 1000"},
       .log_file = log});
  ASSERT_THAT(process, IsOk());
  ASSERT_THAT(
      (*process)->WaitUntilReady(absl::Seconds(10),
                                 [&] {
                                   return ReadFile(log)->empty()
                                              ? absl::UnavailableError("silent")
                                              : absl::OkStatus();
                                 }),
      IsOk());

  (*process)->Stop(absl::Milliseconds(50));

  EXPECT_FALSE((*process)->Running());
  EXPECT_THAT((*process)->Wait(absl::ZeroDuration()),
              IsOkAndHolds(128 + SIGKILL));
}

TEST(ProcessTest, OutlivesTheThreadThatStartedIt) {
  absl::StatusOr<std::unique_ptr<Process>> process;

  std::thread([&] {
    process = Process::Start({.argv = {"sleep", "1000"}});
  }).join();

  ASSERT_THAT(process, IsOk());
  EXPECT_THAT((*process)->Wait(absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

// Starts a process, tells its id in `file`, and dies without any cleanup.
[[noreturn]] void StartAndDie(const std::string& file) {
  const auto process = Process::Start({.argv = {"sleep", "1000"}});
  if (process.ok()) {
    (void)WriteFileAtomically(file, absl::StrCat((*process)->pid()), 0600);
  }
  kill(getpid(), SIGKILL);
  abort();
}

TEST(ProcessDeathTest, DoesNotOutliveItsKilledParent) {
  // The parent is this program, run again.
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const std::string file = absl::StrCat(testing::TempDir(), "/child_pid");

  EXPECT_EXIT(StartAndDie(file), testing::KilledBySignal(SIGKILL), "");

  const auto text = ReadFile(file);
  ASSERT_THAT(text, IsOk());
  pid_t child = 0;
  ASSERT_TRUE(
      absl::SimpleAtoi(absl::string_view(text->data(), text->size()), &child));
  EXPECT_THAT(WaitUntil(absl::Seconds(10),
                        [&] {
                          return Exists(child)
                                     ? absl::UnavailableError("still there")
                                     : absl::OkStatus();
                        }),
              IsOk());
}

TEST(ProcessTest, TheEndOfItsNamespacesEndsWhatDaemonisedInThem) {
  const auto folder = TempFolder::Create("process");
  ASSERT_THAT(folder, IsOk());
  auto first = Process::Start(
      {.argv = {"bash", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"},
       .new_namespaces = true});
  ASSERT_THAT(first, IsOk());
  // A name in the command line to find it by from outside.
  const std::string marker = **folder / "marker";
  const auto second = RunProgram(
      {.argv = {"sh", "-c",
                absl::StrCat(
                    "hostname inner; setsid sh -c 'while :; do sleep 1; done' ",
                    marker, " >/dev/null 2>&1 & hostname; echo $PPID")},
       .namespaces_of = first->get()});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->output, "inner\n0\n");
  const auto outside = OutputOf({.argv = {"hostname"}});
  ASSERT_THAT(outside, IsOk());
  EXPECT_NE(*outside, "inner\n");
  ASSERT_EQ(RunProgram({.argv = {"pgrep", "-f", marker}})->exit_status, 0);

  first->reset();

  EXPECT_EQ(RunProgram({.argv = {"pgrep", "-f", marker}})->exit_status, 1);
}

TEST(ProcessTest, AnEndBeforeReadinessIsReportedWithItsLog) {
  const auto folder = TempFolder::Create("process");
  ASSERT_THAT(folder, IsOk());
  const auto process =
      Process::Start({.argv = {"sh", "-c", "echo port in use; exit 1"},
                      .log_file = **folder / "log"});
  ASSERT_THAT(process, IsOk());

  EXPECT_THAT(
      (*process)->WaitUntilReady(
          absl::Seconds(10), [] { return absl::UnavailableError("not yet"); }),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("port in use")));
}

}  // namespace
}  // namespace rehai::lab
