// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/fields.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/proto_time.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "controller/query/guest_fields.h"

namespace rehai::query {
namespace {

constexpr size_t kExcerptBytes = 64;
constexpr absl::string_view kHostPrefix = "host.";

// Of guests' filters without "host." before them, too.
constexpr FieldId kSharedFields[] = {FieldId::kNode, FieldId::kAge,
                                     FieldId::kObservedAt, FieldId::kSource,
                                     FieldId::kRevision};

constexpr Field kGuestFields[] = {
    {FieldId::kName, "name", FieldType::kText, "", "its name"},
    {FieldId::kUuid, "uuid", FieldType::kText, "", "its UUID"},
    {FieldId::kId, "id", FieldType::kNumber, "",
     "the hypervisor's runtime number; unknown while it is not active"},
    {FieldId::kState, "state", FieldType::kEnum, "", "its state",
     v1::GuestState_descriptor, "GUEST_STATE_", true},
    {FieldId::kStateReason, "state_reason", FieldType::kText, "",
     "why it is in that state, in libvirt's words", nullptr, "", true},
    {FieldId::kVcpus, "vcpus", FieldType::kNumber, "", "vCPUs in use"},
    {FieldId::kMaxVcpus, "max_vcpus", FieldType::kNumber, "",
     "the most vCPUs that it may be given"},
    {FieldId::kMemory, "memory", FieldType::kBytes, "", "memory that it has"},
    {FieldId::kMaxMemory, "max_memory", FieldType::kBytes, "",
     "the most memory that it may be given"},
    {FieldId::kAutostart, "autostart", FieldType::kBool, "",
     "it starts with its host", nullptr, "", true},
    {FieldId::kPersistent, "persistent", FieldType::kBool, "",
     "its definition survives its stop", nullptr, "", true},
    {FieldId::kMissing, "missing", FieldType::kBool, "",
     "its host's last complete list lacked it", nullptr, "", true},
    {FieldId::kTitle, "title", FieldType::kText, "", "its title"},
    {FieldId::kDescription, "description", FieldType::kText, "",
     "its description"},
    {FieldId::kMetadata, "metadata", FieldType::kText, "",
     "its metadata, as XML text"},
    {FieldId::kOsType, "os_type", FieldType::kText, "", "hvm, linux, exe, ..."},
    {FieldId::kArchitecture, "architecture", FieldType::kText, "",
     "its CPU architecture"},
    {FieldId::kMachine, "machine", FieldType::kText, "", "its machine type"},
    {FieldId::kMac, "mac", FieldType::kTexts, "interfaces.mac",
     "its interfaces' MAC addresses"},
    {FieldId::kIp, "ip", FieldType::kAddress, "interfaces.addresses",
     "its interfaces' IP addresses, where known"},
    {FieldId::kNetwork, "network", FieldType::kTexts, "interfaces.source",
     "the networks, bridges or devices that its interfaces are on"},
    {FieldId::kDisk, "disk", FieldType::kTexts, "disks.source",
     "its disks' paths, devices, volumes or URLs"},
};

constexpr Field kHostFields[] = {
    {FieldId::kNode, "node", FieldType::kText, "host", "its Chef node", nullptr,
     "", true},
    {FieldId::kHostname, "hostname", FieldType::kText, "",
     "the hypervisor's name for itself"},
    {FieldId::kHostUuid, "uuid", FieldType::kText, "", "libvirt's host UUID"},
    {FieldId::kLabels, "labels", FieldType::kLabelMap, "",
     "its labels: labels.rack = a1, labels:rack", nullptr, "", true},
    {FieldId::kPresence, "presence", FieldType::kEnum, "",
     "how current what is known of it is", v1::Presence_descriptor, "PRESENCE_",
     true},
    {FieldId::kGuestCount, "guest_count", FieldType::kNumber, "", "its guests"},
    {FieldId::kRunningGuestCount, "running_guest_count", FieldType::kNumber, "",
     "its running guests"},
    {FieldId::kCpus, "cpus", FieldType::kNumber, "", "its active CPUs"},
    {FieldId::kHostMemory, "memory", FieldType::kBytes, "", "its memory"},
    {FieldId::kFreeMemory, "free_memory", FieldType::kBytes, "",
     "its free memory; known only where a rendering shows volatile values"},
    {FieldId::kHypervisor, "hypervisor", FieldType::kText, "",
     "libvirt's driver: QEMU, ...", nullptr, "", true},
    {FieldId::kHypervisorVersion, "hypervisor_version", FieldType::kVersion, "",
     "the hypervisor's version", nullptr, "", true},
    {FieldId::kLibvirtVersion, "libvirt_version", FieldType::kVersion, "",
     "libvirt's version", nullptr, "", true},
    {FieldId::kCondition, "condition", FieldType::kTexts, "conditions.type",
     "its conditions' types: Unreachable, ..."},
    {FieldId::kSync, "sync", FieldType::kEnum, "sync.state",
     "where its Chef node stands", v1::SyncState_descriptor, "SYNC_STATE_",
     false, true},
    {FieldId::kAppliedAge, "applied_age", FieldType::kDuration, "",
     "time since it was last seen that Chef holds what is believed", nullptr,
     "", false, true},
    {FieldId::kAge, "age", FieldType::kDuration, "",
     "time since it was last known to be as shown", nullptr, "", false, true},
    {FieldId::kObservedAt, "observed_at", FieldType::kTime, "",
     "when what is shown was read", nullptr, "", false, true},
    {FieldId::kSource, "source", FieldType::kEnum, "",
     "who told of it: pull or push", v1::SourceKind_descriptor, "SOURCE_KIND_",
     true},
    {FieldId::kRevision, "revision", FieldType::kNumber, "",
     "the revision of its last change"},
};

const Field* FindByName(absl::Span<const Field> fields,
                        absl::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name || (!field.alias.empty() && field.alias == name)) {
      return &field;
    }
  }
  return nullptr;
}

bool IsShared(FieldId field) {
  return std::find(std::begin(kSharedFields), std::end(kSharedFields), field) !=
         std::end(kSharedFields);
}

std::optional<FieldRef> FindHostField(absl::Span<const std::string> member) {
  FieldRef ref{.field = nullptr, .of_host = true, .key = ""};
  if (member.front() == "labels") {
    ref.key = absl::StrJoin(member.subspan(1), ".");
    ref.field = FindByName(kHostFields, "labels");
    return ref;
  }
  ref.field = FindByName(kHostFields, absl::StrJoin(member, "."));
  if (ref.field == nullptr) return std::nullopt;
  return ref;
}

Value Since(bool is_known, const google::protobuf::Timestamp& time,
            absl::Time now) {
  return {.is_known = is_known,
          .number = absl::ToInt64Nanoseconds(now - FromProto(time))};
}

Value ReadOfHost(const FieldRef& ref, const HostRow& row, absl::Time now) {
  const v1::Record& record = *row.record;
  const v1::HostFacts& facts = record.facts();
  switch (ref.field->id) {
    case FieldId::kNode:
      return Value::OfText(record.node());
    case FieldId::kHostname:
      return Value::OfText(facts.hostname());
    case FieldId::kHostUuid:
      return Value::OfText(facts.uuid());
    case FieldId::kLabels: {
      const auto found = record.labels().find(ref.key);
      if (found == record.labels().end()) return {};
      return {.is_known = true, .text = found->second};
    }
    case FieldId::kPresence:
      return Value::OfNumber(record.presence());
    case FieldId::kGuestCount:
      return Value::OfNumber(record.guests_size());
    case FieldId::kRunningGuestCount:
      return Value::OfNumber(row.running_guests);
    case FieldId::kCpus:
      return {.is_known = record.has_facts(), .number = facts.cpus()};
    case FieldId::kHostMemory:
      return record.has_facts() ? Value::OfKiB(facts.memory_kib()) : Value();
    case FieldId::kFreeMemory:
      return facts.has_free_memory_kib() ? Value::OfKiB(facts.free_memory_kib())
                                         : Value();
    case FieldId::kHypervisor:
      return Value::OfText(facts.hypervisor_type());
    case FieldId::kHypervisorVersion:
      return Value::OfText(facts.hypervisor_version());
    case FieldId::kLibvirtVersion:
      return Value::OfText(facts.libvirt_version());
    case FieldId::kSync:
      return row.sync == nullptr ? Value() : Value::OfNumber(row.sync->state());
    case FieldId::kAppliedAge:
      return row.sync == nullptr ? Value()
                                 : Since(row.sync->has_verified_at(),
                                         row.sync->verified_at(), now);
    case FieldId::kAge:
      return Since(record.has_confirmed_at(), record.confirmed_at(), now);
    case FieldId::kObservedAt:
      return {.is_known = record.provenance().has_observed_at(),
              .number = absl::ToUnixNanos(
                  FromProto(record.provenance().observed_at()))};
    case FieldId::kSource:
      return Value::OfNumber(record.provenance().kind());
    case FieldId::kRevision:
      return Value::OfNumber(record.revision());
    default:
      return {};
  }
}

}  // namespace

absl::Span<const Field> GuestFields() { return kGuestFields; }

absl::Span<const Field> HostFields() { return kHostFields; }

std::optional<FieldRef> FindField(Kind kind,
                                  const std::vector<std::string>& member) {
  if (member.empty()) return std::nullopt;
  if (kind == Kind::kHosts) return FindHostField(member);
  if (member.size() > 1 && member.front() == "host") {
    return FindHostField(absl::MakeSpan(member).subspan(1));
  }
  FieldRef ref{.field = FindByName(kGuestFields, absl::StrJoin(member, ".")),
               .of_host = false,
               .key = ""};
  if (ref.field != nullptr) return ref;
  std::optional<FieldRef> of_host = FindHostField(member);
  if (of_host.has_value() && IsShared(of_host->field->id)) return of_host;
  return std::nullopt;
}

std::string UnknownField(Kind kind, absl::string_view name) {
  std::vector<std::string> names;
  for (const Field& field : HostFields()) {
    if (kind == Kind::kHosts || IsShared(field.id)) {
      names.emplace_back(field.name);
    }
    if (kind == Kind::kGuests) {
      names.push_back(absl::StrCat(kHostPrefix, field.name));
    }
  }
  if (kind == Kind::kGuests) {
    for (const Field& field : GuestFields()) names.emplace_back(field.name);
  }
  const std::string shown = Excerpt(name, kExcerptBytes);
  const std::string meant = ClosestWord(shown, names);
  return absl::StrCat(
      "unknown field ", shown, "; ",
      meant.empty() ? "docs/query.md has the fields of guests and of hosts"
                    : absl::StrCat("did you mean ", meant, "?"));
}

Value Read(const FieldRef& ref, const HostRow& host, const GuestRow* guest,
           absl::Time now) {
  if (ref.of_host) return ReadOfHost(ref, host, now);
  return VisitGuestField(ref.field->id,
                         [guest](const auto& read) { return read(*guest); });
}

bool AnyText(FieldId field, const HostRow& host, const GuestRow* guest,
             absl::FunctionRef<bool(absl::string_view)> matches) {
  const auto any = [&matches](const auto& entries, const auto& text_of) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      const absl::string_view text = text_of(entry);
      return !text.empty() && matches(text);
    });
  };
  switch (field) {
    case FieldId::kMac:
      return any(guest->guest().interfaces(), [](const v1::Interface& entry) {
        return absl::string_view(entry.mac());
      });
    case FieldId::kNetwork:
      return any(guest->guest().interfaces(), [](const v1::Interface& entry) {
        return absl::string_view(entry.source());
      });
    case FieldId::kDisk:
      return any(guest->guest().disks(), [](const v1::Disk& entry) {
        return absl::string_view(entry.source());
      });
    case FieldId::kIp:
      return std::any_of(
          guest->guest().interfaces().begin(),
          guest->guest().interfaces().end(),
          [&](const v1::Interface& interface) {
            return any(interface.addresses(), [](const std::string& address) {
              // As libvirt has it, with the length of its network's prefix.
              return absl::string_view(address).substr(0, address.find('/'));
            });
          });
    case FieldId::kCondition:
      return any(host.record->conditions(), [](const v1::Condition& entry) {
        return absl::string_view(entry.type());
      });
    default:
      return false;
  }
}

std::string Word(const Field& field, int64_t number) {
  const google::protobuf::EnumValueDescriptor* const value =
      field.words()->FindValueByNumber(static_cast<int>(number));
  if (value == nullptr) return absl::StrCat(number);
  return absl::AsciiStrToLower(
      absl::StripPrefix(value->name(), field.word_prefix));
}

int CompareVersions(absl::string_view a, absl::string_view b) {
  const auto take_number = [](absl::string_view& text) {
    size_t end = 0;
    while (end < text.size() &&
           absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) {
      ++end;
    }
    absl::string_view number = text.substr(0, end);
    text.remove_prefix(end);
    while (absl::ConsumePrefix(&number, "0")) {
    }
    return number;
  };
  while (!a.empty() && !b.empty()) {
    const bool both_digits =
        absl::ascii_isdigit(static_cast<unsigned char>(a.front())) &&
        absl::ascii_isdigit(static_cast<unsigned char>(b.front()));
    if (!both_digits) {
      if (a.front() != b.front()) return a.front() < b.front() ? -1 : 1;
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    const absl::string_view of_a = take_number(a);
    const absl::string_view of_b = take_number(b);
    if (of_a.size() != of_b.size()) return of_a.size() < of_b.size() ? -1 : 1;
    if (const int order = of_a.compare(of_b); order != 0) return order;
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
}

}  // namespace rehai::query
