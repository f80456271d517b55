// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/usage.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::vector<std::string> Words(const std::vector<std::string>& words) {
  std::vector<std::string> found;
  for (const Candidate& candidate : Complete(Rehaictl(), words).candidates) {
    found.push_back(candidate.word);
  }
  return found;
}

WordKind KindOf(const std::vector<std::string>& words) {
  return Complete(Rehaictl(), words).kind;
}

TEST(CompletionTest, CommandsByTheirFirstWordEachOnce) {
  EXPECT_THAT(Words({"gu"}), ElementsAre("guests", "guest"));
  EXPECT_THAT(Words({"ch"}), ElementsAre("chef"));
  EXPECT_THAT(Words({""}), IsSupersetOf({"hosts", "resync", "config"}));
}

TEST(CompletionTest, SecondWordsAndWhatElseMayComeThere) {
  EXPECT_THAT(Words({"chef", ""}), ElementsAre("status", "cost", "limits"));
  EXPECT_THAT(Words({"resync", "p"}), ElementsAre("pause"));
  EXPECT_EQ(KindOf({"resync", "p"}), WordKind::kHost);
  EXPECT_EQ(KindOf({"resync", "pause", ""}), WordKind::kResync);
  EXPECT_THAT(Words({"resync", "pause", ""}), IsEmpty());
  EXPECT_EQ(KindOf({"guest", "w"}), WordKind::kGuest);
  EXPECT_EQ(KindOf({"guest", "web01", ""}), WordKind::kAnything);  // one only
  EXPECT_EQ(KindOf({"config", "use", ""}), WordKind::kContext);
  EXPECT_THAT(Words({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST(CompletionTest, FlagsAreTheCommandsAndThoseOfAll) {
  EXPECT_THAT(Words({"resync", "--ve"}), ElementsAre("--verify-only"));
  EXPECT_THAT(Words({"hosts", "--"}),
              IsSupersetOf({"--label", "--filter", "--output", "--help"}));
  EXPECT_THAT(Words({"hosts", "--"}), Not(Contains("--verify-only")));
  EXPECT_THAT(Words({"--serv"}), ElementsAre("--server"));
}

TEST(CompletionTest, ValuesOfFlags) {
  EXPECT_THAT(Words({"hosts", "--output", "j"}), ElementsAre("json"));
  EXPECT_THAT(Words({"hosts", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(Words({"hosts", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(Words({"guests", "--state", "p"}), ElementsAre("paused"));
  EXPECT_THAT(Words({"source", "connections", "--state", "up,wa"}),
              ElementsAre("up,waiting"));
  EXPECT_EQ(KindOf({"guests", "--host", "h"}), WordKind::kHost);
  EXPECT_EQ(KindOf({"hosts", "--cert", ""}), WordKind::kFile);
  const Completion host = Complete(Rehaictl(), {"guests", "--host=h"});
  EXPECT_EQ(host.kind, WordKind::kHost);
  EXPECT_EQ(host.lead, "--host=");
  EXPECT_EQ(host.typed, "h");
}

TEST(CompletionTest, AFlagAndItsValueAreNoArguments) {
  EXPECT_EQ(KindOf({"--server", "guest", "hosts", ""}), WordKind::kHost);
  EXPECT_THAT(Words({"-s", "x:1", "gues"}), ElementsAre("guests", "guest"));
  EXPECT_THAT(Words({"resync", "--all", "--d"}),
              ElementsAre("--dry-run", "--deadline"));
}

TEST(CompletionTest, AfterADoubleDashAllAreArguments) {
  EXPECT_THAT(Words({"resync", "--", "p"}), IsEmpty());
  EXPECT_EQ(KindOf({"resync", "--", "p"}), WordKind::kHost);
  EXPECT_THAT(Words({"hosts", "--", "--l"}), IsEmpty());
}

TEST(CompletionTest, NonsenseHasNoEnd) {
  EXPECT_THAT(Words({"nonsense", ""}), IsEmpty());
  EXPECT_THAT(Words({"hosts", "--nonsense="}), IsEmpty());
  EXPECT_THAT(Words({"hosts", "--watch="}), IsEmpty());
}

TEST(CompletionTest, BashBreaksWordsAtEqualsSigns) {
  EXPECT_THAT(JoinBashWords({"hosts", "--output", "=", "j"}),
              ElementsAre("hosts", "--output=j"));
  EXPECT_THAT(JoinBashWords({"hosts", "--output", "="}),
              ElementsAre("hosts", "--output="));
  EXPECT_THAT(JoinBashWords({"-s", "x", ":", "1", "hosts"}),
              ElementsAre("-s", "x:1", "hosts"));
  EXPECT_EQ(AsBashCompletes("--output=json", {"hosts", "--output", "=", "j"}),
            "json");
  EXPECT_EQ(AsBashCompletes("--output=json", {"hosts", "--output", "="}),
            "json");
  EXPECT_EQ(AsBashCompletes("hosts", {"ho"}), "hosts");
}

TEST(CompletionTest, AScriptForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = CompletionScript(shell, "rehaictl");
    ASSERT_THAT(script, IsOk());
    EXPECT_THAT(*script,
                HasSubstr(std::string("rehaictl __complete ") + shell));
    EXPECT_THAT(*script, Not(HasSubstr("PROGRAM")));
  }
  EXPECT_THAT(CompletionScript("bsah", "rehaictl"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean bash?")));
}

}  // namespace
}  // namespace rehai::cli
