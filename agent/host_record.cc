// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_record.h"

#include <utility>

#include "base/proto_time.h"

namespace rehai::agent {

v1::Record HostRecord(const std::string& node, const std::string& uri,
                      hypervisor::Inventory found, absl::Time begun) {
  v1::Record record;
  record.set_node(node);
  record.set_revision(absl::ToUnixMicros(begun));
  v1::Provenance& provenance = *record.mutable_provenance();
  provenance.set_kind(v1::SOURCE_KIND_PULL);
  provenance.set_origin(uri);
  *provenance.mutable_observed_at() = ToProto(begun);
  *provenance.mutable_received_at() = ToProto(begun);
  *record.mutable_confirmed_at() = ToProto(begun);
  record.set_presence(v1::PRESENCE_CURRENT);
  *record.mutable_facts() = std::move(found.facts);
  for (v1::Guest& guest : found.guests) {
    *record.add_guests() = std::move(guest);
  }
  return record;
}

}  // namespace rehai::agent
