// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Prints what history costs: bytes and time of an event, and time of reads.
//   bazel run -c opt //controller/history:volume -- FOLDER
// FOLDER is made, and stays.

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/state/sqlite_past.h"
#include "controller/state/sqlite_store.h"

namespace rehai {
namespace {

constexpr int kHosts = 200;
constexpr int kGuests = 50;
constexpr int kRounds = 20;

v1::Guest Guest(int host, int number, bool running) {
  v1::Guest guest;
  guest.set_uuid(absl::StrFormat("%08x-0000-4000-8000-%012x", host, number));
  guest.set_name(absl::StrFormat("customer-%03d-web-%03d", host, number));
  guest.set_state(running ? v1::GUEST_STATE_RUNNING : v1::GUEST_STATE_SHUT_OFF);
  guest.set_state_reason(running ? "booted" : "shutdown");
  guest.set_vcpus(2);
  guest.set_max_vcpus(2);
  guest.set_max_memory_kib(4'194'304);
  guest.set_memory_kib(4'194'304);
  guest.set_persistent(true);
  guest.set_metadata_xml(
      "<app:owner xmlns:app=\"http://example.org/1\">team-a</app:owner>");
  guest.set_os_type("hvm");
  guest.set_architecture("x86_64");
  guest.set_machine("pc-i440fx-7.2");
  v1::Disk& disk = *guest.add_disks();
  disk.set_device("disk");
  disk.set_type("file");
  disk.set_source(absl::StrCat("/var/lib/libvirt/images/", guest.name()));
  disk.set_target("vda");
  disk.set_bus("virtio");
  disk.set_format("qcow2");
  v1::Interface& interface = *guest.add_interfaces();
  // Each its own, as in a fleet: who shares one is looked for among all.
  interface.set_mac(absl::StrFormat("52:54:00:%02x:%02x:%02x", host / 256,
                                    host % 256, number));
  interface.set_type("bridge");
  interface.set_source("br0");
  interface.set_model("virtio");
  interface.add_addresses(
      absl::StrFormat("10.%d.%d.%d/8", host / 256, host % 256, number));
  return guest;
}

// Seconds that it took, by the machine's clock.
template <typename Work>
double Time(const Work& work) {
  const absl::Duration began = Clock::Real().Uptime();
  work();
  return absl::ToDoubleSeconds(Clock::Real().Uptime() - began);
}

template <typename Query, typename Answer>
void Read(SqlitePast& past, void (Past::*list)(Query, Past::Done<Answer>),
          Query query, const char* what) {
  absl::Status status;
  const double seconds = Time([&] {
    (static_cast<Past&>(past).*list)(
        std::move(query),
        [&](absl::StatusOr<Answer> answer) { status = answer.status(); });
    past.AnswerOne();
  });
  std::printf("%-40s %8.1f ms %s\n", what, 1000 * seconds,
              status.ToString().c_str());
}

int Main(const std::string& folder) {
  Clock& clock = Clock::Real();
  SqliteStore::Options options;
  options.folder = folder;
  std::unique_ptr<SqliteStore> store =
      *SqliteStore::Create(std::move(options), clock);
  Chronicle chronicle(clock);
  Inventory inventory(clock);
  int64_t events = 0;
  double telling = 0;
  inventory.AddListener([&](const Change& change) {
    std::vector<v1::HistoryEvent> told;
    telling += Time([&] { told = chronicle.OnChange(change); });
    events += static_cast<int64_t>(told.size());
    v1::StoredHost host;
    *host.mutable_record() = *change.record;
    store->Put(std::move(host), std::move(told));
  });
  store->Start();
  const absl::Time began = clock.Now();
  absl::Time half = began;
  const double writing = Time([&] {
    for (int round = 0; round < kRounds; ++round) {
      if (round == kRounds / 2) half = clock.Now();
      for (int host = 0; host < kHosts; ++host) {
        const std::string node = absl::StrFormat("hv%03d.example.org", host);
        inventory.AddHost(HostId{node}, {});
        v1::Observation seen;
        seen.set_node(node);
        seen.set_session(1);
        seen.set_sequence(round + 1);
        seen.set_full(true);
        seen.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
        seen.mutable_provenance()->set_origin(
            absl::StrCat("qemu+ssh://root@", node, "/system"));
        seen.mutable_facts()->set_hostname(node);
        for (int i = 0; i < kGuests; ++i) {
          // A tenth of them started or stopped since the last round.
          *seen.add_guests() = Guest(host, i, (i + round) % 20 < 10);
        }
        (void)inventory.Observe(seen);
      }
      (void)store->Flush(absl::Minutes(1));
    }
  });
  const Store::Health health = store->health();
  std::printf("%d hosts, %d guests, %lld events, %lld dropped\n", kHosts,
              kHosts * kGuests, static_cast<long long>(events),
              static_cast<long long>(health.dropped));
  std::printf("all: %.0f events/s; telling alone: %.0f events/s\n",
              static_cast<double>(events) / writing,
              static_cast<double>(events) / telling);
  store->Stop();
  std::printf("%lld bytes in files\n", static_cast<long long>(health.bytes));
  SqlitePast past({.folder = folder}, clock);
  Read(past, &Past::ListEvents, EventQuery{}, "newest 100 events");
  Read(past, &Past::ListEvents,
       EventQuery{.guest_uuid = Guest(7, 7, true).uuid()}, "one guest");
  Read(past, &Past::ListEvents, EventQuery{.node = "hv007.example.org"},
       "one host, 100 events");
  Read(past, &Past::ListEvents,
       EventQuery{.kinds = {v1::EVENT_KIND_GUEST_GONE}}, "a kind that is rare");
  Read(past, &Past::ListAsOf, AsOfQuery{.at = half}, "100 guests as of");
  Read(past, &Past::ListAsOf, AsOfQuery{.at = half, .limit = 1000},
       "1000 guests as of");
  Read(past, &Past::ListAsOf,
       AsOfQuery{.whose = AsOfQuery::kHosts, .at = half, .limit = 1000},
       "all hosts as of");
  Read(past, &Past::ListAtTwoTimes,
       TwoTimesQuery{.from = half, .to = clock.Now()}, "100 guests of a diff");
  return 0;
}

}  // namespace
}  // namespace rehai

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: volume FOLDER\n");
    return 2;
  }
  return rehai::Main(argv[1]);
}
