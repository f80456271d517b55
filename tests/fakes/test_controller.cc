// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/test_controller.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rehai {
namespace {

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::abort();
}

Syncer::Options PromptSyncer() {
  Syncer::Options options;
  options.window = absl::ZeroDuration();
  return options;
}

}  // namespace

ApiServer::Options TestController::AnySocket() {
  static std::atomic<int> sockets{0};
  ApiServer::Options options;
  options.listen =
      absl::StrCat("unix:/tmp/rehai-api-", getpid(), "-", ++sockets, ".sock");
  return options;
}

ApiServer::Options TestController::AnyPort() {
  ApiServer::Options options;
  options.listen = "127.0.0.1:0";
  return options;
}

TestController::TestController(ApiServer::Options options, Serving serving)
    : syncer_(PromptSyncer(), inventory_, sink_, clock_),
      operations_(
          ResyncOperations::Options(), inventory_, syncer_,
          [this](const HostId& host,
                 absl::AnyInvocable<void(absl::Status)> done) {
            Reread(host, std::move(done));
          },
          clock_,
          [this](
              const HostId& host, const std::vector<std::string>& plugins,
              absl::AnyInvocable<void(absl::StatusOr<v1::OhaiResult>)> done) {
            done(RunOhai(host, plugins));
          }) {
  absl::StatusOr<std::unique_ptr<ApiServer>> server =
      ApiServer::Create(std::move(options), inventory_, syncer_, operations_,
                        MakeChefAnswers(), source_.Answers());
  Must(server.status());
  server_ = *std::move(server);
  syncer_.Start();
  operations_.Start();
  if (serving == kServeNow) Serve();
}

void TestController::Serve() {
  Must(server_->Start());
  server_->SetReady(true);
}

TestController::~TestController() {
  ReleaseRereads();
  sink_.Release();
  server_->Stop(absl::ZeroDuration());
  operations_.Stop();
  syncer_.Stop();
}

std::string TestController::address() const {
  return absl::StrCat("127.0.0.1:", server_->port());
}

void TestController::Observe(const std::string& node,
                             const std::vector<v1::Guest>& guests,
                             const std::map<std::string, std::string>& labels) {
  v1::Observation observation;
  observation.set_node(node);
  observation.set_session(1);
  observation.set_sequence(++sequence_);
  observation.set_full(true);
  v1::Provenance& provenance = *observation.mutable_provenance();
  provenance.set_kind(v1::SOURCE_KIND_PULL);
  provenance.set_origin(absl::StrCat("test+ssh://", node, "/default"));
  provenance.mutable_observed_at()->set_seconds(
      absl::ToUnixSeconds(clock_.Now()));
  observation.mutable_facts()->set_hostname(node);
  for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
  inventory_.AddHost({node}, labels);
  Must(inventory_.Observe(observation).status());
}

void TestController::SetReread(const std::string& node, absl::Status result) {
  MutexLock lock(mu_);
  rereads_[node] = std::move(result);
}

void TestController::HoldRereads() {
  MutexLock lock(mu_);
  holding_ = true;
}

void TestController::ReleaseRereads() {
  std::vector<absl::AnyInvocable<void(absl::Status)>> released;
  {
    MutexLock lock(mu_);
    holding_ = false;
    released = std::move(held_);
    held_.clear();
  }
  for (auto& done : released) done(absl::OkStatus());
}

void TestController::SetOhai(const std::string& node,
                             absl::StatusOr<v1::OhaiResult> result) {
  MutexLock lock(mu_);
  ohais_.insert_or_assign(node, std::move(result));
}

std::vector<std::string> TestController::ohai_plugins() {
  MutexLock lock(mu_);
  return ohai_plugins_;
}

absl::StatusOr<v1::OhaiResult> TestController::RunOhai(
    const HostId& host, const std::vector<std::string>& plugins) {
  MutexLock lock(mu_);
  ohai_plugins_ = plugins;
  const auto it = ohais_.find(host.node);
  if (it != ohais_.end()) return it->second;
  return absl::FailedPreconditionError(
      absl::StrCat("host ", host.node, ": no agent speaks for it"));
}

void TestController::Reread(const HostId& host,
                            absl::AnyInvocable<void(absl::Status)> done) {
  absl::Status result;
  {
    MutexLock lock(mu_);
    const auto end = rereads_.find(host.node);
    if (end != rereads_.end()) {
      result = end->second;
    } else if (holding_) {
      held_.push_back(std::move(done));
      return;
    }
  }
  done(result);
}

void TestController::SetChefStatus(v1::ChefStatus status) {
  MutexLock lock(mu_);
  chef_status_ = std::move(status);
}

void TestController::SetChefCost(const v1::ChefCostResponse& cost) {
  MutexLock lock(mu_);
  chef_costs_[cost.node()] = cost;
}

void TestController::HoldChefCosts() {
  MutexLock lock(mu_);
  holding_costs_ = true;
}

void TestController::AwaitHeldChefCost() {
  MutexLock lock(mu_);
  while (held_costs_.empty()) cost_held_.Wait(mu_);
}

void TestController::ReleaseChefCosts() {
  std::vector<std::pair<HostId, ChefAnswers::CostDone>> released;
  {
    MutexLock lock(mu_);
    holding_costs_ = false;
    released = std::move(held_costs_);
    held_costs_.clear();
  }
  for (auto& [host, done] : released) Cost(host, std::move(done));
}

ChefAnswers TestController::MakeChefAnswers() {
  ChefAnswers answers;
  answers.status = [this] {
    MutexLock lock(mu_);
    return chef_status_;
  };
  answers.set_limits = [this](const v1::ChefLimits& limits) {
    return SetLimits(limits);
  };
  answers.cost = [this](const HostId& host, ChefAnswers::CostDone done) {
    Cost(host, std::move(done));
  };
  return answers;
}

absl::StatusOr<v1::ChefLimits> TestController::SetLimits(
    const v1::ChefLimits& limits) {
  if (limits.requests_per_second() < 0) {
    return absl::InvalidArgumentError(
        "limits.requests_per_second: -1 is below zero; give more");
  }
  MutexLock lock(mu_);
  chef_status_.mutable_limits()->MergeFrom(limits);
  return chef_status_.limits();
}

void TestController::Cost(const HostId& host, ChefAnswers::CostDone done) {
  absl::StatusOr<v1::ChefCostResponse> cost = absl::NotFoundError(
      absl::StrCat("host ", host.node, ": not in the fleet"));
  {
    MutexLock lock(mu_);
    if (holding_costs_) {
      held_costs_.emplace_back(host, std::move(done));
      cost_held_.NotifyAll();
      return;
    }
    const auto known = chef_costs_.find(host.node);
    if (known != chef_costs_.end()) cost = known->second;
  }
  done(std::move(cost));
}

v1::Guest MakeGuest(int number, const std::string& name, v1::GuestState state) {
  v1::Guest guest;
  guest.set_uuid(absl::StrFormat("00000000-0000-4000-8000-%012x", number));
  guest.set_name(name);
  guest.set_state(state);
  if (state == v1::GUEST_STATE_RUNNING) guest.set_id(number);
  guest.set_vcpus(2);
  guest.set_max_vcpus(2);
  guest.set_memory_kib(2 << 20);
  guest.set_max_memory_kib(2 << 20);
  guest.set_persistent(true);
  return guest;
}

}  // namespace rehai
