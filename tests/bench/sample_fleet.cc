// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/sample_fleet.h"

#include <google/protobuf/timestamp.pb.h>

#include <array>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "chef/node_document.h"

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  proto.set_seconds(absl::ToUnixSeconds(time));
  return proto;
}

v1::HostFacts Facts(const std::string& node) {
  v1::HostFacts facts;
  facts.set_hostname(node);
  facts.set_uri("qemu:///system");
  facts.set_hypervisor_type("QEMU");
  facts.set_hypervisor_version("7.2.11");
  facts.set_libvirt_version("9.0.0");
  facts.set_cpu_model("x86_64");
  facts.set_cpus(64);
  facts.set_mhz(2450);
  facts.set_numa_nodes(2);
  facts.set_sockets(1);
  facts.set_cores(16);
  facts.set_threads(2);
  facts.set_memory_kib(528'000'000);
  facts.set_security_model("apparmor");
  facts.set_security_doi("0");
  return facts;
}

v1::Guest SampleGuest(int host, int number, int round) {
  static constexpr std::array kStates = {v1::GUEST_STATE_RUNNING,
                                         v1::GUEST_STATE_PAUSED,
                                         v1::GUEST_STATE_SHUT_OFF};
  v1::Guest guest;
  guest.set_uuid(
      absl::StrFormat("5f1c%04x-0000-4000-8000-%012x", host, number));
  guest.set_name(absl::StrFormat("vm-%04d-%03d", host, number));
  guest.set_state(kStates[(number + round) % kStates.size()]);
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
  interface.set_mac(absl::StrFormat("52:54:00:%02x:%02x:%02x", host >> 8 & 255,
                                    host & 255, number & 255));
  interface.set_type("bridge");
  interface.set_source("br0");
  interface.set_model("virtio");
  v1::Graphics& graphics = *guest.add_graphics();
  graphics.set_type("vnc");
  graphics.set_listen("127.0.0.1");
  if (guest.state() != v1::GUEST_STATE_SHUT_OFF) {
    guest.set_id(number + 1);
    graphics.set_port(5900 + number);
  }
  return guest;
}

// What Ohai says that does not grow with what is installed.
ordered_json Automatic(const std::string& name) {
  return {
      {"hostname", name},
      {"fqdn", absl::StrCat(name, ".example.com")},
      {"ipaddress", "192.0.2.17"},
      {"macaddress", "9C:6B:00:12:34:56"},
      {"ohai_time", 1763993071.5912},
      {"os", "linux"},
      {"os_version", "6.1.0-28-amd64"},
      {"platform", "debian"},
      {"platform_family", "debian"},
      {"platform_version", "12.8"},
      {"uptime", "41 days 03 hours 12 minutes 08 seconds"},
      {"uptime_seconds", 3553928},
      {"kernel",
       {{"name", "Linux"},
        {"release", "6.1.0-28-amd64"},
        {"machine", "x86_64"},
        {"modules",
         {{"kvm_amd", {{"size", "163840"}, {"refcount", "12"}}},
          {"bridge", {{"size", "319488"}, {"refcount", "0"}}}}}}},
      {"memory",
       {{"total", "528000000kB"}, {"free", "100412088kB"}, {"swap", {}}}},
      {"network",
       {{"interfaces",
         {{"br0",
           {{"mtu", "1500"},
            {"flags", {"BROADCAST", "MULTICAST", "UP", "LOWER_UP"}},
            {"addresses",
             {{"192.0.2.17", {{"family", "inet"}, {"prefixlen", "24"}}}}}}}}}}},
      {"virtualization",
       {{"systems", {{"kvm", "host"}}}, {"system", "kvm"}, {"role", "host"}}},
      {"recipes", {"kvm::host"}},
      {"roles", {"hypervisor"}},
      {"packages", ordered_json::object()},
  };
}

}  // namespace

std::string SampleNode(const std::string& name, size_t bytes) {
  ordered_json node = {
      {"name", name},
      {"chef_environment", "production"},
      {"json_class", "Chef::Node"},
      {"chef_type", "node"},
      {"normal", {{"tags", ordered_json::array()}}},
      {"default", {{"ntp", {{"servers", {"ntp1.example.com"}}}}}},
      {"override", ordered_json::object()},
      {"run_list", {"role[hypervisor]", "recipe[kvm::host]"}},
      {"automatic", Automatic(name)},
  };
  ordered_json& packages = node["automatic"]["packages"];
  size_t size = node.dump().size();
  for (int i = 0; size < bytes; ++i) {
    const std::string key = absl::StrFormat("libsample%04d", i);
    const ordered_json package = {{"version", "1:2.36.0-9+deb12u9"},
                                  {"arch", "amd64"}};
    size += key.size() + package.dump().size() + 4;  // quotes, colon, comma
    packages[key] = package;
  }
  return node.dump();
}

std::string SampleFleet::NodeName(int host) const {
  return absl::StrFormat("%s%04d", options_.prefix, host);
}

v1::Observation SampleFleet::Observation(int host, int round,
                                         absl::Time now) const {
  v1::Observation observation;
  observation.set_node(NodeName(host));
  v1::Provenance& provenance = *observation.mutable_provenance();
  provenance.set_kind(v1::SOURCE_KIND_PULL);
  provenance.set_origin(
      absl::StrCat("qemu+ssh://rehai@", NodeName(host), "/system"));
  *provenance.mutable_observed_at() = ToProto(now);
  observation.set_session(1);
  observation.set_sequence(round + 1);
  observation.set_full(true);
  *observation.mutable_facts() = Facts(NodeName(host));
  for (int number = 0; number < options_.guests_per_host; ++number) {
    *observation.add_guests() = SampleGuest(host, number, round);
  }
  return observation;
}

absl::StatusOr<std::string> SampleFleet::Spliced(const std::string& node,
                                                 int host, int round,
                                                 absl::Time now) const {
  const v1::Observation observation = Observation(host, round, now);
  v1::Record record;
  record.set_node(observation.node());
  *record.mutable_facts() = observation.facts();
  *record.mutable_guests() = observation.guests();
  const chef::Rendering rendering = chef::Render(record, options_.renderings);
  chef::Stamp stamp;
  stamp.digest = rendering.digest;
  stamp.revision = absl::ToUnixMicros(now);
  stamp.observed_at = now;
  stamp.written_at = now;
  stamp.source = observation.provenance().origin();
  const std::vector<chef::Subtree> subtrees = chef::Stamped(rendering, stamp);
  return chef::Splice(absl::string_view(node.data(), node.size()), subtrees);
}

absl::StatusOr<std::string> SampleFleet::Node(int host) const {
  const std::string smallest = SampleNode(NodeName(host), 0);
  ASSIGN_OR_RETURN(const std::string spliced,
                   Spliced(smallest, host, 0, absl::UnixEpoch()));
  const size_t ours = spliced.size() - smallest.size();
  return SampleNode(NodeName(host), options_.node_bytes > ours
                                        ? options_.node_bytes - ours
                                        : 0);
}

absl::StatusOr<std::string> SampleFleet::NodeWithGuests(int host, int round,
                                                        absl::Time now) const {
  ASSIGN_OR_RETURN(const std::string node, Node(host));
  return Spliced(node, host, round, now);
}

}  // namespace rehai::bench
