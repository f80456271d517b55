// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::set<SettingKey>& All() {
  static const auto* const all = new std::set<SettingKey>{
      SettingKey::kServerUrl,       SettingKey::kClientName,
      SettingKey::kClientKey,       SettingKey::kCaFile,
      SettingKey::kTrustedCertsDir, SettingKey::kVerifyMode};
  return *all;
}

// Values only.
std::map<SettingKey, std::string> Values(const Settings& settings) {
  std::map<SettingKey, std::string> values;
  for (const auto& [key, setting] : settings) values[key] = setting.value;
  return values;
}

absl::StatusOr<Settings> Knife(absl::string_view text) {
  return ParseKnifeFile("/etc/chef/client.rb", text, All());
}

absl::StatusOr<Settings> Credentials(absl::string_view text,
                                     absl::string_view profile = "default") {
  return ParseCredentialsFile("/root/.chef/credentials", text, profile, All());
}

TEST(KnifeFileTest, ReadsPlainAssignmentsAndPassesOverTheRest) {
  const auto settings = Knife(R"(# chef_server_url "https://commented.out"
require 'socket'
log_level                :info
chef_server_url  "https://chef.example.com/organizations/prod" # the real one
node_name 'hv1.example.com';
client_key('/etc/chef/client.pem')
  ssl_ca_file "/etc/chef/ca.pem"
trusted_certs_dir "trusted"
ssl_verify_mode :verify_peer
file_cache_path File.join(Dir.home, ".chef")
=begin
node_name "in a comment"
=end
__END__
node_name "after the end"
)");
  ASSERT_THAT(settings, IsOk());
  EXPECT_THAT(Values(*settings),
              ElementsAre(Pair(SettingKey::kServerUrl,
                               "https://chef.example.com/organizations/prod"),
                          Pair(SettingKey::kClientName, "hv1.example.com"),
                          Pair(SettingKey::kClientKey, "/etc/chef/client.pem"),
                          Pair(SettingKey::kCaFile, "/etc/chef/ca.pem"),
                          Pair(SettingKey::kTrustedCertsDir, "trusted"),
                          Pair(SettingKey::kVerifyMode, "verify_peer")));
  EXPECT_EQ(settings->at(SettingKey::kServerUrl).line, 4);
}

TEST(KnifeFileTest, WhatTakesRubyToKnowIsAnErrorThatNamesTheLineAndTheWayOut) {
  for (const char* const value :
       {R"("/home/#{ENV['USER']}/key.pem")", R"(File.join(__dir__, "x.pem"))",
        R"(File.expand_path('../x.pem', __FILE__))", R"("#{current_dir}/x")",
        R"(ENV["KEY"])", R"("x.pem" if production?)", R"("x" + ".pem")",
        R"(= "x.pem")", R"("x.pem)", R"(%q(x.pem))", R"(("x.pem")", R"()",
        R"("#@name.pem")", R"("x\tpem")"}) {
    EXPECT_THAT(Knife(absl::StrCat("\nclient_key ", value, "\n")),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("/etc/chef/client.rb:2: client_key"),
                               HasSubstr("set chef.client_key_file"))))
        << value;
  }
}

TEST(KnifeFileTest, RubyForAKeyThatIsNotWantedIsPassedOver) {
  EXPECT_THAT(ParseKnifeFile("client.rb",
                             "client_key File.join(__dir__, 'x')\n"
                             "node_name 'hv1'\n",
                             {SettingKey::kClientName}),
              IsOk());
}

TEST(KnifeFileTest, QuotesAndBackslashesAreRubys) {
  EXPECT_EQ(
      Knife(R"(node_name 'a\'b\\c\d')")->at(SettingKey::kClientName).value,
      R"(a'b\c\d)");
  EXPECT_EQ(
      Knife(R"(node_name "a\"b\\c#d")")->at(SettingKey::kClientName).value,
      R"(a"b\c#d)");
}

TEST(KnifeFileTest, TheSameKeyTwiceMustAgree) {
  EXPECT_THAT(Knife("node_name 'a'\nnode_name \"a\"\n"), IsOk());
  EXPECT_THAT(Knife("node_name 'a'\nnode_name 'b'\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(":2:"), HasSubstr("line 1"),
                             HasSubstr("chef.client_name"))));
}

TEST(KnifeFileTest, ALongerNameIsAnotherKey) {
  EXPECT_THAT(*Knife("node_name_suffix 'a'\nclient_key_contents foo\n"),
              IsEmpty());
}

TEST(CredentialsFileTest, ReadsTheProfileAskedFor) {
  const std::string text = R"(# of knife
[default]
client_name = "barney"   # a user
client_key = 'barney.pem'
chef_server_url = "https://chef.example.com/organizations/bedrock"

["dev.east"]
node_name = "fred"
ssl_verify_mode = ":verify_peer"

[default.knife]
client_name = "not here"
)";
  EXPECT_THAT(
      Values(*Credentials(text)),
      ElementsAre(Pair(SettingKey::kServerUrl,
                       "https://chef.example.com/organizations/bedrock"),
                  Pair(SettingKey::kClientName, "barney"),
                  Pair(SettingKey::kClientKey, "barney.pem")));
  EXPECT_THAT(Values(*Credentials(text, "dev.east")),
              ElementsAre(Pair(SettingKey::kClientName, "fred"),
                          Pair(SettingKey::kVerifyMode, "verify_peer")));
}

TEST(CredentialsFileTest, AKeyMayBeWrittenOutOverSeveralLines) {
  const auto settings = Credentials(R"([default]
client_key = """
-----BEGIN RSA PRIVATE KEY-----
[default]
client_name = "this is part of the string"
-----END RSA PRIVATE KEY-----
"""
other-key = '''
client_name = "and this"
'''
client_name = "barney"
)");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->at(SettingKey::kClientKey).value,
            "-----BEGIN RSA PRIVATE KEY-----\n[default]\n"
            "client_name = \"this is part of the string\"\n"
            "-----END RSA PRIVATE KEY-----\n");
  EXPECT_EQ(settings->at(SettingKey::kClientName).value, "barney");
  EXPECT_EQ(settings->at(SettingKey::kClientName).line, 11);
}

TEST(CredentialsFileTest, EscapesAreTomls) {
  const auto settings = Credentials(
      "[default]\n"
      "client_key = \"a\\nb\\\"c\\\\\"\n"
      "client_name = 'a\\nb'\n"
      "ssl_ca_file = \"\"\"x\\\n   y\"\"\"\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->at(SettingKey::kClientKey).value, "a\nb\"c\\");
  EXPECT_EQ(settings->at(SettingKey::kClientName).value, "a\\nb");
  EXPECT_EQ(settings->at(SettingKey::kCaFile).value, "xy");
}

TEST(CredentialsFileTest, AMissingProfileNamesThoseThereAre) {
  EXPECT_THAT(Credentials("[prod]\n[test]\n[test.knife]\n"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("credentials"), HasSubstr("\"default\""),
                             HasSubstr("prod, test"))));
  EXPECT_THAT(Credentials(""), StatusIs(absl::StatusCode::kNotFound));
}

TEST(CredentialsFileTest, AStringWithoutEndNamesItsLine) {
  EXPECT_THAT(Credentials("[default]\nclient_name = \"x\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(":2:")));
  EXPECT_THAT(Credentials("[default]\n\nclient_key = \"\"\"x\n\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(":3:")));
}

TEST(CredentialsFileTest, OnlyWantedKeysHaveToBeStrings) {
  EXPECT_THAT(Credentials("[default]\nport = 5\nlist = [\n \"x\",\n]\n"),
              IsOk());
  EXPECT_THAT(Credentials("[default]\nclient_name = 5\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(":2:"), HasSubstr("client_name"))));
}

TEST(CredentialsFileTest, LinesMayEndAsOnWindows) {
  const auto settings = Credentials("[default]\r\nclient_name = \"x\"\r\n");
  ASSERT_THAT(settings, IsOk());
  EXPECT_EQ(settings->at(SettingKey::kClientName).value, "x");
}

}  // namespace
}  // namespace rehai::chef
