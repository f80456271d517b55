// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/ip_address.h"

#include <gtest/gtest.h>

#include <string>

namespace rehai {
namespace {

TEST(IpAddressTest, OneAddressIsEqualHoweverItIsWritten) {
  EXPECT_EQ(ParseIpAddress("fe80::1"), ParseIpAddress("FE80:0:0::0001"));
  EXPECT_NE(ParseIpAddress("10.0.0.1"), ParseIpAddress("10.0.0.2"));
  EXPECT_NE(ParseIpAddress("::a00:1"), ParseIpAddress("10.0.0.1"));
}

TEST(IpAddressTest, WhatIsNoAddressIsNone) {
  for (const std::string& text :
       {std::string(), std::string("10.0.0"), std::string("10.0.0.256"),
        std::string("10.0.0.1/24"), std::string("10.0.0.1\0", 9),
        std::string("::g"), std::string(100, '1')}) {
    EXPECT_FALSE(ParseIpAddress(text).has_value()) << text;
  }
}

TEST(IpAddressTest, AnInterfacesAddressMayHaveALengthOfAnyKind) {
  for (const char* text :
       {"10.0.0.1", "10.0.0.1/24", "10.0.0.1/99", "10.0.0.1/"}) {
    EXPECT_EQ(ParseInterfaceAddress(text), ParseIpAddress("10.0.0.1")) << text;
  }
  EXPECT_FALSE(ParseInterfaceAddress("/24").has_value());
}

TEST(IpAddressTest, APrefixContainsWhatBeginsWithIt) {
  const struct {
    const char* prefix;
    const char* address;
    bool contains;
  } cases[] = {
      {"10.0.0.0/24", "10.0.0.255", true},
      {"10.0.0.0/24", "10.0.1.0", false},
      {"10.0.0.0/23", "10.0.1.0", true},
      {"10.0.0.9/31", "10.0.0.8", true},
      {"0.0.0.0/0", "255.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"10.0.0.7", "10.0.0.7", true},
      {"10.0.0.7", "10.0.0.6", false},
      {"fe80::/10", "febf::1", true},
      {"fe80::/10", "fec0::1", false},
      {"::1", "::1", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseIpPrefix(c.prefix)->Contains(*ParseIpAddress(c.address)),
              c.contains)
        << c.prefix << " " << c.address;
  }
}

TEST(IpAddressTest, WhatIsNoPrefixIsNone) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                           "10.0.0.0/24/24", "::/129", "web"}) {
    EXPECT_FALSE(ParseIpPrefix(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace rehai
