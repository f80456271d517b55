// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/log.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

absl::StatusOr<Arguments> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "--once");
  return ParseArguments(words);
}

TEST(ArgumentsTest, WithoutMoreItIsTheHostsOwnLibvirtAndChef) {
  const auto arguments = ParseArguments({"--once"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_TRUE(arguments->once);
  EXPECT_FALSE(arguments->dry_run);
  EXPECT_FALSE(arguments->allow_core_dumps);
  EXPECT_EQ(arguments->uri, "qemu:///system");
  EXPECT_EQ(arguments->chef.knife_file(), "/etc/chef/client.rb");
  EXPECT_EQ(arguments->chef.client_name(), "");
  EXPECT_EQ(arguments->log_level, log::Level::kWarning);
  EXPECT_EQ(arguments->log_file, "");
}

TEST(ArgumentsTest, WithoutMoreTheOldPluginsTreeIsWrittenAndOurOwn) {
  const chef::RenderingOptions rendering = Parse({})->rendering;
  EXPECT_TRUE(rendering.kvm_extensions);
  EXPECT_TRUE(rendering.rehai);
  EXPECT_FALSE(rendering.ohai_libvirt);
  EXPECT_FALSE(rendering.volatile_values);
  EXPECT_TRUE(rendering.places.automatic);
  EXPECT_THAT(rendering.places.normal_prefix, SizeIs(0));
}

TEST(ArgumentsTest, ChefClientsFlagsMeanWhatTheyMeanThere) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"-c", "/a/client.rb", "-l", "debug", "-L", "/a/log", "-N", "hv1",
            "-S", "https://chef", "-k", "/a/key.pem"},
           {"-c/a/client.rb", "-ldebug", "-L/a/log", "-Nhv1", "-Shttps://chef",
            "-k/a/key.pem"},
           {"--config", "/a/client.rb", "--log_level", "debug", "--logfile",
            "/a/log", "--node-name", "hv1", "--server", "https://chef",
            "--client_key", "/a/key.pem"},
           {"--config=/a/client.rb", "--log-level=debug", "--logfile=/a/log",
            "--node_name=hv1", "--server=https://chef",
            "--client-key=/a/key.pem"}}) {
    const auto arguments = Parse(words);
    ASSERT_THAT(arguments, IsOk());
    EXPECT_EQ(arguments->chef.knife_file(), "/a/client.rb");
    EXPECT_EQ(arguments->log_level, log::Level::kDebug);
    EXPECT_EQ(arguments->log_file, "/a/log");
    EXPECT_EQ(arguments->chef.client_name(), "hv1");
    EXPECT_EQ(arguments->chef.server_url(), "https://chef");
    EXPECT_EQ(arguments->chef.client_key_file(), "/a/key.pem");
  }
}

TEST(ArgumentsTest, TakesTheRest) {
  const auto arguments =
      Parse({"--uri", "qemu+unix:///system?socket=/a=b", "--dry_run",
             "--ca_file", "/a/ca.pem", "--trusted_certs_dir=/a/certs",
             "--max_node_bytes", "2000000", "--allow_core_dumps"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_EQ(arguments->uri, "qemu+unix:///system?socket=/a=b");
  EXPECT_TRUE(arguments->dry_run);
  EXPECT_TRUE(arguments->allow_core_dumps);
  EXPECT_EQ(arguments->chef.ca_file(), "/a/ca.pem");
  EXPECT_EQ(arguments->chef.trusted_certs_dir(), "/a/certs");
  EXPECT_EQ(arguments->max_node_bytes, 2'000'000);
}

TEST(ArgumentsTest, RenderingsAreThoseListedAndNoOthers) {
  const auto arguments =
      Parse({"--renderings", "ohai_libvirt,rehai", "--volatile_values",
             "--normal_prefix", "site.rehai", "--no_automatic"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_FALSE(arguments->rendering.kvm_extensions);
  EXPECT_TRUE(arguments->rendering.ohai_libvirt);
  EXPECT_TRUE(arguments->rendering.rehai);
  EXPECT_TRUE(arguments->rendering.volatile_values);
  EXPECT_FALSE(arguments->rendering.places.automatic);
  EXPECT_THAT(arguments->rendering.places.normal_prefix,
              ElementsAre("site", "rehai"));
}

TEST(ArgumentsTest, EachOfChefsLogLevelsIsKnown) {
  EXPECT_EQ(Parse({"-l", "trace"})->log_level, log::Level::kDebug);
  EXPECT_EQ(Parse({"-l", "info"})->log_level, log::Level::kInfo);
  EXPECT_EQ(Parse({"-l", "auto"})->log_level, log::Level::kWarning);
  EXPECT_EQ(Parse({"-l", "warn"})->log_level, log::Level::kWarning);
  EXPECT_EQ(Parse({"-l", "error"})->log_level, log::Level::kError);
  EXPECT_EQ(Parse({"-l", "fatal"})->log_level, log::Level::kError);
}

TEST(ArgumentsTest, WhatIsWrongIsNamedWithWhatToWrite) {
  const auto complains = [](std::vector<std::string> words,
                            const std::string& flag,
                            const std::string& remedy) {
    EXPECT_THAT(Parse(words),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(flag), HasSubstr(remedy))));
  };
  complains({"--dry-rum"}, "--dry-rum", "did you mean --dry_run?");
  complains({"--zzzzzz"}, "--zzzzzz", "--help");
  complains({"-x"}, "-x", "--help");
  complains({"hv1"}, "hv1", "--help");
  complains({"-"}, "-", "--help");
  complains({"--"}, "--", "--help");
  complains({"--uri"}, "--uri", "write --uri URI");
  complains({"-c"}, "-c", "write -c FILE");
  complains({"--uri="}, "--uri", "write --uri URI");
  complains({"--dry_run=1"}, "--dry_run", "no value");
  complains({"-hh"}, "-hh", "no value");
  complains({"-c", "a", "--config", "b"}, "--config", "once");
  complains({"-l", "loud"}, "loud", "warn");
  complains({"--renderings", "kvm"}, "\"kvm\"", "kvm_extensions");
  complains({"--renderings", "rehai,"}, "\"\"", "kvm_extensions");
  complains({"--normal_prefix", "a..b"}, "a..b", "site.rehai");
  complains({"--no_automatic"}, "--no_automatic", "--normal_prefix");
  complains({"--max_node_bytes", "0"}, "--max_node_bytes 0", "1000000");
  complains({"--max_node_bytes", "1e6"}, "1e6", "1000000");
}

TEST(ArgumentsTest, ItHasToBeToldToRunOnceOrWhereToReport) {
  EXPECT_THAT(ParseArguments({}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--once"), HasSubstr("--controller"))));
  EXPECT_TRUE(ParseArguments({"--help"})->help);
  EXPECT_TRUE(ParseArguments({"-h"})->help);
}

TEST(ArgumentsTest, TakesWhatADaemonNeeds) {
  const auto arguments =
      ParseArguments({"--controller", "rehai.example.com:7422",
                      "--controller_ca", "ca.pem", "--controller_name", "rehai",
                      "--certificate", "hv1.pem", "--certificate-key=hv1.key",
                      "--state_folder", "/var/lib/other", "-N", "hv1"});
  ASSERT_THAT(arguments, IsOk());
  EXPECT_FALSE(arguments->once);
  EXPECT_EQ(arguments->controller, "rehai.example.com:7422");
  EXPECT_EQ(arguments->controller_ca, "ca.pem");
  EXPECT_EQ(arguments->controller_name, "rehai");
  EXPECT_EQ(arguments->certificate, "hv1.pem");
  EXPECT_EQ(arguments->certificate_key, "hv1.key");
  EXPECT_EQ(arguments->state_folder, "/var/lib/other");
  EXPECT_EQ(arguments->chef.client_name(), "hv1");
  EXPECT_FALSE(arguments->plaintext);
}

TEST(ArgumentsTest, ADaemonLogsWhatItDoesUnlessToldOtherwise) {
  const auto daemon = [](std::vector<std::string> words) {
    words.insert(words.end(), {"--controller", "unix:/run/c", "--plaintext"});
    return ParseArguments(words)->log_level;
  };
  EXPECT_EQ(daemon({}), log::Level::kInfo);
  EXPECT_EQ(daemon({"-l", "warn"}), log::Level::kWarning);
  EXPECT_EQ(Parse({})->log_level, log::Level::kWarning);
}

TEST(ArgumentsTest, OnlyThisMachineIsSpokenToInClear) {
  for (const std::string here :
       {"localhost:7422", "127.0.0.1:7422", "127.9.9.9:7422", "[::1]:7422",
        "unix:/run/rehai/agents"}) {
    EXPECT_THAT(ParseArguments({"--controller", here, "--plaintext"}), IsOk())
        << here;
  }
  for (const std::string elsewhere :
       {"rehai.example.com:7422", "10.0.0.1:7422", "[2001:db8::1]:7422",
        "127.0.0.1.example.com:7422", "localhost.example.com:7422"}) {
    EXPECT_THAT(ParseArguments({"--controller", elsewhere, "--plaintext"}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(elsewhere),
                               HasSubstr("--plaintext_anywhere"))))
        << elsewhere;
    EXPECT_THAT(ParseArguments({"--controller", elsewhere, "--plaintext",
                                "--plaintext_anywhere"}),
                IsOk())
        << elsewhere;
  }
}

TEST(ArgumentsTest, WhatIsWrongForADaemonIsNamedWithWhatToWrite) {
  const auto complains = [](std::vector<std::string> words,
                            const std::string& flag,
                            const std::string& remedy) {
    EXPECT_THAT(ParseArguments(words),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(flag), HasSubstr(remedy))));
  };
  complains({"--controller", "hv1"}, "--controller hv1", "HOST:PORT");
  complains({"--controller", "hv1:0"}, "--controller hv1:0", "HOST:PORT");
  complains({"--controller", ":7422"}, "--controller :7422", "HOST:PORT");
  complains({"--controller", "unix:run"}, "unix:run", "unix:/PATH");
  complains({"--controller", "hv1:1"}, "--controller_ca", "name the file");
  complains(
      {"--controller", "hv1:1", "--controller_ca", "a", "--certificate", "b"},
      "--certificate", "--certificate_key");
  complains({"--controller", "hv1:1", "--controller_ca", "a", "--dry_run"},
            "--dry_run", "leave this out");
  complains(
      {"--controller", "localhost:1", "--plaintext", "--controller_ca", "a"},
      "--controller_ca", "--plaintext");
  complains({"--once", "--controller", "hv1:1"}, "--controller", "--once");
}

TEST(ArgumentsTest, HelpFitsATerminalAndNamesTheLetters) {
  EXPECT_THAT(Usage(), AllOf(HasSubstr("-c, --config FILE"),
                             HasSubstr("-k, --client_key FILE"),
                             HasSubstr("--uri URI")));
  const std::vector<std::string> lines = absl::StrSplit(Usage(), '\n');
  EXPECT_THAT(lines, Each(SizeIs(Le(80u))));
}

}  // namespace
}  // namespace rehai::agent
