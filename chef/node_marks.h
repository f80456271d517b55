// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_MARKS_H_
#define CHEF_NODE_MARKS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rehai/v1/model.pb.h"

namespace rehai::chef {

// The few values by which one state of a node is told from another: ours from
// chef-client's, an older from a newer. A GET shows them, and a search shows
// them for a thousand nodes at once.
struct NodeMarks {
  // automatic.ohai_time as the number was spelled; empty if there is none.
  // chef-client sets it in each run, from its host's clock.
  std::string ohai_time;
  // Of the stamp in automatic.rehai, or below the normal prefix: empty and 0 if
  // it is not there.
  std::string digest;
  int64_t revision = 0;
};

// -1, 0 or 1 as `a` is earlier than, equal to or later than `b`, compared as
// numbers with every digit they have. Text that is no number is earlier than
// any number.
int CompareOhaiTimes(absl::string_view a, absl::string_view b);

// Who has saved over a node that was confirmed to hold `confirmed` and is found
// to hold `found`: UNSPECIFIED if nobody has, or nothing was confirmed (its
// digest is empty).
v1::Overwriter WhoOverwrote(const NodeMarks& confirmed, const NodeMarks& found);

}  // namespace rehai::chef

#endif  // CHEF_NODE_MARKS_H_
