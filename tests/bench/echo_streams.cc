// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/echo_streams.h"

#include <grpcpp/grpcpp.h>
#include <pthread.h>
#include <signal.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "rehai/v1/agent.grpc.pb.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/fleet/footprint.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::bench {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(3);

constexpr char kCertificateFile[] = "/server.pem";
constexpr char kKeyFile[] = "/server.key";
constexpr char kClientsFile[] = "/clients.pem";
constexpr char kPortFile[] = "/port";

absl::Status Write(const std::string& path, const std::string& text) {
  return WriteFileAtomically(path, absl::string_view(text.data(), text.size()),
                             0600);
}

// ---- the server ----

// Answers each message with an empty one.
class EchoCall final
    : public grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  EchoCall() { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    request_ = v1::SessionRequest();
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  v1::SessionRequest request_;
  v1::SessionResponse response_;
};

class EchoService final : public v1::AgentService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
      grpc::CallbackServerContext* context) override {
    return new EchoCall();
  }
};

// ---- the clients ----

// How many streams have been answered, and how many are over. Thread-safe.
class Progress {
 public:
  void Answered() {
    MutexLock lock(mu_);
    ++answered_;
    changed_.NotifyAll();
  }
  void Over(const grpc::Status& status) {
    MutexLock lock(mu_);
    ++over_;
    if (!status.ok() && error_.empty()) error_ = status.error_message();
    changed_.NotifyAll();
  }

  absl::Status AwaitAnswers(int wanted) {
    MutexLock lock(mu_);
    if (!Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return answered_ >= wanted || over_ > 0;
        }) ||
        answered_ < wanted) {
      return absl::InternalError(absl::StrCat(
          "echo: ", answered_, " of ", wanted, " streams were answered",
          error_.empty() ? "" : ": ", error_));
    }
    return absl::OkStatus();
  }
  void AwaitOver(int wanted) {
    MutexLock lock(mu_);
    Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return over_ >= wanted; });
  }

 private:
  template <typename Condition>
  bool Await(const Condition& condition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + kPatience;
    while (!condition()) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

  Mutex mu_;
  CondVar changed_;
  int answered_ ABSL_GUARDED_BY(mu_) = 0;
  int over_ ABSL_GUARDED_BY(mu_) = 0;
  std::string error_ ABSL_GUARDED_BY(mu_);
};

class EchoClient final
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  EchoClient(const std::string& address,
             const std::shared_ptr<grpc::ChannelCredentials>& credentials,
             Progress& progress)
      : progress_(progress) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::AgentService::NewStub(
        grpc::CreateCustomChannel(address, credentials, arguments));
  }

  void Open(const v1::SessionRequest& request) {
    request_ = request;
    stub_->async()->Session(&context_, this);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }
  void Close() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    progress_.Answered();
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override { progress_.Over(status); }

 private:
  Progress& progress_;
  std::unique_ptr<v1::AgentService::Stub> stub_;
  grpc::ClientContext context_;
  v1::SessionRequest request_;
  v1::SessionResponse response_;
};

// ---- both ----

struct Peer {
  std::unique_ptr<lab::TempFolder> folder;
  std::unique_ptr<lab::Process> process;
  std::string address;
};

absl::StatusOr<Peer> StartPeer(const std::string& program,
                               const SelfSignedCertificate& server,
                               const TestAuthority& clients) {
  Peer peer;
  ASSIGN_OR_RETURN(peer.folder, lab::TempFolder::Create("echo"));
  const std::string& folder = peer.folder->path();
  RETURN_IF_ERROR(Write(folder + kCertificateFile, server.certificate_pem));
  RETURN_IF_ERROR(Write(folder + kKeyFile, server.key_pem));
  RETURN_IF_ERROR(Write(folder + kClientsFile, clients.certificate_pem));
  ASSIGN_OR_RETURN(
      peer.process,
      lab::Process::Start(
          {.argv = {program, absl::StrCat("--echo_folder=", folder)},
           .log_file = folder + "/log"}));
  RETURN_IF_ERROR(
      peer.process->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const std::string port, ReadFile(folder + kPortFile));
        peer.address = absl::StrCat("127.0.0.1:", port);
        return absl::OkStatus();
      }));
  return peer;
}

v1::SessionRequest MessageOf(int bytes) {
  v1::SessionRequest message;
  message.mutable_report()->set_source_error(std::string(bytes, 'x'));
  return message;
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> MeasureEcho(const EchoStreams& options) {
  const absl::Time now = Clock::Real().Now();
  const SelfSignedCertificate server = MakeSelfSignedCertificate();
  const TestAuthority authority = MakeTestAuthority(now);
  ASSIGN_OR_RETURN(const Peer peer,
                   StartPeer(options.program, server, authority));
  const pid_t pid = peer.process->pid();

  Progress progress;
  std::vector<std::unique_ptr<EchoClient>> clients;
  for (int i = 0; i < options.streams; ++i) {
    const TestCertificate certificate = MakeTestCertificate(
        authority, absl::StrCat("URI:rehai:node:echo", i), now);
    clients.push_back(std::make_unique<EchoClient>(
        peer.address,
        grpc::SslCredentials({.pem_root_certs = server.certificate_pem,
                              .pem_private_key = certificate.key_pem,
                              .pem_cert_chain = certificate.certificate_pem}),
        progress));
  }
  const v1::SessionRequest message = MessageOf(options.message_bytes);
  ASSIGN_OR_RETURN(const fleet::Footprint before, fleet::FootprintOf(pid));
  ASSIGN_OR_RETURN(const absl::Duration cpu_before, CpuTimeOf(pid));
  const absl::Duration begun = Clock::Real().Uptime();
  for (const auto& client : clients) client->Open(message);
  const absl::Status answered = progress.AwaitAnswers(options.streams);
  const absl::Duration took = Clock::Real().Uptime() - begun;
  const auto cpu_after = CpuTimeOf(pid);
  const auto after = fleet::FootprintOf(pid);
  for (const auto& client : clients) client->Close();
  progress.AwaitOver(options.streams);
  RETURN_IF_ERROR(answered);
  RETURN_IF_ERROR(cpu_after.status());
  RETURN_IF_ERROR(after.status());
  return nlohmann::ordered_json(
      {{"seconds", Rounded(absl::ToDoubleSeconds(took))},
       {"server_cpu_seconds",
        Rounded(absl::ToDoubleSeconds(*cpu_after - cpu_before))},
       {"server_private_kib_per_stream",
        Rounded(static_cast<double>(after->private_kib - before.private_kib) /
                options.streams)},
       {"server_threads", after->threads}});
}

absl::Status ServeEcho(const std::string& folder) {
  // Before the server's threads, which inherit it.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  grpc::SslServerCredentialsOptions ssl(
      GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(folder + kClientsFile));
  ASSIGN_OR_RETURN(std::string key, ReadFile(folder + kKeyFile));
  ASSIGN_OR_RETURN(std::string certificate,
                   ReadFile(folder + kCertificateFile));
  ssl.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(ssl),
                           &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("echo: cannot listen");
  RETURN_IF_ERROR(Write(folder + kPortFile, absl::StrCat(port)));

  int signal = 0;
  sigwait(&ending, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return absl::OkStatus();
}

}  // namespace rehai::bench
