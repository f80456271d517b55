// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/chef_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

ChefSearch Search() {
  return {.query = "virtualization_role:host",
          .uri = *UriTemplate::Parse("qemu+ssh://{cloud.local_ipv4|fqdn}/"),
          .labels = {{"rack", "site.rack"}, {"zone", "site.zone"}}};
}

chef::NodeQuery::Row Row(const std::string& node,
                         std::map<std::string, chef::NodeQuery::Value> values) {
  return {node, std::move(values)};
}

TEST(ChefSearchTest, AsksForEveryAttributeThatIsNamed) {
  const chef::NodeQuery::Question question = QuestionOf(Search());
  EXPECT_EQ(question.query, "virtualization_role:host");
  EXPECT_THAT(
      question.attributes,
      ElementsAre(Pair("cloud.local_ipv4", ElementsAre("cloud", "local_ipv4")),
                  Pair("fqdn", ElementsAre("fqdn")),
                  Pair("site.rack", ElementsAre("site", "rack")),
                  Pair("site.zone", ElementsAre("site", "zone"))));
}

TEST(ChefSearchTest, EachNodeIsAHostWithItsLabels) {
  const SearchedHosts found =
      HostsOf(Search(),
              {.rows = {Row("hv2", {{"fqdn", {"hv2.example", true}},
                                    {"site.rack", {"7", false}},
                                    {"site.zone", {"{}", false}}}),
                        Row("hv1", {{"cloud.local_ipv4", {"192.0.2.1", true}},
                                    {"site.rack", {"a 1", true}},
                                    {"site.zone", {"b", true}}})}},
              {});
  EXPECT_THAT(
      found.hosts,
      ElementsAre(
          FoundHost{.host = {"hv1"},
                    .uri = "qemu+ssh://192.0.2.1/",
                    .labels = {{"rack", "a 1"}, {"zone", "b"}},
                    .found_by = "chef search virtualization_role:host"},
          FoundHost{.host = {"hv2"},
                    .uri = "qemu+ssh://hv2.example/",
                    .labels = {{"rack", "7"}},
                    .found_by = "chef search virtualization_role:host"}));
  EXPECT_THAT(found.refused, IsEmpty());
}

TEST(ChefSearchTest, ANodeWithoutAUriIsRefusedAndSaysWhy) {
  const SearchedHosts found =
      HostsOf(Search(),
              {.rows = {Row("hv1", {}), Row("hv2", {{"fqdn", {"true", false}}}),
                        Row("hv3", {{"fqdn", {"a/b", true}}}),
                        Row("h v", {{"fqdn", {"a", true}}})}},
              {});
  EXPECT_THAT(found.hosts, IsEmpty());
  EXPECT_THAT(found.refused,
              ElementsAre(HasSubstr("node h v: \"h v\" cannot be"),
                          HasSubstr("node hv1: has no cloud.local_ipv4"),
                          HasSubstr("node hv2: has no"),
                          HasSubstr("node hv3: fqdn is \"a/b\"")));
}

TEST(ChefSearchTest, AHostWhoseNodeLostItsAddressStaysAsItWas) {
  const FoundHost known = {.host = {"hv1"}, .uri = "u:1", .found_by = "x"};
  const SearchedHosts found = HostsOf(Search(), {.rows = {Row("hv1", {})}},
                                      {known, {.host = {"hv2"}, .uri = "u:2"}});
  EXPECT_THAT(found.hosts, ElementsAre(known));
}

}  // namespace
}  // namespace rehai
