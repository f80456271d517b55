// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/stand_in_chef.h"

#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/fakes/rsa_key_pair.h"

namespace rehai::fleet {
namespace {

constexpr char kClient[] = "rehai";
constexpr char kKeyFile[] = "rehai.pem";

}  // namespace

absl::StatusOr<std::unique_ptr<StandInChef>> StandInChef::Start() {
  ASSIGN_OR_RETURN(auto folder, lab::TempFolder::Create("chef"));
  const RsaKeyPair key = MakeRsaKeyPair();
  RETURN_IF_ERROR(WriteFileAtomically(
      *folder / kKeyFile,
      absl::string_view(key.private_pkcs1.data(), key.private_pkcs1.size()),
      0600));
  std::unique_ptr<StandInChef> chef(new StandInChef(std::move(folder)));
  chef::FakeChefServer::Options options;
  options.tls = true;
  options.record_requests = false;
  options.on_put = [log = &chef->log_](const std::string& node,
                                       const auto& document) {
    log->Add(node, Clock::Real().Uptime(), document);
  };
  chef->server_ = chef::FakeChefServer::Start(std::move(options));
  chef->server_->AddClient(kClient, key.public_pem);
  return chef;
}

StandInChef::StandInChef(std::unique_ptr<lab::TempFolder> folder)
    : folder_(std::move(folder)) {}

lab::Knife::Options StandInChef::account() const {
  return {.server_url = server_->url(),
          .ca_file = server_->ca_file(),
          .client_name = kClient,
          .client_key_file = *folder_ / kKeyFile};
}

}  // namespace rehai::fleet
