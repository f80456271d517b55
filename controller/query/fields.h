// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_FIELDS_H_
#define CONTROLLER_QUERY_FIELDS_H_

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/query/rows.h"

// The fields that filters, orders and groups may name: one table for guests and
// one for hosts, from which their errors come too, and docs/query.md.
namespace rehai::query {

enum class FieldId {
  // Of a guest.
  kUuid,
  kName,
  kId,
  kState,
  kStateReason,
  kVcpus,
  kMaxVcpus,
  kMemory,
  kMaxMemory,
  kAutostart,
  kPersistent,
  kMissing,
  kTitle,
  kDescription,
  kMetadata,
  kOsType,
  kArchitecture,
  kMachine,
  kMac,
  kIp,
  kNetwork,
  kDisk,
  // Of a host.
  kNode,
  kHostname,
  kHostUuid,
  kLabels,
  kPresence,
  kGuestCount,
  kRunningGuestCount,
  kCpus,
  kHostMemory,
  kFreeMemory,
  kHypervisor,
  kHypervisorVersion,
  kLibvirtVersion,
  kCondition,
  kSync,
  kAppliedAge,
  kAge,
  kObservedAt,
  kSource,
  kRevision,
};

enum class FieldType {
  kText,      // wildcards; < and > by bytes
  kVersion,   // as kText; < and > by its numbers
  kNumber,    // a whole number
  kBytes,     // "4GiB"; a number alone is bytes
  kDuration,  // "1h30m", "7d"
  kTime,      // RFC 3339
  kEnum,      // one of words()
  kBool,
  kAddress,   // several IP addresses; = takes a CIDR block too
  kTexts,     // several texts, of which one has to match
  kLabelMap,  // texts by key
};

// True if a Value of this type is its text, and else its number.
inline bool IsText(FieldType type) {
  return type == FieldType::kText || type == FieldType::kVersion ||
         type == FieldType::kLabelMap;
}

struct Field {
  FieldId id;
  absl::string_view name;
  FieldType type;
  // What else it may be called; empty if nothing.
  absl::string_view alias;
  absl::string_view meaning;
  // Of kEnum: the enum, and what its values' names begin with.
  const google::protobuf::EnumDescriptor* (*words)() = nullptr;
  absl::string_view word_prefix = {};
  // A group may be made by it.
  bool is_group = false;
  // Changes without a change of the host's record.
  bool is_volatile = false;
};

// What a filter is over. A guest's filter may name its host's fields as
// "host.X", and node, age, observed_at, source and revision without "host.".
enum class Kind { kGuests, kHosts };

absl::Span<const Field> GuestFields();
absl::Span<const Field> HostFields();

// A field that a request names.
struct FieldRef {
  const Field* field = nullptr;
  bool of_host = false;
  std::string key;  // of kLabelMap; "" for the whole map
};

// nullopt if there is no such field.
std::optional<FieldRef> FindField(Kind kind,
                                  const std::vector<std::string>& member);

// "unknown field X; did you mean Y", or where to read about fields.
std::string UnknownField(Kind kind, absl::string_view name);

// A field's value: of kText, kVersion and a label its text; of all other types
// that have one value its number. Texts point into the row.
struct Value {
  bool is_known = false;
  int64_t number = 0;
  absl::string_view text = {};

  static Value OfNumber(int64_t number) {
    return {.is_known = true, .number = number};
  }
  // Of a size in KiB; what no number of bytes can say is the nearest that can.
  static Value OfKiB(int64_t kib) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 1024;
    return OfNumber(std::clamp(kib, int64_t{0}, kMost) * 1024);
  }
  // An empty text is not known.
  static Value OfText(absl::string_view text) {
    return {.is_known = !text.empty(), .text = text};
  }
};

// Sizes are in bytes, times in nanoseconds since 1970 and durations in
// nanoseconds; `guest` may be null for fields of hosts. Not for kAddress and
// kTexts. Allocates nothing.
Value Read(const FieldRef& ref, const HostRow& host, const GuestRow* guest,
           absl::Time now);

// True if `matches` is true of one of the texts of a kTexts or kAddress.
bool AnyText(FieldId field, const HostRow& host, const GuestRow* guest,
             absl::FunctionRef<bool(absl::string_view)> matches);

// The word of an enum's value as filters have it: "shut_off".
std::string Word(const Field& field, int64_t number);

// Less than 0, 0 or more than 0, as the version `a` is before, as or after `b`:
// numbers in them count as numbers, "7.10" is after "7.9".
int CompareVersions(absl::string_view a, absl::string_view b);

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_FIELDS_H_
