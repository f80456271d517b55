// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/chef_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <map>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fake_clock.h"
#include "chef/request_signer.h"
#include "tests/fakes/rsa_key_pair.h"

namespace rehai::chef {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;

using Fault = FakeChefServer::Fault;
using Effect = FakeChefServer::Fault::Effect;

constexpr char kNode[] = R"({ "name":"hv1",  "n":1.50 })";

const RsaKeyPair& TestKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

// A server that takes unsigned requests, with one node.
std::unique_ptr<FakeChefServer> StartOpen() {
  FakeChefServer::Options options;
  options.check_signatures = false;
  auto server = FakeChefServer::Start(options);
  server->SetNode("hv1", kNode);
  return server;
}

httplib::Client ClientOf(const FakeChefServer& server) {
  httplib::Client client("127.0.0.1", server.port());
  client.set_keep_alive(true);
  return client;
}

httplib::Headers Sign(SignVersion version, const Clock& clock,
                      const std::string& method, const std::string& path,
                      const std::string& body) {
  const auto signer =
      RequestSigner::Create("rehai", TestKey().private_pkcs1, version);
  httplib::Headers headers;
  const auto signed_headers = signer->Sign(method, path, body, clock.Now());
  for (const auto& [name, value] : *signed_headers) {
    headers.emplace(name, value);
  }
  return headers;
}

TEST(FakeChefServerTest, KeepsEveryByteOfANode) {
  const auto server = StartOpen();
  httplib::Client client = ClientOf(*server);
  EXPECT_EQ(client.Get("/nodes/hv1")->body, kNode);

  const std::string changed = "{\"n\": 2.00,\n\"name\" :\"hv1\"}";
  const auto answer = client.Put("/nodes/hv1", changed, "application/json");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, changed);
  EXPECT_THAT(server->Node("hv1"), Optional(changed));
}

TEST(FakeChefServerTest, CreatesAndDeletesNodes) {
  const auto server = StartOpen();
  httplib::Client client = ClientOf(*server);
  const std::string document = R"({"name":"hv2"})";
  EXPECT_EQ(client.Post("/nodes", document, "application/json")->status, 201);
  EXPECT_EQ(client.Post("/nodes", document, "application/json")->status, 409);
  EXPECT_EQ(client.Delete("/nodes/hv2")->body, document);
  EXPECT_EQ(client.Get("/nodes/hv2")->status, 404);
}

TEST(FakeChefServerTest, APutNeitherCreatesNorRenames) {
  const auto server = StartOpen();
  httplib::Client client = ClientOf(*server);
  const auto put = [&](const std::string& path, const std::string& body) {
    return client.Put(path, body, "application/json")->status;
  };
  EXPECT_EQ(put("/nodes/hv2", R"({"name":"hv2"})"), 404);
  EXPECT_EQ(put("/nodes/hv1", R"({"name":"hv2"})"), 400);
  EXPECT_EQ(put("/nodes/hv1", R"({"name":)"), 400);
  EXPECT_EQ(put("/nodes/hv1", std::string(1'000'001, ' ')), 413);
  EXPECT_THAT(server->Node("hv1"), Optional(std::string(kNode)));
}

TEST(FakeChefServerTest, TellsOfEachNodeThatAClientPuts) {
  std::map<std::string, std::string> told;
  FakeChefServer::Options options;
  options.check_signatures = false;
  options.on_put = [&](const std::string& node, const auto& document) {
    told[node] = *document;
  };
  const auto server = FakeChefServer::Start(options);
  server->SetNode("hv1", kNode);
  EXPECT_THAT(told, IsEmpty());

  httplib::Client client = ClientOf(*server);
  const std::string document = R"({"name":"hv1","n":2})";
  client.Put("/nodes/hv1", document, "application/json");
  client.Put("/nodes/hv2", R"({"name":"hv2"})", "application/json");
  EXPECT_THAT(told, ElementsAre(Pair("hv1", document)));
}

TEST(FakeChefServerTest, ServesOneOrganisation) {
  FakeChefServer::Options options;
  options.check_signatures = false;
  options.organization = "prod";
  const auto server = FakeChefServer::Start(options);
  server->SetNode("hv1", kNode);
  httplib::Client client = ClientOf(*server);
  EXPECT_EQ(client.Get("/organizations/prod/nodes/hv1")->status, 200);
  EXPECT_EQ(client.Get("/organizations/test/nodes/hv1")->status, 404);
  EXPECT_EQ(client.Get("/nodes/hv1")->status, 404);
}

class FakeChefServerSignatureTest : public testing::TestWithParam<SignVersion> {
 protected:
  FakeChefServerSignatureTest() {
    FakeChefServer::Options options;
    options.clock = &clock_;
    server_ = FakeChefServer::Start(options);
    server_->SetNode("hv1", kNode);
    server_->AddClient("rehai", TestKey().public_pem);
  }

  httplib::Result Get(const httplib::Headers& headers) {
    return ClientOf(*server_).Get("/nodes/hv1", headers);
  }

  FakeClock clock_;
  std::unique_ptr<FakeChefServer> server_;
};

TEST_P(FakeChefServerSignatureTest, AcceptsWhatAKnownClientSigned) {
  EXPECT_EQ(Get(Sign(GetParam(), clock_, "GET", "/nodes/hv1", ""))->status,
            200);
  EXPECT_EQ(ClientOf(*server_)
                .Put("/nodes/hv1",
                     Sign(GetParam(), clock_, "PUT", "/nodes/hv1", kNode),
                     kNode, "application/json")
                ->status,
            200);
}

TEST_P(FakeChefServerSignatureTest, RefusesWhatWasSignedForSomethingElse) {
  EXPECT_EQ(Get(Sign(GetParam(), clock_, "PUT", "/nodes/hv1", ""))->status,
            401);
  EXPECT_EQ(Get(Sign(GetParam(), clock_, "GET", "/nodes/hv2", ""))->status,
            401);
  EXPECT_EQ(Get(Sign(GetParam(), clock_, "GET", "/nodes/hv1", "x"))->status,
            401);
  EXPECT_EQ(server_->counters().refused, 3);
}

TEST_P(FakeChefServerSignatureTest, RefusesUnknownClientsAndOtherKeys) {
  const httplib::Headers headers =
      Sign(GetParam(), clock_, "GET", "/nodes/hv1", "");
  server_->AddClient("rehai", MakeRsaKeyPair().public_pem);
  EXPECT_THAT(Get(headers)->body, HasSubstr("Invalid signature"));

  httplib::Headers renamed = headers;
  renamed.erase("X-Ops-Userid");
  renamed.emplace("X-Ops-Userid", "stranger");
  EXPECT_THAT(Get(renamed)->body, HasSubstr("Failed to authenticate"));
}

TEST_P(FakeChefServerSignatureTest, RefusesAClockThatIsFarOff) {
  const httplib::Headers headers =
      Sign(GetParam(), clock_, "GET", "/nodes/hv1", "");
  clock_.Advance(absl::Seconds(899));
  EXPECT_EQ(Get(headers)->status, 200);
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(Get(headers)->body, HasSubstr("Synchronize the clock"));
}

INSTANTIATE_TEST_SUITE_P(Versions, FakeChefServerSignatureTest,
                         testing::Values(SignVersion::k1_0, SignVersion::k1_1,
                                         SignVersion::k1_3));

TEST(FakeChefServerTest, UnsignedRequestsAreRefused) {
  const auto server = FakeChefServer::Start();
  EXPECT_EQ(ClientOf(*server).Get("/nodes/hv1")->status, 400);
}

TEST(FakeChefServerTest, FaultsHitTheirMethodAndNodeAndAreUsedUp) {
  const auto server = StartOpen();
  server->SetNode("hv2", R"({"name":"hv2"})");
  Fault fault;
  fault.method = "GET";
  fault.node = "hv1";
  fault.times = 2;
  fault.status = 503;
  fault.content_type = "text/html";
  fault.body = "<html>";
  server->AddFault(fault);
  httplib::Client client = ClientOf(*server);

  EXPECT_EQ(client.Get("/nodes/hv2")->status, 200);
  EXPECT_EQ(client.Get("/nodes/hv1")->status, 503);
  EXPECT_EQ(client.Get("/nodes/hv1")->body, "<html>");
  EXPECT_EQ(client.Get("/nodes/hv1")->status, 200);
}

TEST(FakeChefServerTest, DropsTheConnectionBeforeOrAfterCarryingOut) {
  const auto server = StartOpen();
  const std::string changed = R"({"name":"hv1","changed":true})";
  Fault fault;
  fault.effect = Effect::kDropBefore;
  server->AddFault(fault);
  EXPECT_FALSE(
      ClientOf(*server).Put("/nodes/hv1", changed, "application/json"));
  EXPECT_THAT(server->Node("hv1"), Optional(std::string(kNode)));

  fault.effect = Effect::kDropAfter;
  server->AddFault(fault);
  EXPECT_FALSE(
      ClientOf(*server).Put("/nodes/hv1", changed, "application/json"));
  EXPECT_THAT(server->Node("hv1"), Optional(changed));
}

TEST(FakeChefServerTest, CarriesOutWhatItAnswersWithAnError) {
  const auto server = StartOpen();
  Fault fault;
  fault.effect = Effect::kApplyThenAnswer;
  server->AddFault(fault);
  const std::string changed = R"({"name":"hv1","changed":true})";
  EXPECT_EQ(
      ClientOf(*server).Put("/nodes/hv1", changed, "application/json")->status,
      500);
  EXPECT_THAT(server->Node("hv1"), Optional(changed));
}

TEST(FakeChefServerTest, RecordsRequestsByConnection) {
  const auto server = StartOpen();
  httplib::Client client = ClientOf(*server);
  client.Get("/nodes/hv1?x=1", {{"X-Test", "yes"}});
  client.Put("/nodes/hv1", kNode, "application/json");

  const auto requests = server->Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].path, "/nodes/hv1");
  EXPECT_EQ(requests[0].query, "x=1");
  EXPECT_EQ(requests[0].headers.at("x-test"), "yes");
  EXPECT_EQ(requests[0].status, 200);
  EXPECT_EQ(requests[1].body_bytes, std::string(kNode).size());
  EXPECT_EQ(requests[0].client_port, requests[1].client_port);
  EXPECT_EQ(server->counters().puts_applied, 1);
}

TEST(FakeChefServerTest, PausedRequestsWait) {
  const auto server = StartOpen();
  server->Pause();
  std::string body;
  std::thread asking([&] { body = ClientOf(*server).Get("/nodes/hv1")->body; });
  server->AwaitRequests(1);
  // Changed while the request waits, so it sees the change.
  server->SetNode("hv1", R"({"name":"hv1","later":true})");
  server->Resume();
  asking.join();
  EXPECT_THAT(body, HasSubstr("later"));
}

TEST(FakeChefServerTest, StopsWithRequestsAndConnectionsOpen) {
  auto server = StartOpen();
  httplib::Client idle = ClientOf(*server);
  idle.Get("/nodes/hv1");
  server->Pause();
  std::thread asking([port = server->port()] {
    httplib::Client client("127.0.0.1", port);
    EXPECT_FALSE(client.Get("/nodes/hv1"));
  });
  server->AwaitRequests(2);
  server.reset();
  asking.join();
}

TEST(FakeChefServerTest, TlsWithACertificateOfItsOwn) {
  FakeChefServer::Options options;
  options.check_signatures = false;
  options.tls = true;
  const auto server = FakeChefServer::Start(options);
  server->SetNode("hv1", kNode);
  httplib::SSLClient client("127.0.0.1", server->port());
  client.set_ca_cert_path(server->ca_file().c_str());
  client.enable_server_certificate_verification(true);
  const auto answer = client.Get("/nodes/hv1");
  ASSERT_TRUE(answer) << httplib::to_string(answer.error());
  EXPECT_EQ(answer->body, kNode);
  EXPECT_THAT(server->url(), HasSubstr("https://127.0.0.1:"));
}

std::string Search(const FakeChefServer& server, const std::string& start,
                   const std::string& query = "rehai_schema%3A1") {
  httplib::Client client = ClientOf(server);
  const auto answer = client.Post(
      ("/search/node?q=" + query + "&start=" + start + "&rows=2").c_str(),
      R"({"n":["name"],"t":["ohai_time"],"d":["rehai","digest"]})",
      "application/json");
  return answer ? answer->body : "no answer";
}

std::string StampedNode(const std::string& name, const std::string& digest) {
  return R"({"name":")" + name +
         R"(","normal":{"ohai_time":1},"automatic":{"ohai_time":1.50, )"
         R"("rehai":{"schema":1,"digest":")" +
         digest + R"("}}})";
}

TEST(FakeChefServerTest, SearchesForTheValuesOfAPath) {
  const auto server = StartOpen();
  server->SetNode("hv2", StampedNode("hv2", "d2"));
  EXPECT_EQ(Search(*server, "0"),
            R"({"total":1,"start":0,"rows":[{"url":"","data":)"
            R"({"n":"hv2","t":1.50,"d":"d2"}}]})");
  EXPECT_THAT(Search(*server, "0", "*%3A*"),
              HasSubstr(R"({"n":"hv1","t":null,"d":null})"));
  EXPECT_THAT(Search(*server, "0", "rehai_digest%3Ad1"),
              HasSubstr(R"("rows":[])"));
  EXPECT_EQ(server->counters().searches, 3);
}

TEST(FakeChefServerTest, SearchAnswersInPages) {
  const auto server = StartOpen();
  for (const char* const name : {"a", "b", "c"}) {
    server->SetNode(name, StampedNode(name, "d"));
  }
  EXPECT_THAT(Search(*server, "0"), HasSubstr(R"("total":3)"));
  EXPECT_THAT(Search(*server, "2"), HasSubstr(R"("n":"c")"));
  EXPECT_THAT(Search(*server, "9"), HasSubstr(R"("rows":[])"));
}

TEST(FakeChefServerTest, SearchCanBeAsWrongAsGoiardis) {
  FakeChefServer::Options options;
  options.check_signatures = false;
  options.search_like_goiardi = true;
  const auto server = FakeChefServer::Start(options);
  for (const char* const name : {"a", "b", "c"}) {
    server->SetNode(name, StampedNode(name, "d"));
  }
  EXPECT_THAT(Search(*server, "0"), HasSubstr(R"("total":2)"));
  EXPECT_EQ(Search(*server, "4"), "no answer");
}

TEST(FakeChefServerTest, AHeldIndexKnowsOldMembersAndTheDatabaseNewValues) {
  const auto server = StartOpen();
  server->SetNode("a", StampedNode("a", "d1"));
  server->HoldIndex();
  server->SetNode("a", R"({"name":"a"})");
  server->SetNode("b", StampedNode("b", "d1"));
  EXPECT_THAT(Search(*server, "0"),
              HasSubstr(R"("rows":[{"url":"","data":{"n":"a","t":null,)"
                        R"("d":null}}])"));
  server->ReleaseIndex();
  EXPECT_THAT(Search(*server, "0"), HasSubstr(R"({"n":"b")"));
}

TEST(FakeChefServerTest, KeepsDataBagItems) {
  const auto server = StartOpen();
  httplib::Client client = ClientOf(*server);
  const auto post = [&client](const std::string& body) {
    return client.Post("/data/vms", body, "application/json");
  };
  const std::string item = R"({ "id":"hv1","n":1.50})";
  EXPECT_THAT(post(item)->body, HasSubstr("Please create this data bag"));
  server->AddDataBag("vms");
  EXPECT_EQ(client.Get("/data/vms/hv1")->status, 404);
  EXPECT_EQ(post(item)->status, 201);
  EXPECT_EQ(post(item)->status, 409);
  EXPECT_EQ(client.Get("/data/vms/hv1")->body, item);
  EXPECT_EQ(client.Put("/data/vms/hv1", R"({"id":"hv2"})", "application/json")
                ->status,
            400);
  EXPECT_EQ(client.Put("/data/vms/hv2", R"({"id":"hv2"})", "application/json")
                ->status,
            404);
  EXPECT_THAT(server->Item("vms", "hv1"), Optional(item));
}

}  // namespace
}  // namespace rehai::chef
