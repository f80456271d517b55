// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/contexts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kFile[] = R"(current-context: lab
contexts:
  lab:
    server: "rehai.example.com:7420"
    cert: ops.pem
    timeout: 10s
  "two words": {}
)";

TEST(ContextsTest, AFileNamesContexts) {
  const auto contexts = ParseContexts("f.yaml", kFile);
  ASSERT_THAT(contexts, IsOk());
  EXPECT_EQ(contexts->current, "lab");
  EXPECT_THAT(contexts->named,
              ElementsAre(Pair("lab", ElementsAre(Pair("cert", "ops.pem"),
                                                  Pair("server",
                                                       "rehai.example.com:"
                                                       "7420"),
                                                  Pair("timeout", "10s"))),
                          Pair("two words", IsEmpty())));
}

TEST(ContextsTest, WhatIsWrittenIsReadAgain) {
  Contexts contexts;
  contexts.current = "yes";
  contexts.named["yes"] = {{"server", "unix:/run/\"x\": y"}, {"key", "1"}};
  contexts.named["no: #1"] = {};
  const auto again = ParseContexts("f.yaml", FormatContexts(contexts));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->current, contexts.current);
  EXPECT_EQ(again->named, contexts.named);
  EXPECT_THAT(ParseContexts("f.yaml", FormatContexts(Contexts())), IsOk());
}

TEST(ContextsTest, AnUnknownKeyIsAnErrorWithItsPlace) {
  const auto wrong = [](const char* text) {
    return std::string(ParseContexts("f.yaml", text).status().message());
  };
  EXPECT_EQ(wrong("contexts:\n  lab:\n    sever: x\n"),
            "f.yaml:3: sever: unknown; did you mean server?");
  EXPECT_EQ(wrong("curent-context: lab\n"),
            "f.yaml:1: curent-context: unknown; did you mean "
            "current-context?");
  EXPECT_THAT(wrong("contexts:\n  lab: [1]\n"), HasSubstr("f.yaml:2: lab"));
  EXPECT_THAT(wrong("contexts:\n  lab:\n    key: [1]\n"),
              HasSubstr("f.yaml:3: key: not a text"));
  EXPECT_THAT(wrong("contexts: {a: {}, a: {}}\n"), HasSubstr("there twice"));
  EXPECT_THAT(wrong("contexts: {"), HasSubstr("f.yaml:1: not YAML"));
  EXPECT_THAT(wrong("- a\n"), HasSubstr("not a mapping"));
}

TEST(ContextsTest, AContextThatIsNotThereIsGuessed) {
  const auto contexts = ParseContexts("f.yaml", kFile);
  ASSERT_THAT(contexts, IsOk());
  EXPECT_THAT(contexts->Find("lab"), IsOk());
  EXPECT_THAT(contexts->Find("lba"), StatusIs(absl::StatusCode::kNotFound,
                                              HasSubstr("did you mean lab?")));
  EXPECT_THAT(contexts->Find("production"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there are lab, two words")));
  EXPECT_THAT(Contexts().Find("lab"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("config set")));
}

TEST(ContextsTest, TheFileIsItsOwnersAlone) {
  const std::string path =
      absl::StrCat(testing::TempDir(), "/made/below/rehaictl.yaml");
  EXPECT_THAT(ReadContexts(path), IsOk());  // none yet
  Contexts contexts;
  contexts.named["lab"] = {{"server", "a:1"}};
  ASSERT_THAT(WriteContexts(path, contexts), IsOk());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto again = ReadContexts(path);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->named, contexts.named);
}

TEST(ContextsTest, TheFileIsWhereTheEnvironmentSays) {
  setenv("HOME", "/home/ops", 1);
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("REHAICTL_CONFIG");
  EXPECT_EQ(ContextsPath(), "/home/ops/.config/rehai/rehaictl.yaml");
  setenv("XDG_CONFIG_HOME", "/x", 1);
  EXPECT_EQ(ContextsPath(), "/x/rehai/rehaictl.yaml");
  setenv("XDG_CONFIG_HOME", "relative", 1);  // which its specification forbids
  EXPECT_EQ(ContextsPath(), "/home/ops/.config/rehai/rehaictl.yaml");
  setenv("REHAICTL_CONFIG", "here.yaml", 1);
  EXPECT_EQ(ContextsPath(), "here.yaml");
  unsetenv("REHAICTL_CONFIG");
  unsetenv("XDG_CONFIG_HOME");
  unsetenv("HOME");
  EXPECT_EQ(ContextsPath(), "");
  EXPECT_THAT(ReadContexts(""), IsOk());
  EXPECT_THAT(WriteContexts("", Contexts()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("REHAICTL_CONFIG")));
}

}  // namespace
}  // namespace rehai::cli
