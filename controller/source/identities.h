// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_IDENTITIES_H_
#define CONTROLLER_SOURCE_IDENTITIES_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// HostIdentities judges whether a hypervisor that answers is the host that it
// is taken for. The Chef node name is the key, the libvirt host UUID the
// evidence.
//
// - Of several hosts that answer with one UUID none is believed, and each has
//   the condition DuplicateHostUuid, until all but one answer otherwise or
//   left.
// - A host that answers with another UUID than the one it was believed with is
//   not believed, and has HostUuidChanged, until it answers with that one again
//   or the new one is accepted.
// - So no two hosts are ever believed with one UUID, in whatever order they
//   answer.
// - A host without a UUID is believed: libvirt's test driver has none, and some
//   vendors gave all their machines the same, which says no more. UUIDs are
//   compared without regard to case.
//
// Over a restart it knows what Restore() tells it. Not thread-safe. No clock,
// no I/O.
class HostIdentities {
 public:
  // How a condition of a host has changed. It has no `since`.
  struct Finding {
    HostId host;
    std::string type;
    std::optional<v1::Condition> condition;  // nullopt: it stands no more
  };

  struct Verdict {
    // False: what the host told may be another's and is not to be taken in.
    bool believed = false;
    // Of this host and of others, whose belief it may have changed too.
    std::vector<Finding> findings;
  };

  struct Accepted {
    std::string uuid;  // lower-case
    std::vector<Finding> findings;
  };

  // The host answered with this libvirt host UUID; empty if its driver has
  // none.
  Verdict Answered(const HostId& host, const std::string& uuid);

  // The host was last believed with this UUID, in the run before; empty if with
  // none. Before its first answer.
  void Restore(const HostId& host, const std::string& uuid);

  // The host left the fleet, or is reached at another URI: what it answered is
  // no evidence any more, and its next answer is as a first one. Its own
  // conditions are taken back too. Unknown hosts are ignored.
  std::vector<Finding> Left(const HostId& host);

  // An operator says that the host's new UUID is right. kFailedPrecondition:
  // its UUID has not changed, or another host answers with the same.
  absl::StatusOr<Accepted> Accept(const HostId& host);

 private:
  struct Identity {
    std::string believed;  // with which it was last believed; empty: none yet
    std::string answered;  // last; empty: it has none
    // The conditions that stand, by their types: their messages.
    std::map<std::string, std::string> standing;
  };

  // The hosts that answer with the same UUID as `host`, without itself.
  std::vector<HostId> Twins(const HostId& host, const Identity& identity) const;
  std::map<std::string, std::string> Conditions(const HostId& host,
                                                const Identity& identity) const;
  // Takes back what the host last answered; returns who else answers so.
  std::set<HostId> Withdraw(const HostId& host, Identity& identity);
  // Brings what is known of the host up to date with what all have answered.
  void Review(const HostId& host, std::vector<Finding>& findings);

  std::map<HostId, Identity> hosts_;
  // Who answers with a UUID. No empty sets.
  std::map<std::string, std::set<HostId>> answers_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_IDENTITIES_H_
