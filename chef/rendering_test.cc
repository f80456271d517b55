// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "chef/node_document.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const RenderingOptions kNothing = {.rehai = false};
const RenderingOptions kKvm = {.kvm_extensions = true, .rehai = false};
const RenderingOptions kLibvirt = {.ohai_libvirt = true, .rehai = false};
const RenderingOptions kRehai = {.rehai = true};
const RenderingOptions kEverything = {
    .kvm_extensions = true, .ohai_libvirt = true, .rehai = true};

RenderingOptions Volatile(RenderingOptions options) {
  options.volatile_values = true;
  return options;
}

// A host with one running and one shut-off guest.
v1::Record Host() {
  v1::Record record;
  const bool parsed = google::protobuf::TextFormat::ParseFromString(
      R"pb(
        node: "hv1"
        revision: 7
        facts {
          hostname: "hv1.example.com"
          uuid: "0d7c4a2e-0000-4000-8000-000000000001"
          uri: "qemu:///system"
          hypervisor_type: "QEMU"
          hypervisor_version: "7.2.11"
          libvirt_version: "9.0.0"
          cpu_model: "x86_64"
          cpus: 16
          mhz: 1400
          numa_nodes: 2
          sockets: 1
          cores: 4
          threads: 2
          memory_kib: 3145728
          free_memory_kib: 1024
          security_model: "selinux"
          security_doi: "0"
          networks { name: "default" uuid: "n1" bridge: "virbr0" active: true }
          networks { name: "passthrough" uuid: "n2" active: true }
          networks { name: "off" uuid: "n3" bridge: "virbr9" }
          storage_pools {
            name: "images"
            uuid: "p1"
            state: 2
            autostart: true
            capacity_bytes: 9000000000
            allocation_bytes: 1000000000
            available_bytes: 8000000000
            volumes {
              name: "web01.qcow2"
              key: "/images/web01.qcow2"
              path: "/images/web01.qcow2"
              type: 0
              capacity_bytes: 5000000000
              allocation_bytes: 700000000
            }
          }
          storage_pools { name: "off" uuid: "p2" }
        }
        guests {
          uuid: "10000000-0000-4000-8000-000000000001"
          name: "web01"
          id: 3
          state: GUEST_STATE_RUNNING
          vcpus: 4
          max_vcpus: 8
          max_memory_kib: 8388608
          memory_kib: 4194304
          persistent: true
          autostart: true
          title: "Front page"
          os_type: "hvm"
          disks { device: "disk" source: "/images/web01.qcow2" target: "vda" }
          disks { device: "cdrom" target: "sda" }
          interfaces {
            mac: "52:54:00:00:00:01"
            type: "network"
            source: "default"
            target: "vnet3"
            addresses: "10.0.0.7/24"
          }
          graphics { type: "spice" port: 5901 }
          graphics { type: "vnc" port: 5907 listen: "127.0.0.1" }
          security {
            model: "selinux"
            label: "system_u:system_r:svirt_t:s0:c1,c2"
            enforcing: true
          }
          cpu_time_ns: 47243512345678
        }
        guests {
          uuid: "10000000-0000-4000-8000-000000000002"
          name: "db02"
          state: GUEST_STATE_SHUT_OFF
          vcpus: 2
          max_memory_kib: 2097152
          memory_kib: 2097152
          managed_save: true
          os_type: "hvm"
          graphics { type: "vnc" }
        }
      )pb",
      &record);
  EXPECT_TRUE(parsed);
  return record;
}

v1::Guest Running(const std::string& name) {
  v1::Guest guest;
  guest.set_uuid("uuid-of-" + name);
  guest.set_name(name);
  guest.set_id(1);
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return guest;
}

v1::Record HostWith(const std::vector<v1::Guest>& guests) {
  v1::Record record;
  record.mutable_facts();
  for (const v1::Guest& guest : guests) *record.add_guests() = guest;
  return record;
}

// What the node holds at a dotted path once everything is written to it.
json At(const std::vector<Subtree>& subtrees, const std::string& pointer) {
  const auto node = Splice("{}", subtrees);
  EXPECT_THAT(node, IsOk());
  const json parsed = json::parse(*node);
  const json::json_pointer at(pointer);
  return parsed.contains(at) ? parsed[at] : json();
}

json Kvm(const v1::Record& record, const RenderingOptions& options = kKvm) {
  return At(Render(record, options).subtrees, "/automatic/virtualization/kvm");
}

json Libvirt(const v1::Record& record,
             const RenderingOptions& options = kLibvirt) {
  return At(Render(record, options).subtrees, "/automatic/libvirt");
}

TEST(KvmExtensionsTest, IsTheTreeThatItsReadersKnow) {
  EXPECT_EQ(Kvm(Host()), json::parse(R"json({
    "guests": {
      "web01": {
        "id": "3", "state": "running", "vncdisplay": 5907,
        "Name": "web01", "UUID": "10000000-0000-4000-8000-000000000001",
        "OS Type": "hvm", "State": "running", "CPU(s)": "4",
        "Max memory": "8388608 KiB", "Used memory": "4194304 KiB",
        "Persistent": "yes", "Autostart": "enable", "Managed save": "no",
        "Security model": "selinux", "Security DOI": "0",
        "Security label": "system_u:system_r:svirt_t:s0:c1,c2 (enforcing)"
      },
      "db02": {
  "id" : "-",
         "state" : "shut",
                   "Name" : "db02",
                            "UUID" : "10000000-0000-4000-8000-000000000002",
                                     "OS Type" : "hvm",
                                                 "State" : "shut off",
                                                           "CPU(s)"
      : "2",
        "Max memory" : "2097152 KiB",
                       "Used memory" : "2097152 KiB",
                                       "Persistent" : "no",
                                                      "Autostart"
      : "disable",
        "Managed save" : "yes",
                         "Security model" : "selinux",
                                            "Security DOI" : "0"
}
}
, "guest_cpu_total" : 6,
    "guest_maxmemory_total" : "10485760 kB",
                              "guest_usedmemory_total" : "6291456 kB",
                                                         "hardware" : {
  "CPU model" : "x86_64",
                "CPU(s)" : "16",
                           "CPU frequency" : "1400 MHz",
                                             "CPU socket(s)"
      : "1",
        "Core(s) per socket" : "4",
                               "Thread(s) per core" : "2",
                                                      "NUMA cell(s)"
      : "2",
        "Memory size" : "3145728 KiB"
}
})json"));
}

TEST(KvmExtensionsTest, WithoutGuestsThereAreNoTotals) {
  EXPECT_EQ(Kvm(v1::Record()), json::parse(R"json({"guests":{}})json"));
}

TEST(KvmExtensionsTest, StateIsTheFirstWordOfVirshsState) {
  struct Case {
    v1::GuestState state;
    const char* first_word;
    const char* full;
  };
  for (const Case& c : std::initializer_list<Case>{
           {v1::GUEST_STATE_UNSPECIFIED, "no", "no state"},
           {v1::GUEST_STATE_RUNNING, "running", "running"},
           {v1::GUEST_STATE_BLOCKED, "idle", "idle"},
           {v1::GUEST_STATE_PAUSED, "paused", "paused"},
           {v1::GUEST_STATE_SHUTTING_DOWN, "in", "in shutdown"},
           {v1::GUEST_STATE_SHUT_OFF, "shut", "shut off"},
           {v1::GUEST_STATE_CRASHED, "crashed", "crashed"},
           {v1::GUEST_STATE_PM_SUSPENDED, "pmsuspended", "pmsuspended"}}) {
    v1::Guest guest = Running("web01");
    guest.set_state(c.state);
    const json entry = Kvm(HostWith({guest}))["guests"]["web01"];
    EXPECT_EQ(entry["state"], c.first_word);
    EXPECT_EQ(entry["State"], c.full);
  }
}

TEST(KvmExtensionsTest, WhatStopsThePluginDoesNotStopUs) {
  v1::Guest hundredth = Running("hundredth display");
  hundredth.mutable_graphics()->Add()->set_type("vnc");
  hundredth.mutable_graphics(0)->set_port(6000);
  const json guests =
      Kvm(HostWith({Running("no vnc"), hundredth, Running("xIdy"),
                    Running("with \"quotes\" and: colon")}))["guests"];
  EXPECT_EQ(guests.size(), 4);
  EXPECT_FALSE(guests["no vnc"].contains("vncdisplay"));
  EXPECT_EQ(guests["hundredth display"]["vncdisplay"], 6000);
  EXPECT_EQ(guests["xIdy"]["Name"], "xIdy");
  EXPECT_EQ(guests["with \"quotes\" and: colon"]["state"], "running");
}

TEST(KvmExtensionsTest, MessagesOnlyWhereThereAreSome) {
  v1::Guest tainted = Running("web01");
  tainted.add_messages("tainted: running with undesirable elevated privileges");
  tainted.add_messages("deprecated configuration: machine type 'pc-1.2'");
  const json guests = Kvm(HostWith({tainted, Running("web02")}))["guests"];
  EXPECT_EQ(guests["web01"]["Messages"],
            "tainted: running with undesirable elevated privileges; "
            "deprecated configuration: machine type 'pc-1.2'");
  EXPECT_FALSE(guests["web02"].contains("Messages"));
}

TEST(KvmExtensionsTest, VolatileValuesOnlyOnRequest) {
  const json kvm = Kvm(Host(), Volatile(kKvm));
  EXPECT_EQ(kvm["guests"]["web01"]["CPU time"], "47243.5s");
  EXPECT_FALSE(kvm["guests"]["db02"].contains("CPU time"));
  EXPECT_EQ(kvm["hardware"]["freecell"], "1024 KiB");
}

TEST(OhaiLibvirtTest, IsTheTreeThatItsReadersKnow) {
  EXPECT_EQ(Libvirt(Host()), json::parse(R"json({
    "uri": "qemu:///system",
    "libvirt_version": "9.0.0",
    "nodeinfo": {"cores": 4, "cpus": 16, "memory": 3145728, "mhz": 1400,
                 "model": "x86_64", "nodes": 2, "sockets": 1, "threads": 2},
    "domains": {
      "web01": {"id": 3, "os_type": "hvm", "state": 1,
                "uuid": "10000000-0000-4000-8000-000000000001",
                "max_mem": 8388608, "memory": 4194304, "nr_virt_cpu": 4}
    },
    "networks": {"default": {"bridge_name": "virbr0", "uuid": "n1"},
                 "passthrough": {"uuid": "n2"}},
    "storage": {
      "images": {
        "autostart": true, "uuid": "p1", "state": 2,
        "allocation": 1000000000, "available": 8000000000,
        "capacity": 9000000000,
        "volumes": {
          "web01.qcow2": {"key": "/images/web01.qcow2", "name": "web01.qcow2",
                          "path": "/images/web01.qcow2", "type": 0,
                          "capacity": 5000000000}
        }
      }
    }
  })json"));
}

TEST(OhaiLibvirtTest, VolatileValuesOnlyOnRequest) {
  const json libvirt = Libvirt(Host(), Volatile(kLibvirt));
  EXPECT_EQ(libvirt["domains"]["web01"]["cpu_time"], 47243512345678);
  EXPECT_EQ(
      libvirt["storage"]["images"]["volumes"]["web01.qcow2"]["allocation"],
      700000000);
}

TEST(OhaiLibvirtTest, PausedGuestIsActive) {
  v1::Guest guest = Running("web01");
  guest.set_state(v1::GUEST_STATE_PAUSED);
  EXPECT_EQ(Libvirt(HostWith({guest}))["domains"]["web01"]["state"], 3);
}

TEST(RehaiAttributesTest, HaveOneStableEntryPerGuest) {
  const Rendering rendering = Render(Host(), kRehai);
  EXPECT_EQ(At(rendering.subtrees, "/automatic/rehai"), json::parse(R"json({
    "schema": 1,
    "host": {
      "hostname": "hv1.example.com",
      "uuid": "0d7c4a2e-0000-4000-8000-000000000001",
      "hypervisor": "QEMU", "hypervisor_version": "7.2.11",
      "libvirt_version": "9.0.0", "cpus": 16, "memory_kib": 3145728
    },
    "guests": {
      "10000000-0000-4000-8000-000000000001": {
        "name": "web01", "state": "running", "vcpus": 4,
        "memory_kib": 4194304, "max_memory_kib": 8388608,
        "autostart": true, "persistent": true, "title": "Front page",
        "disks": [
          {"target": "vda", "device": "disk", "source": "/images/web01.qcow2"},
          {"target": "sda", "device": "cdrom"}
        ],
        "interfaces": [
          {"mac": "52:54:00:00:00:01", "type": "network", "source": "default",
           "addresses": ["10.0.0.7/24"]}
        ],
        "graphics": [
          {"type": "spice", "port": 5901},
          {"type": "vnc", "port": 5907, "listen": "127.0.0.1"}
        ]
      },
      "10000000-0000-4000-8000-000000000002": {
        "name": "db02", "state": "shut_off", "vcpus": 2,
        "memory_kib": 2097152, "max_memory_kib": 2097152,
        "autostart": false, "persistent": false,
        "disks": [], "interfaces": [], "graphics": [{"type": "vnc"}]
      }
    },
    "owns": ["automatic.rehai"]
  })json"));
}

TEST(RenderingTest, TreeThatIsSwitchedOffIsNotRendered) {
  EXPECT_THAT(Render(Host(), kNothing).subtrees, IsEmpty());
  EXPECT_THAT(Stamped(Render(Host(), kNothing), Stamp()), IsEmpty());
  const Rendering kvm = Render(Host(), kKvm);
  ASSERT_EQ(kvm.subtrees.size(), 1);
  EXPECT_EQ(Stamped(kvm, Stamp()).size(), 1);
}

std::vector<std::string> DottedPaths(const std::vector<Subtree>& subtrees) {
  std::vector<std::string> dotted;
  for (const Subtree& subtree : subtrees) {
    dotted.push_back(absl::StrJoin(subtree.path, "."));
  }
  return dotted;
}

TEST(RenderingTest, NormalAttributesHoldTheSameTreesBelowThePrefix) {
  RenderingOptions options = kEverything;
  options.places.automatic = false;
  options.places.normal_prefix = {"fleet", "hosts"};
  const Rendering normal = Render(Host(), options);
  EXPECT_THAT(
      DottedPaths(normal.subtrees),
      ElementsAre(
          "normal.fleet.hosts.virtualization.kvm", "normal.fleet.hosts.libvirt",
          "normal.fleet.hosts.rehai.schema", "normal.fleet.hosts.rehai.host",
          "normal.fleet.hosts.rehai.guests", "normal.fleet.hosts.rehai.owns"));
  const Rendering automatic = Render(Host(), kEverything);
  for (size_t i = 0; i + 1 < normal.subtrees.size(); ++i) {
    EXPECT_EQ(normal.subtrees[i].json, automatic.subtrees[i].json);
  }
  EXPECT_NE(normal.digest, automatic.digest);
  EXPECT_EQ(At(Stamped(normal, {.digest = "d", .revision = 7}),
               "/normal/fleet/hosts/rehai/digest"),
            "d");
}

TEST(RenderingTest, ThePrefixMayBeCalledAsATreeIs) {
  RenderingOptions options = kEverything;
  options.places.automatic = false;
  options.places.normal_prefix = {"rehai"};
  const Rendering rendering = Render(Host(), options);
  EXPECT_THAT(StampPaths(rendering),
              ElementsAre(NodePath{"normal", "rehai", "rehai"}));
  EXPECT_EQ(At(rendering.subtrees, "/normal/rehai/rehai/owns"),
            json({"normal.rehai.virtualization.kvm", "normal.rehai.libvirt",
                  "normal.rehai.rehai"}));
}

TEST(RenderingTest, BothPlacesInTheNodeAreStamped) {
  RenderingOptions options = kEverything;
  options.places.normal_prefix = {"fleet"};
  const Rendering both = Render(Host(), options);
  EXPECT_THAT(StampPaths(both),
              ElementsAre(NodePath{"automatic", "rehai"},
                          NodePath{"normal", "fleet", "rehai"}));
  const auto stamped = Stamped(both, {.digest = "d"});
  EXPECT_EQ(At(stamped, "/automatic/rehai/digest"), "d");
  EXPECT_EQ(At(stamped, "/normal/fleet/rehai/digest"), "d");
  EXPECT_EQ(At(stamped, "/automatic/rehai/owns").size(), 6);
  EXPECT_EQ(At(stamped, "/normal/fleet/rehai/owns"),
            json({"normal.fleet.virtualization.kvm", "normal.fleet.libvirt",
                  "normal.fleet.rehai"}));
}

TEST(RenderingTest, ADataBagItemHoldsTheTreesAtItsTop) {
  RenderingOptions options = kEverything;
  options.places.automatic = false;
  options.places.data_bag = "vms";
  const Rendering rendering = Render(Host(), options);
  EXPECT_THAT(rendering.subtrees, IsEmpty());
  EXPECT_EQ(rendering.data_bag, "vms");
  EXPECT_THAT(DottedPaths(rendering.item),
              ElementsAre("virtualization.kvm", "libvirt", "rehai.schema",
                          "rehai.host", "rehai.guests"));
  EXPECT_EQ(At(StampedItem(rendering, {.digest = "d"}), "/rehai/digest"), "d");
  v1::Record other = Host();
  other.mutable_guests(0)->set_vcpus(3);
  EXPECT_NE(rendering.digest, Render(other, options).digest);
  options.places.data_bag = "other";
  EXPECT_NE(rendering.digest, Render(Host(), options).digest);
}

TEST(RenderingTest, TheStampIsSearchedWhereTheMergedAttributesHaveIt) {
  RenderingOptions options;
  EXPECT_THAT(SearchedStampPath(options), ElementsAre("rehai"));
  options.places.normal_prefix = {"fleet", "hosts"};
  EXPECT_THAT(SearchedStampPath(options), ElementsAre("rehai"));
  options.places.automatic = false;
  EXPECT_THAT(SearchedStampPath(options),
              ElementsAre("fleet", "hosts", "rehai"));
  options.places.normal_prefix = {};
  EXPECT_THAT(SearchedStampPath(options), IsEmpty());
  options.places.automatic = true;
  options.rehai = false;
  EXPECT_THAT(SearchedStampPath(options), IsEmpty());
}

TEST(RenderingTest, DigestIsBlindToRevisionTimesAndVolatileValues) {
  const v1::Record record = Host();
  v1::Record later = record;
  later.set_revision(8);
  later.set_sequence(9);
  later.mutable_confirmed_at()->set_seconds(1795527759);
  later.mutable_provenance()->set_origin("qemu+ssh://hv1/system");
  later.mutable_guests(0)->set_cpu_time_ns(1);
  later.mutable_facts()->set_free_memory_kib(1);
  EXPECT_EQ(Render(later, kEverything).digest,
            Render(record, kEverything).digest);
  EXPECT_NE(Render(later, Volatile(kEverything)).digest,
            Render(record, Volatile(kEverything)).digest);
}

TEST(RenderingTest, DigestSeesEveryShownChange) {
  const v1::Record record = Host();
  v1::Record paused = record;
  paused.mutable_guests(0)->set_state(v1::GUEST_STATE_PAUSED);
  v1::Record renamed = record;
  renamed.mutable_guests(1)->set_name("db03");
  for (const RenderingOptions& options : {kKvm, kLibvirt, kRehai}) {
    EXPECT_NE(Render(paused, options).digest, Render(record, options).digest);
  }
  EXPECT_NE(Render(renamed, kKvm).digest, Render(record, kKvm).digest);
  EXPECT_NE(Render(renamed, kRehai).digest, Render(record, kRehai).digest);
  EXPECT_NE(Render(record, kKvm).digest, Render(record, kEverything).digest);
  EXPECT_EQ(Render(record, kKvm).digest.size(), 64);
}

TEST(RenderingTest, TextThatIsNotUtf8IsReplaced) {
  v1::Guest guest = Running("web01");
  guest.set_title("caf\xE9 \"quoted\"\n");
  const Rendering rendering = Render(HostWith({guest}), kRehai);
  EXPECT_EQ(
      At(rendering.subtrees, "/automatic/rehai/guests/uuid-of-web01/title"),
      "caf\uFFFD \"quoted\"\n");
}

TEST(StampedTest, SaysWhatWasWrittenWhen) {
  const Rendering rendering = Render(v1::Record(), kRehai);
  Stamp stamp;
  stamp.digest = rendering.digest;
  stamp.revision = 42;
  stamp.observed_at = absl::FromUnixMillis(1795527759244);
  stamp.written_at = absl::FromUnixSeconds(1795527760);
  stamp.source = "pull qemu+ssh://hv1/system";
  EXPECT_EQ(At(Stamped(rendering, stamp), "/automatic/rehai"),
            json({{"schema", 1},
                  {"host", json::object()},
                  {"guests", json::object()},
                  {"owns", {"automatic.rehai"}},
                  {"digest", rendering.digest},
                  {"revision", 42},
                  {"observed_at", "2026-11-24T13:42:39.244Z"},
                  {"written_at", "2026-11-24T13:42:40.000Z"},
                  {"source", "pull qemu+ssh://hv1/system"}}));
}

TEST(StampedTest, TimeThatIsNotKnownIsTakenOut) {
  const Rendering rendering = Render(v1::Record(), kRehai);
  const auto node = Splice(
      R"({"automatic":{"rehai":{"written_at":"2026-11-24T13:42:40.000Z"}}})",
      Stamped(rendering, Stamp()));
  ASSERT_THAT(node, IsOk());
  EXPECT_FALSE(json::parse(*node)["automatic"]["rehai"].contains("written_at"));
}

TEST(StampedTest, NodeHoldsTheRenderingWhateverTheStamp) {
  const Rendering rendering = Render(Host(), kEverything);
  Stamp stamp;
  stamp.written_at = absl::FromUnixSeconds(1795527760);
  const auto node = Splice("{}", Stamped(rendering, stamp));
  ASSERT_THAT(node, IsOk());
  EXPECT_THAT(Holds(*node, rendering.subtrees), IsOkAndHolds(true));
  EXPECT_THAT(Difference(*node, rendering.subtrees), IsOkAndHolds(IsEmpty()));
}

}  // namespace
}  // namespace rehai::chef
