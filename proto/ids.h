// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef PROTO_IDS_H_
#define PROTO_IDS_H_

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>

namespace rehai {

// The key of a host: the name of the Chef node it is written to, unique in its
// organisation.
struct HostId {
  std::string node;

  friend auto operator<=>(const HostId&, const HostId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const HostId& id) {
    return H::combine(std::move(h), id.node);
  }
  friend std::ostream& operator<<(std::ostream& out, const HostId& id) {
    return out << id.node;
  }
};

// The key of a guest: its canonical UUID. Never its name: names get reused.
struct GuestId {
  std::string uuid;

  friend auto operator<=>(const GuestId&, const GuestId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const GuestId& id) {
    return H::combine(std::move(h), id.uuid);
  }
  friend std::ostream& operator<<(std::ostream& out, const GuestId& id) {
    return out << id.uuid;
  }
};

// One fleet-wide, ever-growing number: a later change has a higher one.
using Revision = int64_t;

}  // namespace rehai

#endif  // PROTO_IDS_H_
