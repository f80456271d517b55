// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_ROWS_H_
#define CONTROLLER_QUERY_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/ip_address.h"
#include "rehai/v1/model.pb.h"

// What filters and orders look at. Rows own nothing: whoever makes them keeps
// what they point to.
namespace rehai::query {

struct HostRow {
  const v1::Record* record = nullptr;
  int32_t running_guests = 0;
  // Null where nothing asks for it; then sync is unknown.
  const v1::SyncStatus* sync = nullptr;
};

// What most filters and orders ask for stands side by side, so that a look
// through a large fleet reads memory in order; the rest is the guest's.
struct GuestRow {
  absl::string_view name = {};
  absl::string_view uuid = {};
  const v1::Guest* guest = nullptr;
  int64_t memory_kib = 0;
  int32_t vcpus = 0;
  v1::GuestState state = v1::GUEST_STATE_UNSPECIFIED;
  bool is_missing = false;
  // Of its interfaces' addresses those that are addresses, in their order:
  // what AddAddresses() gives. Read once, for all questions of IP blocks.
  absl::Span<const IpAddress> addresses = {};
};

// A host's rows are looked at in blocks, of which the last may be shorter. A
// RowSet is some of a block's rows: bit i is the row i.
using RowSet = uint64_t;
inline constexpr size_t kRowsPerBlock = 64;

void AddAddresses(const v1::Guest& guest, std::vector<IpAddress>& addresses);

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_ROWS_H_
