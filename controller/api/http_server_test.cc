// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "chef/run_message.h"
#include "controller/api/run_listener.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Minutes(1);
constexpr char kToken[] = "a token of some length";

// A gate that a thread waits at until a test opens it.
class Gate {
 public:
  void Pass() {
    MutexLock lock(mu_);
    ++arrived_;
    news_.NotifyAll();
    while (!open_) news_.Wait(mu_);
  }
  void AwaitArrival() {
    MutexLock lock(mu_);
    while (arrived_ == 0) news_.Wait(mu_);
  }
  void Open() {
    MutexLock lock(mu_);
    open_ = true;
    news_.NotifyAll();
  }

 private:
  Mutex mu_;
  CondVar news_;
  int arrived_ ABSL_GUARDED_BY(mu_) = 0;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
};

// The runs that were told on.
class Runs {
 public:
  void Add(const chef::RunMessage& run) {
    MutexLock lock(mu_);
    nodes_.push_back(run.node);
    news_.NotifyAll();
  }
  std::vector<std::string> Await(size_t count) {
    MutexLock lock(mu_);
    while (nodes_.size() < count) news_.Wait(mu_);
    return nodes_;
  }

 private:
  Mutex mu_;
  CondVar news_;
  std::vector<std::string> nodes_ ABSL_GUARDED_BY(mu_);
};

HttpServer::Options AnyPort() {
  HttpServer::Options options;
  options.listen = "127.0.0.1:0";
  return options;
}

std::unique_ptr<HttpServer> Serve(
    HttpServer::Options options, RunListener* runs = nullptr,
    HttpServer::MetricsText metrics = [] { return "rehai_up 1\n"; }) {
  auto server = HttpServer::Create(std::move(options), std::move(metrics), runs,
                                   Clock::Real());
  EXPECT_THAT(server, IsOk());
  EXPECT_THAT((*server)->Start(), IsOk());
  return *std::move(server);
}

// The status that a request is answered with; 0 if it is not.
int StatusOf(const httplib::Result& result) {
  return result ? result->status : 0;
}

httplib::Headers ChefClientHeaders(const std::string& token) {
  return {{"X-Data-Collector-Token", token},
          {"X-Data-Collector-Auth", "version=1.0"},
          {"X-Remote-Request-Id", "8b7a61ad-4a42-4fcd-a8f4-f5d25b3b2d0a"},
          {"X-Chef-Version", "18.8.54"},
          {"Accept", "application/json"},
          {"User-Agent", "Chef Infra Client/18.8.54"}};
}

// As chef-client 18 sends it when a run begins.
std::string RunStart(const std::string& node) {
  return absl::StrCat(
      R"({"message_type":"run_start","message_version":"1.0.0",)"
      R"("chef_server_fqdn":"chef.example.com",)"
      R"("entity_uuid":"1cb0a1b5-7a4a-4b1f-9f4f-8f4f5f1e2b3c",)"
      R"("id":"8b7a61ad-4a42-4fcd-a8f4-f5d25b3b2d0a",)"
      R"("run_id":"8b7a61ad-4a42-4fcd-a8f4-f5d25b3b2d0a","node_name":")",
      node,
      R"(","organization_name":"prod","source":"chef_client",)"
      R"("start_time":"2026-11-24T14:00:00Z"})");
}

httplib::Result Post(int port, const std::string& body,
                     const std::string& token = kToken,
                     const std::string& path = "/data-collector") {
  return httplib::Client("127.0.0.1", port)
      .Post(path, ChefClientHeaders(token), body, "application/json");
}

// A connection that says exactly what a test wants it to say.
class RawConnection {
 public:
  explicit RawConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
  }
  ~RawConnection() { close(fd_); }

  // False once the server has gone.
  bool Send(const std::string& text) {
    return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  // All that comes until the server closes the connection.
  std::string ReadToEnd() {
    std::string all;
    char buffer[4096];
    ssize_t count;
    while ((count = recv(fd_, buffer, sizeof(buffer), 0)) > 0) {
      all.append(buffer, static_cast<size_t>(count));
    }
    return all;
  }

 private:
  const int fd_;
};

TEST(HttpServerTest, IsAliveAtOnceAndReadyWhenTold) {
  const auto server = Serve(AnyPort());
  httplib::Client client("127.0.0.1", server->port());
  EXPECT_EQ(StatusOf(client.Get("/healthz")), 200);
  EXPECT_EQ(StatusOf(client.Get("/readyz")), 503);
  server->SetReady(true);
  EXPECT_EQ(StatusOf(client.Get("/readyz")), 200);
  server->SetReady(false);
  EXPECT_EQ(StatusOf(client.Get("/readyz")), 503);
}

TEST(HttpServerTest, MetricsAreMadeWhenAskedFor) {
  int times = 0;
  const auto server = Serve(AnyPort(), nullptr, [&times] {
    return absl::StrCat("asked ", ++times, "\n");
  });
  httplib::Client client("127.0.0.1", server->port());
  ASSERT_EQ(StatusOf(client.Get("/metrics")), 200);
  const httplib::Result second = client.Get("/metrics");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->body, "asked 2\n");
  EXPECT_THAT(second->get_header_value("Content-Type"),
              StartsWith("text/plain; version=0.0.4"));
}

TEST(HttpServerTest, EverythingElseIsNotFound) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  const auto server = Serve(AnyPort(), &runs);
  httplib::Client client("127.0.0.1", server->port());
  for (const char* path : {"/", "/metrics/", "/healthz/x", "/data-collector",
                           "/data-collector/x", "/../etc/passwd"}) {
    EXPECT_EQ(StatusOf(client.Get(path)), 404) << path;
  }
  EXPECT_EQ(StatusOf(client.Post("/metrics", "x", "text/plain")), 404);
  EXPECT_EQ(StatusOf(client.Put("/data-collector", "x", "text/plain")), 404);
  EXPECT_EQ(StatusOf(client.Delete("/healthz")), 404);
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv1"), kToken,
                          "/data-collector/x")),
            404);
}

TEST(HttpServerTest, AMessageIsToldOn) {
  Runs told;
  RunListener runs(
      {.token = kToken}, [&](const auto& run) { told.Add(run); },
      Clock::Real());
  runs.Start();
  const auto server = Serve(AnyPort(), &runs);
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv1"))), 200);
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv2"), kToken,
                          "/data-collector/")),
            200);
  EXPECT_THAT(told.Await(2), testing::ElementsAre("hv1", "hv2"));
}

TEST(HttpServerTest, AMessageIsAnsweredWhileNobodyReadsIt) {
  Gate gate;
  RunListener runs(
      {.token = kToken, .max_messages = 10}, [&](const auto&) { gate.Pass(); },
      Clock::Real());
  runs.Start();
  const auto server = Serve(AnyPort(), &runs);
  ASSERT_EQ(StatusOf(Post(server->port(), RunStart("hv1"))), 200);
  gate.AwaitArrival();
  // Far beyond what is queued.
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(StatusOf(Post(server->port(), RunStart("hv2"))), 200);
  }
  const RunListenerCounts counts = runs.Counts();
  EXPECT_EQ(counts.received, 31);
  EXPECT_EQ(counts.queued, 10);
  EXPECT_EQ(counts.dropped, 20);
  gate.Open();
}

TEST(HttpServerTest, WhateverAMessageSaysItIsAnsweredWell) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  const auto server = Serve(AnyPort(), &runs);
  for (const char* body : {"", "{", "null", "{\"message_type\":\"action\"}"}) {
    EXPECT_EQ(StatusOf(Post(server->port(), body)), 200) << body;
  }
  EXPECT_EQ(runs.Counts().received, 4);
}

TEST(HttpServerTest, AMessageNeedsTheToken) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  const auto server = Serve(AnyPort(), &runs);
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv1"), "another")), 401);
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv1"), "")), 401);
  EXPECT_EQ(StatusOf(httplib::Client("127.0.0.1", server->port())
                         .Post("/data-collector", "{}", "application/json")),
            401);
  EXPECT_EQ(runs.Counts().refused, 3);
  EXPECT_EQ(runs.Counts().received, 0);
}

TEST(HttpServerTest, WithoutAListenerThereIsNoSuchRoute) {
  const auto server = Serve(AnyPort());
  EXPECT_EQ(StatusOf(Post(server->port(), RunStart("hv1"))), 404);
}

TEST(HttpServerTest, AMessageBeyondTheBoundIsNotTaken) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  HttpServer::Options options = AnyPort();
  options.max_body_bytes = 1000;
  const auto server = Serve(options, &runs);
  EXPECT_EQ(StatusOf(Post(server->port(), std::string(1000, ' '))), 200);
  EXPECT_EQ(StatusOf(Post(server->port(), std::string(1001, ' '))), 413);
  // Whose length is not told before.
  const httplib::Result chunked =
      httplib::Client("127.0.0.1", server->port())
          .Post(
              "/data-collector", ChefClientHeaders(kToken),
              [](size_t offset, httplib::DataSink& sink) {
                if (offset > 2000) {
                  sink.done();
                } else {
                  sink.os << std::string(100, ' ');
                }
                return true;
              },
              "application/json");
  EXPECT_EQ(StatusOf(chunked), 413);
  EXPECT_EQ(runs.Counts().too_large, 2);
  EXPECT_EQ(runs.Counts().queued, 1);
}

TEST(HttpServerTest, WhatCouldUnfoldIsNotTaken) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  const auto server = Serve(AnyPort(), &runs);
  httplib::Headers headers = ChefClientHeaders(kToken);
  headers.emplace("Content-Encoding", "gzip");
  httplib::Client client("127.0.0.1", server->port());
  EXPECT_EQ(StatusOf(client.Post("/data-collector", headers, "x",
                                 "application/json")),
            415);
  EXPECT_EQ(StatusOf(client.Post("/data-collector", ChefClientHeaders(kToken),
                                 "x", "multipart/form-data; boundary=b")),
            415);
}

TEST(HttpServerTest, AClientThatDawdlesDoesNotHoldTheServer) {
  HttpServer::Options options = AnyPort();
  options.threads = 1;
  options.deadline = absl::Milliseconds(200);
  const auto server = Serve(options);
  RawConnection silent(server->port());
  RawConnection dawdling(server->port());
  std::thread dawdler([&] {
    // A byte now and then, so that no wait for the next one is ever long.
    while (dawdling.Send("G")) usleep(1000);
  });
  EXPECT_EQ(
      StatusOf(httplib::Client("127.0.0.1", server->port()).Get("/healthz")),
      200);
  dawdler.join();
}

TEST(HttpServerTest, EndlessHeadersAreCutOff) {
  HttpServer::Options options = AnyPort();
  options.deadline = kPatience;
  options.max_body_bytes = 1000;
  const auto server = Serve(options);
  RawConnection connection(server->port());
  connection.Send("GET /healthz HTTP/1.1\r\n");
  int sent = 0;
  while (connection.Send("X-More: and more\r\n")) ++sent;
  EXPECT_GT(sent, 0);
}

TEST(HttpServerTest, ConnectionsBeyondTheBoundAreClosedAtOnce) {
  HttpServer::Options options = AnyPort();
  options.threads = 1;
  options.max_waiting = 1;
  options.deadline = kPatience;
  Gate gate;
  const auto server = Serve(options, nullptr, [&] {
    gate.Pass();
    return "done\n";
  });
  RawConnection served(server->port());
  served.Send("GET /metrics HTTP/1.1\r\n\r\n");
  gate.AwaitArrival();
  RawConnection waiting(server->port());
  RawConnection closed(server->port());
  EXPECT_EQ(closed.ReadToEnd(), "");
  gate.Open();
  EXPECT_THAT(served.ReadToEnd(), HasSubstr("done\n"));
  waiting.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(waiting.ReadToEnd(), HasSubstr("200 OK"));
}

TEST(HttpServerTest, StopLetsRequestsUnderWayFinish) {
  Gate gate;
  const auto server = Serve(AnyPort(), nullptr, [&] {
    gate.Pass();
    return "done\n";
  });
  RawConnection connection(server->port());
  connection.Send("GET /metrics HTTP/1.1\r\n\r\n");
  gate.AwaitArrival();
  std::thread stopper([&] { server->Stop(kPatience); });
  gate.Open();
  EXPECT_THAT(connection.ReadToEnd(), HasSubstr("done\n"));
  stopper.join();
}

TEST(HttpServerTest, StopCutsOffWhatDoesNotFinish) {
  HttpServer::Options options = AnyPort();
  options.threads = 1;
  options.deadline = absl::Hours(1);
  const auto server = Serve(options);
  // Served in their order, so the first is under way when the second waits.
  RawConnection silent(server->port());
  RawConnection waiting(server->port());
  server->Stop(absl::ZeroDuration());
  EXPECT_EQ(silent.ReadToEnd(), "");
  EXPECT_EQ(waiting.ReadToEnd(), "");
}

TEST(HttpServerTest, ATakenPortIsSaid) {
  const auto server = Serve(AnyPort());
  HttpServer::Options options;
  options.listen = absl::StrCat("127.0.0.1:", server->port());
  auto second = HttpServer::Create(options, nullptr, nullptr, Clock::Real());
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT((*second)->Start(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("http.listen: cannot listen on ",
                                              options.listen))));
}

TEST(HttpServerTest, OptionsThatCannotWorkAreRefused) {
  const auto create = [](HttpServer::Options options) {
    return HttpServer::Create(std::move(options), nullptr, nullptr,
                              Clock::Real())
        .status();
  };
  EXPECT_THAT(create({.listen = "0.0.0.0:0"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("http.allow_plaintext_from_anywhere")));
  EXPECT_THAT(
      create({.listen = "0.0.0.0:0", .allow_plaintext_from_anywhere = true}),
      IsOk());
  EXPECT_THAT(
      create({.listen = "unix:/run/rehai.sock"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unix socket")));
  EXPECT_THAT(create({.listen = "0.0.0.0:0", .tls = {.certificate = "c.pem"}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("http.tls.key_file: missing")));
}

class HttpServerTlsTest : public testing::Test {
 protected:
  static std::string Write(const std::string& name,
                           const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0600), IsOk());
    return path;
  }

  HttpServerTlsTest() {
    const SelfSignedCertificate server = MakeSelfSignedCertificate();
    options_.listen = "127.0.0.1:0";
    options_.tls.certificate = Write("server.pem", server.certificate_pem);
    options_.tls.key = Write("server.key", server.key_pem);
  }

  HttpServer::Options options_;
};

TEST_F(HttpServerTlsTest, SpeaksTlsToAClientWithoutACertificate) {
  RunListener runs(
      {.token = kToken}, [](const auto&) {}, Clock::Real());
  const auto server = Serve(options_, &runs);
  httplib::SSLClient client("127.0.0.1", server->port());
  client.enable_server_certificate_verification(true);
  client.set_ca_cert_path(options_.tls.certificate);
  EXPECT_EQ(StatusOf(client.Get("/healthz")), 200);
  // As large as a run's end of a real node.
  EXPECT_EQ(
      StatusOf(client.Post("/data-collector", ChefClientHeaders(kToken),
                           std::string(110'000, ' '), "application/json")),
      200);
  EXPECT_EQ(runs.Counts().received, 1);
}

TEST_F(HttpServerTlsTest, CertificatesAreReplacedForThoseWhoConnectAfterwards) {
  const auto server = Serve(options_);
  const auto trusting = [&](const std::string& certificate) {
    httplib::SSLClient client("127.0.0.1", server->port());
    client.enable_server_certificate_verification(true);
    client.set_ca_cert_path(certificate);
    return StatusOf(client.Get("/healthz"));
  };
  const SelfSignedCertificate renewed = MakeSelfSignedCertificate();
  const TlsFiles files = {
      .certificate = Write("renewed.pem", renewed.certificate_pem),
      .key = options_.tls.key};
  EXPECT_THAT(server->PrepareReload(files).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not the key of")));
  Write("server.key", renewed.key_pem);
  const auto take = server->PrepareReload(files);
  ASSERT_THAT(take, IsOk());
  EXPECT_EQ(trusting(options_.tls.certificate), 200);
  (*take)();
  EXPECT_EQ(trusting(files.certificate), 200);
  EXPECT_EQ(trusting(options_.tls.certificate), 0);
  EXPECT_TRUE(server->certificate_expires_at().has_value());
}

TEST_F(HttpServerTlsTest, DoesNotSpeakPlaintext) {
  const auto server = Serve(options_);
  RawConnection plain(server->port());
  plain.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(plain.ReadToEnd(), testing::Not(HasSubstr("200")));
}

TEST_F(HttpServerTlsTest, AClientThatDoesNotShakeHandsDoesNotHoldTheServer) {
  options_.threads = 1;
  options_.deadline = absl::Milliseconds(200);
  const auto server = Serve(options_);
  RawConnection silent(server->port());
  EXPECT_EQ(silent.ReadToEnd(), "");
}

TEST_F(HttpServerTlsTest, WithAClientCaOnlyItsClientsAreServed) {
  const SelfSignedCertificate known = MakeSelfSignedCertificate();
  const SelfSignedCertificate stranger = MakeSelfSignedCertificate();
  options_.tls.client_ca = Write("known.pem", known.certificate_pem);
  const std::string known_key = Write("known.key", known.key_pem);
  const std::string other = Write("other.pem", stranger.certificate_pem);
  const std::string other_key = Write("other.key", stranger.key_pem);
  const auto server = Serve(options_);
  const auto get = [&](const std::string& certificate, const std::string& key) {
    httplib::SSLClient client("127.0.0.1", server->port(), certificate, key);
    client.enable_server_certificate_verification(false);
    return StatusOf(client.Get("/healthz"));
  };
  EXPECT_EQ(get(options_.tls.client_ca, known_key), 200);
  EXPECT_EQ(get(other, other_key), 0);
  EXPECT_EQ(get("", ""), 0);
}

}  // namespace
}  // namespace rehai
