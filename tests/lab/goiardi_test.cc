// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/goiardi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::HasSubstr;

constexpr char kNode[] = R"({"name":"hv1","json_class":"Chef::Node",
    "chef_type":"node","chef_environment":"_default","run_list":[],
    "automatic":{"ohai_time":1795527759.2440631}})";

TEST(GoiardiTest, KeepsANodeByteForByteInItsNumbers) {
  const auto goiardi = Goiardi::Start();
  ASSERT_THAT(goiardi, IsOk());

  ASSERT_THAT((*goiardi)->CreateNode(kNode), IsOk());
  const auto node = (*goiardi)->GetNode("hv1");

  ASSERT_THAT(node, IsOk());
  EXPECT_THAT(*node, HasSubstr("1795527759.2440631"));
  EXPECT_THAT((*goiardi)->CreateNode(kNode),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT((*goiardi)->PutNode("hv1", *node), IsOk());
  EXPECT_THAT((*goiardi)->DeleteNode("hv1"), IsOk());
  EXPECT_THAT((*goiardi)->GetNode("hv1"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(GoiardiTest, KeepsItsDataAndItsAddressOverARestart) {
  const auto goiardi = Goiardi::Start();
  ASSERT_THAT(goiardi, IsOk());
  ASSERT_THAT((*goiardi)->CreateNode(kNode), IsOk());
  const std::string url = (*goiardi)->url();

  ASSERT_THAT((*goiardi)->Restart(), IsOk());

  EXPECT_EQ((*goiardi)->url(), url);
  EXPECT_THAT((*goiardi)->GetNode("hv1"), IsOk());
}

TEST(GoiardiTest, KnowsAClientByItsKeyAndItsRights) {
  const auto goiardi = Goiardi::Start({.tls = false});
  ASSERT_THAT(goiardi, IsOk());
  ASSERT_THAT((*goiardi)->CreateNode(kNode), IsOk());
  const auto key_file = (*goiardi)->CreateClient("guest", /*admin=*/false);
  ASSERT_THAT(key_file, IsOk());

  const auto knife = Knife::Create({.server_url = (*goiardi)->url(),
                                    .ca_file = (*goiardi)->ca_file(),
                                    .client_name = "guest",
                                    .client_key_file = *key_file});
  ASSERT_THAT(knife, IsOk());

  EXPECT_EQ((*knife)->Send("GET", "/nodes/hv1")->http_status, 200);
  EXPECT_EQ((*knife)->Send("DELETE", "/nodes/hv1")->http_status, 403);
}

TEST(GoiardiTest, LeavesNoProcessAndNoFile) {
  auto goiardi = Goiardi::Start();
  ASSERT_THAT(goiardi, IsOk());
  const pid_t pid = (*goiardi)->process().pid();
  const std::filesystem::path folder =
      std::filesystem::path((*goiardi)->ca_file()).parent_path();
  ASSERT_TRUE(std::filesystem::exists(folder));
  ASSERT_EQ(kill(pid, 0), 0);

  goiardi->reset();

  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace rehai::lab
