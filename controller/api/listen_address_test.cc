// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ListenAddressTest, KnowsWhoCanReachAnAddress) {
  const struct {
    const char* text;
    bool reachable_from_elsewhere;
  } cases[] = {
      {"127.0.0.1:7420", false},
      {"127.9.8.7:0", false},
      {"localhost:7420", false},
      {"[::1]:7420", false},
      {"unix:/run/rehai.sock", false},
      {"0.0.0.0:7420", true},
      {"[::]:7420", true},
      {"10.0.0.7:7420", true},
      {"[fe80::1]:65535", true},
      {"hv1.example.com:7420", true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const absl::StatusOr<ListenAddress> address =
        ParseListenAddress("api.listen", c.text);
    ASSERT_THAT(address, IsOk());
    EXPECT_EQ(address->text, c.text);
    EXPECT_EQ(address->reachable_from_elsewhere, c.reachable_from_elsewhere);
  }
}

TEST(ListenAddressTest, TellsHostAndPort) {
  const auto v4 = ParseListenAddress("http.listen", "127.0.0.1:7420");
  ASSERT_THAT(v4, IsOk());
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 7420);
  const auto v6 = ParseListenAddress("http.listen", "[::1]:80");
  ASSERT_THAT(v6, IsOk());
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 80);
}

TEST(ListenAddressTest, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(ParseListenAddress("http.listen", "7421"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("http.listen: \"7421\"")));
}

TEST(ListenAddressTest, PlaintextFromAnywhereMustBeAllowed) {
  const auto everywhere = ParseListenAddress("http.listen", "0.0.0.0:80");
  ASSERT_THAT(everywhere, IsOk());
  EXPECT_THAT(CheckNotOpenToEveryone("http", *everywhere, false, false),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("http.allow_plaintext_from_anywhere")));
  EXPECT_THAT(CheckNotOpenToEveryone("http", *everywhere, true, false), IsOk());
  EXPECT_THAT(CheckNotOpenToEveryone("http", *everywhere, false, true), IsOk());
  const auto here = ParseListenAddress("http.listen", "[::1]:80");
  ASSERT_THAT(here, IsOk());
  EXPECT_THAT(CheckNotOpenToEveryone("http", *here, false, false), IsOk());
}

TEST(ListenAddressTest, TellsUnixSocketsApart) {
  EXPECT_TRUE(
      ParseListenAddress("api.listen", "unix:/run/rehai.sock")->unix_socket);
  EXPECT_FALSE(ParseListenAddress("api.listen", "127.0.0.1:7420")->unix_socket);
}

TEST(ListenAddressTest, SaysWhatIsWrongAndHowToWriteIt) {
  const struct {
    std::string text;
    const char* what;
  } cases[] = {
      {"", "no port"},
      {"7420", "no port"},
      {":7420", "no host"},
      {"127.0.0.1:", "port is not a number"},
      {"127.0.0.1:http", "port is not a number"},
      {"127.0.0.1:65536", "port is not a number"},
      {"127.0.0.1:-1", "port is not a number"},
      {"127.0.0.1:+1", "port is not a number"},
      {"::1:7420", "stands in brackets"},
      {"[hv1]:7420", "no IPv6 address"},
      {"[::1:7420", "no IPv6 address"},
      {"unix:rehai.sock", "must be absolute"},
      {"unix:/", "must be absolute"},
      {"unix:/" + std::string(107, 'x'), "longer than 107"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_THAT(ParseListenAddress("api.listen", c.text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("api.listen"), HasSubstr(c.what),
                               HasSubstr("HOST:PORT"))));
  }
}

}  // namespace
}  // namespace rehai
