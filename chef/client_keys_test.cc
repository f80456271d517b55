// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/fake_clock.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A server that answers each path as it was told, and 404 as Chef does.
class ScriptedClient final : public Client {
 public:
  void Answer(const std::string& path, int status, std::string body) {
    answers_[path] = {status, std::move(body)};
  }

  void Send(Request request,
            absl::AnyInvocable<void(absl::StatusOr<Response>)> done) override {
    Response response;
    response.content_type = "application/json";
    const auto answer = answers_.find(request.path);
    response.status = answer == answers_.end() ? 404 : answer->second.first;
    response.body = answer == answers_.end() ? R"({"error":["not found"]})"
                                             : answer->second.second;
    done(std::move(response));
  }
  const std::string& server_url() const override { return url_; }
  const std::string& client_name() const override { return name_; }

 private:
  const std::string url_ = "https://chef";
  const std::string name_ = "rehai";
  std::map<std::string, std::pair<int, std::string>> answers_;
};

class ClientKeysTest : public testing::Test {
 protected:
  absl::StatusOr<ClientKeys::Keys> Fetch(const std::string& name) {
    std::optional<absl::StatusOr<ClientKeys::Keys>> keys;
    ClientKeys(client_, clock_)
        .Fetch(name, [&](absl::StatusOr<ClientKeys::Keys> fetched) {
          keys = std::move(fetched);
        });
    return keys.value_or(absl::InternalError("never called back"));
  }

  FakeClock clock_;
  ScriptedClient client_;
};

TEST_F(ClientKeysTest, FetchesEveryKeyThatHasNotExpired) {
  client_.Answer("/clients/hv1/keys", 200,
                 R"([{"name":"default","expired":false},
                     {"name":"old","expired":true},
                     {"name":"new","expired":false}])");
  client_.Answer("/clients/hv1/keys/default", 200,
                 R"({"name":"default","public_key":"KEY 1"})");
  client_.Answer("/clients/hv1/keys/new", 200,
                 R"({"name":"new","public_key":"KEY 2"})");
  const auto keys = Fetch("hv1");
  ASSERT_THAT(keys, IsOk());
  EXPECT_THAT(*keys, testing::UnorderedElementsAre("KEY 1", "KEY 2"));
}

TEST_F(ClientKeysTest, AServerWithoutListsHasTheKeyInTheClient) {
  // As goiardi answers what it does not know.
  client_.Answer("/clients/hv1/keys", 200, "");
  client_.Answer("/clients/hv1", 200, R"({"name":"hv1","public_key":"KEY"})");
  const auto keys = Fetch("hv1");
  ASSERT_THAT(keys, IsOk());
  EXPECT_THAT(*keys, ElementsAre("KEY"));
}

TEST_F(ClientKeysTest, AnUnknownClientHasNoKeys) {
  EXPECT_THAT(Fetch("hv1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("client hv1")));
}

TEST_F(ClientKeysTest, AClientWhoseKeysHaveAllExpiredHasNone) {
  client_.Answer("/clients/hv1/keys", 200,
                 R"([{"name":"default","expired":true}])");
  EXPECT_THAT(Fetch("hv1"), StatusIs(absl::StatusCode::kNotFound,
                                     HasSubstr("no key that is good")));
}

TEST_F(ClientKeysTest, ARefusalIsNotTakenForAnAbsence) {
  client_.Answer("/clients/hv1/keys", 403,
                 R"({"error":["missing read permission"]})");
  client_.Answer("/clients/hv1", 403,
                 R"({"error":["missing read permission"]})");
  EXPECT_THAT(Fetch("hv1"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ClientKeysTest, AKeyThatCannotBeFetchedIsAnError) {
  client_.Answer("/clients/hv1/keys", 200, R"([{"name":"default"}])");
  client_.Answer("/clients/hv1/keys/default", 500, R"({"error":["no"]})");
  EXPECT_THAT(Fetch("hv1"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ClientKeysTest, HostileNamesAndListsAreNotFollowed) {
  EXPECT_THAT(Fetch("../nodes/hv1"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  client_.Answer("/clients/hv1/keys", 200,
                 R"([{"name":"../../users/admin"}, 7, {"name":3}])");
  EXPECT_THAT(Fetch("hv1"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace rehai::chef
