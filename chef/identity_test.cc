// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const RsaKeyPair& TestKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

class IdentityTest : public testing::Test {
 protected:
  IdentityTest()
      : folder_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~IdentityTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, absl::string_view content,
                    int mode = 0600) {
    const std::string path = absl::StrCat(folder_, "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, mode), IsOk());
    return path;
  }

  // A configuration that needs no file beside it.
  v1::ChefConfig Complete() {
    v1::ChefConfig config;
    config.set_server_url("https://chef.example.com");
    config.set_client_name("rehai");
    config.set_client_key_file(Write("rehai.pem", TestKey().private_pkcs1));
    return config;
  }

  std::string folder_;
};

TEST_F(IdentityTest, ComesFromTheConfiguration) {
  v1::ChefConfig config = Complete();
  config.set_ca_file("/etc/ca.pem");
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->server_url, "https://chef.example.com");
  EXPECT_EQ(identity->client_name, "rehai");
  EXPECT_EQ(identity->client_key_pem, TestKey().private_pkcs1);
  EXPECT_EQ(identity->ca_file, "/etc/ca.pem");
  EXPECT_EQ(identity->trusted_certs_dir, "");
}

TEST_F(IdentityTest, TakesFromAKnifeFileWhatTheConfigurationLeavesOpen) {
  Write("client.pem", TestKey().private_pkcs8);
  v1::ChefConfig config;
  config.set_client_name("rehai");
  config.set_knife_file(Write("client.rb", R"(
chef_server_url "https://chef.example.com/organizations/prod"
node_name Socket.gethostname
client_key "client.pem"
trusted_certs_dir "/etc/chef/trusted_certs"
)"));
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->server_url,
            "https://chef.example.com/organizations/prod");
  EXPECT_EQ(identity->client_name, "rehai");
  EXPECT_EQ(identity->client_key_pem, TestKey().private_pkcs8);
  EXPECT_EQ(identity->trusted_certs_dir, "/etc/chef/trusted_certs");
}

TEST_F(IdentityTest, TakesFromACredentialsProfile) {
  v1::ChefConfig config;
  config.set_credentials_profile("prod");
  config.set_credentials_file(
      Write("credentials", absl::StrCat(R"([prod]
client_name = "barney"
chef_server_url = "https://chef.example.com"
client_key = """
)",
                                        TestKey().private_pkcs1, "\"\"\"\n")));
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_name, "barney");
  EXPECT_EQ(identity->client_key_pem, TestKey().private_pkcs1);
}

TEST_F(IdentityTest, TheKnifeFileGoesBeforeTheCredentials) {
  Write("a.pem", TestKey().private_pkcs1);
  v1::ChefConfig config;
  config.set_knife_file(Write("knife.rb", "node_name 'from-knife'\n"));
  config.set_credentials_file(Write("credentials", R"([default]
client_name = "from-credentials"
client_key = "a.pem"
chef_server_url = "https://chef.example.com"
)"));
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_name, "from-knife");
  EXPECT_EQ(identity->server_url, "https://chef.example.com");
}

TEST_F(IdentityTest, RefusesNotToVerifyUnlessTheConfigurationSaysWhomToTrust) {
  v1::ChefConfig config = Complete();
  config.set_knife_file(Write("knife.rb", "\nssl_verify_mode :verify_none\n"));
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("knife.rb:2"), HasSubstr("always"),
                             HasSubstr("chef.ca_file"))));
  config.set_ca_file("/etc/ca.pem");
  EXPECT_THAT(ResolveIdentity(config), IsOk());
}

TEST_F(IdentityTest, TrustFromTheConfigurationIsNotWidened) {
  v1::ChefConfig config = Complete();
  config.set_ca_file("/etc/ca.pem");
  config.set_knife_file(Write("knife.rb", "trusted_certs_dir '/tmp'\n"));
  EXPECT_EQ(ResolveIdentity(config)->trusted_certs_dir, "");
}

TEST_F(IdentityTest, SaysWhatIsMissingAndWhereItLooked) {
  v1::ChefConfig config = Complete();
  config.clear_client_name();
  EXPECT_THAT(
      ResolveIdentity(config),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("chef.client_name"), HasSubstr("node_name"))));
  config.set_knife_file(Write("knife.rb", "log_level :info\n"));
  EXPECT_THAT(
      ResolveIdentity(config),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("knife.rb")));
  config = Complete();
  config.clear_server_url();
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("chef.server_url")));
  config = Complete();
  config.clear_client_key_file();
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("chef.client_key_file")));
}

TEST_F(IdentityTest, WhatNobodySaysIsTheDefault) {
  IdentityDefaults defaults;
  defaults.client_name = [] { return std::string("hv1.example.com"); };
  defaults.client_key_file = Write("client.pem", TestKey().private_pkcs1);
  defaults.trusted_certs_dir = "/etc/chef/trusted_certs";
  v1::ChefConfig config;
  config.set_server_url("https://chef.example.com");
  const auto identity = ResolveIdentity(config, defaults);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_name, "hv1.example.com");
  EXPECT_EQ(identity->client_key_pem, TestKey().private_pkcs1);
  EXPECT_EQ(identity->trusted_certs_dir, "/etc/chef/trusted_certs");
}

TEST_F(IdentityTest, WhatClientDSaysLastGoesBeforeTheKnifeFile) {
  std::filesystem::create_directories(folder_ + "/client.d/folder.rb");
  Write("client.d/20.rb", "node_name 'last'\nssl_ca_file '/etc/ca.pem'\n");
  Write("client.d/10.rb", "node_name 'first'\n");
  Write("client.d/30.rb.bak", "node_name 'none'\n");
  Write("client.d/.40.rb", "node_name 'hidden'\n");
  IdentityDefaults defaults;
  defaults.client_d = folder_ + "/client.d";
  v1::ChefConfig config = Complete();
  config.clear_client_name();
  config.set_knife_file(Write("client.rb", "node_name 'hv1'\n"));
  const auto identity = ResolveIdentity(config, defaults);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_name, "last");
  EXPECT_EQ(identity->ca_file, "/etc/ca.pem");

  Write("client.d/20.rb", "\nssl_verify_mode :verify_none\n");
  EXPECT_THAT(
      ResolveIdentity(config, defaults),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("20.rb:2")));
}

TEST_F(IdentityTest, ADefaultTakesNothingsPlace) {
  bool asked = false;
  IdentityDefaults defaults;
  defaults.client_name = [&asked] {
    asked = true;
    return std::string("hv1.example.com");
  };
  defaults.client_key_file = "/absent.pem";
  defaults.trusted_certs_dir = "/etc/chef/trusted_certs";
  v1::ChefConfig config = Complete();
  config.set_knife_file(Write("client.rb", "ssl_ca_file '/etc/ca.pem'\n"));
  const auto identity = ResolveIdentity(config, defaults);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_name, "rehai");
  EXPECT_FALSE(asked);
  EXPECT_EQ(identity->ca_file, "/etc/ca.pem");
  EXPECT_EQ(identity->trusted_certs_dir, "");
}

TEST_F(IdentityTest, AMissingFileIsNamedWithItsConfigurationKey) {
  v1::ChefConfig config = Complete();
  config.set_client_key_file(folder_ + "/absent.pem");
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("absent.pem"), HasSubstr("\"rehai\""),
                             HasSubstr("chef.client_key_file"))));
  config = Complete();
  config.set_knife_file(folder_ + "/absent.rb");
  EXPECT_THAT(
      ResolveIdentity(config),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr("absent.rb"), HasSubstr("chef.knife_file"))));
}

TEST_F(IdentityTest, AFileThatIsNoKeyIsNamedAndNotRepeated) {
  v1::ChefConfig config = Complete();
  std::string broken = TestKey().private_pkcs1;
  broken.resize(600);
  config.set_client_key_file(Write("broken.pem", broken));
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("broken.pem"),
                             Not(HasSubstr(broken.substr(100, 20))))));
  config.set_client_key_file(Write("public.pem", TestKey().public_pem));
  EXPECT_THAT(
      ResolveIdentity(config),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("public key")));
}

TEST_F(IdentityTest, RefusesAKeyThatOthersCanReadOrChange) {
  for (const int mode : {0604, 0620, 0602, 0644, 0660}) {
    v1::ChefConfig config = Complete();
    config.set_client_key_file(
        Write("open.pem", TestKey().private_pkcs1, mode));
    EXPECT_THAT(ResolveIdentity(config),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("open.pem"), HasSubstr("run: chmod"),
                               Not(HasSubstr("BEGIN")))))
        << mode;
  }
}

TEST_F(IdentityTest, TheGroupMayReadAKey) {
  v1::ChefConfig config = Complete();
  config.set_client_key_file(
      Write("shared.pem", TestKey().private_pkcs1, 0640));
  EXPECT_THAT(ResolveIdentity(config), IsOk());
}

TEST_F(IdentityTest, ACredentialsFileWithAKeyInItIsAKeyFile) {
  const std::string text =
      absl::StrCat("[default]\nchef_server_url = 'https://chef.example.com'\n",
                   "client_name = 'rehai'\nclient_key = \"\"\"\n",
                   TestKey().private_pkcs1, "\"\"\"\n");
  v1::ChefConfig config;
  config.set_credentials_file(Write("credentials", text, 0644));
  EXPECT_THAT(ResolveIdentity(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("credentials"), HasSubstr("chmod"))));
  config.set_credentials_file(Write("credentials", text, 0600));
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->client_key_file, "");
  EXPECT_THAT(MakeSignerSource(*identity, SignVersion::k1_3, Clock::Real()),
              IsOk());
}

}  // namespace
}  // namespace rehai::chef
