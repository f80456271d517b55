// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_GUEST_READER_H_
#define HYPERVISOR_GUEST_READER_H_

#include <libvirt/libvirt.h>

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hypervisor/connection.h"
#include "rehai/v1/model.pb.h"

namespace rehai::hypervisor {

// Reads all guests of one connection. Lists and states cost four calls however
// many guests there are; a definition costs one call and is kept until the list
// or the caller says that it may have changed. Never makes a call that waits
// for a guest's own process (its monitor or agent): one hung guest would hold
// them all. Not thread-safe.
class GuestReader {
 public:
  // `connection` must outlive it.
  GuestReader(virConnectPtr connection, std::string uri, ReadOptions options);

  // Fills inventory.guests and inventory.unread_uuids; inventory.facts must be
  // there already, for the name of the host's security model. A guest that
  // vanishes after it was listed is unread, and in the inventory with what the
  // list told: only the next list can tell that it is gone.
  absl::Status Read(const ReadRequest& request, Inventory& inventory);

 private:
  // What the lists tell about a guest.
  struct Listing {
    std::string uuid;
    std::string name;
    int id = -1;  // -1: not active
    v1::GuestState state = v1::GUEST_STATE_UNSPECIFIED;
    int reason = 0;
    bool persistent = false;
    bool autostart = false;
    bool managed_save = false;
  };
  // A definition, and the listing under which it was read.
  struct Known {
    Listing listing;
    v1::Guest definition;
  };
  using Uuids = absl::flat_hash_set<std::string>;

  absl::StatusOr<Uuids> ListUuids(unsigned int filter);
  bool MustReread(const ReadRequest& request, const Uuids& changed,
                  const Listing& listing) const;
  absl::StatusOr<v1::Guest> ReadDefinition(virDomainPtr domain,
                                           const std::string& security_model);
  void ReadSecurityLabel(virDomainPtr domain, const std::string& model,
                         v1::Guest& guest);
  void ReadMessages(virDomainPtr domain, v1::Guest& guest);
  absl::Status ReadGuest(virDomainPtr domain, const Listing& listing,
                         bool reread, bool volatile_values,
                         Inventory& inventory);
  absl::Status LastError() const;

  const virConnectPtr connection_;
  const std::string uri_;
  const ReadOptions options_;
  // By UUID.
  absl::flat_hash_map<std::string, Known> known_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_GUEST_READER_H_
