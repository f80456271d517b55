// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What history costs: bytes of an event, how many can be kept in a second, and
// the time of reads, from a fleet whose guests start and stop.

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/state/sqlite_past.h"
#include "controller/state/sqlite_store.h"
#include "tests/bench/result_line.h"
#include "tests/lab/temp_folder.h"

namespace rehai::bench {
namespace {

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

std::string NodeName(int host) {
  return absl::StrFormat("hv%03d.example.org", host);
}

// Seconds that it took, by the machine's clock.
template <typename Work>
double Time(const Work& work) {
  const absl::Duration began = Clock::Real().Uptime();
  work();
  return absl::ToDoubleSeconds(Clock::Real().Uptime() - began);
}

// Milliseconds of one read.
template <typename Query, typename Answer>
absl::StatusOr<double> Read(SqlitePast& past,
                            void (Past::*list)(Query, Past::Done<Answer>),
                            Query query) {
  absl::Status status;
  const double seconds = Time([&] {
    (static_cast<Past&>(past).*list)(
        std::move(query),
        [&](absl::StatusOr<Answer> answer) { status = answer.status(); });
    past.AnswerOne();
  });
  if (!status.ok()) return status;
  return 1000 * seconds;
}

// What the host's hypervisor says in that round.
v1::Observation Seen(int host, int guests, int round) {
  const std::string node = NodeName(host);
  v1::Observation seen;
  seen.set_node(node);
  seen.set_session(1);
  seen.set_sequence(round + 1);
  seen.set_full(true);
  seen.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
  seen.mutable_provenance()->set_origin(
      absl::StrCat("qemu+ssh://root@", node, "/system"));
  seen.mutable_facts()->set_hostname(node);
  for (int i = 0; i < guests; ++i) {
    // A tenth of them have started or stopped since the last round.
    *seen.add_guests() = Guest(host, i, (i + round) % 20 < 10);
  }
  return seen;
}

absl::StatusOr<nlohmann::ordered_json> Reads(SqlitePast& past, absl::Time half,
                                             absl::Time end) {
  nlohmann::ordered_json reads;
  const auto add = [&](const char* what,
                       absl::StatusOr<double> took) -> absl::Status {
    if (!took.ok()) return took.status();
    reads[what] = *took;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      add("newest_100_events", Read(past, &Past::ListEvents, EventQuery{})));
  RETURN_IF_ERROR(add(
      "one_guest", Read(past, &Past::ListEvents,
                        EventQuery{.guest_uuid = Guest(7, 7, true).uuid()})));
  RETURN_IF_ERROR(
      add("one_host_100_events",
          Read(past, &Past::ListEvents, EventQuery{.node = NodeName(7)})));
  RETURN_IF_ERROR(add("a_rare_kind",
                      Read(past, &Past::ListEvents,
                           EventQuery{.kinds = {v1::EVENT_KIND_GUEST_GONE}})));
  RETURN_IF_ERROR(add("as_of_100_guests",
                      Read(past, &Past::ListAsOf, AsOfQuery{.at = half})));
  RETURN_IF_ERROR(
      add("as_of_1000_guests",
          Read(past, &Past::ListAsOf, AsOfQuery{.at = half, .limit = 1000})));
  RETURN_IF_ERROR(add(
      "as_of_all_hosts",
      Read(past, &Past::ListAsOf,
           AsOfQuery{.whose = AsOfQuery::kHosts, .at = half, .limit = 1000})));
  RETURN_IF_ERROR(
      add("diff_100_guests", Read(past, &Past::ListAtTwoTimes,
                                  TwoTimesQuery{.from = half, .to = end})));
  return reads;
}

absl::StatusOr<nlohmann::ordered_json> Measure(int hosts, int guests,
                                               int rounds) {
  Clock& clock = Clock::Real();
  ASSIGN_OR_RETURN(const std::unique_ptr<lab::TempFolder> folder,
                   lab::TempFolder::Create("history"));
  SqliteStore::Options options;
  options.folder = *folder / "state";
  ASSIGN_OR_RETURN(const std::unique_ptr<SqliteStore> store,
                   SqliteStore::Create(options, clock));
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
  absl::Time half = clock.Now();
  absl::Status status;
  const double writing = Time([&] {
    for (int round = 0; round < rounds && status.ok(); ++round) {
      if (round == rounds / 2) half = clock.Now();
      for (int host = 0; host < hosts; ++host) {
        inventory.AddHost(HostId{NodeName(host)}, {});
        status.Update(inventory.Observe(Seen(host, guests, round)).status());
      }
      status.Update(store->Flush(absl::Minutes(1)));
    }
  });
  RETURN_IF_ERROR(status);
  const Store::Health health = store->health();
  store->Stop();
  SqlitePast past({.folder = options.folder}, clock);
  ASSIGN_OR_RETURN(nlohmann::ordered_json reads,
                   Reads(past, half, clock.Now()));
  const auto count = static_cast<double>(events);
  return nlohmann::ordered_json{
      {"history", {{"hosts", hosts}, {"guests", guests}, {"rounds", rounds}}},
      {"machine", Machine()},
      {"events", events},
      {"dropped", health.dropped},
      {"kept_per_second", count / writing},
      {"told_per_second", count / telling},
      {"bytes_per_event", static_cast<double>(health.bytes) / count},
      {"read_ms", std::move(reads)}};
}

}  // namespace
}  // namespace rehai::bench

ABSL_FLAG(int, hosts, 200, "hosts of the fleet");
ABSL_FLAG(int, guests, 50, "guests of each host");
ABSL_FLAG(
    int, rounds, 20,
    "how often each host is read; a tenth of its guests differ each time");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("What history costs: one line of JSON.");
  absl::ParseCommandLine(argc, argv);
  return rehai::bench::Finish(rehai::bench::Measure(
      absl::GetFlag(FLAGS_hosts), absl::GetFlag(FLAGS_guests),
      absl::GetFlag(FLAGS_rounds)));
}
