// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/values.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace rehai::query {
namespace {

constexpr size_t kExcerptBytes = 64;

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

}  // namespace

std::optional<int64_t> ParseBytes(absl::string_view text) {
  constexpr std::pair<absl::string_view, int> kUnits[] = {
      {"", 0},    {"b", 0},    {"k", 10}, {"kb", 10}, {"kib", 10}, {"m", 20},
      {"mb", 20}, {"mib", 20}, {"g", 30}, {"gb", 30}, {"gib", 30}, {"t", 40},
      {"tb", 40}, {"tib", 40}, {"p", 50}, {"pb", 50}, {"pib", 50}};
  size_t end = 0;
  while (end < text.size() && (IsDigit(text[end]) || text[end] == '.')) ++end;
  const std::string unit = absl::AsciiStrToLower(
      absl::StripLeadingAsciiWhitespace(text.substr(end)));
  double number = 0;
  if (end == 0 || !absl::SimpleAtod(text.substr(0, end), &number)) {
    return std::nullopt;
  }
  for (const auto& [name, bits] : kUnits) {
    if (unit != name) continue;
    constexpr double kTooMuch = 9.2e18;
    const double bytes = std::ldexp(number, bits);
    if (!(bytes < kTooMuch)) return std::nullopt;
    return static_cast<int64_t>(bytes);
  }
  return std::nullopt;
}

std::optional<int64_t> ParseNanoseconds(absl::string_view text) {
  const bool is_negative = absl::ConsumePrefix(&text, "-");
  absl::Duration duration;
  if (const size_t days_end = text.find('d');
      days_end != absl::string_view::npos) {
    int64_t days = 0;
    constexpr int64_t kMostDays = 100'000;
    if (!absl::SimpleAtoi(text.substr(0, days_end), &days) || days < 0 ||
        days > kMostDays) {
      return std::nullopt;
    }
    duration = absl::Hours(24 * days);
    text.remove_prefix(days_end + 1);
    if (text.empty()) text = "0";
  }
  absl::Duration rest;
  if (text.empty() || !(IsDigit(text[0]) || text[0] == '.') ||
      !absl::ParseDuration(text, &rest)) {
    return std::nullopt;
  }
  duration += rest;
  return absl::ToInt64Nanoseconds(is_negative ? -duration : duration);
}

std::optional<int64_t> ParseTime(absl::string_view text) {
  absl::Time time;
  std::string error;
  for (const char* const format : {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, text, &time, &error)) {
      return absl::ToUnixNanos(time);
    }
  }
  return std::nullopt;
}

std::string CanonicalMac(absl::string_view text) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"-", ":"}});
}

std::string CanonicalUuid(absl::string_view text) {
  std::string uuid = absl::AsciiStrToLower(text);
  constexpr size_t kDigits = 32;
  if (uuid.size() == kDigits &&
      std::all_of(uuid.begin(), uuid.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      })) {
    for (const size_t dash : {20, 16, 12, 8}) uuid.insert(dash, 1, '-');
  }
  return uuid;
}

absl::StatusOr<int64_t> ParseWord(const Field& field, absl::string_view text) {
  const std::string word = absl::StrReplaceAll(absl::AsciiStrToLower(text),
                                               {{"-", "_"}, {" ", "_"}});
  const google::protobuf::EnumDescriptor& words = *field.words();
  std::vector<std::string> known;
  for (int i = 0; i < words.value_count(); ++i) {
    const int number = words.value(i)->number();
    known.push_back(Word(field, number));
    if (word == known.back() ||
        word == absl::AsciiStrToLower(words.value(i)->name())) {
      return number;
    }
  }
  const std::string shown = Excerpt(text, kExcerptBytes);
  const std::string meant = ClosestWord(shown, known);
  return absl::InvalidArgumentError(absl::StrCat(
      field.name, " is never ", shown, "; ",
      meant.empty() ? absl::StrCat("it is one of ", absl::StrJoin(known, ", "))
                    : absl::StrCat("did you mean ", meant, "?")));
}

}  // namespace rehai::query
