// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/usage.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() {
    contexts_.named["lab"] = {{"server", "lab:1"},
                              {"cert", "ops.pem"},
                              {"key", "/keys/ops.key"},
                              {"timeout", "10s"}};
    contexts_.named["other"] = {{"server", "other:1"}};
  }

  absl::StatusOr<Settings> Read(const std::vector<std::string>& words) {
    const auto invocation = ParseCommandLine(Rehaictl(), words);
    EXPECT_THAT(invocation, IsOk());
    return Resolve(*invocation, contexts_, "/home/ops/rehaictl.yaml",
                   [this](const std::string& name) {
                     const auto found = environment_.find(name);
                     return found == environment_.end() ? "" : found->second;
                   });
  }

  // "value from what"
  std::string Told(const std::vector<std::string>& words, const char* name) {
    const auto settings = Read(words);
    if (!settings.ok()) return std::string(settings.status().message());
    const Setting& setting = settings->Get(name);
    return setting.value + " from " + setting.from;
  }

  Contexts contexts_;
  std::map<std::string, std::string> environment_;
};

TEST_F(SettingsTest, AFlagGoesBeforeTheEnvironmentThatBeforeTheContext) {
  EXPECT_EQ(Told({"hosts"}, "server"), "127.0.0.1:7420 from default");
  contexts_.current = "lab";
  EXPECT_EQ(Told({"hosts"}, "server"), "lab:1 from context lab");
  environment_["REHAI_SERVER"] = "there:1";
  EXPECT_EQ(Told({"hosts"}, "server"), "there:1 from $REHAI_SERVER");
  EXPECT_EQ(Told({"hosts", "-s", "here:1"}, "server"), "here:1 from --server");
}

TEST_F(SettingsTest, EveryFileHasAVariable) {
  environment_ = {{"REHAI_CERT", "c"},
                  {"REHAI_KEY", "k"},
                  {"REHAI_CA", "a"},
                  {"REHAI_TOKEN_FILE", "t"}};
  EXPECT_EQ(Told({"hosts"}, "cert"), "c from $REHAI_CERT");
  EXPECT_EQ(Told({"hosts"}, "key"), "k from $REHAI_KEY");
  EXPECT_EQ(Told({"hosts"}, "ca"), "a from $REHAI_CA");
  EXPECT_EQ(Told({"hosts"}, "token_file"), "t from $REHAI_TOKEN_FILE");
}

TEST_F(SettingsTest, TheContextIsTheFlagsThenTheEnvironmentsThenTheCurrent) {
  contexts_.current = "lab";
  EXPECT_EQ(Read({"hosts"})->context, "lab");
  environment_["REHAI_CONTEXT"] = "other";
  EXPECT_EQ(Told({"hosts"}, "server"), "other:1 from context other");
  EXPECT_EQ(Told({"hosts", "--context", "lab"}, "server"),
            "lab:1 from context lab");
  EXPECT_THAT(
      Read({"hosts", "--context", "lap"}),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("did you mean lab?")));
}

TEST_F(SettingsTest, FilesOfAContextAreRelativeToItsFile) {
  contexts_.current = "lab";
  EXPECT_EQ(Told({"hosts"}, "cert"), "/home/ops/ops.pem from context lab");
  EXPECT_EQ(Told({"hosts"}, "key"), "/keys/ops.key from context lab");
}

TEST_F(SettingsTest, ATimeoutOfTheCommandEndsWatchesAndOneOfAContextDoesNot) {
  contexts_.current = "lab";
  auto options = ToClientOptions(*Read({"watch"}));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->timeout, absl::Seconds(10));
  EXPECT_EQ(options->watch_timeout, absl::InfiniteDuration());
  options = ToClientOptions(*Read({"watch", "--timeout", "1m30s"}));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->timeout, absl::Seconds(90));
  EXPECT_EQ(options->watch_timeout, absl::Seconds(90));
}

TEST_F(SettingsTest, ATimeoutIsADuration) {
  for (const char* text : {"30", "soon", "-1s", "0s", ""}) {
    EXPECT_THAT(
        ToClientOptions(*Read({"hosts", "--timeout", text})),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--timeout")))
        << text;
  }
  contexts_.current = "lab";
  contexts_.named["lab"]["timeout"] = "soon";
  EXPECT_THAT(ToClientOptions(*Read({"hosts"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("timeout of context lab soon")));
}

}  // namespace
}  // namespace rehai::cli
