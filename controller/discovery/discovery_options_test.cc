// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/discovery_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/yaml.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

struct Read {
  DiscoveryOptions options;
  std::vector<std::string> problems;
};

Read FromYaml(const std::string& text) {
  v1::ControllerConfig config;
  EXPECT_THAT(ParseYaml("c.yaml", text, config), IsOk());
  Read read;
  read.options = MakeDiscoveryOptions(
      config, "/etc/rehai",
      [&read](absl::string_view key, absl::string_view problem) {
        read.problems.push_back(absl::StrCat(key, ": ", problem));
      });
  return read;
}

TEST(DiscoveryOptionsTest, EverythingThatIsSetIsTaken) {
  const auto [options, problems] = FromYaml(R"(
hosts:
  - {node: hv1, uri: "test:///default", labels: {a: b}}
discovery:
  files: [hosts.yaml, /srv/hosts.d/*.yaml]
  chef_searches:
    - query: virtualization_role:host
      uri_template: qemu+ssh://root@{fqdn}/system
      labels: {rack: site.rack}
      interval: 90s
  brake_share: 0.5
  brake_count: 10
  file_interval: 3s
)");
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_THAT(options.static_hosts,
              ElementsAre(FoundHost{.host = {"hv1"},
                                    .uri = "test:///default",
                                    .labels = {{"a", "b"}},
                                    .found_by = "config"}));
  EXPECT_THAT(options.files,
              ElementsAre("/etc/rehai/hosts.yaml", "/srv/hosts.d/*.yaml"));
  ASSERT_THAT(options.chef_searches, SizeIs(1));
  EXPECT_EQ(options.chef_searches[0].query, "virtualization_role:host");
  EXPECT_EQ(options.chef_searches[0].interval, absl::Seconds(90));
  EXPECT_THAT(options.chef_searches[0].labels,
              ElementsAre(Pair("rack", "site.rack")));
  EXPECT_EQ(options.brake.share, 0.5);
  EXPECT_EQ(options.brake.count, 10);
  EXPECT_EQ(options.file_interval, absl::Seconds(3));
}

TEST(DiscoveryOptionsTest, TheDefaultsAreThoseOfTheSchema) {
  const auto [options, problems] = FromYaml(R"(
discovery:
  chef_searches:
    - {query: "a:b", uri_template: "qemu://{fqdn}/"}
)");
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(options.chef_searches[0].interval, absl::Minutes(5));
  EXPECT_EQ(options.brake.share, 0.2);
  EXPECT_EQ(options.brake.count, 3);
  EXPECT_EQ(options.file_interval, absl::Seconds(10));
}

TEST(DiscoveryOptionsTest, EveryProblemIsComplainedAboutByItsKey) {
  EXPECT_THAT(
      FromYaml(R"(
hosts:
  - {node: hv1, uri: nowhere}
discovery:
  files: ["", "/*/hosts.yaml"]
  chef_searches:
    - {uri_template: "qemu://{fqdn}/", labels: {a: ""}, interval: 0s}
    - {query: "a:b", uri_template: "qemu://fqdn/"}
    - {query: "a:b", uri_template: "qemu://{fqdn}/"}
  brake_share: 1.5
  brake_count: -1
  file_interval: 1ms
)")
          .problems,
      ElementsAre(HasSubstr("hosts[0]: uri"),
                  HasSubstr("discovery.files[0]: \"\""),
                  HasSubstr("discovery.files[1]: \"/*/hosts.yaml\""),
                  HasSubstr("discovery.file_interval: must be 1s"),
                  HasSubstr("discovery.chef_searches[0].query: is not set"),
                  HasSubstr("discovery.chef_searches[0].labels.a: \"\""),
                  HasSubstr("discovery.chef_searches[0].interval: must be 1s"),
                  HasSubstr("discovery.chef_searches[1].uri_template: \"qemu"),
                  HasSubstr("discovery.chef_searches[2].query: is asked twice"),
                  HasSubstr("discovery.brake_share: must"),
                  HasSubstr("discovery.brake_count: must")));
}

TEST(DiscoveryOptionsTest, WithoutAnyPlaceToLookThereIsNoHost) {
  EXPECT_THAT(FromYaml("api: {}").problems,
              ElementsAre(HasSubstr("hosts: no host to watch")));
}

}  // namespace
}  // namespace rehai
