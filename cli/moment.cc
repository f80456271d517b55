// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/moment.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace rehai::cli {
namespace {

// absl's durations, and days and weeks before them: "1d12h".
std::optional<absl::Duration> Span(absl::string_view text) {
  absl::Duration span;
  for (const auto& [letter, unit] :
       {std::pair('w', absl::Hours(24 * 7)), std::pair('d', absl::Hours(24))}) {
    const size_t at = text.find(letter);
    if (at == text.npos) continue;
    int count = 0;
    if (!absl::SimpleAtoi(text.substr(0, at), &count)) return std::nullopt;
    span += count * unit;
    text = text.substr(at + 1);
    if (text.empty()) return span;
  }
  absl::Duration rest;
  if (!absl::ParseDuration(std::string(text), &rest)) return std::nullopt;
  return span + rest;
}

// The time of day on the day of `day`.
std::optional<absl::Time> AtTimeOfDay(absl::string_view text, absl::Time day,
                                      absl::TimeZone zone) {
  const std::string date = absl::FormatTime("%Y-%m-%d", day, zone);
  for (const char* format : {"%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M"}) {
    absl::Time moment;
    if (absl::ParseTime(format, absl::StrCat(date, " ", text), zone, &moment,
                        nullptr)) {
      return moment;
    }
  }
  return std::nullopt;
}

absl::Time DayBefore(absl::Time now, absl::TimeZone zone) {
  return absl::FromCivil(absl::ToCivilDay(now, zone) - 1, zone);
}

}  // namespace

absl::StatusOr<absl::Time> ParseMoment(absl::string_view flag,
                                       absl::string_view text, absl::Time now,
                                       absl::TimeZone zone) {
  absl::string_view words = absl::StripAsciiWhitespace(text);
  if (words == "now") return now;
  for (const char* format :
       {absl::RFC3339_full, "%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S",
        "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    absl::Time moment;
    if (absl::ParseTime(format, words, zone, &moment, nullptr)) return moment;
  }
  absl::string_view time_of_day = words;
  const bool yesterday = absl::ConsumePrefix(&time_of_day, "yesterday");
  if (!yesterday) absl::ConsumePrefix(&time_of_day, "today");
  time_of_day = absl::StripAsciiWhitespace(time_of_day);
  const auto at = AtTimeOfDay(time_of_day.empty() ? "00:00" : time_of_day,
                              yesterday ? DayBefore(now, zone) : now, zone);
  if (at && !words.empty()) return *at;
  absl::ConsumeSuffix(&words, "ago");
  if (const auto span = Span(absl::StripAsciiWhitespace(words));
      span && *span >= absl::ZeroDuration() &&
      *span < absl::InfiniteDuration()) {
    return now - *span;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      flag, " ", text,
      ": not a time; write it as 14:05, 2026-11-26, '2026-11-26 14:05', "
      "2026-11-26T14:05:00Z, or how long ago: 10m, 2h, 3d"));
}

absl::StatusOr<absl::Duration> ParseSpan(absl::string_view flag,
                                         absl::string_view text) {
  const auto span = Span(text);
  if (span && *span > absl::ZeroDuration() &&
      *span < absl::InfiniteDuration()) {
    return *span;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", text,
                   ": not a duration above zero; write it as 500ms, 30s, 5m, "
                   "2h or 7d"));
}

}  // namespace rehai::cli
