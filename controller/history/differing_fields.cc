// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/differing_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <utility>

namespace rehai {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The fields are looked at one by one, each taken out of both: only where
// something differs.
template <typename T>
std::vector<std::string> FieldsOf(T before, T after) {
  std::vector<std::string> differing;
  const google::protobuf::Reflection& reflection = *T::GetReflection();
  for (int i = 0; i < T::descriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = T::descriptor()->field(i);
    T left;
    T right;
    reflection.SwapFields(&left, &before, {field});
    reflection.SwapFields(&right, &after, {field});
    if (left.SerializeAsString() != right.SerializeAsString()) {
      differing.push_back(field->name());
    }
  }
  return differing;
}

template <typename T>
std::vector<std::string> Differing(const T& before, const T& after) {
  if (before.SerializeAsString() == after.SerializeAsString()) return {};
  T left = WithoutVolatile(before);
  T right = WithoutVolatile(after);
  if (left.SerializeAsString() == right.SerializeAsString()) return {};
  return FieldsOf(std::move(left), std::move(right));
}

}  // namespace

v1::Guest WithoutVolatile(v1::Guest guest) {
  guest.clear_cpu_time_ns();
  return guest;
}

v1::HostFacts WithoutVolatile(v1::HostFacts facts) {
  facts.clear_free_memory_kib();
  for (v1::StoragePool& pool : *facts.mutable_storage_pools()) {
    pool.clear_allocation_bytes();
    pool.clear_available_bytes();
    for (v1::StorageVolume& volume : *pool.mutable_volumes()) {
      volume.clear_allocation_bytes();
    }
  }
  return facts;
}

std::vector<std::string> DifferingFields(const v1::Guest& before,
                                         const v1::Guest& after) {
  return Differing(before, after);
}

std::vector<std::string> DifferingFields(const v1::HostFacts& before,
                                         const v1::HostFacts& after) {
  return Differing(before, after);
}

}  // namespace rehai
