// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_CHANGE_H_
#define CHEF_NODE_CHANGE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chef/node_document.h"
#include "chef/node_marks.h"
#include "chef/rendering.h"
#include "chef/subtree.h"

// What one write does to a node, decided from the bytes that the server holds.
// Pure functions.
namespace rehai::chef {

// What a node should hold.
struct NodeUpdate {
  std::string node;
  Rendering rendering;
  // written_at is filled in when it is written.
  Stamp stamp;
  // The node as Chef last confirmed it; its digest is empty if it never did, or
  // if that is not to be relied on.
  NodeMarks confirmed = {};
  // The node that a chef-client run has just saved, where a write of ours may
  // have rolled that back; usually null.
  std::shared_ptr<const std::string> saved = nullptr;
  // What Ohai found, as of ParseOhaiOutput(), to go into the node by the same
  // write; usually none. Ours wins where the two meet; see WithOurs(). These
  // trees are no part of the digest and are not claimed as ours: they are
  // written once, and then are Ohai's and chef-client's to change.
  std::vector<Subtree> ohai = {};
  // When Ohai found it, as in a node's ohai_time; empty: not known. It does not
  // go into a node whose ohai_time is later: chef-client, or a whole run of
  // Ohai, has brought something newer.
  std::string ohai_time = {};
};

struct NodeChange {
  // The node's marks as they were found.
  NodeMarks found;
  // All that is ours or Ohai's, as it is to be; nullopt where something is to
  // go.
  std::vector<Subtree> subtrees;
  // The node to be sent, whole. nullopt: it is as it should be.
  std::optional<std::string> document;
  // The marks of `document`, if there is one.
  NodeMarks marks;
  // `document` brings NodeUpdate::saved back.
  bool restored = false;
  // NodeUpdate::ohai is left out, as the node has a later one.
  bool ohai_outdated = false;
};

// What `update` means for the node that is `document` now.
//
// The node is up to date if it holds the rendering, the digest and what Ohai
// found; the stamp's times and revision do not count, as they would differ each
// time.
//
// A tree that we have written, by the node's own word, and that is not rendered
// any more is taken out; see TreesToRemove(). Except where nothing is rendered
// and the update is Ohai's alone: then such trees stay as they are, in the
// midst of Ohai's where need be, as somebody else keeps them.
//
// A save by chef-client (`update.saved`) is brought back if `document` has an
// earlier ohai_time, so that something older was saved over it since: the four
// levels of attributes become those of the save, byte by byte. What people and
// programs edit beside them, run list, environment and policy, stays as the
// server has it now. A save that is no node of that name is passed over.
//
//   kInvalidArgument     `document` is not the node `update.node`
//   kFailedPrecondition  something foreign is where ours goes, in the node or
//                        in what Ohai found
//   kInternal            what Splice() made lacks attributes of others, or ours
absl::StatusOr<NodeChange> PlanChange(absl::string_view document,
                                      const NodeUpdate& update);

// The marks of the node with which the server answered to `change`; nullopt if
// it does not hold what is ours. An answer that is what was sent, byte by byte,
// costs a comparison only. kInvalidArgument as above.
absl::StatusOr<std::optional<NodeMarks>> ConfirmedMarks(
    absl::string_view document, const NodeUpdate& update,
    const NodeChange& change);

// What the stamp in the tree at `stamp` says, of a document scanned for its
// "digest" and "revision": marks without an ohai_time.
NodeMarks StampMarks(const ScannedNode& document, const NodePath& stamp);

// kInvalidArgument unless `document` is the node object of that name.
absl::Status CheckIsNode(absl::string_view document, const std::string& name);

}  // namespace rehai::chef

#endif  // CHEF_NODE_CHANGE_H_
