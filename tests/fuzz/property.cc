// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/property.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

constexpr size_t kLongestMessage = 4000;

// Takes everything, and notes what the parser stumbled over.
struct Stumble : nlohmann::json_sax<nlohmann::json> {
  int id = 0;

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/,
                    const string_t& /*text*/) override {
    return true;
  }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(size_t /*count*/) override { return true; }
  bool key(string_t& /*name*/) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t /*count*/) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::json::exception& error) override {
    id = error.id;
    return false;
  }
};

}  // namespace

bool IsJson(absl::string_view text) {
  constexpr int kNumberOverflow = 406;
  Stumble stumble;
  return nlohmann::json::sax_parse(text.begin(), text.end(), &stumble) ||
         stumble.id == kNumberOverflow;
}

bool CanBeSent(absl::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string BrokenError(const absl::Status& status) {
  if (status.ok()) return "an error that is none";
  if (status.message().empty()) return "an error without words";
  if (!CanBeSent(status.message())) return "an error that is not UTF-8";
  if (status.message().size() > kLongestMessage) {
    return absl::StrCat("an error of ", status.message().size(), " bytes");
  }
  return "";
}

absl::string_view TakePart(absl::string_view& rest,
                           absl::string_view separator) {
  const size_t end = rest.find(separator);
  const absl::string_view part = rest.substr(0, end);
  rest = end == absl::string_view::npos ? absl::string_view()
                                        : rest.substr(end + separator.size());
  return part;
}

}  // namespace rehai
