// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_HISTORY_DIFFERING_FIELDS_H_
#define CONTROLLER_HISTORY_DIFFERING_FIELDS_H_

#include <string>
#include <vector>

#include "rehai/v1/model.pb.h"

// What history takes for a difference. Pure.
namespace rehai {

// As history keeps it: without what changes all the time.
v1::Guest WithoutVolatile(v1::Guest guest);
// Without free memory, and without what of pools and volumes is allocated: a
// host writes to its disks all day.
v1::HostFacts WithoutVolatile(v1::HostFacts facts);

// Names of the fields that differ, in the order of model.proto; volatile values
// apart. Cheap where nothing differs.
std::vector<std::string> DifferingFields(const v1::Guest& before,
                                         const v1::Guest& after);
std::vector<std::string> DifferingFields(const v1::HostFacts& before,
                                         const v1::HostFacts& after);

}  // namespace rehai

#endif  // CONTROLLER_HISTORY_DIFFERING_FIELDS_H_
