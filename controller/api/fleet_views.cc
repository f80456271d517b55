// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_views.h"

#include <algorithm>

#include "controller/api/wire_fields.h"
#include "controller/inventory/record.h"
#include "proto/ids.h"

namespace rehai {

void FillHost(const v1::Record& record, const v1::SyncStatus& sync,
              const ReadMask& mask, v1::Host& host) {
  if (mask.Has("node")) host.set_node(record.node());
  if (mask.Has("labels")) *host.mutable_labels() = record.labels();
  if (mask.Has("revision")) host.set_revision(record.revision());
  if (mask.Has("presence")) host.set_presence(record.presence());
  if (mask.Has("facts") && record.has_facts()) {
    mask.Copy("facts", record.facts(), *host.mutable_facts());
  }
  if (mask.Has("guest_count")) host.set_guest_count(record.guests_size());
  if (mask.Has("running_guest_count")) {
    host.set_running_guest_count(static_cast<int>(std::count_if(
        record.guests().begin(), record.guests().end(), [](const auto& guest) {
          return guest.state() == v1::GUEST_STATE_RUNNING;
        })));
  }
  if (mask.Has("provenance") && record.has_provenance()) {
    mask.Copy("provenance", record.provenance(), *host.mutable_provenance());
  }
  if (mask.Has("confirmed_at") && record.has_confirmed_at()) {
    mask.Copy("confirmed_at", record.confirmed_at(),
              *host.mutable_confirmed_at());
  }
  if (mask.Has("conditions")) *host.mutable_conditions() = record.conditions();
  if (mask.Has("sync")) mask.Copy("sync", sync, *host.mutable_sync());
}

v1::Host MakeHost(const v1::Record& record, const v1::SyncStatus& sync) {
  v1::Host host;
  FillHost(record, sync, ReadMask(), host);
  return host;
}

void FillLocatedGuest(const v1::Record& record, const v1::Guest& guest,
                      const ReadMask& mask, v1::LocatedGuest& located) {
  if (mask.Has("node")) located.set_node(record.node());
  if (mask.Has("guest")) mask.Copy("guest", guest, *located.mutable_guest());
  if (mask.Has("host_revision")) located.set_host_revision(record.revision());
  if (mask.Has("presence")) located.set_presence(record.presence());
  if (mask.Has("provenance") && record.has_provenance()) {
    mask.Copy("provenance", record.provenance(), *located.mutable_provenance());
  }
  if (mask.Has("confirmed_at") && record.has_confirmed_at()) {
    mask.Copy("confirmed_at", record.confirmed_at(),
              *located.mutable_confirmed_at());
  }
  if (mask.Has("missing")) {
    located.set_missing(IsMissing(record, GuestId{guest.uuid()}));
  }
}

std::string SerializeLocatedGuest(const v1::Record& record,
                                  const v1::Guest& guest) {
  using Located = v1::LocatedGuest;
  Located located;
  located.set_node(record.node());
  located.set_host_revision(record.revision());
  located.set_presence(record.presence());
  located.set_missing(IsMissing(record, GuestId{guest.uuid()}));
  std::string bytes = located.SerializeAsString();
  AppendField(Located::kGuestFieldNumber, guest, bytes);
  if (record.has_provenance()) {
    AppendField(Located::kProvenanceFieldNumber, record.provenance(), bytes);
  }
  if (record.has_confirmed_at()) {
    AppendField(Located::kConfirmedAtFieldNumber, record.confirmed_at(), bytes);
  }
  return bytes;
}

v1::LocatedGuest MakeLocatedGuest(const v1::Record& record,
                                  const v1::Guest& guest) {
  v1::LocatedGuest located;
  FillLocatedGuest(record, guest, ReadMask(), located);
  return located;
}

}  // namespace rehai
