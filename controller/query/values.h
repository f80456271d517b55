// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_VALUES_H_
#define CONTROLLER_QUERY_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/query/fields.h"

// How filters write values. Pure; nullopt means that the text is no such value.
namespace rehai::query {

// "4GiB", "1.5 TiB", "512M" (which is MiB, as everywhere in libvirt),
// "1048576".
std::optional<int64_t> ParseBytes(absl::string_view text);

// "30s", "1h30m", "7d", "1d12h", "-5m", in nanoseconds.
std::optional<int64_t> ParseNanoseconds(absl::string_view text);

// RFC 3339, in nanoseconds since 1970: "2026-11-26T12:00:00Z", with or without
// fractions, or "+01:00" for Z; or a date, which is its first moment in UTC.
std::optional<int64_t> ParseTime(absl::string_view text);

// A MAC address as the inventory has it, or a part of one: lower case, colons.
std::string CanonicalMac(absl::string_view text);

// A UUID as the inventory has it, or a part of one: lower case, dashes.
std::string CanonicalUuid(absl::string_view text);

// The number of an enum's value: "running", "Shut-off", "GUEST_STATE_RUNNING".
// kInvalidArgument tells which words there are.
absl::StatusOr<int64_t> ParseWord(const Field& field, absl::string_view text);

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_VALUES_H_
