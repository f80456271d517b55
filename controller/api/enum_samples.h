// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_ENUM_SAMPLES_H_
#define CONTROLLER_API_ENUM_SAMPLES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <cstdint>
#include <string>
#include <vector>

#include "controller/api/metric_page.h"

// Series by the values of an enum. Pure.
namespace rehai {

// "chef_client" of OVERWRITER_CHEF_CLIENT.
std::string EnumLabel(const google::protobuf::EnumValueDescriptor& value);

// A sample for each value of an enum but its zero, in the order of their
// numbers; `count` gives the sample's value.
template <typename Enum, typename Count>
std::vector<Sample> ByEnum(const std::string& label, Count count) {
  std::vector<Sample> samples;
  const auto* const type = google::protobuf::GetEnumDescriptor<Enum>();
  for (int i = 0; i < type->value_count(); ++i) {
    const auto& value = *type->value(i);
    if (value.number() == 0) continue;
    samples.push_back(
        {{{label, EnumLabel(value)}},
         static_cast<double>(count(static_cast<Enum>(value.number())))});
  }
  return samples;
}

// What a map holds for a key; 0 for none.
template <typename Map>
int64_t At(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? 0 : found->second;
}

}  // namespace rehai

#endif  // CONTROLLER_API_ENUM_SAMPLES_H_
