// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What a fleet costs its Chef server while nothing happens in it: every host is
// read again and again, its volatile values differ each time, and nothing is
// news. Hours pass on a clock of their own. docs/benchmarks.md says how to read
// it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/request_signer.h"
#include "chef/subtree.h"
#include "controller/discovery/found_host.h"
#include "controller/inventory/inventory.h"
#include "controller/source/fleet_source.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/fakes/rsa_key_pair.h"

ABSL_FLAG(int, hosts, 300, "Size of the fleet.");
ABSL_FLAG(int, guests, 20, "Guests per host.");
ABSL_FLAG(absl::Duration, relist, absl::Minutes(5),
          "Every host is read this often.");
ABSL_FLAG(absl::Duration, volatile_interval, absl::Hours(1),
          "With volatile values: how often they are read.");
ABSL_FLAG(absl::Duration, measured, absl::Hours(1), "For how long.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr char kClientName[] = "rehai";
// Time passes in steps, each long enough for what is due in it to be done.
constexpr absl::Duration kStep = absl::Milliseconds(500);
constexpr absl::Duration kJitter = absl::Minutes(1);
constexpr absl::Duration kLongestStep = absl::Seconds(1);  // of real time
constexpr absl::Duration kPatience = absl::Minutes(2);

struct Setting {
  int hosts = 0;
  int guests = 0;
  absl::Duration relist;
  absl::Duration volatile_interval;  // infinite: not read
};

// Hypervisors that change in nothing but volatile values, and all between them
// and a Chef server.
class QuietFleet {
 public:
  static absl::StatusOr<std::unique_ptr<QuietFleet>> Create(
      const Setting& setting) {
    const RsaKeyPair key = MakeRsaKeyPair();
    std::unique_ptr<QuietFleet> fleet(new QuietFleet(setting));
    fleet->server_->AddClient(kClientName, key.public_pem);
    ASSIGN_OR_RETURN(chef::RequestSigner signer,
                     chef::RequestSigner::Create(kClientName, key.private_pkcs1,
                                                 chef::SignVersion::k1_3));
    RETURN_IF_ERROR(fleet->Connect(std::move(signer)));
    return fleet;
  }

  ~QuietFleet() {
    if (source_ != nullptr) source_->Stop();
    if (syncer_ != nullptr) syncer_->Stop();
  }

  // Until every node holds what its host is like.
  absl::Status Settle() {
    syncer_->Start();
    source_->Start();
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (!IsSynced()) {
      if (Clock::Real().Uptime() >= deadline) {
        return absl::DeadlineExceededError("the fleet was never written");
      }
      Step();
    }
    return absl::OkStatus();
  }

  // What passes over the wire in that time.
  ordered_json Measure(absl::Duration time) {
    const chef::FakeChefServer::Counters before = server_->counters();
    const int readings_before = Readings();
    const absl::Duration end = clock_.Uptime() + time;
    absl::Duration jitter_at = clock_.Uptime();
    while (clock_.Uptime() < end) {
      if (clock_.Uptime() >= jitter_at) {
        Jitter();
        jitter_at += kJitter;
      }
      Step();
    }
    while (!IsSynced()) Step();
    const chef::FakeChefServer::Counters after = server_->counters();
    return {{"readings", Readings() - readings_before},
            {"puts", after.puts - before.puts},
            {"gets", after.gets - before.gets},
            {"searches", after.searches - before.searches},
            {"requests", after.requests - before.requests}};
  }

 private:
  explicit QuietFleet(const Setting& setting)
      : setting_(setting),
        sample_({.hosts = setting.hosts,
                 .guests_per_host = setting.guests,
                 .renderings = Renderings(setting)}),
        server_(StartServer()),
        inventory_(clock_) {}

  static chef::RenderingOptions Renderings(const Setting& setting) {
    chef::RenderingOptions renderings;
    renderings.kvm_extensions = true;
    renderings.ohai_libvirt = true;
    renderings.volatile_values =
        setting.volatile_interval < absl::InfiniteDuration();
    return renderings;
  }

  static std::unique_ptr<chef::FakeChefServer> StartServer() {
    chef::FakeChefServer::Options options;
    options.record_requests = false;
    return chef::FakeChefServer::Start(options);
  }

  static std::string UriOf(const std::string& node) {
    return absl::StrCat("qemu+ssh://", node, "/system");
  }

  absl::Status Connect(chef::RequestSigner signer) {
    chef::Client::Options options;
    options.server_url = server_->url();
    ASSIGN_OR_RETURN(client_, chef::Client::Create(options, std::move(signer),
                                                   Clock::Real()));
    writer_ = std::make_unique<chef::NodeWriter>(chef::NodeWriter::Options(),
                                                 *client_, clock_);
    search_ = std::make_unique<chef::NodeSearch>(chef::NodePath{"rehai"},
                                                 *client_, clock_);
    sink_ = std::make_unique<ChefSink>(*writer_, search_.get());
    Syncer::Options syncer;
    syncer.renderings = Renderings(setting_);
    syncer_ = std::make_unique<Syncer>(syncer, inventory_, *sink_, clock_);
    inventory_.AddListener(
        [this](const Change& change) { syncer_->OnChange(change); });

    std::vector<FoundHost> hosts;
    for (int host = 0; host < setting_.hosts; ++host) {
      const std::string node = sample_.NodeName(host);
      ASSIGN_OR_RETURN(std::string document, sample_.Node(host));
      server_->SetNode(node, std::move(document));
      hosts.push_back({.host = {node}, .uri = UriOf(node), .labels = {}});
    }
    Jitter();
    FleetSource::Options pull;
    pull.relist_interval = setting_.relist;
    pull.volatile_interval = setting_.volatile_interval;
    pull.dial.read = {.volumes = true, .messages = true};
    source_ = std::make_unique<FleetSource>(pull, std::move(hosts), dialer_,
                                            inventory_, clock_);
    return absl::OkStatus();
  }

  // Every value that changes all the time does.
  void Jitter() {
    ++jitters_;
    for (int host = 0; host < setting_.hosts; ++host) {
      hypervisor::FakeHost& hypervisor =
          dialer_.host(UriOf(sample_.NodeName(host)));
      v1::Observation seen = sample_.Observation(host, 0, clock_.Now());
      v1::HostFacts& facts = *seen.mutable_facts();
      facts.set_free_memory_kib(100'000'000 + 1000 * jitters_);
      facts.set_mhz(jitters_ % 2 == 0 ? 800 : 3600);
      v1::StoragePool& pool = *facts.add_storage_pools();
      pool.set_name("default");
      pool.set_state(2);
      pool.set_capacity_bytes(uint64_t{1} << 40);
      for (v1::Guest& guest : *seen.mutable_guests()) {
        v1::StorageVolume& volume = *pool.add_volumes();
        volume.set_name(guest.name());
        volume.set_key(guest.disks(0).source());
        volume.set_path(guest.disks(0).source());
        volume.set_allocation_bytes(1'000'000 * jitters_);
        if (guest.has_id()) guest.set_cpu_time_ns(60'000'000'000 * jitters_);
        hypervisor.SetGuest(guest);
      }
      hypervisor.SetFacts(facts);
    }
  }

  void Step() {
    clock_.Advance(kStep);
    // Let the threads see it, and do not let it outrun the wire, which is in
    // real time.
    const absl::Duration deadline = Clock::Real().Uptime() + kLongestStep;
    do {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (IsUnderWay() && Clock::Real().Uptime() < deadline);
  }

  bool IsUnderWay() const {
    const v1::ChefStatus status = syncer_->ChefStatus();
    return status.in_flight() > 0 ||
           status.requests() < server_->counters().requests;
  }

  bool IsSynced() const {
    for (int host = 0; host < setting_.hosts; ++host) {
      if (syncer_->Status({sample_.NodeName(host)}).state() !=
          v1::SYNC_STATE_SYNCED) {
        return false;
      }
    }
    return true;
  }

  int Readings() {
    int readings = 0;
    for (int host = 0; host < setting_.hosts; ++host) {
      readings += dialer_.host(UriOf(sample_.NodeName(host))).reads();
    }
    return readings;
  }

  const Setting setting_;
  const SampleFleet sample_;
  FakeClock clock_;
  hypervisor::FakeDialer dialer_;
  uint64_t jitters_ = 0;

  // In the order in which each needs those before it.
  const std::unique_ptr<chef::FakeChefServer> server_;
  std::unique_ptr<chef::Client> client_;
  std::unique_ptr<chef::NodeWriter> writer_;
  std::unique_ptr<chef::NodeSearch> search_;
  std::unique_ptr<ChefSink> sink_;
  Inventory inventory_;
  std::unique_ptr<Syncer> syncer_;
  std::unique_ptr<FleetSource> source_;
};

absl::StatusOr<ordered_json> MeasureOne(absl::Duration volatile_interval) {
  ASSIGN_OR_RETURN(
      const auto fleet,
      QuietFleet::Create({.hosts = absl::GetFlag(FLAGS_hosts),
                          .guests = absl::GetFlag(FLAGS_guests),
                          .relist = absl::GetFlag(FLAGS_relist),
                          .volatile_interval = volatile_interval}));
  RETURN_IF_ERROR(fleet->Settle());
  return fleet->Measure(absl::GetFlag(FLAGS_measured));
}

absl::StatusOr<ordered_json> Run() {
  const absl::Duration interval = absl::GetFlag(FLAGS_volatile_interval);
  Progress("without volatile values");
  ASSIGN_OR_RETURN(ordered_json without, MeasureOne(absl::InfiniteDuration()));
  Progress(absl::StrCat("with volatile values every ",
                        absl::FormatDuration(interval)));
  ASSIGN_OR_RETURN(ordered_json with, MeasureOne(interval));
  return ordered_json(
      {{"benchmark", "quiet"},
       {"machine", Machine()},
       {"inputs",
        {{"hosts", absl::GetFlag(FLAGS_hosts)},
         {"guests_per_host", absl::GetFlag(FLAGS_guests)},
         {"measured", absl::FormatDuration(absl::GetFlag(FLAGS_measured))},
         {"relist_interval", absl::FormatDuration(absl::GetFlag(FLAGS_relist))},
         {"volatile_interval", absl::FormatDuration(interval)}}},
       {"without_volatile", std::move(without)},
       {"with_volatile", std::move(with)}});
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures what a quiet fleet costs its Chef server.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  return rehai::bench::Finish(rehai::bench::Run());
}
