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
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

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

TEST(OptionsTest, RolesOfTheApiAreReadAndWhatIsWrongIsNamed) {
  constexpr char kTls[] =
      "api: {tls: {certificate_file: c.pem, key_file: k.pem, "
      "client_ca_file: ca.pem, client_certificates: "
      "optional}, "
      "roles: [{role: operator, certificates: ['*.ops.example.com']}]}\n";
  const auto options = Parse(absl::StrCat(kSmallest, kTls));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->api.client_certificates, ClientCertificates::kOptional);
  EXPECT_THAT(options->api.access.grants, SizeIs(1));

  EXPECT_THAT(ProblemOf(absl::StrCat(
                  kSmallest, "api: {tls: {client_certificates: maybe}}\n")),
              HasSubstr("api.tls.client_certificates"));
  EXPECT_THAT(
      ProblemOf(absl::StrCat(kSmallest, "api: {roles: [{role: operator}]}\n")),
      HasSubstr("api.roles[0]"));
  EXPECT_THAT(ProblemOf(absl::StrCat(kSmallest,
                                     "http: {listen: '127.0.0.1:0', tls: "
                                     "{client_certificates: optional}}\n")),
              HasSubstr("http.tls.client_certificates"));
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

TEST(OptionsTest, AgentsAreListenedToOnlyIfThereIsAnAddress) {
  const auto without = Parse(kSmallest);
  ASSERT_THAT(without, IsOk());
  EXPECT_FALSE(without->agents.has_value());

  const auto with =
      Parse(absl::StrCat(kSmallest, "agents: {listen: '127.0.0.1:0'}\n"));
  ASSERT_THAT(with, IsOk());
  ASSERT_TRUE(with->agents.has_value());
  const AgentOptions& agents = *with->agents;
  EXPECT_EQ(agents.server.listen, "127.0.0.1:0");
  EXPECT_FALSE(agents.certificates.has_value());
  EXPECT_EQ(agents.sessions.max_sessions, 5000);
  EXPECT_EQ(agents.sessions.sessions_per_second, 200);
  EXPECT_EQ(agents.sessions.ohai_timeout, absl::Minutes(2));
  EXPECT_EQ(with->pull.fallback_after, absl::Seconds(30));
  const v1::AgentSettings& settings = agents.sessions.settings;
  EXPECT_EQ(settings.heartbeat_interval().seconds(), 10);
  EXPECT_EQ(settings.relist_interval().seconds(), 300);
  EXPECT_EQ(settings.event_window().nanos(), 20'000'000);
  EXPECT_TRUE(settings.has_volatile_interval());
  EXPECT_EQ(settings.volatile_interval().seconds(), 0);
  EXPECT_TRUE(settings.has_ohai_interval());
  EXPECT_EQ(settings.ohai_interval().seconds(), 0);

  EXPECT_THAT(ProblemOf("agents: {max_sessions: 3}\n"),
              HasSubstr("agents.listen: is not set"));
}

TEST(OptionsTest, AgentsDoAsTheConfigurationSays) {
  const auto options = Parse(absl::StrCat(
      kSmallest,
      "renderings: {kvm_extensions: true, ohai_libvirt: true, "
      "volatile_values: true}\n"
      "agents: {listen: '0.0.0.0:0', tls: {certificate_file: a.pem, "
      "key_file: a.key}, enrolment: {ca_certificate_file: ca.pem, "
      "ca_key_file: ca.key, certificate_lifetime: 12h}, "
      "heartbeat_interval: 5s, relist_interval: 10m, fallback_after: 1m, "
      "max_sessions: 7, sessions_per_second: 0.5, ohai: {interval: 6h, "
      "plugins: [cpu], timeout: 30s, write_ohai_time: true}}\n"));
  ASSERT_THAT(options, IsOk());
  const AgentOptions& agents = *options->agents;
  EXPECT_EQ(agents.server.tls.certificate, testing::TempDir() + "/a.pem");
  ASSERT_TRUE(agents.certificates.has_value());
  EXPECT_EQ(agents.certificates->ca_key_file, testing::TempDir() + "/ca.key");
  EXPECT_EQ(agents.certificates->enrolment.certificate_lifetime,
            absl::Hours(12));
  EXPECT_EQ(options->pull.fallback_after, absl::Minutes(1));
  EXPECT_EQ(agents.sessions.max_sessions, 7);
  EXPECT_EQ(agents.sessions.sessions_per_second, 0.5);
  EXPECT_THAT(agents.sessions.ohai_plugins, ElementsAre("cpu"));
  EXPECT_EQ(agents.sessions.ohai_timeout, absl::Seconds(30));
  EXPECT_TRUE(agents.write_ohai_time);
  const v1::AgentSettings& settings = agents.sessions.settings;
  EXPECT_EQ(settings.heartbeat_interval().seconds(), 5);
  EXPECT_EQ(settings.relist_interval().seconds(), 600);
  EXPECT_EQ(settings.volatile_interval().seconds(), 3600);
  EXPECT_EQ(settings.ohai_interval().seconds(), 6 * 3600);
  EXPECT_TRUE(settings.read_volumes());
  EXPECT_TRUE(settings.read_messages());
}

TEST(OptionsTest, WhatAgentsCannotDoIsRefused) {
  const auto problem = [](const std::string& agents) {
    return ProblemOf(absl::StrCat(kSmallest, "agents: {listen: '127.0.0.1:0', ",
                                  agents, "}\n"));
  };
  EXPECT_THAT(problem("heartbeat_interval: 100ms"),
              HasSubstr("agents.heartbeat_interval: must be 1s to 10m"));
  EXPECT_THAT(problem("relist_interval: 1s"),
              HasSubstr("agents.relist_interval: must be 10s to 24h"));
  EXPECT_THAT(problem("fallback_after: 0s"),
              HasSubstr("agents.fallback_after: must be longer than 0"));
  EXPECT_THAT(problem("max_sessions: -1"), HasSubstr("agents.max_sessions"));
  EXPECT_THAT(problem("max_sessions: 1000000"),
              HasSubstr("agents.max_sessions: must be at most 100000"));
  EXPECT_THAT(problem("sessions_per_second: -1"),
              HasSubstr("agents.sessions_per_second"));
  EXPECT_THAT(problem("ohai: {interval: 5s}"),
              HasSubstr("agents.ohai.interval: must be 1m or longer"));
  EXPECT_THAT(problem("ohai: {timeout: 2h}"),
              HasSubstr("agents.ohai.timeout: must be 1s to 1h"));
  EXPECT_THAT(problem("ohai: {plugins: ['']}"),
              HasSubstr("agents.ohai.plugins: has an empty name"));
  EXPECT_THAT(problem("enrolment: {ca_key_file: k}"),
              AllOf(HasSubstr("needs ca_certificate_file and ca_key_file"),
                    HasSubstr("needs agents.tls")));
  EXPECT_THAT(problem("enrolment: {certificate_lifetime: 1m}"),
              HasSubstr("certificate_lifetime: must be 10m to 8784h"));
}

TEST(OptionsTest, WithAgentsAHostNeedsNoUri) {
  constexpr char kNoUri[] = R"(
chef: {server_url: "https://chef", client_name: rehai, client_key_file: k.pem}
hosts: [{node: hv1}]
)";
  EXPECT_THAT(ProblemOf(kNoUri), HasSubstr("is not a libvirt URI"));
  EXPECT_THAT(Parse(absl::StrCat(kNoUri, "agents: {listen: '127.0.0.1:0'}\n")),
              IsOk());
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

TEST(OptionsTest, TheFleetsChecksCanBeTold) {
  const auto options = Parse(absl::StrCat(
      kSmallest,
      "checks: {host_not_in_chef_after: 10m, ignore: [duplicate_name]}\n"));
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->checks.limits.not_in_chef, absl::Minutes(10));
  EXPECT_EQ(options->checks.limits.silent, absl::Minutes(5));
  EXPECT_THAT(options->checks.ignored,
              ElementsAre(v1::FINDING_TYPE_DUPLICATE_NAME));
  EXPECT_THAT(ProblemOf(absl::StrCat(kSmallest, "checks: {ignore: [x]}\n")),
              HasSubstr("checks.ignore[0]: is no finding"));
  EXPECT_THAT(
      ProblemOf(absl::StrCat(kSmallest, "checks: {host_silent_after: 0s}\n")),
      HasSubstr("checks.host_silent_after: must be longer than 0"));
}

TEST(OptionsTest, WhatAReloadDoesNotTakeIsNamed) {
  const auto differ = [](const std::string& a, const std::string& b) {
    const auto first = Parse(absl::StrCat(kSmallest, a));
    const auto second = Parse(absl::StrCat(kSmallest, b));
    EXPECT_THAT(first, IsOk());
    EXPECT_THAT(second, IsOk());
    return DifferBeyondReload(first->config, second->config);
  };
  const std::string api =
      "api:\n  tls: {certificate_file: a, key_file: b, client_ca_file: c}\n";
  EXPECT_THAT(differ("", ""), IsEmpty());
  EXPECT_THAT(differ(absl::StrCat(api, "log: {level: info}\n"),
                     "log: {level: debug}\napi:\n  default_role: reader\n"
                     "  roles: [{role: admin, certificates: [x]}]\n"
                     "  tls: {certificate_file: d, key_file: e, "
                     "client_ca_file: f}\n"),
              IsEmpty());
  // Without TLS in one of them there is nothing to replace.
  EXPECT_THAT(differ(api, ""), ElementsAre("api.tls"));
  EXPECT_THAT(
      differ(
          api,
          "api:\n  tls: {certificate_file: a, key_file: b, "
          "client_ca_file: c, client_certificates: optional}\n  roles: [{role: "
          "admin, certificates: [x]}]\n"),
      ElementsAre("api.tls"));
  EXPECT_THAT(differ("sync: {window: 1s}\n",
                     "api: {listen: '127.0.0.1:1'}\nsync: {window: 2s}\n"),
              UnorderedElementsAre("api.listen", "sync"));
  EXPECT_THAT(differ("", "http: {listen: '127.0.0.1:1'}\n"),
              ElementsAre("http.listen"));
}

TEST(OptionsTest, AMissingFileIsNamed) {
  EXPECT_THAT(LoadOptions("/nonexistent/rehai.yaml"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent")));
}

}  // namespace
}  // namespace rehai
