// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_views.h"

#include <algorithm>

namespace rehai {

v1::Host MakeHost(const v1::Record& record, const v1::SyncStatus& sync) {
  v1::Host host;
  host.set_node(record.node());
  *host.mutable_labels() = record.labels();
  host.set_revision(record.revision());
  host.set_presence(record.presence());
  if (record.has_facts()) *host.mutable_facts() = record.facts();
  host.set_guest_count(record.guests_size());
  host.set_running_guest_count(static_cast<int>(std::count_if(
      record.guests().begin(), record.guests().end(), [](const auto& guest) {
        return guest.state() == v1::GUEST_STATE_RUNNING;
      })));
  if (record.has_provenance()) *host.mutable_provenance() = record.provenance();
  if (record.has_confirmed_at()) {
    *host.mutable_confirmed_at() = record.confirmed_at();
  }
  *host.mutable_conditions() = record.conditions();
  *host.mutable_sync() = sync;
  return host;
}

v1::LocatedGuest MakeLocatedGuest(const v1::Record& record,
                                  const v1::Guest& guest) {
  v1::LocatedGuest located;
  located.set_node(record.node());
  *located.mutable_guest() = guest;
  located.set_host_revision(record.revision());
  located.set_presence(record.presence());
  if (record.has_provenance()) {
    *located.mutable_provenance() = record.provenance();
  }
  if (record.has_confirmed_at()) {
    *located.mutable_confirmed_at() = record.confirmed_at();
  }
  located.set_missing(std::binary_search(record.missing_uuids().begin(),
                                         record.missing_uuids().end(),
                                         guest.uuid()));
  return located;
}

}  // namespace rehai
