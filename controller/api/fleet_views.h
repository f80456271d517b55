// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_VIEWS_H_
#define CONTROLLER_API_FLEET_VIEWS_H_

#include <string>

#include "controller/api/read_mask.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"

// What a front end sees of a Record. Pure.
namespace rehai {

// The host of a record, into an empty `host`: everything but its guests, which
// are counted; and of that what the mask has. Or else all of it.
void FillHost(const v1::Record& record, const v1::SyncStatus& sync,
              const ReadMask& mask, v1::Host& host);

v1::Host MakeHost(const v1::Record& record, const v1::SyncStatus& sync);

// A guest of the record, with how far to trust what is said of it, into an
// empty `located`.
void FillLocatedGuest(const v1::Record& record, const v1::Guest& guest,
                      const ReadMask& mask, v1::LocatedGuest& located);
// The whole of it as it is on the wire, at a fraction of the cost.
std::string SerializeLocatedGuest(const v1::Record& record,
                                  const v1::Guest& guest);

v1::LocatedGuest MakeLocatedGuest(const v1::Record& record,
                                  const v1::Guest& guest);

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_VIEWS_H_
