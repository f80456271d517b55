// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/target.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::bench {
namespace {

constexpr char kAdmin[] = "admin";

// Names of files in a stand-in's folder. The last to be written is the URL.
constexpr char kKeyFile[] = "admin.pem";
constexpr char kCaFile[] = "ca.pem";
constexpr char kUrlFile[] = "url";

class GoiardiTarget final : public Target {
 public:
  explicit GoiardiTarget(std::unique_ptr<lab::Goiardi> goiardi)
      : goiardi_(std::move(goiardi)) {}

  lab::Knife::Options account() const override {
    return {.server_url = goiardi_->url(),
            .ca_file = goiardi_->ca_file(),
            .client_name = goiardi_->admin_name(),
            .client_key_file = goiardi_->admin_key_file()};
  }
  pid_t pid() override { return goiardi_->process().pid(); }

 private:
  const std::unique_ptr<lab::Goiardi> goiardi_;
};

class StandInTarget final : public Target {
 public:
  StandInTarget(std::unique_ptr<lab::TempFolder> folder,
                std::unique_ptr<lab::Process> process, std::string url)
      : folder_(std::move(folder)),
        process_(std::move(process)),
        url_(std::move(url)) {}

  lab::Knife::Options account() const override {
    return {.server_url = url_,
            .ca_file = *folder_ / kCaFile,
            .client_name = kAdmin,
            .client_key_file = *folder_ / kKeyFile};
  }
  pid_t pid() override { return process_->pid(); }

 private:
  const std::unique_ptr<lab::TempFolder> folder_;
  const std::unique_ptr<lab::Process> process_;
  const std::string url_;
};

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

}  // namespace

absl::Status Target::CreateNode(absl::string_view json) {
  if (admin_ == nullptr) {
    ASSIGN_OR_RETURN(admin_, lab::Knife::Create(account()));
  }
  ASSIGN_OR_RETURN(const lab::Knife::Answer answer,
                   admin_->Send("POST", "/nodes", json));
  if (answer.http_status == 201) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "POST /nodes: answered ", answer.http_status, ": ", answer.body));
}

absl::StatusOr<std::unique_ptr<Target>> StartGoiardi() {
  ASSIGN_OR_RETURN(std::unique_ptr<lab::Goiardi> goiardi,
                   lab::Goiardi::Start());
  return std::make_unique<GoiardiTarget>(std::move(goiardi));
}

absl::StatusOr<std::unique_ptr<Target>> StartStandIn(
    const std::string& program) {
  ASSIGN_OR_RETURN(auto folder, lab::TempFolder::Create("stand-in"));
  ASSIGN_OR_RETURN(
      auto process,
      lab::Process::Start({.argv = {program, absl::StrCat("--stand_in_folder=",
                                                          folder->path())},
                           .log_file = *folder / "log"}));
  std::string url;
  RETURN_IF_ERROR(
      process->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
        ASSIGN_OR_RETURN(url, ReadFile(*folder / kUrlFile));
        return absl::OkStatus();
      }));
  return std::make_unique<StandInTarget>(std::move(folder), std::move(process),
                                         std::move(url));
}

absl::Status ServeAsStandIn(const std::string& folder) {
  // Before the server's threads, which inherit it.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  chef::FakeChefServer::Options options;
  options.tls = true;
  options.record_requests = false;
  const auto server = chef::FakeChefServer::Start(options);
  const RsaKeyPair key = MakeRsaKeyPair();
  server->AddClient(kAdmin, key.public_pem);
  ASSIGN_OR_RETURN(const std::string certificate, ReadFile(server->ca_file()));
  const auto write = [&](const char* name, const std::string& content) {
    return WriteFileAtomically(absl::StrCat(folder, "/", name), View(content),
                               0600);
  };
  RETURN_IF_ERROR(write(kCaFile, certificate));
  RETURN_IF_ERROR(write(kKeyFile, key.private_pkcs1));
  RETURN_IF_ERROR(write(kUrlFile, server->url()));

  int signal = 0;
  sigwait(&ending, &signal);
  return absl::OkStatus();
}

}  // namespace rehai::bench
