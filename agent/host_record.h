// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_HOST_RECORD_H_
#define AGENT_HOST_RECORD_H_

#include <string>

#include "absl/time/time.h"
#include "hypervisor/connection.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {

// What is believed of this host after one reading of it, begun at `begun`, and
// nothing before: what a controller would make of the host's first observation.
// A guest that could not be read is in it with what the list tells.
//
// Its revision is that time in microseconds, as a controller's first is: so
// each is above those of the runs before. Pure.
v1::Record HostRecord(const std::string& node, const std::string& uri,
                      hypervisor::Inventory found, absl::Time begun);

}  // namespace rehai::agent

#endif  // AGENT_HOST_RECORD_H_
