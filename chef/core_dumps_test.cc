// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/core_dumps.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/matchers.h"

namespace rehai::chef {
namespace {

// Crashes a child process; true if the system made a dump of it.
bool CrashLeavesADump(bool forbid) {
  const pid_t child = fork();
  if (child == 0) {
    if (forbid && !ForbidCoreDumps().ok()) _exit(2);
    // As little as counts as one, where it leaves no litter.
    const rlimit small = {64 << 10, 64 << 10};
    if (setrlimit(RLIMIT_CORE, &small) != 0) _exit(3);
    if (chdir(testing::TempDir().c_str()) != 0) _exit(4);
    signal(SIGABRT, SIG_DFL);
    abort();
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  return WCOREDUMP(status);
}

TEST(CoreDumpsTest, ACrashLeavesNone) {
  if (!CrashLeavesADump(/*forbid=*/false)) {
    GTEST_SKIP() << "this system makes no dumps at all";
  }
  EXPECT_FALSE(CrashLeavesADump(/*forbid=*/true));
}

TEST(CoreDumpsTest, OtherProcessesOfTheUserCannotReadTheMemory) {
  const pid_t child = fork();
  if (child == 0) {
    const bool forbidden = ForbidCoreDumps().ok();
    // What the kernel hands to others belongs to root from now on.
    _exit(forbidden && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace rehai::chef
