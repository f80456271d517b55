// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/soak_site.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/resync.pb.h"
#include "tests/fault/node_check.h"
#include "tests/integration/node_view.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/process.h"
#include "tests/lab/race_log.h"

namespace rehai::fault {
namespace {

constexpr char kToken[] = "a-token-of-the-lab";
constexpr char kNodes[] = "/nodes/";
// A guest that an Ohai plugin for KVM finds and libvirt does not have.
constexpr char kGhost[] =
    R"({"guests":{"ghost":{"id":"7","state":"running","Name":"ghost"}}})";
constexpr absl::Duration kFirstSync = absl::Minutes(3);
// A host with so many guests has not lost them all by chance.
constexpr int kMany = 3;

int PortOf(const std::string& url) {
  int port = 0;
  const std::string text = url.substr(url.rfind(':') + 1);
  (void)absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &port);
  return port;
}

std::string NodeOf(const std::string& target) {
  const absl::string_view path(target.data(),
                               std::min(target.find('?'), target.size()));
  return absl::StartsWith(path, kNodes)
             ? std::string(absl::StripPrefix(path, kNodes))
             : "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<SoakSite>> SoakSite::Start(Options options) {
  std::unique_ptr<SoakSite> site(new SoakSite(std::move(options)));
  ASSIGN_OR_RETURN(site->folder_, lab::TempFolder::Create("soak"));
  ASSIGN_OR_RETURN(site->chef_, lab::Goiardi::Start({.tls = false}));
  ASSIGN_OR_RETURN(site->lab_,
                   lab::Lab::Start({.test_hosts = site->options_.hosts,
                                    .ssh = false,
                                    .guests = site->options_.guests}));
  for (int i = 0; i < site->lab_->size(); ++i) {
    RETURN_IF_ERROR(site->AddNode(site->lab_->host(i).node()));
  }
  ASSIGN_OR_RETURN(
      site->proxy_,
      FaultyProxy::Start(
          {.server_port = PortOf(site->chef_->url()),
           .seed = site->options_.seed,
           .shares = site->options_.fault_shares,
           .longest_delay = site->options_.longest_delay},
          [site = site.get()](const auto& exchange) { site->Note(exchange); }));
  RETURN_IF_ERROR(site->StartController());
  const absl::Status synced = lab::WaitUntil(
      kFirstSync,
      [&]() -> absl::Status {
        const std::vector<std::string> wrong = site->WrongNodes();
        return wrong.empty() ? absl::OkStatus()
                             : absl::UnavailableError(wrong[0]);
      },
      absl::Milliseconds(200));
  if (!synced.ok()) return synced;
  return site;
}

absl::Status SoakSite::AddNode(const std::string& node) {
  const std::string document = integration::SmallNode(node);
  RETURN_IF_ERROR(
      chef_->CreateNode(absl::string_view(document.data(), document.size())));
  // As the server keeps it.
  ASSIGN_OR_RETURN(const std::string kept, chef_->GetNode(node));
  {
    MutexLock lock(mu_);
    RETURN_IF_ERROR(foreign_.Put(ForeignLog::Who::kPerson, node, kept,
                                 absl::InfinitePast(), Clock::Real().Now()));
  }
  lab::ChefClientRun::Host client;
  client.node = node;
  client.account = {.server_url = chef_->url(), .client_name = node};
  ASSIGN_OR_RETURN(client.account.client_key_file,
                   chef_->CreateClient(node, /*admin=*/false));
  client.automatic =
      absl::StrCat(R"({"fqdn":")", node,
                   R"(","virtualization":{"system":"kvm","role":"host"}})");
  if (clients_.size() % 2 == 1) {
    client.kvm = [] { return std::string(kGhost); };
  }
  clients_.push_back(std::move(client));
  return absl::OkStatus();
}

absl::Status SoakSite::StartController() {
  ASSIGN_OR_RETURN(lab::ReservedPort port, lab::ReservedPort::Take());
  http_port_ = std::make_unique<lab::ReservedPort>(std::move(port));
  RETURN_IF_ERROR(WriteFileAtomically(*folder_ / "token", kToken, 0600));
  for (lab::ChefClientRun::Host& client : clients_) {
    client.data_collector_url = absl::StrCat(
        "http://127.0.0.1:", http_port_->number(), "/data-collector");
    client.data_collector_token = kToken;
  }
  lab::ControllerProcess::Options options;
  options.hosts = lab::HostsOf(*lab_);
  options.server_url = proxy_->url();
  options.more_sync = "  sweep_interval: 5s\n  retry_max: 5s\n";
  options.more_config = absl::StrCat(
      "state:\n  dir: ", *folder_ / "state",
      "\npull:\n  reconnect_min: 200ms\nhttp:\n  listen: 127.0.0.1:",
      http_port_->number(),
      "\n  data_collector_token_file: ", *folder_ / "token", "\n");
  ASSIGN_OR_RETURN(controller_,
                   lab::ControllerProcess::Start(*chef_, std::move(options)));
  front_end_ = std::make_unique<integration::FrontEnd>(controller_->address());
  return absl::OkStatus();
}

absl::Status SoakSite::Begin() {
  std::vector<lab::Host*> hosts;
  std::vector<std::string> nodes;
  for (int i = 0; i < lab_->size(); ++i) {
    hosts.push_back(&lab_->host(i));
    nodes.push_back(lab_->host(i).node());
  }
  ASSIGN_OR_RETURN(churn_, lab::Churn::Start(std::move(hosts),
                                             {.changes_per_second =
                                                  options_.changes_per_second,
                                              .seed = options_.seed,
                                              .max_changes = 1}));
  {
    MutexLock lock(mu_);
    truth_ = churn_.get();
  }
  ASSIGN_OR_RETURN(
      people_,
      People::Start({.nodes = std::move(nodes),
                     .account = {.server_url = chef_->url(),
                                 .client_name = chef_->admin_name(),
                                 .client_key_file = chef_->admin_key_file()},
                     .seed = options_.seed,
                     .interval = options_.edit_interval}));
  saver_ = std::make_unique<lab::ChefClientSaver>(
      lab::ChefClientSaver::Options{.hosts = clients_,
                                    .seed = options_.seed,
                                    .interval = options_.run_interval,
                                    .splay = options_.run_interval / 3,
                                    .converge_min = absl::Milliseconds(100),
                                    .converge_max = absl::Seconds(5)});
  return absl::OkStatus();
}

void SoakSite::Quiet() {
  churn_->Stop();
  saver_->Stop();
  people_->Stop();
  proxy_->Heal();
}

absl::Status SoakSite::KillController() {
  controller_->process().Signal(SIGKILL);
  RETURN_IF_ERROR(controller_->process().Wait(absl::Seconds(10)).status());
  past_ = counts();
  present_ = {};
  return absl::OkStatus();
}

absl::Status SoakSite::Revive() {
  RETURN_IF_ERROR(controller_->Restart());
  front_end_ = std::make_unique<integration::FrontEnd>(controller_->address());
  return absl::OkStatus();
}

bool SoakSite::Poll() {
  const absl::StatusOr<v1::ChefStatus> status = front_end_->ChefStatus();
  if (!status.ok()) return false;
  present_ = {};
  for (const v1::OverwriterCount& count : status->overwriters()) {
    present_.repairs += count.count();
  }
  for (const v1::OutcomeCount& count : status->outcomes()) {
    if (count.outcome() == v1::WRITE_OUTCOME_RETRY) {
      present_.retries += count.count();
    }
  }
  present_.restored = status->runs().restored();
  return true;
}

SoakSite::Counts SoakSite::counts() const {
  return {.repairs = past_.repairs + present_.repairs,
          .restored = past_.restored + present_.restored,
          .retries = past_.retries + present_.retries};
}

void SoakSite::Note(const FaultyProxy::Exchange& exchange) {
  const std::string node = NodeOf(exchange.target);
  if (exchange.method != "PUT" || exchange.status != 200 || node.empty()) {
    return;
  }
  lab::Churn* truth = nullptr;
  {
    MutexLock lock(mu_);
    ++writes_;
    if (!foreign_
             .Written(node, exchange.request_body, exchange.forwarded_at,
                      exchange.answered_at)
             .ok()) {
      emptied_.push_back(absl::StrCat(node, ": a write is no JSON"));
    }
    truth = truth_;
  }
  if (truth == nullptr || GuestsShownIn(exchange.request_body) != 0) return;
  int guests = 0;
  for (const lab::GuestTruth& guest : truth->Truth()) {
    if (guest.node == node) ++guests;
  }
  if (guests < kMany) return;
  MutexLock lock(mu_);
  emptied_.push_back(
      absl::StrCat(node, ": a write shows no guests, and it has ", guests));
}

absl::StatusOr<std::vector<lab::ShownGuest>> SoakSite::GuestsOf(int host) {
  ASSIGN_OR_RETURN(const auto client,
                   lab::LibvirtClient::Open(lab_->host(host).local_uri()));
  return client->List();
}

std::vector<std::string> SoakSite::WrongNodes() {
  std::vector<std::string> wrong;
  for (int i = 0; i < lab_->size(); ++i) {
    const std::string node = lab_->host(i).node();
    const auto guests = GuestsOf(i);
    const auto document = chef_->GetNode(node);
    if (!guests.ok() || !document.ok()) {
      wrong.push_back(absl::StrCat(
          node, ": cannot be compared: ", guests.status().message(),
          document.status().message()));
      continue;
    }
    for (const std::string& what : WrongIn(*document, *guests)) {
      wrong.push_back(absl::StrCat(node, ": ", what));
    }
  }
  return wrong;
}

absl::StatusOr<std::vector<std::string>> SoakSite::LostEdits() {
  std::map<std::string, std::string> wanted;
  for (int i = 0; i < lab_->size(); ++i) {
    RETURN_IF_ERROR(people_->EditNow(lab_->host(i).node()));
    const People::Edit edit = people_->edits().back();
    ASSIGN_OR_RETURN(wanted[edit.node], lab::ForeignPart(edit.saved));
  }
  RETURN_IF_ERROR(front_end_->Resync(std::vector<std::string>()).status());
  std::vector<std::string> lost;
  for (const auto& [node, part] : wanted) {
    ASSIGN_OR_RETURN(const std::string document, chef_->GetNode(node));
    ASSIGN_OR_RETURN(const std::string kept, lab::ForeignPart(document));
    if (kept != part) {
      lost.push_back(
          absl::StrCat(node, ": is not as a person put it last: ", kept));
    }
  }
  return lost;
}

int64_t SoakSite::WritesWithin(absl::Duration time) {
  const int64_t before = writes();
  (void)lab::WaitUntil(
      time,
      [&] {
        return writes() > before ? absl::OkStatus()
                                 : absl::UnavailableError("all is quiet");
      },
      absl::Milliseconds(50));
  return writes() - before;
}

ForeignLog::Judgement SoakSite::Judge() const {
  ForeignLog log;
  {
    MutexLock lock(mu_);
    log = foreign_;
  }
  if (saver_ != nullptr) {
    for (const lab::ChefClientRun::Log& run : saver_->Runs()) {
      if (run.saved.empty()) continue;
      (void)log.Put(ForeignLog::Who::kChefClient, run.node, run.saved,
                    run.put_begin, run.put_end);
    }
  }
  if (people_ != nullptr) {
    for (const People::Edit& edit : people_->edits()) {
      (void)log.Put(ForeignLog::Who::kPerson, edit.node, edit.saved, edit.begin,
                    edit.end);
    }
  }
  return log.Judge();
}

std::vector<std::string> SoakSite::BadWrites() const {
  std::vector<std::string> bad = Judge().made_up;
  MutexLock lock(mu_);
  bad.insert(bad.end(), emptied_.begin(), emptied_.end());
  return bad;
}

absl::Status SoakSite::Troubles() const {
  RETURN_IF_ERROR(churn_->status());
  RETURN_IF_ERROR(people_->status());
  for (const lab::ChefClientRun::Log& run : saver_->Runs()) {
    if (run.plan.kind == lab::ChefClientRun::Kind::kGood) {
      RETURN_IF_ERROR(run.status);
    }
  }
  return absl::OkStatus();
}

int64_t SoakSite::saves() const {
  const auto runs = saver_->Runs();
  return std::count_if(runs.begin(), runs.end(),
                       [](const auto& run) { return !run.saved.empty(); });
}

int64_t SoakSite::writes() const {
  MutexLock lock(mu_);
  return writes_;
}

}  // namespace rehai::fault
