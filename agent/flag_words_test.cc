// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/flag_words.h"

#include <gtest/gtest.h>

namespace rehai::agent {
namespace {

TEST(FlagWordsTest, ConfigurationKeysBecomeFlags) {
  EXPECT_EQ(InFlagWords("/c.rb:3: node_name is set by Ruby; set "
                        "chef.client_name in Rehai's configuration instead"),
            "/c.rb:3: node_name is set by Ruby; set --node_name instead");
  EXPECT_EQ(InFlagWords("chef.server_url: is not set (not in /c.rb either); "
                        "set it, or chef_server_url in the file that "
                        "chef.knife_file or chef.credentials_file names"),
            "--server: is not set (not in /c.rb either); set it, or "
            "chef_server_url in the file that --config names");
  EXPECT_EQ(InFlagWords("check the host's libvirt daemon and storage, or raise "
                        "pull.read_timeout"),
            "check the host's libvirt daemon and storage");
  EXPECT_EQ(InFlagWords("set chef.ca_file or chef.trusted_certs_dir"),
            "set --ca_file or --trusted_certs_dir");
}

TEST(FlagWordsTest, NothingIsTriedAgainByItself) {
  EXPECT_EQ(InFlagWords("the server is asked too much; it is tried again "
                        "later; lower sync.requests_per_second if this stays"),
            "the server is asked too much; run this again later");
  EXPECT_EQ(InFlagWords("it is read and tried again; if this stays, look"),
            "run this again; if this stays, look");
}

TEST(FlagWordsTest, OtherWordsStay) {
  EXPECT_EQ(InFlagWords("node hv1: there is no such node"),
            "node hv1: there is no such node");
}

}  // namespace
}  // namespace rehai::agent
