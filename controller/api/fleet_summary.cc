// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_summary.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "base/saturating.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/api/fleet_selection.h"
#include "controller/query/fields.h"
#include "controller/query/filter.h"

namespace rehai {
namespace {

using query::FieldRef;
using query::FieldType;
using query::Filter;
using query::Value;

constexpr int kMostFields = 2;
constexpr size_t kMostGroups = 10'000;
constexpr size_t kExcerptBytes = 64;

// A guest's or a host's values in the fields of `group_by`.
using Values = std::array<Value, kMostFields>;

bool AreEqual(const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](const Value& x, const Value& y) {
                      return x.is_known == y.is_known && x.number == y.number &&
                             x.text == y.text;
                    });
}

absl::StatusOr<std::vector<FieldRef>> ReadGroups(
    const v1::SummarizeRequest& request) {
  if (request.group_by_size() > kMostFields) {
    return absl::InvalidArgumentError(
        absl::StrCat("group_by: ", request.group_by_size(),
                     " fields; name at most ", kMostFields));
  }
  std::vector<FieldRef> fields;
  for (const std::string& name : request.group_by()) {
    std::optional<FieldRef> ref =
        query::FindField(query::Kind::kGuests, absl::StrSplit(name, '.'));
    if (!ref.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "group_by: ", query::UnknownField(query::Kind::kGuests, name)));
    }
    const bool is_whole_map =
        ref->field->type == FieldType::kLabelMap && ref->key.empty();
    if (!ref->field->is_group || is_whole_map) {
      return absl::InvalidArgumentError(absl::StrCat(
          "group_by: ", Excerpt(name, kExcerptBytes),
          " makes no groups; SummarizeRequest in fleet.proto has the fields "
          "that do"));
    }
    fields.push_back(*std::move(ref));
  }
  return fields;
}

std::string Text(const FieldRef& ref, const Value& value) {
  if (!value.is_known) return "";
  switch (ref.field->type) {
    case FieldType::kEnum:
      return query::Word(*ref.field, value.number);
    case FieldType::kBool:
      return value.number != 0 ? "true" : "false";
    default:
      return std::string(value.text);
  }
}

void Add(const query::GuestRow& row, v1::SummaryFigures& figures) {
  figures.set_guests(figures.guests() + 1);
  figures.set_vcpus(figures.vcpus() + row.vcpus());
  figures.set_max_memory_kib(
      SaturatingAdd(figures.max_memory_kib(), row.guest().max_memory_kib()));
  if (row.state() != v1::GUEST_STATE_RUNNING) return;
  figures.set_running_guests(figures.running_guests() + 1);
  figures.set_running_vcpus(figures.running_vcpus() + row.vcpus());
  figures.set_running_memory_kib(
      SaturatingAdd<int64_t>(figures.running_memory_kib(), row.memory_kib()));
}

// A host by itself.
v1::SummaryFigures HostFigures(const v1::Record& record) {
  v1::SummaryFigures figures;
  figures.set_hosts(1);
  figures.set_host_cpus(record.facts().cpus());
  figures.set_host_memory_kib(record.facts().memory_kib());
  uint64_t capacity = 0;
  uint64_t allocation = 0;
  uint64_t available = 0;
  for (const v1::StoragePool& pool : record.facts().storage_pools()) {
    capacity = SaturatingAdd<uint64_t>(capacity, pool.capacity_bytes());
    allocation = SaturatingAdd<uint64_t>(allocation, pool.allocation_bytes());
    available = SaturatingAdd<uint64_t>(available, pool.available_bytes());
  }
  figures.set_storage_capacity_bytes(capacity);
  figures.set_storage_allocation_bytes(allocation);
  figures.set_storage_available_bytes(available);
  return figures;
}

void Add(const v1::SummaryFigures& more, v1::SummaryFigures& sum) {
  const google::protobuf::Reflection& reflection = *sum.GetReflection();
  const google::protobuf::Descriptor& fields = *sum.GetDescriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = fields.field(i);
    if (field->cpp_type() ==
        google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
      reflection.SetUInt64(&sum, field,
                           SaturatingAdd(reflection.GetUInt64(sum, field),
                                         reflection.GetUInt64(more, field)));
    } else {
      reflection.SetInt64(&sum, field,
                          SaturatingAdd(reflection.GetInt64(sum, field),
                                        reflection.GetInt64(more, field)));
    }
  }
}

// The groups of one host's guests. There are few, so they are looked for one by
// one, and the values become texts once per host and group.
class GroupsOfHost {
 public:
  v1::SummaryFigures& At(const Values& values) {
    for (auto& [known, figures] : groups_) {
      if (AreEqual(known, values)) return figures;
    }
    return groups_.emplace_back(values, v1::SummaryFigures()).second;
  }

  std::vector<std::pair<Values, v1::SummaryFigures>>& all() { return groups_; }

 private:
  std::vector<std::pair<Values, v1::SummaryFigures>> groups_;
};

}  // namespace

absl::StatusOr<v1::SummarizeResponse> Summarize(
    const v1::SummarizeRequest& request, const FleetTable& table,
    const Syncer& syncer, absl::Time now) {
  ASSIGN_OR_RETURN(const Filter filter,
                   Filter::Compile(request.filter(), query::Kind::kGuests));
  ASSIGN_OR_RETURN(const std::vector<FieldRef> fields, ReadGroups(request));
  const bool are_of_hosts =
      std::all_of(fields.begin(), fields.end(),
                  [](const FieldRef& ref) { return ref.of_host; });

  std::map<std::vector<std::string>, v1::SummaryFigures> groups;
  v1::SummarizeResponse response;
  absl::Time oldest = absl::InfiniteFuture();
  std::vector<query::RowSet> matching;  // of one host after the other
  ForEachHost(
      table, request.hosts(), filter, syncer, now,
      [&](uint32_t index, const query::HostRow& row,
          const Filter::OnHost& on_host) {
        const FleetTable::Host& host = *table.hosts()[index];
        const auto values_of = [&](const query::GuestRow* guest) {
          Values values;
          for (size_t i = 0; i < fields.size(); ++i) {
            values[i] = query::Read(fields[i], row, guest, now);
          }
          return values;
        };
        GroupsOfHost of_host;
        matching.resize(table.block_count(index));
        MatchingRows(table, index, filter, row, on_host,
                     absl::MakeSpan(matching));
        size_t first = 0;
        for (const query::RowSet block : matching) {
          query::ForEachRow(block, [&](int index) {
            const query::GuestRow guest = host.rows[first + index];
            Add(guest, of_host.At(values_of(&guest)));
          });
          first += query::kRowsPerBlock;
        }
        const bool counts_alone = on_host.verdict == Filter::Verdict::kYes;
        if (of_host.all().empty() && !counts_alone) return;
        if (counts_alone && are_of_hosts) of_host.At(values_of(nullptr));

        const v1::SummaryFigures itself = HostFigures(*row.record);
        Add(itself, *response.mutable_total());
        if (row.record->has_confirmed_at()) {
          oldest = std::min(oldest, FromProto(row.record->confirmed_at()));
        }
        for (auto& [values, figures] : of_host.all()) {
          Add(figures, *response.mutable_total());
          if (fields.empty() || groups.size() > kMostGroups) continue;
          std::vector<std::string> keys;
          for (size_t i = 0; i < fields.size(); ++i) {
            keys.push_back(Text(fields[i], values[i]));
          }
          // Values that differ may have one text: no label, and an empty one.
          v1::SummaryFigures& group = groups[keys];
          Add(figures, group);
          Add(itself, group);
        }
      });
  if (groups.size() > kMostGroups) {
    return absl::ResourceExhaustedError(
        absl::StrCat("group_by: more than ", kMostGroups,
                     " groups; group by fewer fields, or filter"));
  }

  response.set_revision(table.view().revision);
  if (oldest != absl::InfiniteFuture()) {
    *response.mutable_oldest_confirmed_at() = ToProto(oldest);
  }
  for (auto& [keys, figures] : groups) {
    v1::SummaryGroup& group = *response.add_groups();
    for (const std::string& key : keys) group.add_keys(key);
    group.mutable_figures()->Swap(&figures);
  }
  return response;
}

}  // namespace rehai
