// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/structured_output.h"

#include <google/protobuf/util/json_util.h>
#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace rehai::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Compact(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails for a timestamp outside the years 1 to 9999 only.
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

// True if a YAML reader could take the plain text for something else than this
// text: a number, a date, a boolean, nothing.
bool NeedsQuotes(const std::string& text) {
  static const char* const kWords[] = {"true", "false", "yes", "no", "on",
                                       "off",  "null",  "y",   "n"};
  if (text.empty() || !absl::ascii_isalpha(text[0])) return true;
  for (const char* word : kWords) {
    if (absl::AsciiStrToLower(text) == word) return true;
  }
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && c != '_' && c != '-' && c != '.' &&
        c != '/' && c != ' ') {
      return true;
    }
  }
  return text.back() == ' ';
}

void Emit(const Json& value, YAML::Emitter& out) {
  if (value.is_object()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const auto& [key, item] : value.items()) {
      out << YAML::Key;
      Emit(key, out);
      out << YAML::Value;
      Emit(item, out);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Json& item : value) Emit(item, out);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (NeedsQuotes(text)) out << YAML::DoubleQuoted;
    out << text;
  } else {
    out << value.dump();
  }
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  return absl::StrCat(Json::parse(Compact(message)).dump(2), "\n");
}

std::string ToJsonLine(const google::protobuf::Message& message) {
  return absl::StrCat(Compact(message), "\n");
}

std::string ToYaml(const google::protobuf::Message& message) {
  YAML::Emitter out;
  Emit(Json::parse(Compact(message)), out);
  return absl::StrCat(out.c_str(), "\n");
}

}  // namespace rehai::cli
