// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "chef/client.h"
#include "chef/rsa_key.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const RsaKeyPair& OldKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

const RsaKeyPair& NewKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

class KeyFileTest : public testing::Test {
 protected:
  KeyFileTest()
      : path_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name(),
            ".pem")) {
    Write(OldKey().private_pkcs1);
    server_->AddClient("rehai", OldKey().public_pem);
    server_->SetNode("hv1", R"({"name":"hv1"})");
  }
  ~KeyFileTest() override { std::filesystem::remove(path_); }

  void Write(absl::string_view content, int mode = 0600) {
    EXPECT_THAT(WriteFileAtomically(path_, content, mode), IsOk());
  }

  absl::StatusOr<std::unique_ptr<KeyFile>> Open() {
    return KeyFile::Open("rehai", path_, SignVersion::k1_3, clock_);
  }

  // Requests are signed with the real time, files looked at by the fake one.
  std::unique_ptr<Client> Connect() {
    Client::Options options;
    options.server_url = server_->url();
    auto file = Open();
    EXPECT_THAT(file, IsOk());
    auto client = Client::Create(options, *std::move(file), Clock::Real());
    EXPECT_THAT(client, IsOk());
    return *std::move(client);
  }

  static int Get(Client& client) {
    std::promise<absl::StatusOr<Response>> promise;
    client.Send(
        {.method = "GET", .path = "/nodes/hv1", .query = {}, .body = {}},
        [&promise](absl::StatusOr<Response> answer) {
          promise.set_value(std::move(answer));
        });
    const absl::StatusOr<Response> answer = promise.get_future().get();
    EXPECT_THAT(answer, IsOk());
    return answer.ok() ? answer->status : 0;
  }

  const std::string path_;
  FakeClock clock_;
  const std::unique_ptr<FakeChefServer> server_ = FakeChefServer::Start();
};

TEST_F(KeyFileTest, ANewKeyIsUsedWithinSeconds) {
  const auto file = Open();
  ASSERT_THAT(file, IsOk());
  const auto old_signer = (*file)->Current();
  Write(NewKey().private_pkcs1);
  EXPECT_EQ((*file)->Current(), old_signer);  // not looked at every time
  clock_.Advance(absl::Seconds(5));
  const auto new_signer = (*file)->Current();
  EXPECT_NE(new_signer, old_signer);
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ((*file)->Current(), new_signer);  // unchanged, not read again
}

TEST_F(KeyFileTest, RequestsAfterARotationAreSignedByTheNewKey) {
  const auto client = Connect();
  EXPECT_EQ(Get(*client), 200);
  Write(NewKey().private_pkcs1);
  clock_.Advance(absl::Seconds(5));
  server_->AddClient("rehai", NewKey().public_pem);
  EXPECT_EQ(Get(*client), 200);
  EXPECT_EQ(server_->counters().refused, 0);
}

TEST_F(KeyFileTest, ARefusedSignatureMakesItLookAtOnceAndSignAgain) {
  const auto client = Connect();
  EXPECT_EQ(Get(*client), 200);
  Write(NewKey().private_pkcs1);
  server_->AddClient("rehai", NewKey().public_pem);
  EXPECT_EQ(Get(*client), 200);  // no time has passed
  EXPECT_EQ(server_->counters().refused, 1);
  EXPECT_EQ(Get(*client), 200);
  EXPECT_EQ(server_->counters().refused, 1);
}

TEST_F(KeyFileTest, ARefusalWithoutANewKeyIsAnAnswer) {
  const auto client = Connect();
  server_->AddClient("rehai", NewKey().public_pem);
  EXPECT_EQ(Get(*client), 401);
  EXPECT_EQ(server_->counters().requests, 1);
}

TEST_F(KeyFileTest, ABadNewFileLeavesTheOldKeyInUseAndIsToldOnce) {
  const auto file = Open();
  ASSERT_THAT(file, IsOk());
  const auto signer = (*file)->Current();
  const auto look = [&] {
    testing::internal::CaptureStderr();
    EXPECT_EQ((*file)->Renewed(), signer);
    return testing::internal::GetCapturedStderr();
  };

  Write("-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n");
  EXPECT_THAT(look(), AllOf(HasSubstr(path_), HasSubstr("old one stays"),
                            Not(HasSubstr("c2VjcmV0"))));
  EXPECT_THAT(look(), IsEmpty());

  Write(NewKey().private_pkcs1, 0644);
  EXPECT_THAT(look(), HasSubstr("chmod"));

  std::filesystem::remove(path_);
  EXPECT_THAT(look(), HasSubstr("cannot be read"));

  Write(NewKey().private_pkcs1);
  EXPECT_NE((*file)->Renewed(), signer);
}

TEST_F(KeyFileTest, PermissionsPutRightAreNoticed) {
  const auto file = Open();
  ASSERT_THAT(file, IsOk());
  const auto signer = (*file)->Current();
  Write(NewKey().private_pkcs1, 0644);
  EXPECT_EQ((*file)->Renewed(), signer);
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read);
  EXPECT_NE((*file)->Renewed(), signer);
}

TEST_F(KeyFileTest, OpensOnlyAKeyThatIsOne) {
  Write("no key");
  EXPECT_THAT(Open(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path_)));
  Write(std::string(100'000, 'x'));
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("too large")));
  Write(OldKey().private_pkcs1, 0660);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("chmod g-w,o=")));
  std::filesystem::remove(path_);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path_)));
}

TEST(WipeTest, LeavesNothingOfTheText) {
  std::string secret(100, 's');
  secret.reserve(200);
  const char* const bytes = secret.data();
  Wipe(secret);
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(bytes[99], '\0');
}

}  // namespace
}  // namespace rehai::chef
