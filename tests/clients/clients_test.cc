// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The API by other people's clients, Python's grpcio and JavaScript's grpc-js:
// over mutual TLS, with what they learn by reflection, and nothing of ours.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/eventually.h"
#include "tests/integration/node_view.h"
#include "tests/lab/authorities.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/virsh.h"
#include "tests/matchers.h"

namespace rehai::clients {
namespace {

using json = nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr char kGuest[] = "vm1-1";

class ClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto lab = lab::Lab::Start({.test_hosts = 2, .ssh = false, .guests = 4});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    for (int i = 0; i < lab_->size(); ++i) {
      ASSERT_THAT(
          chef_->CreateNode(integration::SmallNode(lab_->host(i).node())),
          IsOk());
    }
    auto authorities = lab::Authorities::Create();
    ASSERT_THAT(authorities, IsOk());
    authorities_ = *std::move(authorities);
    lab::ControllerProcess::Options options;
    options.hosts = lab::HostsOf(*lab_);
    options.api = absl::StrCat(authorities_->TlsYaml(),
                               "  roles:\n"
                               "    - {role: reader, certificates: "
                               "['DNS:front-end.example.com']}\n"
                               "    - {role: operator, certificates: "
                               "['DNS:*.ops.example.com']}\n");
    auto controller = lab::ControllerProcess::Start(*chef_, options);
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
  }

  // Runs the client, once every host has been read; what it printed.
  json RunClient(std::vector<std::string> argv,
                 std::vector<std::pair<std::string, std::string>> environment) {
    const auto reader =
        authorities_->CertificateIn("reader", "DNS:front-end.example.com");
    const auto op =
        authorities_->CertificateIn("operator", "DNS:carol.ops.example.com");
    EXPECT_THAT(reader, IsOk());
    EXPECT_THAT(op, IsOk());
    const json change = {"virsh", "-c", lab_->host(0).local_uri(), "suspend",
                         kGuest};
    argv.insert(argv.end(),
                {"--server", controller_->address(), "--ca",
                 authorities_->server_ca_file(), "--reader_cert",
                 reader->certificate_file, "--reader_key", reader->key_file,
                 "--operator_cert", op->certificate_file, "--operator_key",
                 op->key_file, "--guest", kGuest, "--change", change.dump()});
    const auto result = lab::RunProgram(
        {.argv = argv, .environment = environment}, "", absl::Minutes(3));
    EXPECT_THAT(result, IsOk());
    EXPECT_EQ(result->exit_status, 0) << result->error;
    return json::parse(result->output, nullptr, /*allow_exceptions=*/false);
  }

  void ExpectWhatAFrontEndWants(const json& seen) {
    ASSERT_TRUE(seen.is_object());
    EXPECT_THAT(seen["services"].get<std::vector<std::string>>(),
                IsSupersetOf({"grpc.health.v1.Health", "rehai.v1.Audit",
                              "rehai.v1.Chef", "rehai.v1.Fleet",
                              "rehai.v1.History", "rehai.v1.Resync",
                              "rehai.v1.Source", "rehai.v1.Visibility"}));
    const json& guest = seen["guest"];
    EXPECT_EQ(guest["node"], lab_->host(0).node());
    EXPECT_EQ(guest["presence"], "PRESENCE_CURRENT");
    EXPECT_EQ(guest["guest"]["name"], kGuest);
    EXPECT_EQ(guest["guest"]["state"], "GUEST_STATE_RUNNING");
    EXPECT_TRUE(guest.contains("confirmed_at"));
    EXPECT_EQ(guest["provenance"]["kind"], "SOURCE_KIND_PULL");
    EXPECT_TRUE(seen["revision"].is_string()) << "64 bits, not a double";
    EXPECT_EQ(seen["by_uuid"], (json{{"guest", {{"name", kGuest}}}}));
    EXPECT_EQ(seen["no_such_guest"]["code"], "NOT_FOUND");
    EXPECT_THAT(seen["no_such_guest"]["message"].get<std::string>(),
                HasSubstr("nobody"));
    EXPECT_EQ(seen["bad_filter"]["code"], "INVALID_ARGUMENT");
    EXPECT_THAT(seen["bad_filter"]["message"].get<std::string>(),
                HasSubstr("did you mean state"));
    EXPECT_THAT(seen["all"]["names"].get<std::vector<std::string>>(),
                ElementsAre("vm1-1", "vm1-2", "vm1-3", "vm1-4", "vm2-1",
                            "vm2-2", "vm2-3", "vm2-4"));
    EXPECT_EQ(seen["all"]["pages"], 3);
    EXPECT_EQ(seen["all"]["total"], 8);
    EXPECT_EQ(seen["running"]["names"][0], "vm2-4");
    EXPECT_EQ(seen["change"],
              (json{{"hosts", 2}, {"node", lab_->host(0).node()}}));
    EXPECT_EQ(seen["visible"], (json{{"level", "VISIBILITY_LEVEL_VERIFIED"},
                                     {"state", "GUEST_STATE_PAUSED"}}));
    EXPECT_EQ(seen["reader_commands"]["code"], "PERMISSION_DENIED");
    EXPECT_EQ(seen["resync"], (json{{"done", 1}, {"ended", true}}));
    EXPECT_EQ(seen["stranger"], "UNAVAILABLE");
    // What the client was told is so.
    EXPECT_EQ(integration::ShownIn(
                  chef_->GetNode(lab_->host(0).node()).value_or(""), kGuest),
              integration::kShownPaused);
  }

  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::Authorities> authorities_;
  std::unique_ptr<lab::ControllerProcess> controller_;
};

TEST_F(ClientsTest, PythonsGrpcio) {
  // Debian's, whatever other Python there is.
  ExpectWhatAFrontEndWants(RunClient(
      {"/usr/bin/python3", *lab::Runfile("tests/clients/front_end.py")}, {}));
}

TEST_F(ClientsTest, GrpcJs) {
  // npm has put them beside the file that names them.
  const std::filesystem::path packages =
      std::filesystem::canonical(*lab::Runfile("tools/package.json"))
          .parent_path() /
      "node_modules";
  ASSERT_TRUE(std::filesystem::exists(packages / "@grpc/grpc-js"))
      << "run tools/setup";
  ExpectWhatAFrontEndWants(
      RunClient({"node", *lab::Runfile("tests/clients/front_end.js")},
                {{"NODE_PATH", packages.string()}}));
}

}  // namespace
}  // namespace rehai::clients
