// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/guest_fleet.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "proto/ids.h"

namespace rehai::bench {
namespace {

constexpr int kZones = 10;

v1::Observation SomeObservation(const std::string& node, int session,
                                int sequence, absl::Time now) {
  v1::Observation observation;
  observation.set_node(node);
  observation.set_session(session);
  observation.set_sequence(sequence);
  v1::Provenance& provenance = *observation.mutable_provenance();
  provenance.set_kind(v1::SOURCE_KIND_PULL);
  provenance.set_origin(absl::StrCat("qemu+ssh://", node, "/system"));
  *provenance.mutable_observed_at() = ToProto(now);
  return observation;
}

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::abort();
}

}  // namespace

std::string GuestFleet::Node(int host) {
  return absl::StrFormat("hv%04d.example.com", host);
}

std::string GuestFleet::Zone(int host) {
  return absl::StrCat("z", host % kZones);
}

std::string GuestFleet::Name(int guest) {
  // Neighbours in the order of names are on different hosts.
  return absl::StrFormat("vm-%06d", static_cast<int>(guest * 7919LL % 999983));
}

std::string GuestFleet::Uuid(int guest) {
  return absl::StrFormat("6b29fc40-ca47-4067-b31d-%012x", guest);
}

std::string GuestFleet::Address(int guest) {
  return absl::StrFormat("10.%d.%d.%d", guest >> 16 & 255, guest >> 8 & 255,
                         guest & 255);
}

void GuestFleet::Fill(Inventory& inventory, absl::Time now) const {
  for (int host = 0; host < hosts_; ++host) {
    const std::string node = Node(host);
    inventory.AddHost({node}, {{"zone", Zone(host)}});
    v1::Observation observation = SomeObservation(node, 1, 1, now);
    observation.set_full(true);
    observation.mutable_facts()->set_hostname(node);
    observation.mutable_facts()->set_hypervisor_type("QEMU");
    observation.mutable_facts()->set_hypervisor_version("7.2.11");
    observation.mutable_facts()->set_cpus(64);
    observation.mutable_facts()->set_memory_kib(512 << 20);
    for (int i = 0; i < guests_per_host_; ++i) {
      *observation.add_guests() = Guest(host * guests_per_host_ + i);
    }
    Must(inventory.Observe(observation).status());
  }
}

void GuestFleet::Change(Inventory& inventory, int host, int sequence,
                        absl::Time now) const {
  const std::string node = Node(host);
  v1::Observation observation = SomeObservation(node, 2, sequence, now);
  v1::Guest& guest = *observation.add_guests();
  guest = Guest(host * guests_per_host_);
  const RecordPtr record = inventory.Find(HostId{node});
  for (const v1::Guest& known : record->guests()) {
    if (known.uuid() != guest.uuid()) continue;
    const bool runs = known.state() == v1::GUEST_STATE_RUNNING;
    guest.set_state(runs ? v1::GUEST_STATE_SHUT_OFF : v1::GUEST_STATE_RUNNING);
    guest.set_state_reason(runs ? "destroyed" : "booted");
    if (runs) {
      guest.clear_id();
    } else {
      guest.set_id(1);
    }
  }
  Must(inventory.Observe(observation).status());
}

v1::Guest GuestFleet::Guest(int number) const {
  v1::Guest guest;
  guest.set_uuid(Uuid(number));
  guest.set_name(Name(number));
  const bool runs = number % 4 != 0;
  guest.set_state(runs ? v1::GUEST_STATE_RUNNING : v1::GUEST_STATE_SHUT_OFF);
  guest.set_state_reason(runs ? "booted" : "shutdown");
  if (runs) guest.set_id(number % guests_per_host_ + 1);
  guest.set_vcpus(1 << number % 4);
  guest.set_max_vcpus(guest.vcpus());
  guest.set_memory_kib((int64_t{1} << number % 5) << 20);
  guest.set_max_memory_kib(guest.memory_kib());
  guest.set_autostart(true);
  guest.set_persistent(true);
  guest.set_metadata_xml("<r:owner xmlns:r=\"urn:rehai\">team-7</r:owner>");
  guest.set_os_type("hvm");
  guest.set_architecture("x86_64");
  guest.set_machine("pc-q35-7.2");
  for (const char* target : {"vda", "vdb"}) {
    v1::Disk& disk = *guest.add_disks();
    disk.set_device("disk");
    disk.set_type("file");
    disk.set_source(absl::StrCat("/var/lib/libvirt/images/", guest.name(), "-",
                                 target, ".qcow2"));
    disk.set_target(target);
    disk.set_bus("virtio");
    disk.set_format("qcow2");
  }
  for (const int network : {0, 1}) {
    v1::Interface& interface = *guest.add_interfaces();
    interface.set_mac(absl::StrFormat("52:54:%02x:%02x:%02x:%02x", network,
                                      number >> 16 & 255, number >> 8 & 255,
                                      number & 255));
    interface.set_type("bridge");
    interface.set_source(network == 0 ? "br0" : "br1");
    interface.set_model("virtio");
    interface.add_addresses(network == 0
                                ? absl::StrCat(Address(number), "/8")
                                : absl::StrFormat("fd00::%x/64", number + 1));
  }
  return guest;
}

}  // namespace rehai::bench
