// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/ssh_command.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

// An option's effective value, by its name in lower case.
using Effective = std::map<std::string, std::string>;

class SshCommandTest : public testing::Test {
 protected:
  SshCommandTest() {
    std::string folder = testing::TempDir() + "/ssh XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    setenv("TMPDIR", folder_.c_str(), 1);
    unsetenv("RUNTIME_DIRECTORY");
    options_.config_file = "none";
  }
  ~SshCommandTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, int mode,
                    absl::string_view content = "x\n") {
    const std::string path = absl::StrCat(folder_, "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, mode), IsOk());
    return path;
  }

  // What ssh itself, by the wrapper, makes of the configuration.
  Effective Ask(const std::string& arguments) {
    auto command = SshCommand::Create(options_);
    EXPECT_THAT(command, IsOk());
    if (!command.ok()) return {};
    FILE* const output = popen(
        absl::StrCat("'", (*command)->path(), "' -G ", arguments).c_str(), "r");
    Effective effective;
    char line[4096];
    while (fgets(line, sizeof line, output) != nullptr) {
      const std::string text(absl::StripTrailingAsciiWhitespace(line));
      const size_t space = text.find(' ');
      effective.emplace(text.substr(0, space), space == std::string::npos
                                                   ? ""
                                                   : text.substr(space + 1));
    }
    EXPECT_EQ(pclose(output), 0);
    return effective;
  }

  absl::Status Refused() { return SshCommand::Create(options_).status(); }

  std::string folder_;
  SshOptions options_;
};

TEST_F(SshCommandTest, SshNeverAsksAndTrustsNobodyNew) {
  const Effective effective = Ask("hv1");
  for (const auto& [name, value] : Effective{
           {"batchmode", "yes"},
           {"stricthostkeychecking", "true"},
           {"updatehostkeys", "false"},
           {"gssapiauthentication", "no"},
           {"controlmaster", "false"},
           {"forwardagent", "no"},
           {"forwardx11", "no"},
           {"clearallforwardings", "yes"},
           {"permitlocalcommand", "no"},
           {"requesttty", "false"},
           {"loglevel", "ERROR"},
           {"port", "22"},
       }) {
    EXPECT_THAT(effective, Contains(Pair(name, value)));
  }
  EXPECT_THAT(effective, Not(Contains(Key("controlpath"))));
  EXPECT_THAT(effective, Not(Contains(Key("remotecommand"))));
}

TEST_F(SshCommandTest, TheCheapKeyExchangeComesFirstAndOthersStay) {
  const std::string algorithms = Ask("hv1")["kexalgorithms"];
  EXPECT_THAT(algorithms, StartsWith("curve25519-sha256,"));
  EXPECT_THAT(algorithms, HasSubstr("ecdh-sha2-nistp256"));
}

TEST_F(SshCommandTest, TimesFollowTheDials) {
  options_.connect_timeout = absl::Milliseconds(15400);
  options_.keepalive_interval = absl::Seconds(7);
  options_.keepalive_count = 4;
  EXPECT_THAT(Ask("hv1"), AllOf(Contains(Pair("connecttimeout", "14")),
                                Contains(Pair("serveraliveinterval", "7")),
                                Contains(Pair("serveralivecountmax", "4"))));
  options_.connect_timeout = absl::Milliseconds(200);
  EXPECT_THAT(Ask("hv1"), Contains(Pair("connecttimeout", "1")));
}

TEST_F(SshCommandTest, OnlyTheGivenKeyAndHostKeysCount) {
  options_.key_file = Write("a key%h", 0600);
  options_.known_hosts_file = Write("known %h hosts", 0644);
  EXPECT_THAT(
      Ask("hv1"),
      AllOf(Contains(Pair("identitiesonly", "yes")),
            // As it is written; it is expanded when it is opened.
            Contains(Pair("identityfile", folder_ + "/a key%%h")),
            Contains(Pair("userknownhostsfile", options_.known_hosts_file)),
            Contains(Pair("globalknownhostsfile", "/dev/null"))));
}

TEST_F(SshCommandTest, WithoutAKeySshLooksForItsOwn) {
  EXPECT_THAT(Ask("hv1"),
              AllOf(Contains(Pair("identitiesonly", "no")),
                    Contains(Pair("globalknownhostsfile",
                                  HasSubstr("/etc/ssh/ssh_known_hosts")))));
}

TEST_F(SshCommandTest, UserAndPortAreForUrisThatNameNone) {
  options_.user = "rehai";
  options_.port = 2222;
  EXPECT_THAT(Ask("hv1"), AllOf(Contains(Pair("user", "rehai")),
                                Contains(Pair("port", "2222"))));
  EXPECT_THAT(Ask("-l root -p 23 hv1"), AllOf(Contains(Pair("user", "root")),
                                              Contains(Pair("port", "23"))));
}

// Else its ssh would look for a jump to the jump, without end.
TEST_F(SshCommandTest, JumpHostsAreReachedStraightAndAsTheySay) {
  options_.user = "rehai";
  options_.port = 2222;
  options_.jump = "ops@bastion-1:2200,[::1]:24,gate.example.net";
  const Effective hypervisor = Ask("hv1");
  EXPECT_THAT(hypervisor, Contains(Pair("proxyjump", options_.jump)));
  EXPECT_THAT(hypervisor, Contains(Pair("port", "2222")));
  for (const char* jump : {"bastion-1", "::1", "gate.example.net"}) {
    const Effective effective = Ask(jump);
    EXPECT_THAT(effective, Not(Contains(Key("proxyjump")))) << jump;
    EXPECT_THAT(effective, Contains(Pair("port", "22"))) << jump;
    EXPECT_THAT(effective, Not(Contains(Pair("user", "rehai")))) << jump;
    EXPECT_THAT(effective, Contains(Pair("batchmode", "yes"))) << jump;
  }
}

TEST_F(SshCommandTest, TheConfigFileAddsAndChangesNothingThatIsGenerated) {
  options_.user = "rehai";
  options_.config_file = Write("my config", 0644,
                               "Host hv1\n  HostName 10.0.0.1\n  User root\n"
                               "  ProxyCommand nc %h %p\n"
                               "Host *\n  StrictHostKeyChecking no\n"
                               "  RemoteCommand ls\n  ForwardAgent yes\n"
                               "  KexAlgorithms ecdh-sha2-nistp256\n");
  EXPECT_THAT(
      Ask("hv1"),
      AllOf(Contains(Pair("hostname", "10.0.0.1")),
            Contains(Pair("user", "rehai")),
            Contains(Pair("proxycommand", "nc %h %p")),
            Contains(Pair("stricthostkeychecking", "true")),
            Contains(Pair("forwardagent", "no")),
            Contains(Pair("kexalgorithms", StartsWith("curve25519-sha256,"))),
            Not(Contains(Key("remotecommand")))));
  EXPECT_THAT(Ask("hv2"), Contains(Pair("hostname", "hv2")));
  options_.jump = "bastion";
  EXPECT_THAT(Ask("hv1"), AllOf(Contains(Pair("proxyjump", "bastion")),
                                Not(Contains(Key("proxycommand")))));
}

TEST_F(SshCommandTest, TheAccountsOwnConfigFileIsTheDefault) {
  options_.config_file = "";
  EXPECT_THAT(*SshConfigText(options_), HasSubstr("\nInclude ~/.ssh/config\n"));
  EXPECT_THAT(Ask("hv1"), Contains(Pair("batchmode", "yes")));
  options_.config_file = "none";
  EXPECT_THAT(*SshConfigText(options_), Not(HasSubstr("Include")));
}

TEST_F(SshCommandTest, NoValueEscapesIntoTheConfiguration) {
  const auto refused = [](SshOptions options, const char* key) {
    EXPECT_THAT(SshConfigText(options),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith(key)));
  };
  for (const std::string path :
       {"/k\nProxyCommand rm", "/k\" ProxyCommand", "/k\\", "/${HOME}/k",
        "relative", "~/k", "/k\x7f"}) {
    refused({.key_file = path}, "pull.ssh.key_file: ");
    refused({.known_hosts_file = path}, "pull.ssh.known_hosts_file: ");
    refused({.config_file = path}, "pull.ssh.config_file: ");
  }
  refused({.config_file = "/etc/*"}, "pull.ssh.config_file: ");
  for (const std::string user :
       {"a b", "a\nPort 1", "-oProxyCommand=x", "a;b", "a'b", "$(x)"}) {
    refused({.user = user}, "pull.ssh.user: ");
  }
  for (const std::string jump :
       {"a b", "a\nPort 1", "-J", "a,,b", "a:0", "a:x", "a:70000", "@a", "u@",
        "-l@a", "a;b", "[::1", "[::1]22", "*", "!a", ","}) {
    refused({.jump = jump}, "pull.ssh.jump: ");
  }
  refused({.port = -1}, "pull.ssh.port: ");
  refused({.port = 65536}, "pull.ssh.port: ");
}

TEST_F(SshCommandTest, AKeyThatOthersCanUseIsRefusedBeforeSshDoes) {
  for (const int mode : {0644, 0640, 0620, 0601}) {
    options_.key_file = Write("key", mode);
    EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kInvalidArgument,
                                    AllOf(HasSubstr(options_.key_file),
                                          HasSubstr("chmod go="))));
  }
  options_.key_file = Write("key", 0400);
  EXPECT_THAT(Refused(), IsOk());
}

// A key that root lends to a group.
TEST_F(SshCommandTest, AnotherUsersKeyMayBeReadByAGroup) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  options_.key_file = Write("key", 0640);
  ASSERT_EQ(chown(options_.key_file.c_str(), 65534, 0), 0);
  EXPECT_THAT(Refused(), IsOk());
  ASSERT_EQ(chmod(options_.key_file.c_str(), 0644), 0);
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("chmod g-w,o=")));
}

TEST_F(SshCommandTest, FilesThatAreNotThereAreNamed) {
  const std::string missing = folder_ + "/missing";
  options_.key_file = missing;
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kNotFound,
                                  HasSubstr("key_file: " + missing)));
  options_.key_file = folder_;
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("is not a file")));
  options_.key_file.clear();
  options_.known_hosts_file = missing;
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kNotFound,
                                  HasSubstr("known_hosts_file: " + missing)));
  options_.known_hosts_file.clear();
  options_.config_file = missing;
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kNotFound,
                                  HasSubstr("config_file: " + missing)));
}

TEST_F(SshCommandTest, ItsFolderIsPrivateAndGoesWithIt) {
  {
    const auto command = SshCommand::Create(options_);
    ASSERT_THAT(command, IsOk());
    EXPECT_THAT((*command)->path(), StartsWith(folder_ + "/"));
    struct stat found = {};
    ASSERT_EQ(stat(FolderOf((*command)->path()).c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0700u);
    // Two at once are not in each other's way.
    const auto second = SshCommand::Create(options_);
    ASSERT_THAT(second, IsOk());
    EXPECT_NE((*command)->path(), (*second)->path());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

// As systemd-tmpfiles does: it leaves alone what it cannot lock.
TEST_F(SshCommandTest, WhatTidiesTheTemporaryFolderFindsItInUse) {
  const auto command = SshCommand::Create(options_);
  ASSERT_THAT(command, IsOk());
  const int fd =
      open(FolderOf((*command)->path()).c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(fd, 0);
  EXPECT_NE(flock(fd, LOCK_EX | LOCK_NB), 0);
  close(fd);
}

TEST_F(SshCommandTest, TheServicesRuntimeFolderIsPreferredAndABadOneIsNot) {
  const std::string runtime = folder_ + "/runtime";
  std::filesystem::create_directory(runtime);
  setenv("RUNTIME_DIRECTORY", absl::StrCat(runtime, ":/other").c_str(), 1);
  auto command = SshCommand::Create(options_);
  ASSERT_THAT(command, IsOk());
  EXPECT_THAT((*command)->path(), StartsWith(runtime + "/"));

  setenv("RUNTIME_DIRECTORY", (folder_ + "/missing").c_str(), 1);
  command = SshCommand::Create(options_);
  ASSERT_THAT(command, IsOk());
  EXPECT_THAT((*command)->path(), StartsWith(folder_ + "/rehai-ssh-"));
}

}  // namespace
}  // namespace rehai::hypervisor
