// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_GUEST_FIELDS_H_
#define CONTROLLER_QUERY_GUEST_FIELDS_H_

#include "controller/query/fields.h"
#include "controller/query/rows.h"
#include "rehai/v1/model.pb.h"

namespace rehai::query {

// Calls `use` with the function that gives a row's Value in the guest's field,
// and returns what it returns. Whoever goes through many rows so decides on the
// field once, and not for each of them. Not for kAddress and kTexts; of what is
// no guest's field nothing is known.
template <typename Use>
auto VisitGuestField(FieldId field, const Use& use) {
  switch (field) {
    case FieldId::kUuid:
      return use([](const GuestRow& row) { return Value::OfText(row.uuid()); });
    case FieldId::kName:
      return use([](const GuestRow& row) { return Value::OfText(row.name()); });
    case FieldId::kId:
      return use([](const GuestRow& row) {
        return Value{.is_known = row.guest().has_id(),
                     .number = row.guest().id()};
      });
    case FieldId::kState:
      return use(
          [](const GuestRow& row) { return Value::OfNumber(row.state()); });
    case FieldId::kStateReason:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().state_reason());
      });
    case FieldId::kVcpus:
      return use(
          [](const GuestRow& row) { return Value::OfNumber(row.vcpus()); });
    case FieldId::kMaxVcpus:
      return use([](const GuestRow& row) {
        return Value::OfNumber(row.guest().max_vcpus());
      });
    case FieldId::kMemory:
      return use(
          [](const GuestRow& row) { return Value::OfKiB(row.memory_kib()); });
    case FieldId::kMaxMemory:
      return use([](const GuestRow& row) {
        return Value::OfKiB(row.guest().max_memory_kib());
      });
    case FieldId::kAutostart:
      return use([](const GuestRow& row) {
        return Value::OfNumber(row.guest().autostart() ? 1 : 0);
      });
    case FieldId::kPersistent:
      return use([](const GuestRow& row) {
        return Value::OfNumber(row.guest().persistent() ? 1 : 0);
      });
    case FieldId::kMissing:
      return use([](const GuestRow& row) {
        return Value::OfNumber(row.is_missing() ? 1 : 0);
      });
    case FieldId::kTitle:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().title());
      });
    case FieldId::kDescription:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().description());
      });
    case FieldId::kMetadata:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().metadata_xml());
      });
    case FieldId::kOsType:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().os_type());
      });
    case FieldId::kArchitecture:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().architecture());
      });
    case FieldId::kMachine:
      return use([](const GuestRow& row) {
        return Value::OfText(row.guest().machine());
      });
    default:
      return use([](const GuestRow& /*row*/) { return Value(); });
  }
}

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_GUEST_FIELDS_H_
