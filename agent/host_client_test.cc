// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HostClientTest : public testing::Test {
 protected:
  HostClientTest()
      : folder_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
    Write("client.pem", TestKey().private_pkcs1);
  }
  ~HostClientTest() override { std::filesystem::remove_all(folder_); }

  static const RsaKeyPair& TestKey() {
    static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
    return *key;
  }

  std::string Write(const std::string& name, absl::string_view content,
                    int mode = 0600) {
    const std::string path = absl::StrCat(folder_, "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, mode), IsOk());
    return path;
  }

  // With `lines` in its client.rb, beside the server and the key.
  v1::ChefConfig Config(absl::string_view lines) {
    v1::ChefConfig config;
    config.set_knife_file(
        Write("client.rb",
              absl::StrCat("chef_server_url 'https://chef.example.com'\n",
                           "client_key '", folder_, "/client.pem'\n", lines)));
    return config;
  }

  static absl::StatusOr<std::unique_ptr<chef::Client>> Open(
      const v1::ChefConfig& config) {
    return OpenHostClient(config, Clock::Real());
  }

  std::string folder_;
};

TEST_F(HostClientTest, IsWhomTheClientRbNames) {
  const auto client = Open(Config("node_name 'hv1'\n"));
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ((*client)->client_name(), "hv1");
  EXPECT_EQ((*client)->server_url(), "https://chef.example.com");
}

TEST_F(HostClientTest, TheClientDBesideTheClientRbIsRead) {
  std::filesystem::create_directories(folder_ + "/client.d");
  Write("client.d/name.rb", "node_name 'hv3'\n");
  const auto client = Open(Config("node_name 'hv1'\n"));
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ((*client)->client_name(), "hv3");
}

TEST_F(HostClientTest, AFlagGoesBeforeTheClientRb) {
  v1::ChefConfig config = Config("node_name Socket.gethostname\n");
  config.set_client_name("hv2");
  config.set_server_url("https://other.example.com/organizations/o");
  const auto client = Open(config);
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ((*client)->client_name(), "hv2");
  EXPECT_EQ((*client)->server_url(),
            "https://other.example.com/organizations/o");
}

TEST_F(HostClientTest, WithoutANodeNameItIsTheMachines) {
  const auto client = Open(Config(""));
  ASSERT_THAT(client, IsOk());
  EXPECT_THAT((*client)->client_name(), Not(testing::IsEmpty()));
}

TEST_F(HostClientTest, TheDefaultKeyIsChefClients) {
  v1::ChefConfig config = Config("node_name 'hv1'\n");
  config.set_knife_file(Write("bare.rb",
                              "chef_server_url 'https://chef.example.com'\n"
                              "node_name 'hv1'\n"));
  const auto client = Open(config);
  // A machine of Chef's has one there.
  if (!std::filesystem::exists("/etc/chef/client.pem")) {
    EXPECT_THAT(client, StatusIs(absl::StatusCode::kNotFound,
                                 AllOf(HasSubstr("/etc/chef/client.pem"),
                                       HasSubstr("--client_key"))));
  }
}

TEST_F(HostClientTest, ErrorsNameFlagsAndNoConfigurationOfTheControllers) {
  const auto complains = [](const v1::ChefConfig& config,
                            const std::string& subject,
                            const std::string& flag) {
    EXPECT_THAT(
        Open(config).status().message(),
        AllOf(HasSubstr(subject), HasSubstr(flag), Not(HasSubstr("chef.")),
              Not(HasSubstr("Rehai's configuration"))));
  };
  complains(Config("node_name Socket.gethostname\n"), "client.rb:3",
            "--node_name");
  complains(Config("node_name 'hv1'\nssl_verify_mode :verify_none\n"),
            "client.rb:4", "--ca_file");
  v1::ChefConfig absent;
  absent.set_knife_file(folder_ + "/absent.rb");
  complains(absent, "absent.rb", "--config");
  v1::ChefConfig bare;
  bare.set_knife_file(Write("bare.rb", "node_name 'hv1'\n"));
  bare.set_client_key_file(folder_ + "/client.pem");
  complains(bare, "bare.rb", "--server");
}

TEST_F(HostClientTest, AKeyThatOthersCanReadIsRefused) {
  const v1::ChefConfig config = Config("node_name 'hv1'\n");
  Write("client.pem", TestKey().private_pkcs1, 0644);
  EXPECT_THAT(Open(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("client.pem"), HasSubstr("chmod"))));
}

TEST_F(HostClientTest, CertificatesBesideTheClientRbAreTrustedIfThereAreAny) {
  std::filesystem::create_directories(folder_ + "/trusted_certs");
  EXPECT_THAT(Open(Config("node_name 'hv1'\n")), IsOk());
  // It is read: what is none is complained about.
  Write("trusted_certs/chef.crt", "no certificate");
  EXPECT_THAT(
      Open(Config("node_name 'hv1'\n")),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("trusted_certs")));
}

}  // namespace
}  // namespace rehai::agent
