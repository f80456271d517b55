// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the program does about itself: contexts, completion in a real bash, and
// the manual.

#include "cli/rehaictl_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A configuration file of this test's own.
class RehaictlProgramTest : public testing::Test {
 protected:
  RehaictlProgramTest() {
    ClearRehaictlEnvironment();
    unlink(getenv("REHAICTL_CONFIG"));
  }
};

TEST_F(RehaictlProgramTest, ContextsAreKeptUsedAndDeleted) {
  TestController controller;
  controller.Observe("hv1", {});
  EXPECT_THAT(Rehaictl({"config", "contexts"}).out,
              StartsWith("no contexts in "));
  const Program made = Rehaictl({"config", "set", "lab", "--server",
                                 controller.address(), "--timeout", "10s"});
  EXPECT_EQ(made.status, 0) << made.err;
  ASSERT_EQ(Rehaictl({"config", "set", "far", "--server", "192.0.2.7:1",
                      "--cert", "ops.pem", "--key", "/k"})
                .status,
            0);
  EXPECT_EQ(Rehaictl({"config", "contexts", "-o", "name"}).out, "far\nlab\n");
  // The first is the current one, and asks the right server.
  EXPECT_EQ(Rehaictl({"hosts", "-o", "name"}).out, "hv1\n");
  const auto shown = nlohmann::json::parse(
      Rehaictl({"config", "show", "--context", "far", "-o", "json"}).out);
  EXPECT_EQ(shown["server"]["value"], "192.0.2.7:1");
  EXPECT_EQ(shown["server"]["from"], "context far");
  EXPECT_THAT(shown["cert"]["value"].get<std::string>(),
              AllOf(StartsWith("/"), HasSubstr("/ops.pem")));
  EXPECT_EQ(shown["timeout"]["from"], "default");

  EXPECT_EQ(Rehaictl({"config", "use", "far"}).status, 0);
  EXPECT_THAT(Rehaictl({"config", "show"}).out, HasSubstr("192.0.2.7:1"));
  setenv("REHAI_CONTEXT", "lab", 1);
  EXPECT_EQ(Rehaictl({"hosts", "-o", "name"}).out, "hv1\n");
  unsetenv("REHAI_CONTEXT");

  EXPECT_EQ(Rehaictl({"config", "delete", "far"}).status, 0);
  const Program gone = Rehaictl({"hosts", "--context", "far"});
  EXPECT_EQ(gone.status, 4);
  EXPECT_THAT(gone.err, HasSubstr("context far: no such context"));
  EXPECT_THAT(Rehaictl({"config", "use", "lba"}).err,
              HasSubstr("did you mean lab?"));
}

TEST_F(RehaictlProgramTest, WhatCannotBeUsedIsNotKept) {
  EXPECT_EQ(Rehaictl({"config", "set", "lab"}).status, 2);
  EXPECT_EQ(Rehaictl({"config", "set", "lab", "--timeout", "soon"}).status, 2);
  EXPECT_EQ(Rehaictl({"config", "contexts", "-o", "name"}).out, "");
  ASSERT_THAT(WriteFileAtomically(getenv("REHAICTL_CONFIG"),
                                  "contexts: {lab: {sever: x}}\n", 0600),
              IsOk());
  const Program wrong = Rehaictl({"hosts"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.err, HasSubstr(":1: sever: unknown; did you mean server?"));
}

// What a real bash, which has read the script, makes of a line whose last word
// is being typed: its words as bash breaks them.
std::vector<std::string> InBash(const std::vector<std::string>& words) {
  const std::string folder = testing::TempDir();
  const std::string script = absl::StrCat(folder, "/complete.bash");
  char* const here = getcwd(nullptr, 0);
  std::string quoted;
  for (const std::string& word : words) {
    absl::StrAppend(&quoted, " '", word, "'");
  }
  const std::string content = absl::StrCat(
      "PATH=", here, "/cli:$PATH\n", "source <(rehaictl completion bash)\n",
      // What `complete` was told to call, as bash does it on Tab.
      "complete -p rehaictl >/dev/null || exit 9\n", "COMP_WORDS=(rehaictl",
      quoted, ")\n", "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n",
      "_rehaictl rehaictl \"${COMP_WORDS[COMP_CWORD]}\" x\n",
      "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  free(here);
  EXPECT_THAT(WriteFileAtomically(script, content, 0600), IsOk());
  std::FILE* const pipe =
      popen(absl::StrCat("bash --norc --noprofile ", script).c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer{};
  while (const size_t count =
             std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), count);
  }
  EXPECT_EQ(pclose(pipe), 0) << out;
  return absl::StrSplit(out, '\n', absl::SkipEmpty());
}

TEST_F(RehaictlProgramTest, BashCompletesCommandsFlagsAndValues) {
  setenv("REHAI_SERVER", "127.0.0.1:1", 1);  // nobody is there
  EXPECT_THAT(InBash({"gues"}), ElementsAre("guests", "guest"));
  EXPECT_THAT(InBash({"chef", ""}), ElementsAre("status", "cost", "limits"));
  EXPECT_THAT(InBash({"resync", "--verify"}), ElementsAre("--verify-only"));
  EXPECT_THAT(InBash({"guests", "--state", "pau"}), ElementsAre("paused"));
  EXPECT_THAT(InBash({"hosts", "--output", "=", "ya"}), ElementsAre("yaml"));
  EXPECT_THAT(InBash({"hosts", "--output", "="}), Contains("yaml"));
  EXPECT_THAT(InBash({"guest", "w"}), IsEmpty());
}

TEST_F(RehaictlProgramTest, BashCompletesNamesThatTheControllerKnows) {
  TestController controller;
  controller.Observe("hv1", {MakeGuest(1, "web01"), MakeGuest(2, "db01")});
  controller.Observe("hv2", {MakeGuest(3, "web02")});
  setenv("REHAI_SERVER", controller.address().c_str(), 1);
  EXPECT_THAT(InBash({"hosts", "h"}), ElementsAre("hv1", "hv2"));
  EXPECT_THAT(InBash({"guest", "web"}), ElementsAre("web01", "web02"));
  EXPECT_THAT(InBash({"guests", "--host", "=", "hv2"}), ElementsAre("hv2"));
  // Of the server that the line names, with a colon that bash breaks words at.
  setenv("REHAI_SERVER", "127.0.0.1:1", 1);
  EXPECT_THAT(InBash({"--server", "127.0.0.1", ":",
                      absl::StrCat(controller.server().port()), "diff", ""}),
              ElementsAre("hv1", "hv2"));
}

TEST_F(RehaictlProgramTest, BashAcceptsTheScriptThatIsPackaged) {
  EXPECT_EQ(system("bash -n cli/completions/rehaictl.bash"), 0);
  const auto script = ReadFile("cli/completions/rehaictl.bash");
  EXPECT_EQ(Rehaictl({"completion", "bash"}).out, script.value());
}

TEST_F(RehaictlProgramTest, TheManualIsWhatTheProgramSays) {
  const auto manual = ReadFile("cli/rehaictl.1");
  ASSERT_THAT(manual, IsOk());
  EXPECT_EQ(Rehaictl({"man"}).out, *manual);
  EXPECT_THAT(Rehaictl({"man", "resync", "list"}).out,
              HasSubstr(".TH \"REHAICTL\\-RESYNC\\-LIST\" 1"));
  const Program wrong = Rehaictl({"man", "hsots"});
  EXPECT_EQ(wrong.status, 4);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean hosts?"));
}

TEST_F(RehaictlProgramTest, StateIsForRehaiState) {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  const Program alone = Rehaictl({"state", "check", "/nonexistent/state"});
  EXPECT_EQ(alone.status, 5);
  EXPECT_THAT(alone.err, AllOf(HasSubstr("rehai-state"), HasSubstr("PATH")));
  // The words and the exit status are that program's own.
  setenv("PATH",
         absl::StrCat(getenv("TEST_SRCDIR"), "/rehai/controller/state").c_str(),
         1);
  const Program checked = Rehaictl({"state", "check", "/nonexistent/state"});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.err, HasSubstr("/nonexistent/state"));
  EXPECT_EQ(Rehaictl({"state", "backup", "/var/lib/rehai"}).status, 2);
}

}  // namespace
}  // namespace rehai
