// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/field_table.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/spelling.h"
#include "base/status_macros.h"
#include "cli/structured_output.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using Steps = std::vector<std::string>;

// That each step of the path is a field of what the one before it leads to; in
// a map, anything is a key.
absl::Status Check(const Descriptor& type, const std::string& path) {
  const Descriptor* here = &type;
  const Steps steps = absl::StrSplit(path, '.');
  for (const std::string& step : steps) {
    const FieldDescriptor* const field =
        here == nullptr ? nullptr : here->FindFieldByName(step);
    if (field == nullptr) {
      std::vector<std::string> known;
      for (int i = 0; here != nullptr && i < here->field_count(); ++i) {
        known.push_back(here->field(i)->name());
      }
      const std::string meant = ClosestWord(step, known);
      return absl::InvalidArgumentError(absl::StrCat(
          "--fields ", path, ": ", step, " is no field; ",
          meant.empty() ? "-o json shows what there is"
                        : absl::StrCat("did you mean ", meant, "?")));
    }
    if (field->is_map()) return absl::OkStatus();
    here = field->message_type();
  }
  return absl::OkStatus();
}

// "running" of GUEST_STATE_RUNNING, if GUEST_STATE_ is what the values begin
// with.
std::string EnumText(const FieldDescriptor& field, const std::string& name) {
  std::string prefix = field.enum_type()->value(0)->name();
  prefix = prefix.substr(0, prefix.rfind('_') + 1);
  return absl::AsciiStrToLower(
      name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name);
}

std::string Text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// What the message holds at the path; "" if that is not there.
std::string Value(const Message& message, const Steps& steps) {
  const Message* here = &message;
  for (size_t i = 0; i < steps.size(); ++i) {
    const FieldDescriptor& field =
        *here->GetDescriptor()->FindFieldByName(steps[i]);
    const auto& reflection = *here->GetReflection();
    const bool last = i + 1 == steps.size();
    if (field.is_repeated() || !field.message_type() || last) {
      if (!field.is_repeated() && field.message_type() != nullptr) {
        if (!reflection.HasField(*here, &field)) return "";
        const Message& leaf = reflection.GetMessage(*here, &field);
        if (field.message_type() == google::protobuf::Timestamp::descriptor()) {
          return TimeText(static_cast<const google::protobuf::Timestamp&>(leaf),
                          true);
        }
      }
      if (field.has_presence() && !reflection.HasField(*here, &field)) {
        return "";
      }
      const nlohmann::json json = nlohmann::json::parse(ToJsonLine(*here));
      const auto found = json.find(steps[i]);
      if (found == json.end()) return "";
      if (last) {
        return field.enum_type() != nullptr && found->is_string()
                   ? EnumText(field, Text(*found))
                   : Text(*found);
      }
      if (!field.is_map()) return "";
      const auto entry = found->find(steps[i + 1]);
      return entry == found->end() ? "" : Text(*entry);
    }
    if (!reflection.HasField(*here, &field)) return "";
    here = &reflection.GetMessage(*here, &field);
  }
  return "";
}

}  // namespace

absl::StatusOr<std::string> FieldTable(const Descriptor& type,
                                       const std::vector<const Message*>& rows,
                                       const std::vector<std::string>& paths,
                                       const Look& look) {
  std::vector<Column> columns;
  std::vector<Steps> all;
  for (const std::string& path : paths) {
    RETURN_IF_ERROR(Check(type, path));
    columns.push_back({absl::AsciiStrToUpper(path), false,
                       /*cut=*/static_cast<int>(columns.size()) + 1});
    all.push_back(absl::StrSplit(path, '.'));
  }
  Table table(std::move(columns));
  for (const Message* const row : rows) {
    std::vector<Cell> cells;
    for (const Steps& steps : all) cells.emplace_back(Value(*row, steps));
    table.AddRow(std::move(cells));
  }
  return table.Render(look);
}

}  // namespace rehai::cli
