// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

using Fault = FakeChefServer::Fault;
using Effect = FakeChefServer::Fault::Effect;
using Answer = std::future<absl::StatusOr<Response>>;

// Of no key: its digest is all zeros.
constexpr char kOtherPin[] =
    "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr char kNode[] = R"({"name":"hv1"})";

const RsaKeyPair& TestKey() {
  static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
  return *key;
}

RequestSigner Signer(SignVersion version = SignVersion::k1_3) {
  return *RequestSigner::Create("rehai", TestKey().private_pkcs1, version);
}

std::unique_ptr<FakeChefServer> StartServer(
    FakeChefServer::Options options = {}) {
  auto server = FakeChefServer::Start(std::move(options));
  server->AddClient("rehai", TestKey().public_pem);
  server->SetNode("hv1", kNode);
  return server;
}

std::unique_ptr<Client> Connect(const FakeChefServer& server,
                                Client::Options options = {}) {
  options.server_url = server.url();
  if (options.trusted_certs_dir.empty()) options.ca_file = server.ca_file();
  auto client = Client::Create(std::move(options), Signer(), Clock::Real());
  EXPECT_THAT(client, IsOk());
  return *std::move(client);
}

Answer Send(Client& client, Request request) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  client.Send(std::move(request), [promise](absl::StatusOr<Response> answer) {
    promise->set_value(std::move(answer));  // a second call would throw
  });
  return promise->get_future();
}

Answer Get(Client& client, const std::string& path = "/nodes/hv1") {
  return Send(client, {.method = "GET", .path = path, .query = {}, .body = {}});
}

Answer Put(Client& client, const std::string& body) {
  return Send(
      client,
      {.method = "PUT", .path = "/nodes/hv1", .query = {}, .body = body});
}

std::set<int> Connections(const FakeChefServer& server) {
  std::set<int> ports;
  for (const auto& request : server.Requests()) {
    ports.insert(request.client_port);
  }
  return ports;
}

TEST(ClientTest, GetsAndPutsSignedRequests) {
  for (const SignVersion version :
       {SignVersion::k1_0, SignVersion::k1_1, SignVersion::k1_3}) {
    const auto server = StartServer();
    Client::Options options;
    options.server_url = server->url();
    auto client = Client::Create(options, Signer(version), Clock::Real());
    ASSERT_THAT(client, IsOk());

    const auto got = Get(**client).get();
    ASSERT_THAT(got, IsOk());
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, kNode);
    EXPECT_EQ(got->content_type, "application/json");

    const std::string changed = R"({"name":"hv1","n":1})";
    const auto put = Put(**client, changed).get();
    ASSERT_THAT(put, IsOk());
    EXPECT_EQ(put->status, 200);
    EXPECT_EQ(server->Node("hv1"), changed);
  }
}

int Workers() {
  int workers = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream comm(task.path() / "comm");
    std::string name;
    if (comm >> name && name == "chef-worker") ++workers;
  }
  return workers;
}

TEST(ClientTest, ABurstLeavesNoThreadsBehind) {
  const auto server = StartServer();
  FakeClock clock;
  Client::Options options;
  options.server_url = server->url();
  auto client = Client::Create(options, Signer(), clock);
  ASSERT_THAT(client, IsOk());
  std::vector<Answer> answers;
  for (int i = 0; i < 32; ++i) answers.push_back(Get(**client));
  for (Answer& answer : answers) EXPECT_THAT(answer.get(), IsOk());
  ASSERT_GT(Workers(), 1);
  const absl::Duration patience = Clock::Real().Uptime() + absl::Seconds(30);
  while (Workers() > 1 && Clock::Real().Uptime() < patience) {
    clock.Advance(absl::Seconds(1));
    std::this_thread::yield();
  }
  EXPECT_EQ(Workers(), 1);
  EXPECT_THAT(Get(**client).get(), IsOk());
}

TEST(ClientTest, PutsTheOrganisationBeforeThePath) {
  FakeChefServer::Options server_options;
  server_options.organization = "prod";
  const auto server = StartServer(server_options);
  Client::Options options;
  // As people write it: with a slash too many.
  options.server_url = server->url() + "/";
  auto client = Client::Create(options, Signer(), Clock::Real());
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(Get(**client).get()->status, 200);
  EXPECT_EQ(server->Requests()[0].path, "/organizations/prod/nodes/hv1");
  EXPECT_EQ((*client)->server_url(), server->url());
  EXPECT_EQ((*client)->client_name(), "rehai");
}

TEST(ClientTest, SendsWhatServersLookFor) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  Put(*client, std::string(1'000'000, ' ')).wait();
  Get(*client).wait();
  const auto put = server->Requests()[0].headers;
  EXPECT_THAT(put, Contains(Pair("accept", "application/json")));
  EXPECT_THAT(put, Contains(Pair("content-type", "application/json")));
  EXPECT_THAT(put, Contains(Pair("content-length", "1000000")));
  EXPECT_THAT(put, Contains(Pair("x-chef-version", "18.0.0")));
  EXPECT_THAT(put, Contains(Pair("accept-encoding", HasSubstr("gzip"))));
  // Servers that never say "continue" would cost a second.
  EXPECT_THAT(put, Not(Contains(Key("expect"))));
  EXPECT_THAT(put, Not(Contains(Key("transfer-encoding"))));
  EXPECT_THAT(server->Requests()[1].headers,
              Not(Contains(Key("content-type"))));
}

TEST(ClientTest, AQueryIsSentAndNotSigned) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  const auto answer = Send(*client, {.method = "GET",
                                     .path = "/nodes/hv1",
                                     .query = "q=a%20b&rows=1000",
                                     .body = {}})
                          .get();
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(server->Requests()[0].query, "q=a%20b&rows=1000");
}

TEST(ClientTest, ErrorsOfTheServerAreAnswers) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  const auto missing = Get(*client, "/nodes/hv2").get();
  ASSERT_THAT(missing, IsOk());
  EXPECT_EQ(missing->status, 404);
  EXPECT_THAT(missing->body, HasSubstr("node 'hv2' not found"));
}

TEST(ClientTest, TellsTheServersTime) {
  FakeClock server_clock;
  FakeChefServer::Options options;
  options.clock = &server_clock;
  const auto server = StartServer(options);
  const auto client = Connect(*server);
  EXPECT_EQ(Get(*client).get()->date,
            absl::FromUnixSeconds(absl::ToUnixSeconds(server_clock.Now())));
}

TEST(ClientTest, TellsWhenTheServerWantsToBeAskedAgain) {
  FakeClock server_clock;  // far from ours
  FakeChefServer::Options options;
  options.clock = &server_clock;
  options.check_signatures = false;
  const auto server = StartServer(options);
  const auto client = Connect(*server);
  const auto ask = [&](const std::string& header) {
    Fault fault;
    fault.status = 503;
    fault.retry_after = header;
    server->AddFault(fault);
    const auto answer = Get(*client).get();
    EXPECT_THAT(answer, IsOk());
    return answer->retry_after;
  };
  EXPECT_EQ(ask(""), absl::ZeroDuration());
  EXPECT_EQ(ask("120"), absl::Seconds(120));
  EXPECT_EQ(ask("-5"), absl::ZeroDuration());
  EXPECT_EQ(ask("soon"), absl::ZeroDuration());
  const auto date = [&](absl::Duration from_now) {
    return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                            server_clock.Now() + from_now, absl::UTCTimeZone());
  };
  EXPECT_EQ(ask(date(absl::Seconds(30))), absl::Seconds(30));
  EXPECT_EQ(ask(date(-absl::Seconds(30))), absl::ZeroDuration());
}

TEST(ClientTest, TellsHowLongTheServerTookWithoutTheWaitForAConnection) {
  const auto server = StartServer();
  Client::Options options;
  options.max_connections = 1;
  const auto client = Connect(*server, options);
  Fault slow;
  slow.effect = Effect::kDelayOnly;
  slow.delay = absl::Milliseconds(200);
  server->AddFault(slow);
  Answer first = Get(*client);
  Answer second = Get(*client);
  const auto took = first.get()->took;
  EXPECT_GE(took, absl::Milliseconds(200));
  EXPECT_LT(took, absl::Seconds(5));
  EXPECT_LT(second.get()->took, absl::Milliseconds(150));
}

TEST(ClientTest, CallsBackForOneWhileAnotherCallbackIsStillRunning) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  std::promise<void> second_done;
  std::promise<void> first_done;
  client->Send({.method = "GET", .path = "/nodes/hv1", .query = {}, .body = {}},
               [&](absl::StatusOr<Response>) {
                 second_done.get_future().wait();
                 first_done.set_value();
               });
  EXPECT_EQ(Get(*client).get()->status, 200);
  second_done.set_value();
  first_done.get_future().wait();
}

TEST(ClientTest, EachOfManyPutsFollowsItsGetAtOnce) {
  const auto server = StartServer();
  Client::Options options;
  options.max_connections = 2;
  const auto client = Connect(*server, options);
  constexpr int kWrites = 20;
  std::vector<std::promise<Answer>> puts(kWrites);
  for (std::promise<Answer>& put : puts) {
    client->Send(
        {.method = "GET", .path = "/nodes/hv1", .query = {}, .body = {}},
        [&](absl::StatusOr<Response> answer) {
          put.set_value(Put(*client, answer->body));
        });
  }
  for (std::promise<Answer>& put : puts) {
    EXPECT_EQ(put.get_future().get().get()->status, 200);
  }
  // Never more than one node per connection is between its GET and its PUT.
  int open = 0;
  for (const auto& request : server->Requests()) {
    open += request.method == "GET" ? 1 : -1;
    EXPECT_LE(open, options.max_connections);
  }
  EXPECT_THAT(Connections(*server), SizeIs(testing::Le(2u)));
}

TEST(ClientTest, UnderstandsCompressedAnswers) {
  FakeChefServer::Options options;
  options.compress = true;
  const auto server = StartServer(options);
  const std::string document =
      absl::StrCat(R"({"name":"hv1","x":")", std::string(100'000, 'x'), "\"}");
  server->SetNode("hv1", document);
  const auto client = Connect(*server);
  EXPECT_EQ(Get(*client).get()->body, document);
}

TEST(ClientTest, KeepsItsConnection) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Get(*client).get(), IsOk());
  EXPECT_THAT(Connections(*server), SizeIs(1));
}

TEST(ClientTest, OpensNoMoreConnectionsThanAllowed) {
  const auto server = StartServer();
  Client::Options options;
  options.max_connections = 3;
  const auto client = Connect(*server, options);
  server->Pause();
  std::vector<Answer> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(Get(*client));
  server->AwaitRequests(3);
  server->Resume();
  for (Answer& answer : answers) EXPECT_EQ(answer.get()->status, 200);
  EXPECT_THAT(Connections(*server), SizeIs(3));
}

TEST(ClientTest, ARequestFromACallbackGoesBeforeThoseThatWait) {
  const auto server = StartServer();
  Client::Options options;
  options.max_connections = 1;
  const auto client = Connect(*server, options);
  server->Pause();
  std::promise<Answer> put;
  client->Send({.method = "GET", .path = "/nodes/hv1", .query = {}, .body = {}},
               [&](absl::StatusOr<Response> answer) {
                 put.set_value(Put(*client, answer->body));
               });
  Answer other = Get(*client, "/nodes/hv2");
  server->AwaitRequests(1);
  server->Resume();
  EXPECT_EQ(put.get_future().get().get()->status, 200);
  EXPECT_EQ(other.get()->status, 404);

  const auto requests = server->Requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_EQ(requests[2].path, "/nodes/hv2");
  EXPECT_THAT(Connections(*server), SizeIs(1));
}

TEST(ClientTest, NoAnswerInTimeIsDeadlineExceeded) {
  const auto server = StartServer();
  Client::Options options;
  options.request_timeout = absl::Milliseconds(50);
  const auto client = Connect(*server, options);
  server->Pause();
  EXPECT_THAT(Get(*client).get(),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       AllOf(HasSubstr(server->url()),
                             HasSubstr("may have been done"))));
}

TEST(ClientTest, WaitingForAConnectionCountsAgainstTheDeadline) {
  const auto server = StartServer();
  FakeClock clock;
  Client::Options options;
  options.server_url = server->url();
  options.max_connections = 1;
  options.request_timeout = absl::Minutes(1);
  auto client = *Client::Create(options, Signer(), clock);
  server->Pause();
  Answer first = Get(*client);
  server->AwaitRequests(1);
  Answer second = Get(*client);
  // By the client's clock the minute passes while the first is under way.
  clock.Advance(absl::Seconds(61));
  Answer third = Get(*client);  // wakes the client
  EXPECT_THAT(second.get(), StatusIs(absl::StatusCode::kDeadlineExceeded,
                                     HasSubstr("was not sent")));
  EXPECT_EQ(server->counters().requests, 1);
  client.reset();
}

TEST(ClientTest, ARefusedConnectionIsUnavailable) {
  std::string url;
  {
    const auto gone = StartServer();
    url = gone->url();
  }
  Client::Options options;
  options.server_url = url;
  auto client = *Client::Create(options, Signer(), Clock::Real());
  EXPECT_THAT(Get(*client).get(),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr(url), HasSubstr("cannot connect"))));
}

TEST(ClientTest, AnUnresolvableNameIsUnavailable) {
  Client::Options options;
  options.server_url = "https://chef.invalid";  // reserved never to resolve
  auto client = *Client::Create(options, Signer(), Clock::Real());
  EXPECT_THAT(Get(*client).get(),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("https://chef.invalid"),
                             HasSubstr("cannot be resolved"))));
}

TEST(ClientTest, ABrokenConnectionIsUnavailable) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  Fault fault;
  fault.effect = Effect::kDropBefore;
  server->AddFault(fault);
  EXPECT_THAT(Put(*client, kNode).get(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("the connection broke")));
  EXPECT_EQ(Get(*client).get()->status, 200);
}

TEST(ClientTest, APutWhoseConnectionBreaksIsNotRepeated) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  // On a connection that has been used before, curl would repeat what it can.
  ASSERT_THAT(Get(*client).get(), IsOk());
  Fault fault;
  fault.effect = Effect::kDropAfter;
  fault.method = "PUT";
  server->AddFault(fault);
  EXPECT_THAT(Put(*client, R"({"name":"hv1","n":1})").get(),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(server->counters().puts, 1);
}

TEST(ClientTest, AConnectionClosedWhileIdleCostsNothing) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  ASSERT_THAT(Get(*client).get(), IsOk());
  Fault fault;
  fault.effect = Effect::kDropBefore;
  fault.method = "GET";
  server->AddFault(fault);
  // A GET may be repeated.
  EXPECT_EQ(Get(*client).get()->status, 200);
}

TEST(ClientTest, AnswersHaveALimitThatCountsWhatIsUnpacked) {
  FakeChefServer::Options server_options;
  server_options.compress = true;
  const auto server = StartServer(server_options);
  Client::Options options;
  options.max_response_bytes = 10'000;
  const auto client = Connect(*server, options);
  server->SetNode("hv1", std::string(10'000, 'x'));
  EXPECT_THAT(Get(*client).get(), IsOk());
  server->SetNode("hv1", std::string(10'001, 'x'));
  EXPECT_THAT(Get(*client).get(),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("/nodes/hv1"), HasSubstr("10000"))));
}

TEST(ClientTest, RefusesPathsThatWouldHaveToBeEncoded) {
  const auto server = StartServer();
  const auto client = Connect(*server);
  for (const char* const path :
       {"/nodes/a b", "/nodes/%30", "/nodes/..", "/nodes/a?x", "nodes/a", ""}) {
    EXPECT_THAT(Get(*client, path).get(),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << path;
  }
  EXPECT_EQ(server->counters().requests, 0);
}

TEST(ClientTest, DestructionEndsEveryRequestOnce) {
  const auto server = StartServer();
  Client::Options options;
  options.max_connections = 2;
  auto client = Connect(*server, options);
  server->Pause();
  std::vector<Answer> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Get(*client));
  server->AwaitRequests(2);
  client.reset();
  for (Answer& answer : answers) {
    EXPECT_THAT(answer.get(), StatusIs(absl::StatusCode::kCancelled));
  }
}

TEST(ClientTest, ARequestSentWhileBeingCancelledIsCancelledToo) {
  const auto server = StartServer();
  auto client = Connect(*server);
  server->Pause();
  std::promise<Answer> again;
  client->Send({.method = "GET", .path = "/nodes/hv1", .query = {}, .body = {}},
               [&, raw = client.get()](absl::StatusOr<Response>) {
                 again.set_value(Get(*raw));
               });
  server->AwaitRequests(1);
  client.reset();
  EXPECT_THAT(again.get_future().get().get(),
              StatusIs(absl::StatusCode::kCancelled));
}

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() {
    FakeChefServer::Options options;
    options.tls = true;
    server_ = StartServer(options);
    folder_ = absl::StrCat(
        testing::TempDir(), "/trusted-",
        testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }

  ~ClientTlsTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<Client>> Create(
      const std::string& ca_file, const std::string& trusted_certs_dir) {
    Client::Options options;
    options.server_url = server_->url();
    options.ca_file = ca_file;
    options.trusted_certs_dir = trusted_certs_dir;
    return Client::Create(std::move(options), Signer(), Clock::Real());
  }

  // What openssl and curl call the pin of the server's key.
  std::string ServersPin() {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
        BIO_new_file(server_->ca_file().c_str(), "r"), BIO_free_all);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    unsigned char* der = nullptr;
    const int size =
        i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(der, size, reinterpret_cast<unsigned char*>(digest.data()));
    OPENSSL_free(der);
    return absl::StrCat("sha256//", absl::Base64Escape(digest));
  }

  absl::StatusOr<std::unique_ptr<Client>> CreatePinned(
      std::vector<std::string> pins) {
    Client::Options options;
    options.server_url = server_->url();
    options.ca_file = server_->ca_file();
    options.pinned_public_keys = std::move(pins);
    return Client::Create(std::move(options), Signer(), Clock::Real());
  }

  std::string WriteFile(const std::string& name, absl::string_view content) {
    const std::string path = absl::StrCat(folder_, "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0644), IsOk());
    return path;
  }

  std::unique_ptr<FakeChefServer> server_;
  std::string folder_;
};

TEST_F(ClientTlsTest, TrustsAServersOwnCertificateFromAFile) {
  auto client = Create(server_->ca_file(), "");
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(Get(**client).get()->status, 200);
}

TEST_F(ClientTlsTest, TrustsTheCertificatesInAFolder) {
  WriteFile("another.crt", MakeSelfSignedCertificate("x").certificate_pem);
  WriteFile("server.pem", *ReadFile(server_->ca_file()));
  WriteFile("notes.txt", "not looked at");
  auto client = Create("", folder_);
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(Get(**client).get()->status, 200);
}

TEST_F(ClientTlsTest, RefusesACertificateThatNobodyVouchesFor) {
  const std::string other =
      WriteFile("other.pem", MakeSelfSignedCertificate().certificate_pem);
  for (const std::string& ca_file : {std::string(), other}) {
    auto client = Create(ca_file, "");
    ASSERT_THAT(client, IsOk());
    EXPECT_THAT(Get(**client).get(),
                StatusIs(absl::StatusCode::kUnauthenticated,
                         AllOf(HasSubstr(server_->url()), HasSubstr("ca_file"),
                               HasSubstr("trusted_certs_dir"))));
  }
  EXPECT_EQ(server_->counters().requests, 0);
}

TEST_F(ClientTlsTest, AcceptsAServerWithAnyOfThePinnedKeys) {
  auto client = CreatePinned({kOtherPin, ServersPin()});
  ASSERT_THAT(client, IsOk());
  EXPECT_EQ(Get(**client).get()->status, 200);
}

TEST_F(ClientTlsTest, RefusesATrustedServerWithAnotherKeyThanThePinned) {
  auto client = CreatePinned({kOtherPin});
  ASSERT_THAT(client, IsOk());
  EXPECT_THAT(Get(**client).get(),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       AllOf(HasSubstr(server_->url()),
                             HasSubstr("chef.pinned_public_keys"))));
  EXPECT_EQ(server_->counters().requests, 0);
}

TEST_F(ClientTlsTest, APinDoesNotTakeThePlaceOfTrust) {
  Client::Options options;
  options.server_url = server_->url();
  options.pinned_public_keys = {ServersPin()};
  auto client = Client::Create(options, Signer(), Clock::Real());
  ASSERT_THAT(client, IsOk());
  EXPECT_THAT(Get(**client).get(), StatusIs(absl::StatusCode::kUnauthenticated,
                                            HasSubstr("ca_file")));
}

TEST_F(ClientTlsTest, RefusesPinsThatAreNone) {
  for (const std::string& pin :
       {std::string(), std::string("/etc/key.pem"), std::string("sha256//"),
        std::string("sha256//AAAA"), std::string(kOtherPin) + ";" + kOtherPin,
        std::string(kOtherPin).substr(2)}) {
    EXPECT_THAT(CreatePinned({ServersPin(), pin}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("chef.pinned_public_keys"),
                               HasSubstr("openssl"))))
        << pin;
  }
}

TEST_F(ClientTlsTest, SaysWhichTrustFileIsNoGood) {
  const std::string empty = WriteFile("empty.pem", "no certificate");
  EXPECT_THAT(Create(empty, ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(empty)));
  EXPECT_THAT(Create("", folder_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(empty)));
  EXPECT_THAT(
      Create(folder_ + "/absent.pem", ""),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("absent.pem")));
  std::filesystem::remove(empty);
  EXPECT_THAT(Create("", folder_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(folder_), HasSubstr("ssl fetch"))));
}

TEST_F(ClientTlsTest, PlainHttpToATlsPortIsAClearError) {
  Client::Options options;
  options.server_url = absl::StrCat("http://127.0.0.1:", server_->port());
  auto client = *Client::Create(options, Signer(), Clock::Real());
  EXPECT_THAT(Get(*client).get(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr(options.server_url)));
}

TEST(ClientTest, TlsToAPlainPortIsAClearError) {
  const auto server = StartServer();
  Client::Options options;
  options.server_url = absl::StrCat("https://127.0.0.1:", server->port());
  auto client = *Client::Create(options, Signer(), Clock::Real());
  EXPECT_THAT(Get(*client).get(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr("no TLS connection")));
}

TEST(ClientTest, RefusesOptionsThatCannotWork) {
  Client::Options options;
  options.server_url = "chef.example.com";
  EXPECT_THAT(Client::Create(options, Signer(), Clock::Real()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("chef.example.com")));
  options.server_url = "https://chef.example.com";
  options.max_connections = 0;
  EXPECT_THAT(Client::Create(options, Signer(), Clock::Real()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::chef
