// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/yaml.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

absl::StatusOr<ControllerOptions> Parse(const std::string& yaml) {
  const std::string path = testing::TempDir() + "/rehai.yaml";
  if (absl::Status status = WriteFileAtomically(path, yaml, 0600);
      !status.ok()) {
    return status;
  }
  return LoadOptions(path);
}

std::string ProblemOf(const std::string& yaml) {
  return std::string(Parse(yaml).status().message());
}

constexpr char kSmallest[] = R"(
chef: {server_url: "https://chef", client_name: rehai, client_key_file: k.pem}
hosts: [{node: hv1, uri: "qemu:///system"}]
)";

TEST(OptionsTest, TheSmallestConfigurationHasTheDocumentedDefaults) {
  const auto options = Parse(kSmallest);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->api.listen, "127.0.0.1:7420");
  EXPECT_TRUE(options->api.tls.empty());
  EXPECT_EQ(options->sync.window, absl::Milliseconds(200));
  EXPECT_EQ(options->sync.limits.max_in_flight, 8);
  EXPECT_EQ(options->pull.workers, 8);
  EXPECT_EQ(options->pull.dial.connect_timeout, absl::Seconds(15));
  EXPECT_TRUE(options->sync.renderings.rehai);
  EXPECT_FALSE(options->sync.renderings.kvm_extensions);
  EXPECT_EQ(options->max_node_bytes, 1'000'000);
}

// The page's example must load, or the page is wrong.
TEST(OptionsTest, TheDocumentedConfigurationLoads) {
  const auto page = ReadFile("docs/configuration.md");
  ASSERT_THAT(page, IsOk());
  const size_t begin = page->find("```yaml\n");
  ASSERT_NE(begin, page->npos);
  const size_t end = page->find("```", begin + 3);
  const auto options = Parse(page->substr(begin + 8, end - begin - 8));
  ASSERT_THAT(options, IsOk());
  ASSERT_THAT(options->discovery.static_hosts, SizeIs(2));
  EXPECT_EQ(options->discovery.static_hosts[0].labels.at("site"), "north");
  EXPECT_EQ(options->pull.unknown_after, absl::Hours(1));
}

TEST(OptionsTest, HttpIsThereOnlyIfItHasAnAddress) {
  const auto without = Parse(kSmallest);
  ASSERT_THAT(without, IsOk());
  EXPECT_FALSE(without->http.has_value());

  const auto with = Parse(absl::StrCat(
      kSmallest,
      "http: {listen: '127.0.0.1:0', data_collector_token_file: token}\n"));
  ASSERT_THAT(with, IsOk());
  ASSERT_TRUE(with->http.has_value());
  EXPECT_EQ(with->http->listen, "127.0.0.1:0");
  EXPECT_EQ(with->data_collector_token_file, testing::TempDir() + "/token");

  EXPECT_THAT(ProblemOf("http: {data_collector_token_file: token}\n"),
              HasSubstr("http.listen: is not set"));
}

TEST(OptionsTest, PlacesInChefAreChecked) {
  const auto options = Parse(absl::StrCat(
      kSmallest,
      "renderings: {places: {automatic: false, normal_prefix: site.rehai, "
      "data_bag: hypervisors}}\n"));
  ASSERT_THAT(options, IsOk());
  const chef::Places& places = options->sync.renderings.places;
  EXPECT_FALSE(places.automatic);
  EXPECT_THAT(places.normal_prefix, ElementsAre("site", "rehai"));
  EXPECT_EQ(places.data_bag, "hypervisors");

  EXPECT_THAT(ProblemOf("renderings: {places: {automatic: false}}\n"),
              HasSubstr("every place is off"));
  EXPECT_THAT(ProblemOf("renderings: {places: {normal_prefix: a..b}}\n"),
              HasSubstr("\"a..b\" has an empty part"));
  EXPECT_THAT(ProblemOf("renderings: {places: {data_bag: a/b}}\n"),
              HasSubstr("cannot be a data bag's name"));
}

TEST(OptionsTest, WhatChefMayBeAskedIsChecked) {
  const auto options = Parse(absl::StrCat(
      kSmallest, "sync: {bytes_per_second: 1000000, server_share: 0.25}\n"));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->sync.limits.bytes_per_second, 1'000'000);
  EXPECT_EQ(options->sync.limits.server_share, 0.25);

  EXPECT_THAT(ProblemOf(absl::StrCat(kSmallest, "sync: {server_share: 1.5}\n")),
              HasSubstr("sync.server_share: 1.5 is out of range"));
}

TEST(OptionsTest, FilesAreTakenFromTheConfigurationsFolder) {
  const auto options = Parse(kSmallest);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->chef.client_key_file(), testing::TempDir() + "/k.pem");
}

TEST(OptionsTest, OnlyWhatIsShownIsRead) {
  const auto options =
      Parse(absl::StrCat(kSmallest, "renderings: {ohai_libvirt: true}\n"));
  ASSERT_THAT(options, IsOk());
  EXPECT_TRUE(options->pull.dial.read.volumes);
  EXPECT_FALSE(options->pull.dial.read.messages);
  EXPECT_EQ(options->pull.volatile_interval, absl::InfiniteDuration());
}

TEST(OptionsTest, VolatileValuesAreReadAtTheirOwnInterval) {
  const auto hourly =
      Parse(absl::StrCat(kSmallest, "renderings: {volatile_values: true}\n"));
  ASSERT_THAT(hourly, IsOk());
  EXPECT_EQ(hourly->pull.volatile_interval, absl::Hours(1));
  const auto often = Parse(absl::StrCat(kSmallest,
                                        "renderings: {volatile_values: true, "
                                        "volatile_interval: 10m}\n"));
  ASSERT_THAT(often, IsOk());
  EXPECT_EQ(often->pull.volatile_interval, absl::Minutes(10));
}

TEST(OptionsTest, EachProblemNamesItsKeyAndTheRemedy) {
  EXPECT_THAT(ProblemOf("log: {level: info}\n"),
              AllOf(HasSubstr("chef: no Chef server; set server_url"),
                    HasSubstr("hosts: no host to watch")));
  EXPECT_THAT(ProblemOf("hosts: [{uri: x}]\n"),
              AllOf(HasSubstr("hosts[0]: has no node"),
                    HasSubstr("is not a libvirt URI")));
  EXPECT_THAT(
      ProblemOf("hosts: [{node: a, uri: 'a:'}, {node: a, uri: 'b:'}]\n"),
      HasSubstr("hosts[1]: node a is listed twice"));
  EXPECT_THAT(ProblemOf("hosts: [{node: a/b, uri: 'a:'}]\n"),
              HasSubstr("cannot be a Chef node's name"));
  EXPECT_THAT(ProblemOf("sync: {window: 0s}\n"),
              HasSubstr("sync.window: must be longer than 0"));
  EXPECT_THAT(ProblemOf("sync: {max_in_flight: -1}\n"),
              HasSubstr("sync.max_in_flight: must be more than 0"));
  EXPECT_THAT(ProblemOf("sync: {retry_min: 10m}\n"),
              HasSubstr("sync.retry_min"));
  EXPECT_THAT(ProblemOf("log: {level: loud}\n"), HasSubstr("log.level"));
  EXPECT_THAT(ProblemOf("renderings: {rehai: false}\n"),
              HasSubstr("every rendering is off"));
}

TEST(OptionsTest, AMissingFileIsNamed) {
  EXPECT_THAT(LoadOptions("/nonexistent/rehai.yaml"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent")));
}

}  // namespace
}  // namespace rehai
