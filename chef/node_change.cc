// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_change.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/node_document.h"
#include "chef/ohai_output.h"
#include "chef/plain_text.h"
#include "chef/tree_claims.h"

namespace rehai::chef {
namespace {

constexpr const char* kLevels[] = {"normal", "default", "override",
                                   "automatic"};

NodePath Below(NodePath path, std::string key) {
  path.push_back(std::move(key));
  return path;
}

const NodePath& NamePath() {
  static const auto* const path = new NodePath{"name"};
  return *path;
}

const NodePath& OhaiTimePath() {
  static const auto* const path = new NodePath{"automatic", "ohai_time"};
  return *path;
}

// What is read of a node beside our subtrees.
struct Reading {
  // By which the node's state is known: the first stamp that is written, or
  // where it usually is.
  NodePath stamp;
  bool is_stamped;
  std::vector<NodePath> paths;
};

Reading ReadingFor(const Rendering& rendering) {
  Reading reading = {{"automatic", "rehai"}, false, {}};
  if (std::vector<NodePath> stamps = StampPaths(rendering); !stamps.empty()) {
    reading.stamp = std::move(stamps.front());
    reading.is_stamped = true;
  }
  reading.paths = ClaimPaths(rendering.subtrees);
  reading.paths.insert(reading.paths.end(), {NamePath(), OhaiTimePath(),
                                             Below(reading.stamp, "digest"),
                                             Below(reading.stamp, "revision")});
  return reading;
}

std::string Text(std::optional<absl::string_view> value) {
  return std::string(value.value_or(""));
}

// The string that `json` spells; empty if it is none.
std::string Unquoted(absl::string_view json) {
  if (json.size() >= 2 && json.front() == '"') {
    const absl::string_view text = json.substr(1, json.size() - 2);
    if (PlainLength(text) == text.size()) return std::string(text);
  }
  const auto parsed = nlohmann::json::parse(json.begin(), json.end(), nullptr,
                                            /*allow_exceptions=*/false);
  return parsed.is_string() ? parsed.get<std::string>() : "";
}

NodeMarks MarksOf(const ScannedNode& node, const NodePath& stamp) {
  NodeMarks marks = StampMarks(node, stamp);
  const std::string ohai_time = Text(node.Value(OhaiTimePath()));
  if (absl::ascii_isdigit(ohai_time.c_str()[0])) marks.ohai_time = ohai_time;
  return marks;
}

absl::Status CheckName(const ScannedNode& node, const std::string& name) {
  // A node's name has no character that JSON would spell otherwise.
  if (node.Value(NamePath()) == absl::StrCat("\"", name, "\"")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("it has another name, or none");
}

bool HoldsAll(const ScannedNode& node, const std::vector<Subtree>& subtrees) {
  return std::all_of(
      subtrees.begin(), subtrees.end(),
      [&node](const Subtree& subtree) { return node.Holds(subtree); });
}

// True if the node is known to say what it should, which is `content` without
// the stamp. The digest first: where it differs, nothing has to be compared.
bool IsUpToDate(const ScannedNode& node, const Reading& reading,
                const NodeUpdate& update, const std::vector<Subtree>& content,
                const NodeMarks& found) {
  const bool is_stamped =
      !reading.is_stamped || found.digest == update.stamp.digest;
  return is_stamped && HoldsAll(node, content);
}

bool IsOhaisAlone(const NodeUpdate& update) {
  return !update.ohai.empty() && update.rendering.subtrees.empty() &&
         update.rendering.data_bag.empty();
}

// What somebody keeps in the node as ours, and Ohai's trees would replace: as
// it stands there.
absl::StatusOr<std::vector<Subtree>> KeptFromOhai(absl::string_view document,
                                                  const NodeUpdate& update,
                                                  const Reading& reading) {
  ASSIGN_OR_RETURN(const ScannedNode claims,
                   ScannedNode::Scan(document, {}, reading.paths));
  const std::vector<NodePath> trees = TreesToRemove(claims, {});
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, {}, trees));
  std::vector<Subtree> kept;
  for (const NodePath& tree : trees) {
    const bool is_in_ohais = std::any_of(
        update.ohai.begin(), update.ohai.end(), [&tree](const Subtree& ohais) {
          return ohais.path.size() <= tree.size() &&
                 std::equal(ohais.path.begin(), ohais.path.end(), tree.begin());
        });
    const auto value = node.Value(tree);
    if (is_in_ohais && value.has_value()) {
      kept.push_back({tree, std::string(*value)});
    }
  }
  return kept;
}

// True if the node, or the save that is to be brought back, is of a later run
// than what Ohai found.
absl::StatusOr<bool> IsOhaiOutdated(absl::string_view document,
                                    const NodeUpdate& update) {
  if (update.ohai_time.empty()) return false;
  ASSIGN_OR_RETURN(const auto found, FindValue(document, OhaiTimePath()));
  if (CompareOhaiTimes(Text(found), update.ohai_time) > 0) return true;
  if (update.saved == nullptr) return false;
  const auto saved = FindValue(*update.saved, OhaiTimePath());
  return saved.ok() && CompareOhaiTimes(Text(*saved), update.ohai_time) > 0;
}

// What the node is to hold, ours and Ohai's.
struct Wanted {
  std::vector<Subtree> content;  // without the stamp
  std::vector<Subtree> stamped;
  bool ohai_outdated = false;
};

absl::StatusOr<Wanted> WantedOf(absl::string_view document,
                                const NodeUpdate& update,
                                const Reading& reading) {
  Wanted wanted = {update.rendering.subtrees,
                   Stamped(update.rendering, update.stamp)};
  if (update.ohai.empty()) return wanted;
  ASSIGN_OR_RETURN(wanted.ohai_outdated, IsOhaiOutdated(document, update));
  if (wanted.ohai_outdated) return wanted;
  if (IsOhaisAlone(update)) {
    ASSIGN_OR_RETURN(wanted.content, KeptFromOhai(document, update, reading));
    wanted.stamped = wanted.content;
  }
  ASSIGN_OR_RETURN(wanted.content, WithOurs({update.ohai}, wanted.content));
  ASSIGN_OR_RETURN(wanted.stamped, WithOurs({update.ohai}, wanted.stamped));
  return wanted;
}

// The attributes of `saved` at each level that it has; empty if `found` does
// not say that something older was saved over it.
std::vector<Subtree> LevelsToRestore(const NodeUpdate& update,
                                     const NodeMarks& found) {
  if (update.saved == nullptr) return {};
  std::vector<NodePath> read = {NamePath(), OhaiTimePath()};
  for (const char* const level : kLevels) read.push_back({level});
  const auto saved = ScannedNode::Scan(*update.saved, {}, read);
  if (!saved.ok() || !CheckName(*saved, update.node).ok() ||
      CompareOhaiTimes(found.ohai_time, Text(saved->Value(OhaiTimePath()))) >=
          0) {
    return {};
  }
  std::vector<Subtree> levels;
  for (const char* const level : kLevels) {
    const auto value = saved->Value(NodePath{level});
    if (value.has_value() && value->front() == '{') {
      levels.push_back({{level}, std::string(*value)});
    }
  }
  return levels;
}

struct Spliced {
  std::string document;
  NodeMarks marks;
};

// What a splice made of `before`, after making sure by other means that it has
// left alone what is not ours, and that what is ours is in it.
absl::StatusOr<Spliced> CheckedSplice(const ScannedNode& before,
                                      const std::vector<Subtree>& subtrees,
                                      const Reading& reading) {
  ASSIGN_OR_RETURN(std::string document, before.Splice());
  const auto after = ScannedNode::Scan(document, subtrees, reading.paths);
  if (!after.ok() || !before.ForeignBytesAreIn(*after) ||
      !HoldsAll(*after, subtrees)) {
    return absl::InternalError("the splice lacks attributes of others or ours");
  }
  NodeMarks marks = MarksOf(*after, reading.stamp);
  return Spliced{std::move(document), std::move(marks)};
}

}  // namespace

absl::StatusOr<NodeChange> PlanChange(absl::string_view document,
                                      const NodeUpdate& update) {
  const Reading reading = ReadingFor(update.rendering);
  NodeChange change;
  ASSIGN_OR_RETURN(Wanted wanted, WantedOf(document, update, reading));
  change.subtrees = std::move(wanted.stamped);
  change.ohai_outdated = wanted.ohai_outdated;
  ASSIGN_OR_RETURN(ScannedNode node,
                   ScannedNode::Scan(document, change.subtrees, reading.paths));
  RETURN_IF_ERROR(CheckName(node, update.node));
  change.found = MarksOf(node, reading.stamp);

  Spliced restored;
  if (const std::vector<Subtree> levels = LevelsToRestore(update, change.found);
      !levels.empty()) {
    ASSIGN_OR_RETURN(const ScannedNode rolled_back,
                     ScannedNode::Scan(document, levels));
    ASSIGN_OR_RETURN(restored, CheckedSplice(rolled_back, levels, reading));
    document = restored.document;
    ASSIGN_OR_RETURN(
        node, ScannedNode::Scan(document, change.subtrees, reading.paths));
    change.restored = true;
  }
  std::vector<NodePath> trees;
  if (!IsOhaisAlone(update)) trees = TreesToRemove(node, wanted.content);
  if (!trees.empty()) {
    for (NodePath& tree : trees) {
      change.subtrees.push_back({std::move(tree), std::nullopt});
    }
    ASSIGN_OR_RETURN(
        node, ScannedNode::Scan(document, change.subtrees, reading.paths));
  } else if (!change.restored &&
             IsUpToDate(node, reading, update, wanted.content, change.found)) {
    return change;
  }
  ASSIGN_OR_RETURN(Spliced spliced,
                   CheckedSplice(node, change.subtrees, reading));
  change.document = std::move(spliced.document);
  change.marks = std::move(spliced.marks);
  return change;
}

absl::StatusOr<std::optional<NodeMarks>> ConfirmedMarks(
    absl::string_view document, const NodeUpdate& update,
    const NodeChange& change) {
  // What was sent has been read already.
  if (change.document.has_value() && document == *change.document) {
    return change.marks;
  }
  const Reading reading = ReadingFor(update.rendering);
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, change.subtrees, reading.paths));
  RETURN_IF_ERROR(CheckName(node, update.node));
  if (!HoldsAll(node, change.subtrees)) return std::nullopt;
  return MarksOf(node, reading.stamp);
}

NodeMarks StampMarks(const ScannedNode& document, const NodePath& stamp) {
  NodeMarks marks;
  marks.digest = Unquoted(document.Value(Below(stamp, "digest")).value_or(""));
  if (!absl::SimpleAtoi(document.Value(Below(stamp, "revision")).value_or(""),
                        &marks.revision)) {
    marks.revision = 0;
  }
  return marks;
}

absl::Status CheckIsNode(absl::string_view document, const std::string& name) {
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, {}, {{NamePath()}}));
  return CheckName(node, name);
}

}  // namespace rehai::chef
