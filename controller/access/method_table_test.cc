// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/method_table.h"

#include <google/protobuf/descriptor.pb.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/access/role.h"
#include "gtest/gtest.h"

namespace rehai {
namespace {

// "Fleet.GetHost" and so on: all that the protos have, so that none is missed
// because nobody linked it, but for the service of the agents' own port.
std::vector<std::string> Methods() {
  std::ifstream file("controller/access/services.binpb");
  google::protobuf::FileDescriptorSet protos;
  EXPECT_TRUE(protos.ParseFromIstream(&file));
  std::vector<std::string> methods;
  for (const auto& proto : protos.file()) {
    for (const auto& service : proto.service()) {
      if (service.name() == "AgentService") continue;
      for (const auto& method : service.method()) {
        methods.push_back(absl::StrCat(service.name(), ".", method.name()));
      }
    }
  }
  return methods;
}

TEST(MethodTableTest, EveryMethodOfEveryServiceHasARow) {
  const std::vector<std::string> methods = Methods();
  EXPECT_GE(methods.size(), 30u);
  for (const std::string& method : methods) {
    EXPECT_TRUE(HasRow(method))
        << method << ": say in method_table.cc who may call it";
  }
}

TEST(MethodTableTest, WhatHasNoRowIsForAdminsAndAudited) {
  EXPECT_FALSE(HasRow("Fleet.Format"));
  EXPECT_EQ(NeedsOf("Fleet.Format").role, Role::kAdmin);
  EXPECT_TRUE(NeedsOf("Fleet.Format").is_command);
}

TEST(MethodTableTest, CommandsNeedMoreThanAReader) {
  for (const std::string& method : Methods()) {
    const MethodNeeds needs = NeedsOf(method);
    EXPECT_GE(needs.role, needs.is_command ? Role::kOperator : Role::kReader)
        << method;
  }
}

}  // namespace
}  // namespace rehai
