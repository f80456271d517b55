// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The whole room against a real Chef server: goiardi, with TLS.

#include "tests/lab/goiardi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "chef/client.h"
#include "chef/identity.h"
#include "chef/node_document.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/request_signer.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kNode[] = R"({"name":"hv1","json_class":"Chef::Node",
    "chef_type":"node","chef_environment":"_default","run_list":["recipe[a]"],
    "normal":{"secret":"<s>"},"automatic":{"ohai_time":1795527759.2440631}})";

class GoiardiTest : public testing::Test {
 protected:
  // One server for all: each test has its own nodes, made anew.
  static void SetUpTestSuite() {
    auto started = lab::Goiardi::Start();
    ASSERT_THAT(started, IsOk());
    goiardi_ = started->release();
  }
  static void TearDownTestSuite() {
    delete goiardi_;
    goiardi_ = nullptr;
  }

  void SetUp() override {
    ASSERT_NE(goiardi_, nullptr);
    ASSERT_THAT(goiardi_->CreateNode(kNode), IsOk());
  }
  void TearDown() override { EXPECT_THAT(goiardi_->DeleteNode("hv1"), IsOk()); }

  static std::string AdminKey() {
    return *ReadFile(goiardi_->admin_key_file());
  }

  static std::unique_ptr<Client> Connect(const std::string& name,
                                         const std::string& key_pem,
                                         SignVersion version,
                                         const Clock& clock = Clock::Real()) {
    Client::Options options;
    options.server_url = goiardi_->url();
    options.ca_file = goiardi_->ca_file();
    auto client = Client::Create(
        options, *RequestSigner::Create(name, key_pem, version), clock);
    EXPECT_THAT(client, IsOk());
    return *std::move(client);
  }

  static std::unique_ptr<Client> ConnectAsAdmin() {
    return Connect("admin", AdminKey(), SignVersion::k1_3);
  }

  static absl::StatusOr<Response> Send(Client& client, Request request) {
    std::promise<absl::StatusOr<Response>> promise;
    client.Send(std::move(request),
                [&promise](absl::StatusOr<Response> answer) {
                  promise.set_value(std::move(answer));
                });
    return promise.get_future().get();
  }

  static absl::StatusOr<Response> Get(Client& client, const std::string& path) {
    return Send(client,
                {.method = "GET", .path = path, .query = {}, .body = {}});
  }

  static WriteResult Write(Client& client, NodeUpdate update,
                           const Clock& clock = Clock::Real()) {
    NodeWriter writer({}, client, clock);
    std::promise<WriteResult> promise;
    writer.Write(std::move(update), [&promise](WriteResult result) {
      promise.set_value(std::move(result));
    });
    return promise.get_future().get();
  }

  static NodeUpdate Update(const std::string& node, const std::string& guests) {
    NodeUpdate update;
    update.node = node;
    update.rendering.subtrees = {{{"automatic", "rehai", "guests"}, guests}};
    update.rendering.digest = guests;
    update.stamp.digest = guests;
    return update;
  }

  static lab::Goiardi* goiardi_;
};

lab::Goiardi* GoiardiTest::goiardi_ = nullptr;

TEST_F(GoiardiTest, AcceptsEveryVersionOfOurSignatures) {
  for (const SignVersion version :
       {SignVersion::k1_0, SignVersion::k1_1, SignVersion::k1_3}) {
    const auto client = Connect("admin", AdminKey(), version);
    const auto got = Get(*client, "/nodes/hv1");
    ASSERT_THAT(got, IsOk());
    EXPECT_EQ(got->status, 200);
    EXPECT_THAT(got->body, HasSubstr("1795527759.2440631"));
    const auto put = Send(*client, {.method = "PUT",
                                    .path = "/nodes/hv1",
                                    .query = {},
                                    .body = got->body});
    ASSERT_THAT(put, IsOk());
    EXPECT_EQ(put->status, 200);
  }
}

TEST_F(GoiardiTest, AcceptsTheIdentityOfAKnifeFile) {
  const std::string file = absl::StrCat(testing::TempDir(), "/knife.rb");
  ASSERT_THAT(WriteFileAtomically(
                  file,
                  absl::StrCat("chef_server_url '", goiardi_->url(),
                               "'\nnode_name 'admin'\nclient_key '",
                               goiardi_->admin_key_file(), "'\nssl_ca_file '",
                               goiardi_->ca_file(), "'\n"),
                  0600),
              IsOk());
  v1::ChefConfig config;
  config.set_knife_file(file);
  const auto identity = ResolveIdentity(config);
  ASSERT_THAT(identity, IsOk());
  Client::Options options;
  options.server_url = identity->server_url;
  options.ca_file = identity->ca_file;
  const auto client = Client::Create(
      options,
      *RequestSigner::Create(identity->client_name, identity->client_key_pem,
                             SignVersion::k1_3),
      Clock::Real());
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(Get(**client, "/nodes/hv1")->status, 200);
}

TEST_F(GoiardiTest, AWriteShowsOnTheServerAndLeavesTheRestAsItWas) {
  nlohmann::json big =
      nlohmann::json::parse(*ReadFile("tests/data/ohai_node.json"));
  big["name"] = "big";
  ASSERT_THAT(goiardi_->CreateNode(big.dump()), IsOk());
  const std::string before = *goiardi_->GetNode("big");
  const auto client = ConnectAsAdmin();

  EXPECT_EQ(Write(*client, Update("big", R"({"u1":1})")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(Write(*client, Update("big", R"({"u1":1})")).outcome,
            v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_EQ(Write(*client, Update("big", R"({"u1":"<2>"})")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);

  const std::string after = *goiardi_->GetNode("big");
  EXPECT_THAT(Holds(after, Update("big", R"({"u1":"<2>"})").rendering.subtrees),
              IsOkAndHolds(true));
  // The server writes nodes out in one way of its own, so the rest is equal
  // byte by byte.
  const Subtree ours = {{"automatic", "rehai"}, std::nullopt};
  EXPECT_EQ(*Splice(after, {ours}), *Splice(before, {ours}));
  EXPECT_THAT(goiardi_->DeleteNode("big"), IsOk());
}

TEST_F(GoiardiTest, ASearchFindsTheMarksOfWhatWasWritten) {
  // Rehai's stamp has the schema by which it is found.
  NodeUpdate update = Update("hv1", "{}");
  update.rendering.subtrees.push_back({{"automatic", "rehai", "schema"}, "1"});
  update.stamp.digest = "d1";
  update.stamp.revision = 7;
  const auto client = ConnectAsAdmin();
  const WriteResult written = Write(*client, update);
  ASSERT_EQ(written.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(written.confirmed.ohai_time, "1795527759.2440631");

  using Answer = absl::StatusOr<NodeSearch::Answer>;
  NodeSearch search({"rehai"}, *client, Clock::Real());
  const auto find = [&search](int expected) {
    std::promise<Answer> promise;
    search.Find(expected, [&promise](Answer answer) {
      promise.set_value(std::move(answer));
    });
    return promise.get_future().get();
  };
  // The server's index comes after.
  Answer answer = find(1);
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (answer.ok() && answer->nodes.empty() && absl::Now() < deadline) {
    answer = find(1);
  }
  ASSERT_THAT(answer, IsOk());
  ASSERT_EQ(answer->nodes.size(), 1);
  EXPECT_EQ(answer->nodes[0].node, "hv1");
  EXPECT_EQ(answer->nodes[0].marks.ohai_time, "1795527759.2440631");
  EXPECT_EQ(answer->nodes[0].marks.digest, "d1");
  EXPECT_EQ(answer->nodes[0].marks.revision, 7);
  // More are expected than there are: goiardi is not asked beyond its end.
  EXPECT_EQ(find(5000)->searches, 1);
}

v1::Record Host() {
  v1::Record record;
  record.set_node("hv1");
  v1::Guest& guest = *record.add_guests();
  guest.set_name("web01");
  guest.set_uuid("10000000-0000-4000-8000-000000000001");
  return record;
}

NodeUpdate UpdateOf(const RenderingOptions& options, const std::string& node) {
  NodeUpdate update;
  update.node = node;
  update.rendering = Render(Host(), options);
  update.stamp.digest = update.rendering.digest;
  return update;
}

TEST_F(GoiardiTest, NormalAttributesBelowAPrefixAreAPlaceToo) {
  const auto client = ConnectAsAdmin();
  RenderingOptions options = {.kvm_extensions = true};
  ASSERT_EQ(Write(*client, UpdateOf(options, "hv1")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);
  options.places.automatic = false;
  options.places.normal_prefix = {"fleet", "hosts"};
  ASSERT_EQ(Write(*client, UpdateOf(options, "hv1")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(Write(*client, UpdateOf(options, "hv1")).outcome,
            v1::WRITE_OUTCOME_UNCHANGED);
  const auto node = nlohmann::json::parse(*goiardi_->GetNode("hv1"));
  EXPECT_EQ(node["normal"]["secret"], "<s>");
  EXPECT_TRUE(
      node["normal"]["fleet"]["hosts"]["virtualization"]["kvm"]["guests"]
          .contains("web01"));
  EXPECT_FALSE(node["automatic"].contains("rehai"));
  EXPECT_FALSE(node["automatic"]["virtualization"].contains("kvm"));
}

TEST_F(GoiardiTest, ADataBagHoldsAnItemPerHost) {
  const auto client = ConnectAsAdmin();
  RenderingOptions options = {.kvm_extensions = true};
  options.places.automatic = false;
  options.places.data_bag = "vms";
  const WriteResult no_bag = Write(*client, UpdateOf(options, "hv1"));
  EXPECT_EQ(no_bag.outcome, v1::WRITE_OUTCOME_REJECTED);
  EXPECT_THAT(no_bag.status, StatusIs(absl::StatusCode::kNotFound,
                                      HasSubstr("knife data bag create vms")));

  ASSERT_THAT(goiardi_->admin().Send("POST", "/data", R"({"name":"vms"})"),
              IsOk());
  // Every character that a node's name may have.
  for (const std::string node : {"hv1", "a:b_c-D.9"}) {
    NodeUpdate update = UpdateOf(options, node);
    const WriteResult made = Write(*client, update);
    EXPECT_EQ(made.outcome, v1::WRITE_OUTCOME_WRITTEN) << made.status;
    update.confirmed = made.confirmed;
    EXPECT_EQ(Write(*client, update).outcome, v1::WRITE_OUTCOME_UNCHANGED);
    v1::Record changed = Host();
    changed.mutable_guests(0)->set_vcpus(2);
    update.rendering = Render(changed, options);
    update.stamp.digest = update.rendering.digest;
    const WriteResult updated = Write(*client, update);
    EXPECT_EQ(updated.outcome, v1::WRITE_OUTCOME_WRITTEN) << updated.status;
    EXPECT_EQ(updated.confirmed.digest, update.stamp.digest);
  }
}

TEST_F(GoiardiTest, AMissingNodeIsReportedAndNotCreated) {
  const auto client = ConnectAsAdmin();
  const WriteResult result = Write(*client, Update("absent", "{}"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_NODE_MISSING);
  EXPECT_THAT(result.status,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("node absent")));
  EXPECT_THAT(goiardi_->GetNode("absent"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(GoiardiTest, AWrongKeyIsToldFromAnUnknownName) {
  const std::string key = MakeRsaKeyPair().private_pkcs1;
  const WriteResult wrong_key =
      Write(*Connect("admin", key, SignVersion::k1_3), Update("hv1", "{}"));
  EXPECT_EQ(wrong_key.outcome, v1::WRITE_OUTCOME_UNAUTHENTICATED);
  EXPECT_THAT(wrong_key.status,
              StatusIs(absl::StatusCode::kUnauthenticated,
                       HasSubstr("the key is not that of \"admin\"")));
  const WriteResult unknown =
      Write(*Connect("nobody", key, SignVersion::k1_3), Update("hv1", "{}"));
  EXPECT_EQ(unknown.outcome, v1::WRITE_OUTCOME_UNAUTHENTICATED);
  EXPECT_THAT(unknown.status, StatusIs(absl::StatusCode::kUnauthenticated,
                                       HasSubstr("has a client \"nobody\"")));
}

TEST_F(GoiardiTest, AClockThatIsFarOffIsNamed) {
  FakeClock clock;
  clock.Advance(Clock::Real().Now() - clock.Now() - absl::Minutes(20));
  const auto client = Connect("admin", AdminKey(), SignVersion::k1_3, clock);
  const WriteResult result = Write(*client, Update("hv1", "{}"), clock);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNAUTHENTICATED);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnauthenticated,
                                      AllOf(HasSubstr("behind the server's"),
                                            HasSubstr("NTP"))));
}

TEST_F(GoiardiTest, AClientWithoutRightsIsForbidden) {
  const auto key_file = goiardi_->CreateClient("guest", /*admin=*/false);
  ASSERT_THAT(key_file, IsOk());
  const auto client = Connect("guest", *ReadFile(*key_file), SignVersion::k1_3);
  const WriteResult result = Write(*client, Update("hv1", "{}"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kPermissionDenied,
                                      HasSubstr("client \"guest\"")));
}

TEST_F(GoiardiTest, ANodeAboveItsLimitIsTooLarge) {
  const auto client = ConnectAsAdmin();
  NodeWriter::Options options;
  options.max_node_bytes = 10'000'000;  // so that the server has to say it
  NodeWriter writer(options, *client, Clock::Real());
  std::promise<WriteResult> promise;
  writer.Write(
      Update("hv1", absl::StrCat("\"", std::string(1'000'000, 'x'), "\"")),
      [&promise](WriteResult result) { promise.set_value(std::move(result)); });
  const WriteResult result = promise.get_future().get();
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_TOO_LARGE);
  EXPECT_EQ(result.http_status, 413);
}

TEST_F(GoiardiTest, AnOrganisationThatGoiardiDoesNotHaveIsAClearError) {
  Client::Options options;
  options.server_url = goiardi_->url() + "/organizations/prod";
  options.ca_file = goiardi_->ca_file();
  const auto client = Client::Create(
      options, *RequestSigner::Create("admin", AdminKey(), SignVersion::k1_3),
      Clock::Real());
  ASSERT_THAT(client, IsOk());
  EXPECT_THAT(
      Write(**client, Update("hv1", "{}")).status,
      StatusIs(absl::StatusCode::kUnavailable,
               AllOf(HasSubstr("empty body"), HasSubstr("chef.server_url"))));
}

TEST_F(GoiardiTest, ACertificateThatIsNotTrustedIsRefused) {
  Client::Options options;
  options.server_url = goiardi_->url();
  const auto client = Client::Create(
      options, *RequestSigner::Create("admin", AdminKey(), SignVersion::k1_3),
      Clock::Real());
  ASSERT_THAT(client, IsOk());
  const WriteResult result = Write(**client, Update("hv1", "{}"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNAUTHENTICATED);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnauthenticated,
                                      HasSubstr("chef.ca_file")));
}

}  // namespace
}  // namespace rehai::chef
