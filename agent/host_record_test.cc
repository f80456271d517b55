// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_record.h"

#include <gtest/gtest.h>

#include "base/proto_time.h"

namespace rehai::agent {
namespace {

const absl::Time kBegun = absl::FromUnixSeconds(1'800'000'000);

hypervisor::Inventory Found() {
  hypervisor::Inventory found;
  found.facts.set_hostname("hv1.example.com");
  for (const char* uuid : {"a", "b"}) {
    v1::Guest guest;
    guest.set_uuid(uuid);
    found.guests.push_back(guest);
  }
  found.unread_uuids = {"b"};
  return found;
}

TEST(HostRecordTest, HoldsAllThatWasFound) {
  const v1::Record record =
      HostRecord("hv1", "qemu:///system", Found(), kBegun);
  EXPECT_EQ(record.node(), "hv1");
  EXPECT_EQ(record.facts().hostname(), "hv1.example.com");
  ASSERT_EQ(record.guests_size(), 2);
  EXPECT_EQ(record.guests(0).uuid(), "a");
  EXPECT_EQ(record.guests(1).uuid(), "b");
  EXPECT_EQ(record.presence(), v1::PRESENCE_CURRENT);
}

TEST(HostRecordTest, SaysWhereAndWhenItIsFrom) {
  const v1::Record record =
      HostRecord("hv1", "qemu:///system", Found(), kBegun);
  EXPECT_EQ(record.provenance().origin(), "qemu:///system");
  EXPECT_EQ(FromProto(record.provenance().observed_at()), kBegun);
}

TEST(HostRecordTest, ALaterRunHasAHigherRevision) {
  EXPECT_LT(
      HostRecord("hv1", "u", {}, kBegun).revision(),
      HostRecord("hv1", "u", {}, kBegun + absl::Milliseconds(1)).revision());
}

}  // namespace
}  // namespace rehai::agent
