// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/agent_fleet.h"

#include <grpcpp/security/credentials.h>
#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/channel_source.h"
#include "agent/host_feed.h"
#include "agent/report_buffer.h"
#include "agent/session.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "hypervisor/connection.h"
#include "rehai/v1/agent.pb.h"
#include "tests/lab/parallel.h"

namespace rehai::lab {
namespace {

// Of the machine's uptime: what the session is given too.
absl::Duration Now() { return Clock::Real().Uptime(); }

// A connection each, and another while one that is lost is not closed yet;
// gRPC's own, and whatever else the process has.
absl::Status AllowDescriptors(int agents) {
  const rlim_t wanted = 2 * static_cast<rlim_t>(agents) + 512;
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::InternalError("getrlimit(RLIMIT_NOFILE): failed");
  }
  if (limit.rlim_cur >= wanted) return absl::OkStatus();
  if (limit.rlim_max < wanted) {
    return absl::ResourceExhaustedError(absl::StrCat(
        agents, " agents need ", wanted,
        " file descriptors, and this process may have ", limit.rlim_max,
        "; raise the limit (ulimit -Hn) or take fewer agents"));
  }
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
  return absl::OkStatus();
}

v1::GuestState Changed(v1::GuestState state) {
  return state == v1::GUEST_STATE_RUNNING ? v1::GUEST_STATE_PAUSED
                                          : v1::GUEST_STATE_RUNNING;
}

v1::HostFacts MakeFacts(const std::string& node) {
  v1::HostFacts facts;
  facts.set_hostname(node);
  facts.set_uri("qemu:///system");
  facts.set_hypervisor_type("QEMU");
  facts.set_hypervisor_version("7.2.11");
  facts.set_libvirt_version("9.0.0");
  facts.set_cpu_model("x86_64");
  facts.set_cpus(64);
  facts.set_memory_kib(528'000'000);
  return facts;
}

// As much as is told of a plain guest with one disk and one interface.
v1::Guest MakeGuest(int agent, int number) {
  v1::Guest guest;
  guest.set_uuid(
      absl::StrFormat("a6e7%04x-0000-4000-8000-%012x", agent, number));
  guest.set_name(absl::StrFormat("vm-%04d-%03d", agent, number));
  guest.set_state(v1::GUEST_STATE_RUNNING);
  guest.set_id(number + 1);
  guest.set_vcpus(4);
  guest.set_max_vcpus(8);
  guest.set_max_memory_kib(8 << 20);
  guest.set_memory_kib(4 << 20);
  guest.set_autostart(true);
  guest.set_persistent(true);
  guest.set_os_type("hvm");
  guest.set_architecture("x86_64");
  guest.set_machine("pc-i440fx-7.2");
  v1::Disk& disk = *guest.add_disks();
  disk.set_device("disk");
  disk.set_type("file");
  disk.set_source(absl::StrCat("/srv/images/", guest.name(), ".qcow2"));
  disk.set_target("vda");
  disk.set_bus("virtio");
  disk.set_format("qcow2");
  v1::Interface& interface = *guest.add_interfaces();
  interface.set_mac(absl::StrFormat("52:54:%02x:%02x:%02x:%02x",
                                    agent >> 8 & 255, agent & 255,
                                    number >> 8 & 255, number & 255));
  interface.set_type("bridge");
  interface.set_source("br0");
  interface.set_model("virtio");
  return guest;
}

}  // namespace

// What all agents have come to, together. Thread-safe.
class AgentFleet::Tally {
 public:
  explicit Tally(int agents) : agents_(agents) {}

  void Attempted() {
    MutexLock lock(mu_);
    ++counts_.attempts;
  }
  void Opened(absl::Duration at) {
    MutexLock lock(mu_);
    ++counts_.open;
    ++counts_.opened;
    openings_.push_back(at);
    changed_.NotifyAll();
  }
  void Closed() {
    MutexLock lock(mu_);
    --counts_.open;
    changed_.NotifyAll();
  }
  void SyncedChanged(bool synced) {
    MutexLock lock(mu_);
    counts_.synced += synced ? 1 : -1;
    changed_.NotifyAll();
  }
  void Acknowledged(std::vector<AcknowledgedChange> changes) {
    MutexLock lock(mu_);
    ++counts_.reports;
    changes_.insert(changes_.end(), std::make_move_iterator(changes.begin()),
                    std::make_move_iterator(changes.end()));
    changed_.NotifyAll();
  }

  Counts counts() const {
    MutexLock lock(mu_);
    return counts_;
  }
  std::vector<absl::Duration> TakeOpenings() {
    MutexLock lock(mu_);
    return std::exchange(openings_, {});
  }
  std::vector<AcknowledgedChange> TakeChanges() {
    MutexLock lock(mu_);
    return std::exchange(changes_, {});
  }

  absl::Status Await(absl::Duration timeout,
                     absl::FunctionRef<bool(const Counts&)> condition) const {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + timeout;
    MutexLock lock(mu_);
    while (!condition(counts_)) {
      if (clock.Uptime() >= deadline) {
        return absl::DeadlineExceededError(absl::StrCat(
            "agents: not within ", absl::FormatDuration(timeout), ": of ",
            agents_, ", ", counts_.open, " have a session and ", counts_.synced,
            " have nothing to say; there were ", counts_.attempts,
            " attempts"));
      }
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return absl::OkStatus();
  }

 private:
  const int agents_;
  mutable Mutex mu_;
  mutable CondVar changed_;
  Counts counts_ ABSL_GUARDED_BY(mu_);
  std::vector<absl::Duration> openings_ ABSL_GUARDED_BY(mu_);
  std::vector<AcknowledgedChange> changes_ ABSL_GUARDED_BY(mu_);
};

// A host that is made up. Thread-safe.
class AgentFleet::Feed final : public agent::HostFeed {
 public:
  Feed(int number, std::string node, int guests, Tally& tally)
      : number_(number), node_(std::move(node)), tally_(tally) {
    MutexLock lock(mu_);
    found_.facts = MakeFacts(node_);
    for (int i = 0; i < guests; ++i) {
      found_.guests.push_back(MakeGuest(number, i));
    }
  }

  // The agent's program starts.
  void Forget() {
    MutexLock lock(mu_);
    buffer_ = agent::ReportBuffer();
    buffer_.Take(found_, Now());
    unsent_.clear();
    under_way_.clear();
  }

  void Change() {
    bool news = false;
    {
      MutexLock lock(mu_);
      if (found_.guests.empty()) return;
      v1::Guest& guest = found_.guests[next_++ % found_.guests.size()];
      guest.set_state(Changed(guest.state()));
      const absl::Duration now = Now();
      buffer_.Take(found_, now);
      unsent_.push_back(
          {number_, guest.uuid(), guest.state(), now, absl::ZeroDuration()});
      news = std::exchange(synced_, false);
    }
    if (news) tally_.SyncedChanged(false);
  }

  std::vector<v1::Guest> guests() const {
    MutexLock lock(mu_);
    return found_.guests;
  }

  void FillHello(v1::AgentHello& hello) const override {
    MutexLock lock(mu_);
    hello.set_hostname(node_);
    hello.set_libvirt_version("9.0.0");
    hello.set_last_epoch(buffer_.last_epoch());
    hello.set_last_acknowledged(buffer_.last_acknowledged());
  }

  void Begin(int64_t epoch, bool need_full) override {
    {
      MutexLock lock(mu_);
      buffer_.Begin(epoch, need_full);
      open_ = true;
    }
    tally_.Opened(Now());
  }

  void End() override {
    bool was_synced = false;
    {
      MutexLock lock(mu_);
      buffer_.End();
      Doubt();
      open_ = false;
      was_synced = std::exchange(synced_, false);
    }
    if (was_synced) tally_.SyncedChanged(false);
    tally_.Closed();
  }

  std::optional<v1::AgentReport> Next(absl::Duration now) override {
    std::optional<v1::AgentReport> report;
    bool synced = false;
    {
      MutexLock lock(mu_);
      report = buffer_.Next(now);
      if (report.has_value()) {
        waits_ = true;
        under_way_ = std::exchange(unsent_, {});
      } else if (open_ && !waits_ && !synced_) {
        synced = synced_ = true;
      }
    }
    if (synced) tally_.SyncedChanged(true);
    return report;
  }

  void Acknowledged(int64_t sequence) override {
    std::vector<AcknowledgedChange> changes;
    {
      MutexLock lock(mu_);
      buffer_.Acknowledged(sequence);
      waits_ = false;
      changes.swap(under_way_);
    }
    const absl::Duration now = Now();
    for (AcknowledgedChange& change : changes) change.acknowledged = now;
    tally_.Acknowledged(std::move(changes));
  }

  void NeedFull() override {
    MutexLock lock(mu_);
    buffer_.NeedFull();
    Doubt();
  }

  void Reread(int64_t request_id) override {
    MutexLock lock(mu_);
    buffer_.WantAnswer(request_id);
    buffer_.Take(found_, Now());
  }

  void SetSettings(const v1::AgentSettings& settings) override {}

 private:
  // What is under way will be said again.
  void Doubt() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    waits_ = false;
    unsent_.insert(unsent_.begin(), under_way_.begin(), under_way_.end());
    under_way_.clear();
  }

  const int number_;
  const std::string node_;
  Tally& tally_;

  mutable Mutex mu_;
  hypervisor::Inventory found_ ABSL_GUARDED_BY(mu_);
  agent::ReportBuffer buffer_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;  // the guest to be changed
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  bool waits_ ABSL_GUARDED_BY(mu_) = false;  // for an acknowledgement
  bool synced_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<AcknowledgedChange> unsent_ ABSL_GUARDED_BY(mu_);
  std::vector<AcknowledgedChange> under_way_ ABSL_GUARDED_BY(mu_);
};

// One agent's way to the controller.
class AgentFleet::Channels final : public agent::ChannelSource {
 public:
  Channels(const Options& options, const std::string& node, Tally& tally)
      : controller_(options.controller),
        credentials_(CredentialsOf(options, node)),
        tally_(tally) {}

  void Open(Done done) override {
    tally_.Attempted();
    done(agent::MakeControllerChannel(controller_, credentials_));
  }

 private:
  static std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(
      const Options& options, const std::string& node) {
    if (options.controller_ca_pem.empty()) {
      return grpc::InsecureChannelCredentials();
    }
    const TestCertificate certificate = MakeTestCertificate(
        options.authority, absl::StrCat("URI:rehai:node:", node, ",DNS:", node),
        Clock::Real().Now());
    return grpc::SslCredentials(
        {.pem_root_certs = options.controller_ca_pem,
         .pem_private_key = certificate.key_pem,
         .pem_cert_chain = certificate.certificate_pem});
  }

  const std::string controller_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  Tally& tally_;
};

struct AgentFleet::Agent {
  Agent(int number, const std::string& node, const Options& options,
        Tally& tally)
      : feed(number, node, options.guests, tally),
        channels(options, node, tally) {}

  Feed feed;
  Channels channels;
  std::unique_ptr<agent::Session> session;  // null: it does not run
};

AgentFleet::AgentFleet(Options options)
    : options_(std::move(options)),
      tally_(std::make_unique<Tally>(options_.agents)),
      runner_(std::make_unique<agent::Runner>(Clock::Real())) {}

absl::StatusOr<std::unique_ptr<AgentFleet>> AgentFleet::Create(
    Options options) {
  RETURN_IF_ERROR(AllowDescriptors(options.agents));
  std::unique_ptr<AgentFleet> fleet(new AgentFleet(std::move(options)));
  for (int i = 0; i < fleet->options_.agents; ++i) {
    const std::string node = fleet->node(i);
    fleet->agents_.push_back(
        std::make_unique<Agent>(i, node, fleet->options_, *fleet->tally_));
  }
  return fleet;
}

AgentFleet::~AgentFleet() { StopAll(); }

int AgentFleet::size() const { return options_.agents; }

std::string AgentFleet::node(int agent) const {
  return absl::StrFormat("%s%04d", options_.prefix, agent);
}

std::vector<v1::Guest> AgentFleet::guests(int agent) const {
  return agents_[agent]->feed.guests();
}

void AgentFleet::Start(int agent) {
  Agent& starting = *agents_[agent];
  if (starting.session != nullptr) return;
  starting.feed.Forget();
  starting.session = std::make_unique<agent::Session>(
      agent::Session::Options{.node = node(agent),
                              .agent_version = "simulated",
                              .reconnect = options_.reconnect},
      starting.feed, starting.channels, /*start_ohai=*/nullptr,
      /*listener=*/nullptr, *runner_, Clock::Real());
  starting.session->Start();
}

void AgentFleet::Stop(int agent) { agents_[agent]->session.reset(); }

void AgentFleet::StartAll() {
  for (int i = 0; i < size(); ++i) Start(i);
}

void AgentFleet::StopAll() {
  // Each waits until gRPC has let go of its call.
  ForEachInParallel(static_cast<int>(agents_.size()), /*threads=*/8,
                    [this](int agent) {
                      Stop(agent);
                      return absl::OkStatus();
                    })
      .IgnoreError();
}

void AgentFleet::Change(int agent) {
  Agent& changed = *agents_[agent];
  changed.feed.Change();
  if (changed.session != nullptr) changed.session->Wake();
}

AgentFleet::Counts AgentFleet::counts() const { return tally_->counts(); }

absl::Status AgentFleet::Await(
    absl::Duration timeout,
    absl::FunctionRef<bool(const Counts&)> condition) const {
  return tally_->Await(timeout, condition);
}

absl::Status AgentFleet::AwaitSynced(absl::Duration timeout) const {
  return Await(timeout, [this](const Counts& counts) {
    return counts.synced == size();
  });
}

std::vector<absl::Duration> AgentFleet::TakeOpenings() {
  return tally_->TakeOpenings();
}

std::vector<AcknowledgedChange> AgentFleet::TakeChanges() {
  return tally_->TakeChanges();
}

}  // namespace rehai::lab
