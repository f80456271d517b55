// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/fleet_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

std::string InTempDir(const std::string& name) {
  return absl::StrCat(testing::TempDir(), "/", name);
}

TEST(FleetFileTest, HoldsWhatDiscoveryReads) {
  const std::string file = InTempDir("fleet.yaml");
  ASSERT_THAT(
      WriteFleetFile(file, {{"sim1.example.net",
                             "test+ssh://root@sim1.example.net/default?x=1&y=2",
                             {{"driver", "test"}, {"rack", "r1"}}},
                            {"sim2.example.net", "test:///default"}}),
      IsOk());

  const YAML::Node yaml = YAML::LoadFile(file);
  ASSERT_EQ(yaml.size(), 1);
  const YAML::Node hosts = yaml["hosts"];
  ASSERT_EQ(hosts.size(), 2);
  EXPECT_EQ(hosts[0]["node"].as<std::string>(), "sim1.example.net");
  EXPECT_EQ(hosts[0]["uri"].as<std::string>(),
            "test+ssh://root@sim1.example.net/default?x=1&y=2");
  EXPECT_EQ(hosts[0]["labels"]["driver"].as<std::string>(), "test");
  EXPECT_EQ(hosts[0]["labels"]["rack"].as<std::string>(), "r1");
  EXPECT_FALSE(hosts[1]["labels"].IsDefined());
}

TEST(FleetFileTest, AFleetThatAllHaveLeftIsAnEmptyList) {
  const std::string file = InTempDir("empty.yaml");
  ASSERT_THAT(WriteFleetFile(file, {}), IsOk());

  const YAML::Node hosts = YAML::LoadFile(file)["hosts"];
  EXPECT_TRUE(hosts.IsSequence());
  EXPECT_EQ(hosts.size(), 0);
}

}  // namespace
}  // namespace rehai::lab
