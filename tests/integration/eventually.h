// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_EVENTUALLY_H_
#define TESTS_INTEGRATION_EVENTUALLY_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/lab/process.h"

namespace rehai::integration {

// Asks until the answer matches. Long enough for the slowest machine: a test
// that passes never waits for it.
//
//   EXPECT_TRUE(Eventually([&] { return Presence("kvm1"); }, Eq("stale")));
//
// The failure tells the last answer and why it does not match.
template <typename Ask, typename Matcher>
testing::AssertionResult Eventually(
    Ask ask, const Matcher& matcher,
    absl::Duration patience = absl::Seconds(30)) {
  using Answer = std::decay_t<decltype(ask())>;
  const auto matches = testing::SafeMatcherCast<const Answer&>(matcher);
  const absl::Status matched = lab::WaitUntil(patience, [&]() -> absl::Status {
    const Answer answer = ask();
    testing::StringMatchResultListener why;
    if (matches.MatchAndExplain(answer, &why)) return absl::OkStatus();
    return absl::UnknownError(
        absl::StrCat(testing::PrintToString(answer), " ", why.str()));
  });
  if (matched.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "last answer: " << matched.message() << "\nwanted: one that "
         << testing::DescribeMatcher<const Answer&>(matches);
}

}  // namespace rehai::integration

#endif  // TESTS_INTEGRATION_EVENTUALLY_H_
