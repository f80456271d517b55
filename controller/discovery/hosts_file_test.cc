// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/hosts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(HostsFileTest, HostsComeInTheirOrderWithTheFilesName) {
  const auto hosts = ParseHostsFile("/etc/h.yaml", R"(
hosts:
  - node: hv2
    uri: qemu+ssh://root@hv2/system
    labels: {rack: a1}
  - {node: hv1, uri: "test:///default"}
)");
  ASSERT_THAT(hosts, IsOk());
  EXPECT_THAT(*hosts, ElementsAre(FoundHost{.host = {"hv2"},
                                            .uri = "qemu+ssh://root@hv2/system",
                                            .labels = {{"rack", "a1"}},
                                            .found_by = "/etc/h.yaml"},
                                  FoundHost{.host = {"hv1"},
                                            .uri = "test:///default",
                                            .found_by = "/etc/h.yaml"}));
}

TEST(HostsFileTest, EveryProblemIsToldWithItsPlace) {
  EXPECT_THAT(ParseHostsFile("h.yaml", R"(
hosts:
  - {node: "hv 1", uri: "test:///default"}
  - {node: hv2, uri: hv2}
  - {uri: "test:///default"}
  - {node: hv2, uri: "test:///default"}
)"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("h.yaml: hosts[0]: \"hv 1\" cannot be"),
                             HasSubstr("h.yaml: hosts[1]: uri \"hv2\" is not"),
                             HasSubstr("h.yaml: hosts[2]: has no node"),
                             HasSubstr("h.yaml: hosts[3]: node hv2 is listed "
                                       "twice"))));
  EXPECT_THAT(ParseHostsFile("h.yaml", "hosts:\n  - nodes: hv1\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("h.yaml:2: hosts[0].nodes: unknown key")));
  EXPECT_THAT(
      ParseHostsFile("h.yaml", "hosts: ["),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not YAML")));
}

TEST(HostsFileTest, NoHostIsMeantOnlyWhereItIsWritten) {
  for (const char* const text : {"", "\n", "# none\n", "hosts:\n", "---\n"}) {
    EXPECT_THAT(ParseHostsFile("h.yaml", text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("write hosts: []")))
        << text;
  }
  const auto none = ParseHostsFile("h.yaml", "hosts: []\n");
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(*none, IsEmpty());
}

TEST(HostsFileTest, AUriMayBeLeftOutWhereAgentsReport) {
  constexpr char kText[] = "hosts: [{node: hv1}]\n";
  EXPECT_THAT(ParseHostsFile("h.yaml", kText),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not a libvirt URI")));
  const auto hosts = ParseHostsFile("h.yaml", kText, HostUri::kOptional);
  ASSERT_THAT(hosts, IsOk());
  EXPECT_EQ(hosts->at(0).uri, "");
  EXPECT_THAT(ParseHostsFile("h.yaml", "hosts: [{node: hv1, uri: hv1}]\n",
                             HostUri::kOptional),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not a libvirt URI")));
}

}  // namespace
}  // namespace rehai
