// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_OHAI_OUTPUT_H_
#define CHEF_OHAI_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chef/subtree.h"

// What Ohai prints, as subtrees of a node: each top-level key is one of
// `automatic`, and is replaced whole, byte by byte as Ohai wrote its value.
//
// Left out is what chef-client itself keeps there, and Ohai does not know:
// recipes, roles, expanded_run_list, cookbooks and the like (see the .cc for
// the list and its source); and rehai, which is ours. Pure functions.
namespace rehai::chef {

struct OhaiOutput {
  // {"automatic", KEY}, in the order of their keys. `json` is always there.
  std::vector<Subtree> subtrees;
};

// kInvalidArgument: `json` is no JSON object, or not UTF-8, or a key of it
// occurs twice. `whole`: every plugin ran. ohai_time is kept only if `whole`
// and `with_ohai_time`.
absl::StatusOr<OhaiOutput> ParseOhaiOutput(absl::string_view json, bool whole,
                                           bool with_ohai_time);

// What to write where Ohai's output and ours go into the same node: ours wins
// where they meet. An Ohai tree that has a path of `ours` within it
// (automatic.virtualization has automatic.virtualization.kvm) brings ours
// there, byte for byte; one that is within ours, or the same, is left out.
// Those of ours that no tree of Ohai's has within it follow, in their order.
// kFailedPrecondition: Ohai has something other than an object on the way to
// ours.
absl::StatusOr<std::vector<Subtree>> WithOurs(const OhaiOutput& ohai,
                                              absl::Span<const Subtree> ours);

}  // namespace rehai::chef

#endif  // CHEF_OHAI_OUTPUT_H_
