// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/order.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"

namespace rehai::query {
namespace {

constexpr size_t kMaxFields = 8;
constexpr size_t kExcerptBytes = 64;

absl::Status OrderError(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("order_by: ", what));
}

// Ages against this moment differ as they do now.
constexpr absl::Time kSometime = absl::UnixEpoch();

}  // namespace

absl::StatusOr<Order> Order::Compile(absl::string_view text, Kind kind) {
  Order order;
  const auto add = [&order, kind](absl::string_view name, bool is_descending) {
    std::optional<FieldRef> ref = FindField(kind, absl::StrSplit(name, '.'));
    if (!ref.has_value()) return OrderError(UnknownField(kind, name));
    const Field& field = *ref->field;
    if (field.type == FieldType::kAddress || field.type == FieldType::kTexts ||
        (field.type == FieldType::kLabelMap && ref->key.empty())) {
      return OrderError(absl::StrCat(Excerpt(name, kExcerptBytes),
                                     " has several values and no order"));
    }
    for (const Step& step : order.steps_) {
      if (step.ref.field == ref->field && step.ref.of_host == ref->of_host &&
          step.ref.key == ref->key) {
        return OrderError(absl::StrCat(Excerpt(name, kExcerptBytes),
                                       " is there twice; name it once"));
      }
    }
    order.steps_.push_back({*std::move(ref), is_descending});
    return absl::OkStatus();
  };

  const absl::string_view stripped = absl::StripAsciiWhitespace(text);
  if (!stripped.empty()) {
    if (stripped.size() > 1000 || !IsUtf8(stripped)) {
      return OrderError("longer than 1,000 bytes, or not UTF-8");
    }
    for (const absl::string_view part : absl::StrSplit(stripped, ',')) {
      const std::vector<absl::string_view> words =
          absl::StrSplit(part, absl::ByAnyChar(" \t"), absl::SkipEmpty());
      const bool has_direction =
          words.size() == 2 && (words[1] == "desc" || words[1] == "asc");
      if (words.empty() || (words.size() > 1 && !has_direction)) {
        return OrderError(
            absl::StrCat("\"", Excerpt(part, kExcerptBytes),
                         "\" is no field; write it as \"memory desc, name\""));
      }
      if (order.steps_.size() == kMaxFields) {
        return OrderError(absl::StrCat("more than ", kMaxFields, " fields"));
      }
      const absl::Status added =
          add(words[0], has_direction && words[1] == "desc");
      if (!added.ok()) return added;
    }
  }
  // Whatever was named already does no harm.
  if (kind == Kind::kGuests) {
    add("name", false).IgnoreError();
    add("uuid", false).IgnoreError();
    // The fields are there in their own order, all of them upwards.
    order.is_natural_ =
        order.steps_.size() == 2 &&
        order.steps_[0].ref.field->id == FieldId::kName &&
        std::none_of(order.steps_.begin(), order.steps_.end(),
                     [](const Step& step) { return step.is_descending; });
  } else {
    add("node", false).IgnoreError();
    order.is_natural_ =
        order.steps_.size() == 1 && !order.steps_[0].is_descending;
  }
  return order;
}

bool Order::uses_sync() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
    return step.ref.field->id == FieldId::kSync ||
           step.ref.field->id == FieldId::kAppliedAge;
  });
}

Place Order::PlaceOf(const HostRow& host, const GuestRow* guest) const {
  Place place;
  place.reserve(steps_.size());
  for (const Step& step : steps_) {
    place.push_back(query::Read(step.ref, host, guest, kSometime));
  }
  return place;
}

int Order::CompareTo(const Place& place, const HostRow& host,
                     const GuestRow* guest) const {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Value value = query::Read(steps_[i].ref, host, guest, kSometime);
    const int order = CompareValues(steps_[i], value, place[i]);
    if (order != 0) return order;
  }
  return 0;
}

int Order::CompareRows(const HostRow& host_a, const GuestRow* a,
                       const HostRow& host_b, const GuestRow* b) const {
  for (const Step& step : steps_) {
    const int order =
        CompareValues(step, query::Read(step.ref, host_a, a, kSometime),
                      query::Read(step.ref, host_b, b, kSometime));
    if (order != 0) return order;
  }
  return 0;
}

int Order::CompareValues(const Step& step, const Value& a,
                         const Value& b) const {
  int order = static_cast<int>(a.is_known) - static_cast<int>(b.is_known);
  if (order == 0) {
    if (step.ref.field->type == FieldType::kVersion) {
      order = CompareVersions(a.text, b.text);
    } else if (IsText(step.ref.field->type)) {
      order = a.text.compare(b.text);
    } else {
      order = static_cast<int>(a.number > b.number) -
              static_cast<int>(a.number < b.number);
    }
  }
  return step.is_descending ? -order : order;
}

// Each value is its length, a colon and its text; or "-" if it is not known.
std::string Order::Print(const Place& place) const {
  std::string text;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Value& value = place[i];
    if (!value.is_known) {
      absl::StrAppend(&text, "-");
    } else if (IsText(steps_[i].ref.field->type)) {
      absl::StrAppend(&text, value.text.size(), ":", value.text);
    } else {
      const std::string number = absl::StrCat(value.number);
      absl::StrAppend(&text, number.size(), ":", number);
    }
  }
  return text;
}

absl::StatusOr<Place> Order::Read(absl::string_view text) const {
  const absl::Status damaged = absl::InvalidArgumentError(
      "page_token: damaged; pass next_page_token unchanged, or leave it empty "
      "for the first page");
  Place place;
  for (const Step& step : steps_) {
    if (!text.empty() && text.front() == '-') {
      text.remove_prefix(1);
      place.push_back({});
      continue;
    }
    const size_t colon = text.find(':');
    size_t size = 0;
    if (colon == absl::string_view::npos ||
        !absl::SimpleAtoi(text.substr(0, colon), &size) ||
        size > text.size() - colon - 1) {
      return damaged;
    }
    const absl::string_view value = text.substr(colon + 1, size);
    text.remove_prefix(colon + 1 + size);
    Value read{.is_known = true};
    if (IsText(step.ref.field->type)) {
      read.text = value;
    } else if (!absl::SimpleAtoi(value, &read.number)) {
      return damaged;
    }
    place.push_back(read);
  }
  if (!text.empty()) return damaged;
  return place;
}

}  // namespace rehai::query
