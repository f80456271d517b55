// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(ViewsTest, HostsInATable) {
  const auto hosts = FromText<v1::ListHostsResponse>(R"pb(
    hosts {
      node: "hv1.example.com"
      presence: PRESENCE_CURRENT
      guest_count: 12
      running_guest_count: 8
      provenance { kind: SOURCE_KIND_PULL }
      confirmed_at { seconds: 988 }
      sync { state: SYNC_STATE_SYNCED }
    }
    hosts {
      node: "hv2"
      presence: PRESENCE_STALE
      guest_count: 3
      provenance { kind: SOURCE_KIND_PULL }
      confirmed_at { seconds: 100 }
      conditions { type: "Unreachable" message: "hv2: no route to host" }
      sync { state: SYNC_STATE_SYNCED }
    }
    hosts {
      node: "hv3"
      presence: PRESENCE_CURRENT
      provenance { kind: SOURCE_KIND_PUSH }
      confirmed_at { seconds: 1000 }
      sync {
        state: SYNC_STATE_PARKED
        last_error: "node hv3: not on the Chef server; bootstrap the host, then resync it"
      }
    }
    hosts {
      node: "hv4"
      presence: PRESENCE_NEVER_SEEN
      sync { state: SYNC_STATE_NOTHING_OBSERVED }
    }
  )pb");
  EXPECT_EQ(
      HostsTable(hosts, kNow, /*colours=*/false),
      "HOST             PRESENCE    RUNNING  GUESTS  SEEN  SOURCE  SYNC       "
      "  TROUBLE\n"
      "hv1.example.com  current           8      12   12s  pull    synced\n"
      "hv2              stale             0       3   15m  pull    synced     "
      "  Unreachable: hv2: no route to host\n"
      "hv3              current           0       0    0s  push    parked     "
      "  node hv3: not on the Chef server; bootstrap the host, then resync it\n"
      "hv4              never seen        0       0     -  -       nothing "
      "yet\n");
}

TEST(ViewsTest, GuestsInATable) {
  const auto guests = FromText<v1::ListGuestsResponse>(R"pb(
    guests {
      node: "hv1"
      presence: PRESENCE_CURRENT
      confirmed_at { seconds: 997 }
      guest {
        uuid: "6b29fc40-ca47-1067-b31d-00dd010662da"
        name: "web01"
        state: GUEST_STATE_RUNNING
        vcpus: 2
        memory_kib: 4194304
      }
    }
    guests {
      node: "hv2"
      presence: PRESENCE_STALE
      confirmed_at { seconds: 400 }
      guest {
        uuid: "6b29fc40-ca47-1067-b31d-00dd010662db"
        name: "db"
        state: GUEST_STATE_SHUT_OFF
        vcpus: 16
        memory_kib: 524288
      }
    }
  )pb");
  EXPECT_EQ(GuestsTable(guests, kNow, /*colours=*/false),
            "NAME   STATE             HOST  VCPUS   MEMORY  SEEN  UUID\n"
            "web01  running           hv1       2  4.0 GiB    3s  "
            "6b29fc40-ca47-1067-b31d-00dd010662da\n"
            "db     shut off (stale)  hv2      16  512 MiB   10m  "
            "6b29fc40-ca47-1067-b31d-00dd010662db\n");
}

TEST(ViewsTest, AHostThatIsHeldSaysWhatIsInDoubt) {
  const auto hosts = FromText<v1::ListHostsResponse>(R"pb(
    hosts {
      node: "hv1"
      conditions {
        type: "HostUuidChanged"
        message: "host hv1: answers with another UUID"
        since { seconds: 700 }
      }
      conditions { type: "Unreachable" message: "host hv1: no route" }
      sync { state: SYNC_STATE_HELD last_error: "an older error" }
    }
  )pb");
  EXPECT_THAT(HostsTable(hosts, kNow, /*colours=*/false),
              HasSubstr("held  HostUuidChanged: host hv1: answers with another "
                        "UUID (and 1 more)\n"));
  EXPECT_EQ(
      ConditionDetails(hosts.hosts(0), kNow, /*colours=*/false),
      "Condition:  HostUuidChanged for 5m: host hv1: answers with another "
      "UUID\n"
      "Condition:  Unreachable: host hv1: no route\n");
  EXPECT_EQ(ConditionDetails(v1::Host(), kNow, /*colours=*/false), "");
}

TEST(ViewsTest, AMissingGuestSaysSo) {
  v1::ListGuestsResponse guests;
  v1::LocatedGuest& guest = *guests.add_guests();
  guest.set_missing(true);
  guest.set_presence(v1::PRESENCE_CURRENT);
  guest.mutable_guest()->set_state(v1::GUEST_STATE_RUNNING);
  EXPECT_THAT(GuestsTable(guests, kNow, false), HasSubstr("running (missing)"));
  EXPECT_THAT(GuestDetails(guest, kNow, false), HasSubstr("\nMissing:"));
  guest.set_presence(v1::PRESENCE_STALE);
  EXPECT_THAT(GuestsTable(guests, kNow, false),
              HasSubstr("running (stale, missing)"));
  guest.set_missing(false);
  EXPECT_THAT(GuestsTable(guests, kNow, false), HasSubstr("running (stale)"));
  EXPECT_THAT(GuestDetails(guest, kNow, false), Not(HasSubstr("Missing:")));
}

TEST(ViewsTest, ColoursTellStatesApart) {
  v1::ListGuestsResponse guests;
  v1::LocatedGuest& guest = *guests.add_guests();
  guest.set_presence(v1::PRESENCE_CURRENT);
  guest.mutable_guest()->set_state(v1::GUEST_STATE_CRASHED);
  EXPECT_THAT(GuestsTable(guests, kNow, true),
              HasSubstr("\033[31mcrashed\033[0m"));
  EXPECT_THAT(GuestsTable(guests, kNow, false), Not(HasSubstr("\033")));
}

TEST(ViewsTest, AGuestInDetail) {
  const auto guest = FromText<v1::LocatedGuest>(R"pb(
    node: "hv1"
    presence: PRESENCE_CURRENT
    provenance { kind: SOURCE_KIND_PULL origin: "qemu+ssh://hv1/system" }
    confirmed_at { seconds: 997 }
    guest {
      uuid: "6b29fc40-ca47-1067-b31d-00dd010662da"
      name: "web01"
      id: 7
      state: GUEST_STATE_RUNNING
      state_reason: "booted"
      vcpus: 2
      max_vcpus: 4
      memory_kib: 2097152
      max_memory_kib: 2097152
      autostart: true
      persistent: true
      title: "Shop front"
      os_type: "hvm"
      architecture: "x86_64"
      machine: "pc-q35-7.2"
      disks {
        device: "disk"
        source: "/images/web01.qcow2"
        target: "vda"
        bus: "virtio"
        format: "qcow2"
      }
      disks { device: "cdrom" target: "sda" bus: "sata" readonly: true }
      interfaces {
        mac: "52:54:00:12:34:56"
        type: "network"
        source: "default"
        target: "vnet3"
        model: "virtio"
        addresses: "10.0.0.7/24"
      }
      graphics { type: "vnc" port: 5900 listen: "127.0.0.1" }
      graphics { type: "spice" }
    }
  )pb");
  EXPECT_EQ(GuestDetails(guest, kNow, /*colours=*/false),
            "Name:        web01\n"
            "UUID:        6b29fc40-ca47-1067-b31d-00dd010662da\n"
            "Host:        hv1 (current)\n"
            "Seen:        3s ago by pull qemu+ssh://hv1/system\n"
            "State:       running (booted)\n"
            "vCPUs:       2 of at most 4\n"
            "Memory:      2.0 GiB\n"
            "Autostart:   yes\n"
            "Persistent:  yes\n"
            "Title:       Shop front\n"
            "Machine:     hvm x86_64 pc-q35-7.2\n"
            "Disk:        vda /images/web01.qcow2 (qcow2, virtio)\n"
            "Disk:        sda no medium (cdrom, sata, read-only)\n"
            "Interface:   52:54:00:12:34:56 on network default (vnet3, virtio) "
            "10.0.0.7/24\n"
            "Graphics:    vnc 127.0.0.1:5900\n"
            "Graphics:    spice (port chosen at start)\n");
}

TEST(ViewsTest, DifferencesPathByPath) {
  const auto diff = FromText<v1::ResyncDiffResponse>(R"pb(
    node: "hv1"
    differences { path: "automatic.a.state" before: '"off"' after: '"on"' }
    differences { path: "automatic.b" after: "{}" }
    differences { path: "automatic.c" before: "1" }
  )pb");
  EXPECT_EQ(DiffText(diff, /*colours=*/false),
            "automatic.a.state\n"
            "  - \"off\"\n"
            "  + \"on\"\n"
            "automatic.b\n"
            "  + {}\n"
            "automatic.c\n"
            "  - 1\n");
}

TEST(ViewsTest, NoDifferenceIsSaid) {
  EXPECT_EQ(DiffText(FromText<v1::ResyncDiffResponse>("node: 'hv1'"), false),
            "hv1: Chef holds what Rehai believes\n");
}

}  // namespace
}  // namespace rehai::cli
