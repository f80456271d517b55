// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_PLANNER_H_
#define CONTROLLER_SYNC_PLANNER_H_

#include <optional>
#include <string>

#include "chef/node_change.h"
#include "chef/node_marks.h"
#include "chef/rendering.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// What should Chef be told about a host? Pure functions.
namespace rehai {

// What Chef last confirmed for a node.
struct Applied {
  std::string digest;
  Revision revision = 0;
  // The node as it then was. Empty if that cannot be relied on: a write whose
  // end was not seen may have changed it since.
  chef::NodeMarks marks = {};
};

// True if the host has been seen whole, so that what its node should hold is
// known. Parts alone are not enough: guests that were not looked at would go
// from the node.
bool IsObserved(const v1::Record& record);

// What the host's node should hold.
chef::NodeUpdate UpdateOf(const v1::Record& record,
                          const chef::RenderingOptions& options);

// The write that makes Chef agree with `record`, or nullopt if nothing is to be
// written: nothing was observed since the controller's start, it is in doubt
// whose node this is, or Chef confirmed this very rendering and that is not in
// doubt. Presence is not part
// of a rendering: a host that falls silent stays in Chef as it was last seen. A
// host whose confirmation is in doubt is written all the same, with the marks
// that tell whether somebody has saved over it.
std::optional<chef::NodeUpdate> Plan(const v1::Record& record,
                                     const Applied& applied, bool in_doubt,
                                     const chef::RenderingOptions& options);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_PLANNER_H_
