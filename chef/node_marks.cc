// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_marks.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace rehai::chef {
namespace {

// A plain decimal number, as digits to compare. ohai_time is seconds since 1970
// with a fraction; a double would round the last digits away.
struct Decimal {
  absl::string_view whole;     // without leading zeros
  absl::string_view fraction;  // without trailing zeros
};

bool AllDigits(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

std::optional<Decimal> ParseDecimal(absl::string_view text) {
  const size_t dot = text.find('.');
  Decimal decimal = {text.substr(0, dot), ""};
  if (dot != absl::string_view::npos) decimal.fraction = text.substr(dot + 1);
  if (decimal.whole.empty() || !AllDigits(decimal.whole) ||
      !AllDigits(decimal.fraction)) {
    return std::nullopt;
  }
  while (absl::ConsumePrefix(&decimal.whole, "0")) continue;
  while (absl::ConsumeSuffix(&decimal.fraction, "0")) continue;
  return decimal;
}

int Sign(int comparison) { return (comparison > 0) - (comparison < 0); }

}  // namespace

int CompareOhaiTimes(absl::string_view a, absl::string_view b) {
  const std::optional<Decimal> x = ParseDecimal(a);
  const std::optional<Decimal> y = ParseDecimal(b);
  if (!x.has_value() || !y.has_value()) return x.has_value() - y.has_value();
  if (x->whole.size() != y->whole.size()) {
    return x->whole.size() < y->whole.size() ? -1 : 1;
  }
  if (const int whole = x->whole.compare(y->whole); whole != 0) {
    return Sign(whole);
  }
  return Sign(x->fraction.compare(y->fraction));
}

v1::Overwriter WhoOverwrote(const NodeMarks& confirmed,
                            const NodeMarks& found) {
  if (confirmed.digest.empty()) return v1::OVERWRITER_UNSPECIFIED;
  const int moved = CompareOhaiTimes(found.ohai_time, confirmed.ohai_time);
  if (moved < 0) return v1::OVERWRITER_ROLLBACK;
  if (found.digest == confirmed.digest) return v1::OVERWRITER_UNSPECIFIED;
  return moved > 0 ? v1::OVERWRITER_CHEF_CLIENT : v1::OVERWRITER_SOMEBODY;
}

}  // namespace rehai::chef
