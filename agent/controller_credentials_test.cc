// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What needs no controller; tests/integration/agent/credentials_test.cc has the
// rest.
#include "agent/controller_credentials.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

using Options = ControllerCredentials::Options;

constexpr absl::Duration kLong = absl::Seconds(10);

auto IsInvalid(const std::string& flag, const std::string& why) {
  return StatusIs(absl::StatusCode::kInvalidArgument,
                  AllOf(HasSubstr(flag), HasSubstr(why)));
}

const RsaKeyPair& ChefKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

class ControllerCredentialsTest : public testing::Test {
 protected:
  ControllerCredentialsTest()
      : folder_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    Write("ca.pem", certificate_.certificate_pem, 0644);
    Write("agent.pem", certificate_.certificate_pem, 0644);
    Write("agent.key", certificate_.key_pem);
    Write("client.pem", ChefKey().private_pkcs1);
  }
  ~ControllerCredentialsTest() override {
    std::filesystem::remove_all(folder_);
  }

  std::string Path(const std::string& file) const {
    return absl::StrCat(folder_, "/", file);
  }
  void Write(const std::string& file, const std::string& content,
             int mode = 0600) {
    EXPECT_THAT(WriteFileAtomically(Path(file), content, mode), IsOk());
  }

  Options Static() const {
    return {.controller = "localhost:1",
            .ca_file = Path("ca.pem"),
            .certificate_file = Path("agent.pem"),
            .key_file = Path("agent.key")};
  }
  Options Enrolling() const {
    return {.controller = "localhost:1",
            .ca_file = Path("ca.pem"),
            .node = "hv1",
            .client_key_file = Path("client.pem"),
            .state_folder = Path("state")};
  }
  absl::Status Create(Options options) {
    return ControllerCredentials::Create(std::move(options), clock_).status();
  }

  FakeClock clock_;
  const std::string folder_;
  const SelfSignedCertificate certificate_ = MakeSelfSignedCertificate();
};

TEST_F(ControllerCredentialsTest, PlaintextNeedsNoFilesAndIsNeverRenewed) {
  auto credentials = ControllerCredentials::Create(
      {.controller = "unix:/none", .plaintext = true}, clock_);
  ASSERT_THAT(credentials, IsOk());
  EXPECT_THAT((*credentials)->Get(kLong), IsOk());
  EXPECT_EQ((*credentials)->renew_at(), absl::InfiniteFuture());
  EXPECT_THAT((*credentials)->Renew(kLong), IsOk());
}

TEST_F(ControllerCredentialsTest, WhatIsMissingIsNamedByItsFlag) {
  Options options = Static();
  options.ca_file.clear();
  EXPECT_THAT(Create(options), IsInvalid("--controller_ca", "missing"));
  options = Static();
  options.certificate_file.clear();
  EXPECT_THAT(Create(options), IsInvalid("--certificate: ", "missing"));
  options = Static();
  options.key_file.clear();
  EXPECT_THAT(Create(options), IsInvalid("--certificate_key", "missing"));
  options = Enrolling();
  options.node.clear();
  EXPECT_THAT(Create(options), IsInvalid("--node_name", "missing"));
  options = Enrolling();
  options.client_key_file.clear();
  EXPECT_THAT(Create(options), IsInvalid("--client_key", "missing"));
  options = Enrolling();
  options.state_folder.clear();
  EXPECT_THAT(Create(options), IsInvalid("--state_folder", "missing"));
}

TEST_F(ControllerCredentialsTest, AFileThatIsNotThereIsNamedByItsFlag) {
  Options options = Static();
  for (const auto& [flag, file] :
       {std::pair("--controller_ca", &options.ca_file),
        std::pair("--certificate", &options.certificate_file),
        std::pair("--certificate_key", &options.key_file)}) {
    const std::string before = std::exchange(*file, "/nowhere/x.pem");
    EXPECT_THAT(Create(options),
                StatusIs(absl::StatusCode::kNotFound,
                         AllOf(HasSubstr(flag), HasSubstr("/nowhere/x.pem"))));
    *file = before;
  }
  EXPECT_THAT(Create(options), IsOk());
}

TEST_F(ControllerCredentialsTest, AFileThatIsNotWhatItShouldBeIsRefused) {
  Write("garbage", "garbage");
  Options options = Static();
  options.ca_file = Path("garbage");
  EXPECT_THAT(Create(options), IsInvalid("--controller_ca", "no certificate"));
  options = Static();
  options.certificate_file = Path("garbage");
  EXPECT_THAT(Create(options), IsInvalid("--certificate ", "no certificate"));
  options = Static();
  options.key_file = Path("garbage");
  EXPECT_THAT(Create(options),
              IsInvalid("--certificate_key", "no private key"));
  Write("other.key", MakeSelfSignedCertificate().key_pem);
  options.key_file = Path("other.key");
  EXPECT_THAT(Create(options), IsInvalid("--certificate_key", "do not belong"));
  options = Enrolling();
  options.client_key_file = Path("garbage");
  EXPECT_THAT(Create(options), IsInvalid("--client_key", "not a private key"));
}

TEST_F(ControllerCredentialsTest, AKeyThatOthersCanReadOrChangeIsRefused) {
  for (const int mode : {0644, 0660}) {
    Write("agent.key", certificate_.key_pem, mode);
    EXPECT_THAT(Create(Static()), IsInvalid("--certificate_key", "chmod"));
    Write("client.pem", ChefKey().private_pkcs1, mode);
    EXPECT_THAT(Create(Enrolling()), IsInvalid("--client_key", "chmod"));
  }
}

TEST_F(ControllerCredentialsTest, AStaticCertificateThatEndedIsRefused) {
  clock_.JumpWall(Clock::Real().Now() + absl::Hours(48) - clock_.Now());
  EXPECT_THAT(Create(Static()), IsInvalid("--certificate ", "ended at"));
}

TEST_F(ControllerCredentialsTest, AHalfReplacedPairLeavesTheOldOneInUse) {
  auto credentials = ControllerCredentials::Create(Static(), clock_);
  ASSERT_THAT(credentials, IsOk());
  const auto before = (*credentials)->Get(kLong);
  ASSERT_THAT(before, IsOk());

  const SelfSignedCertificate next = MakeSelfSignedCertificate();
  Write("agent.pem", next.certificate_pem, 0644);
  testing::internal::CaptureStderr();
  const auto between = (*credentials)->Get(kLong);
  EXPECT_THAT((*credentials)->Get(kLong), IsOk());
  const std::string logged = testing::internal::GetCapturedStderr();
  ASSERT_THAT(between, IsOk());
  EXPECT_THAT(logged, HasSubstr("do not belong together"));
  // Said once.
  EXPECT_EQ(logged.find("--certificate_key"),
            logged.rfind("--certificate_key"));

  Write("agent.key", next.key_pem);
  const auto after = (*credentials)->Get(kLong);
  ASSERT_THAT(after, IsOk());
  EXPECT_NE(*after, *between);
}

TEST_F(ControllerCredentialsTest, TheOldStaticPairIsNotUsedBeyondItsEnd) {
  auto credentials = ControllerCredentials::Create(Static(), clock_);
  ASSERT_THAT(credentials, IsOk());
  clock_.JumpWall(Clock::Real().Now() + absl::Hours(48) - clock_.Now());
  EXPECT_THAT((*credentials)->Get(kLong),
              IsInvalid("--certificate ", "ended at"));
}

TEST_F(ControllerCredentialsTest, TheStateFolderIsMadeForNobodyElse) {
  ASSERT_THAT(Create(Enrolling()), IsOk());
  struct stat found = {};
  ASSERT_EQ(stat(Path("state").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0700u);
}

TEST_F(ControllerCredentialsTest, AStateFolderThatWillNotDoIsRefused) {
  Options options = Enrolling();
  options.state_folder = Path("ca.pem");
  EXPECT_THAT(Create(options), IsInvalid("--state_folder", "not a folder"));
  options.state_folder = Path("ca.pem/state");
  EXPECT_THAT(std::string(Create(options).message()),
              HasSubstr("cannot be made"));
  options.state_folder = Path("none/state");
  EXPECT_THAT(Create(options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("--state_fol")));
  options.state_folder = Path("open");
  ASSERT_EQ(mkdir(options.state_folder.c_str(), 0700), 0);
  ASSERT_EQ(chmod(options.state_folder.c_str(), 0770), 0);
  EXPECT_THAT(Create(options), IsInvalid("--state_folder", "chmod 0700"));
  ASSERT_EQ(chmod(options.state_folder.c_str(), 0500), 0);
  if (geteuid() != 0) {  // root may write everywhere
    EXPECT_THAT(Create(options), StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST_F(ControllerCredentialsTest, AControllerThatIsAwayIsUnavailable) {
  Options options = Enrolling();
  options.controller = "unix:/nowhere/controller.socket";
  auto credentials = ControllerCredentials::Create(options, clock_);
  ASSERT_THAT(credentials, IsOk());
  EXPECT_EQ((*credentials)->renew_at(), absl::InfiniteFuture());
  EXPECT_THAT(
      (*credentials)->Get(kLong),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr(options.controller)));
}

TEST_F(ControllerCredentialsTest, AControllerThatSaysNothingIsGivenUpInTime) {
  // Connections are taken by the kernel, and nobody answers.
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(silent, any, size), 0);
  ASSERT_EQ(listen(silent, 10), 0);
  ASSERT_EQ(getsockname(silent, any, &size), 0);

  Options options = Enrolling();
  options.controller = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  auto credentials = ControllerCredentials::Create(options, clock_);
  ASSERT_THAT(credentials, IsOk());
  const absl::Duration begin = Clock::Real().Uptime();
  EXPECT_THAT((*credentials)->Get(absl::Milliseconds(300)),
              AnyOf(StatusIs(absl::StatusCode::kDeadlineExceeded),
                    StatusIs(absl::StatusCode::kUnavailable)));
  // gRPC's own limit on a handshake is 20 s.
  EXPECT_LT(Clock::Real().Uptime() - begin, absl::Seconds(10));
  close(silent);
}

}  // namespace
}  // namespace rehai::agent
