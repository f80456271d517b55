// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_DOCUMENT_H_
#define CHEF_NODE_DOCUMENT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "chef/json_scanner.h"
#include "chef/subtree.h"

// A Chef node as the bytes that the server sent. It is never parsed into a tree
// and written out again: spans are found and replaced, so every byte outside
// them goes back as it came (number spelling, key order, escapes, unknown
// fields). Pure functions.
//
// Every function on a document answers kInvalidArgument, with the offset of the
// first bad byte, if `document` is not one well-formed JSON object; and
// kInvalidArgument if a path is empty, or one subtree's path leads to or
// through another's.
namespace rehai::chef {

// automatic.virtualization.kvm.guests."web01.example.com": keys with a dot, a
// quote or the like in them are quoted.
std::string DottedPath(absl::Span<const std::string> path);

// The bytes of the value at `path`, or nullopt if the path does not exist (or
// passes through something that is not an object). Of duplicate keys the last
// counts, as in Ruby's and Erlang's parsers.
absl::StatusOr<std::optional<absl::string_view>> FindValue(
    absl::string_view document, absl::Span<const std::string> path);

// `document` with each subtree in place: replaced where it exists, inserted
// where it does not (missing parents are made, and a parent that is null counts
// as missing), taken out with all its duplicates where json is nullopt. A
// parent emptied by that stays. kFailedPrecondition: a parent is neither an
// object nor null, so that writing would destroy a foreign value.
absl::StatusOr<std::string> Splice(absl::string_view document,
                                   absl::Span<const Subtree> subtrees);

// True if the document already holds every subtree: equal as JSON values,
// whatever the server did to spelling and key order.
absl::StatusOr<bool> Holds(absl::string_view document,
                           absl::Span<const Subtree> subtrees);

// One path below a subtree at which the document and the wanted value differ.
struct PathDifference {
  std::string path;    // dotted, from the node's top
  std::string before;  // compact JSON; empty: absent in the document
  std::string after;   // compact JSON; empty: to be removed
};

// Every leaf path whose value Splice() would change, in the order of their
// paths. An array is one leaf.
absl::StatusOr<std::vector<PathDifference>> Difference(
    absl::string_view document, absl::Span<const Subtree> subtrees);

// One document with our subtrees and other paths found in it: scanned once, for
// all that is then asked. Refers to the bytes of the document and to the
// subtrees, which must outlive it. Movable; const methods are pure.
class ScannedNode {
 public:
  // `read` are paths of which only the value is wanted.
  static absl::StatusOr<ScannedNode> Scan(absl::string_view document,
                                          absl::Span<const Subtree> subtrees,
                                          absl::Span<const NodePath> read = {});

  // As FindValue(), for a path that Scan() was given or that leads to one.
  // nullopt for any other, and for one below a subtree.
  std::optional<absl::string_view> Value(
      absl::Span<const std::string> path) const;

  // As the functions above, for one of the subtrees or for all of them.
  bool Holds(const Subtree& subtree) const;
  absl::StatusOr<std::string> Splice() const;
  std::vector<PathDifference> Difference() const;

  // True if all that is none of the subtrees stands in `after` as it stands
  // here, the same bytes in the same order at every level, and no key at the
  // top is gone: Chef empties what a PUT leaves out. `after` was scanned for
  // the same subtrees. It shares nothing with Splice(), so that it can vouch
  // for it.
  bool ForeignBytesAreIn(const ScannedNode& after) const;

 private:
  ScannedNode(absl::string_view document, absl::Span<const Subtree> subtrees)
      : document_(document), subtrees_(subtrees), root_("") {}

  absl::string_view document_;
  absl::Span<const Subtree> subtrees_;
  Sought root_;
};

}  // namespace rehai::chef

#endif  // CHEF_NODE_DOCUMENT_H_
