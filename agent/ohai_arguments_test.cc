// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The flags that are about Ohai.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/arguments.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OhaiArgumentsTest, OhaiIsNotRunUnlessAskedFor) {
  const auto arguments = ParseArguments({"--once"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_FALSE(arguments->ohai);
}

TEST(OhaiArgumentsTest, OhaiComesInThePlaceOfTheHypervisor) {
  const auto arguments = ParseArguments({"--once", "--ohai"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_TRUE(arguments->ohai);
  EXPECT_FALSE(arguments->ohai_time);
  EXPECT_FALSE(arguments->rendering.kvm_extensions);
  EXPECT_FALSE(arguments->rendering.ohai_libvirt);
  EXPECT_FALSE(arguments->rendering.rehai);
}

TEST(OhaiArgumentsTest, OrBesideItIfRenderingsAreGiven) {
  const auto arguments = ParseArguments(
      {"--renderings", "rehai,kvm_extensions", "--once", "--ohai"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_TRUE(arguments->rendering.kvm_extensions);
  EXPECT_FALSE(arguments->rendering.ohai_libvirt);
  EXPECT_TRUE(arguments->rendering.rehai);
}

TEST(OhaiArgumentsTest, TakesHowOhaiIsToBeRun) {
  const auto arguments = ParseArguments(
      {"--once", "--ohai", "--ohai-path=/opt/ohai", "--ohai_plugin_path",
       "/a b", "--ohai_plugin_path=/c", "--ohai_plugins", "cpu,chef_packages",
       "--ohai_timeout", "90s"});
  ASSERT_THAT(arguments, IsOk());
  const OhaiRunner::Request& request = arguments->ohai_request;
  EXPECT_EQ(request.path, "/opt/ohai");
  EXPECT_THAT(request.plugin_folders, ElementsAre("/a b", "/c"));
  EXPECT_THAT(request.attributes, ElementsAre("cpu", "chef_packages"));
  EXPECT_EQ(request.timeout, absl::Seconds(90));
  EXPECT_TRUE(ParseArguments({"--once", "--ohai", "--ohai_time"})->ohai_time);
}

TEST(OhaiArgumentsTest, WhatIsWrongIsNamedWithWhatToWrite) {
  const auto complains = [](std::vector<std::string> words,
                            const std::string& flag,
                            const std::string& remedy) {
    words.insert(words.begin(), "--once");
    EXPECT_THAT(ParseArguments(words),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(flag), HasSubstr(remedy))))
        << words.back();
  };
  complains({"--ohai_time"}, "--ohai_time", "--ohai");
  complains({"--ohai", "--ohai_time", "--ohai_plugins", "cpu"}, "--ohai_time",
            "leave --ohai_plugins");
  complains({"--ohai", "--ohai_plugins", "cpu,,x"}, "--ohai_plugins cpu,,x",
            "virtualization,network");
  complains({"--ohai", "--ohai_plugins", "virtualization/kvm"},
            "--ohai_plugins", "top-level");
  complains({"--ohai", "--ohai_plugins", "-c"}, "--ohai_plugins", "top-level");
  complains({"--ohai", "--ohai_plugin_path", "plugins"}, "--ohai_plugin_path",
            "from /");
  for (const char* const time : {"90", "0s", "-1m", "inf", "soon"}) {
    complains({"--ohai", "--ohai_timeout", time}, "--ohai_timeout", "90s");
  }
  complains({"--ohai", "--normal_prefix", "a", "--no_automatic"},
            "--normal_prefix", "--renderings");
  complains({"--ohai", "--volatile_values"}, "--volatile_values",
            "--renderings");
  complains({"--ohai", "--ohai_timeout", "1s", "--ohai_timeout", "2s"},
            "--ohai_timeout", "twice");
}

}  // namespace
}  // namespace rehai::agent
