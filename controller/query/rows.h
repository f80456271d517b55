// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_ROWS_H_
#define CONTROLLER_QUERY_ROWS_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/ip_address.h"
#include "rehai/v1/model.pb.h"

// What filters and orders look at. Whoever makes it keeps the records that it
// points to.
namespace rehai::query {

struct HostRow {
  const v1::Record* record = nullptr;
  int32_t running_guests = 0;
  // Null where nothing asks for it; then sync is unknown.
  const v1::SyncStatus* sync = nullptr;
};

// A host's rows are looked at in blocks, of which the last may be shorter. A
// RowSet is some of a block's rows: bit i is the row i.
using RowSet = uint64_t;
inline constexpr size_t kRowsPerBlock = 64;

// Calls `see` with the index of each row of the set.
template <typename See>
void ForEachRow(RowSet rows, const See& see) {
  for (; rows != 0; rows &= rows - 1) see(std::countr_zero(rows));
}

class GuestRow;

// GuestRows is some of a host's guests, in columns: what most filters and
// orders ask for stands side by side for all of them, so that a look through a
// large fleet reads little memory, and that in order. The rest is the guest's.
// Immutable.
class GuestRows {
 public:
  GuestRows() = default;
  // All guests of the record, or these of it. Points into it.
  explicit GuestRows(const v1::Record& record);
  GuestRows(const v1::Record& record,
            absl::Span<const v1::Guest* const> guests);

  size_t size() const { return guests_.size(); }
  GuestRow operator[](size_t index) const;

  // True if both have the same names and UUIDs in the same rows.
  bool HasSameKeys(const GuestRows& other) const {
    return names_ == other.names_ && uuids_ == other.uuids_;
  }

 private:
  friend class GuestRow;

  // Texts, one behind the other.
  struct Texts {
    std::string all;
    std::vector<uint32_t> ends;

    void Add(absl::string_view text);
    absl::string_view operator[](size_t index) const {
      const uint32_t begin = index == 0 ? 0 : ends[index - 1];
      return {all.data() + begin, ends[index] - begin};
    }
    friend bool operator==(const Texts& a, const Texts& b) = default;
  };

  std::vector<v1::GuestState> states_;
  std::vector<int64_t> memory_kib_;
  std::vector<int32_t> vcpus_;
  std::vector<uint8_t> are_missing_;
  Texts names_;
  Texts uuids_;
  std::vector<IpAddress> addresses_;
  std::vector<uint32_t> address_ends_;  // of each guest in addresses_
  std::vector<const v1::Guest*> guests_;
};

// A guest of GuestRows, which have to outlive it and all that it gives.
class GuestRow {
 public:
  GuestRow(const GuestRows& rows, size_t index) : rows_(&rows), index_(index) {}

  absl::string_view name() const { return rows_->names_[index_]; }
  absl::string_view uuid() const { return rows_->uuids_[index_]; }
  v1::GuestState state() const { return rows_->states_[index_]; }
  int64_t memory_kib() const { return rows_->memory_kib_[index_]; }
  int32_t vcpus() const { return rows_->vcpus_[index_]; }
  // Its host's last complete list lacked it.
  bool is_missing() const { return rows_->are_missing_[index_] != 0; }
  // Of its interfaces' addresses those that are addresses, in their order. Read
  // once, for all questions of IP blocks.
  absl::Span<const IpAddress> addresses() const {
    const uint32_t begin = index_ == 0 ? 0 : rows_->address_ends_[index_ - 1];
    return absl::MakeConstSpan(rows_->addresses_)
        .subspan(begin, rows_->address_ends_[index_] - begin);
  }
  const v1::Guest& guest() const { return *rows_->guests_[index_]; }

 private:
  const GuestRows* rows_;
  size_t index_;
};

inline GuestRow GuestRows::operator[](size_t index) const {
  return GuestRow(*this, index);
}

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_ROWS_H_
