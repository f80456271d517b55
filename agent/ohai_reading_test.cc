// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/ohai_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::SizeIs;

// A request that runs `script` as ohai.
OhaiRunner::Request Script(const std::string& script) {
  std::string folder = absl::StrCat(testing::TempDir(), "/ohai.XXXXXX");
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  OhaiRunner::Request request;
  request.path = absl::StrCat(folder, "/ohai");
  EXPECT_THAT(WriteFileAtomically(request.path,
                                  absl::StrCat("#!/bin/sh\n", script), 0755),
              IsOk());
  return request;
}

TEST(OhaiReadingTest, GivesWhatOhaiFound) {
  const OhaiRunner::Request request =
      Script("echo '{\"os\":1,\"ohai_time\":2.5,\"recipes\":[]}'");
  const auto without = ReadOhai(request, false, Clock::Real());
  ASSERT_THAT(without, IsOk());
  EXPECT_THAT(without->subtrees, SizeIs(1));
  EXPECT_THAT(ReadOhai(request, true, Clock::Real())->subtrees, SizeIs(2));
}

TEST(OhaiReadingTest, ASignalEndsOhaiAndIsThenAsItWas) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    // The script tells us, by the signal itself, that it runs.
    EXPECT_THAT(
        ReadOhai(Script(absl::StrCat("kill -", signal, " $PPID; sleep 1000")),
                 false, Clock::Real()),
        StatusIs(absl::StatusCode::kCancelled));
    struct sigaction after = {};
    sigaction(signal, nullptr, &after);
    EXPECT_EQ(after.sa_handler, before.sa_handler);
  }
}

TEST(OhaiReadingTest, ASignalThatIsIgnoredStaysSo) {
  ::signal(SIGHUP, SIG_IGN);
  EXPECT_THAT(ReadOhai(Script(absl::StrCat("kill -HUP $PPID; echo '{}'")),
                       false, Clock::Real()),
              IsOk());
  ::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace rehai::agent
