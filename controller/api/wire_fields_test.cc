// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/wire_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "rehai/v1/fleet.pb.h"

namespace rehai {
namespace {

// As whoever gets the bytes reads them, and writes them again.
template <typename Message>
std::string Canonical(const std::string& bytes) {
  Message message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message.SerializeAsString();
}

v1::Guest Guest(int disks) {
  v1::Guest guest;
  guest.set_uuid("uuid-1");
  for (int i = 0; i < disks; ++i) {
    guest.add_disks()->set_source("/var/lib/libvirt/images/web.qcow2");
  }
  return guest;
}

TEST(WireFieldsTest, AnAppendedFieldIsTheFieldThatIsSet) {
  // Lengths of one byte, of two and of three.
  for (const int disks : {0, 10, 1000}) {
    v1::LocatedGuest located;
    located.set_node("hv1");
    std::string bytes = located.SerializeAsString();
    *located.mutable_guest() = Guest(disks);
    AppendField(v1::LocatedGuest::kGuestFieldNumber, located.guest(), bytes);
    EXPECT_EQ(Canonical<v1::LocatedGuest>(bytes), located.SerializeAsString());
  }
}

TEST(WireFieldsTest, AddedEntriesComeInTheirOrder) {
  v1::ListGuestsResponse set;
  v1::ListGuestsResponse added;
  for (v1::ListGuestsResponse* page : {&set, &added}) {
    page->set_total_size(7);
  }
  for (const int disks : {3, 1, 2}) {
    v1::LocatedGuest& located = *set.add_guests();
    *located.mutable_guest() = Guest(disks);
    AddSerialized(v1::ListGuestsResponse::kGuestsFieldNumber,
                  located.SerializeAsString(), added);
  }
  EXPECT_EQ(Canonical<v1::ListGuestsResponse>(added.SerializeAsString()),
            set.SerializeAsString());
}

}  // namespace
}  // namespace rehai
