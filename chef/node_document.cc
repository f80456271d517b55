// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_document.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "chef/canonical_json.h"
#include "chef/json_scanner.h"

namespace rehai::chef {
namespace {

using Json = nlohmann::json;

// What is sought right below one key, with the stamp's values.
constexpr size_t kUsualChildren = 12;

// A key as a part of a dotted path: quoted only where it would mislead.
std::string PathPart(const std::string& key) {
  const bool plain =
      !key.empty() && std::none_of(key.begin(), key.end(), [](char c) {
        return c == '.' || c == '"' || c == '\\' ||
               static_cast<unsigned char>(c) < 0x20;
      });
  return plain ? key : CanonicalJson(key);
}

// What of `sought`'s children has `key`; null if none.
const Sought* Child(const Sought& sought, const std::string& key) {
  const auto child =
      std::find_if(sought.children.begin(), sought.children.end(),
                   [&](const Sought& c) { return c.key == key; });
  return child == sought.children.end() ? nullptr : &*child;
}

Sought& ChildOrNew(Sought& sought, const std::string& key, bool& added) {
  for (Sought& child : sought.children) {
    if (child.key == key) return child;
  }
  added = true;
  if (sought.children.empty()) sought.children.reserve(kUsualChildren);
  return sought.children.emplace_back(key);
}

absl::Status AddSubtree(const Subtree& subtree, Sought& root) {
  Sought* at = &root;
  bool added = false;
  for (const std::string& key : subtree.path) {
    added = false;
    if (at->subtree != nullptr) break;
    at = &ChildOrNew(*at, key, added);
  }
  if (!added) {
    return absl::InvalidArgumentError(
        absl::StrCat("subtree \"", DottedPath(subtree.path),
                     "\": is the whole document, or meets another subtree"));
  }
  at->subtree = &subtree;
  return absl::OkStatus();
}

void AddPath(absl::Span<const std::string> path, Sought& root) {
  Sought* at = &root;
  bool added = false;
  for (const std::string& key : path) {
    if (at->subtree != nullptr) return;
    at = &ChildOrNew(*at, key, added);
  }
}

// The bytes of `document` from `begin` to `end` become `text`.
struct Edit {
  size_t begin;
  size_t end;
  std::string text;
};

// Plans the edits that put subtrees in their places. They do not overlap.
class Splicer {
 public:
  explicit Splicer(absl::string_view document) : document_(document) {}

  // `path` leads to `object`, which stands in the document as an object.
  absl::Status PlanObject(const Sought& object,
                          std::vector<std::string>& path) {
    bool any_kept = false;
    for (size_t i = 0; i < object.members.size(); ++i) {
      if (IsRemoved(object.members[i])) {
        PlanRemoval(object.members, i, any_kept);
      } else {
        any_kept = true;
      }
    }
    std::string missing;
    for (const Sought& child : object.children) {
      path.push_back(child.key);
      RETURN_IF_ERROR(PlanChild(child, path, missing));
      path.pop_back();
    }
    if (!missing.empty()) {
      // After the last member; if none stays, at the very start. Either way the
      // space before the closing brace stays there.
      const size_t at = any_kept ? EndOf(object.members.back())
                                 : Offset(object.value->data() + 1);
      edits_.push_back({at, at, absl::StrCat(any_kept ? "," : "", missing)});
    }
    return absl::OkStatus();
  }

  std::string Apply() && {
    std::sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    size_t size = document_.size();
    for (const Edit& edit : edits_) size += edit.text.size();
    std::string result;
    result.reserve(size);
    size_t done = 0;
    for (const Edit& edit : edits_) {
      absl::StrAppend(&result, document_.substr(done, edit.begin - done),
                      edit.text);
      done = edit.end;
    }
    absl::StrAppend(&result, document_.substr(done));
    return result;
  }

 private:
  size_t Offset(const char* at) const { return at - document_.data(); }
  size_t BeginOf(const Member& member) const {
    return Offset(member.text.data());
  }
  size_t EndOf(const Member& member) const {
    return BeginOf(member) + member.text.size();
  }

  static bool IsRemoved(const Member& member) {
    return member.sought != nullptr && member.sought->subtree != nullptr &&
           !member.sought->subtree->json.has_value();
  }

  // Takes out member `i`, with one comma: the one before it if anything before
  // it stays, otherwise the one after it if there is one.
  void PlanRemoval(const std::vector<Member>& members, size_t i,
                   bool any_kept_before) {
    size_t begin = BeginOf(members[i]);
    size_t end = EndOf(members[i]);
    if (any_kept_before) {
      begin = EndOf(members[i - 1]);
    } else if (i + 1 < members.size()) {
      end = BeginOf(members[i + 1]);
    }
    edits_.push_back({begin, end, ""});
  }

  // Puts what is wanted at or below `child`, which leads on from an object, in
  // its place, or adds it to that object's `missing` members.
  absl::Status PlanChild(const Sought& child, std::vector<std::string>& path,
                         std::string& missing) {
    if (child.value.has_value() && child.subtree == nullptr &&
        child.value->front() == '{') {
      return PlanObject(child, path);
    }
    const std::string wanted = Wanted(child);
    if (wanted.empty()) return absl::OkStatus();
    if (!child.value.has_value()) {
      absl::StrAppend(&missing, missing.empty() ? "" : ",",
                      CanonicalJson(child.key), ":", wanted);
      return absl::OkStatus();
    }
    if (child.subtree == nullptr && *child.value != "null") {
      return absl::FailedPreconditionError(absl::StrCat(
          "node document: ", DottedPath(path),
          " is not an object and not ours to overwrite; remove it from the "
          "node or switch off the rendering that needs it"));
    }
    const size_t begin = Offset(child.value->data());
    edits_.push_back({begin, begin + child.value->size(), wanted});
    return absl::OkStatus();
  }

  // The JSON of `sought` made from nothing; empty if nothing is wanted there.
  static std::string Wanted(const Sought& sought) {
    if (sought.subtree != nullptr) return sought.subtree->json.value_or("");
    std::string members;
    for (const Sought& child : sought.children) {
      const std::string wanted = Wanted(child);
      if (wanted.empty()) continue;
      absl::StrAppend(&members, members.empty() ? "" : ",",
                      CanonicalJson(child.key), ":", wanted);
    }
    return members.empty() ? "" : absl::StrCat("{", members, "}");
  }

  const absl::string_view document_;
  std::vector<Edit> edits_;
};

// The value of a JSON text; a discarded one if it cannot be represented
// (1e999, a lone surrogate).
Json Parsed(absl::string_view text) {
  return Json::parse(text.begin(), text.end(), nullptr,
                     /*allow_exceptions=*/false);
}

// Collects the leaves at which two values differ. A leaf is anything but an
// object with members: an array is shown whole.
class Comparison {
 public:
  // Null: absent.
  void Compare(const Json* before, const Json* after,
               std::vector<std::string>& path) {
    if (before != nullptr && after != nullptr && *before == *after) return;
    if (!Descends(before, after)) {
      Add(path, before == nullptr ? "" : CanonicalJson(*before),
          after == nullptr ? "" : CanonicalJson(*after));
      return;
    }
    if (before != nullptr) {
      for (const auto& [key, value] : before->items()) {
        CompareMember(key, &value, Member(after, key), path);
      }
    }
    if (after != nullptr) {
      for (const auto& [key, value] : after->items()) {
        if (Member(before, key) == nullptr) {
          CompareMember(key, nullptr, &value, path);
        }
      }
    }
  }

  void Add(absl::Span<const std::string> path, std::string before,
           std::string after) {
    differences_.push_back(
        {DottedPath(path), std::move(before), std::move(after)});
  }

  std::vector<PathDifference> Sorted() && {
    std::sort(differences_.begin(), differences_.end(),
              [](const PathDifference& a, const PathDifference& b) {
                return a.path < b.path;
              });
    return std::move(differences_);
  }

 private:
  // True if the two are best shown member by member: an object with members on
  // one side at least, and an object or nothing on the other.
  static bool Descends(const Json* before, const Json* after) {
    const auto object = [](const Json* j) {
      return j == nullptr || j->is_object();
    };
    const auto members = [](const Json* j) {
      return j != nullptr && !j->empty();
    };
    return object(before) && object(after) &&
           (members(before) || members(after));
  }

  static const Json* Member(const Json* object, const std::string& key) {
    if (object == nullptr) return nullptr;
    const auto found = object->find(key);
    return found == object->end() ? nullptr : &*found;
  }

  void CompareMember(const std::string& key, const Json* before,
                     const Json* after, std::vector<std::string>& path) {
    path.push_back(key);
    Compare(before, after, path);
    path.pop_back();
  }

  std::vector<PathDifference> differences_;
};

// True if `sought` is one of our subtrees or on the way to one.
bool LeadsToOurs(const Sought& sought) {
  return sought.subtree != nullptr ||
         std::any_of(sought.children.begin(), sought.children.end(),
                     LeadsToOurs);
}

// The members of an object that hold nothing of ours, in their order. Of a key
// that stands twice on the way to ours, all but the last are foreign.
std::vector<absl::string_view> ForeignMembers(const Sought& object) {
  std::vector<absl::string_view> foreign;
  foreign.reserve(object.members.size());
  for (const Member& member : object.members) {
    const Sought* const sought = member.sought;
    const bool ours = sought != nullptr && LeadsToOurs(*sought) &&
                      (sought->subtree != nullptr ||
                       (sought->value.has_value() &&
                        sought->value->end() == member.text.end()));
    if (!ours) foreign.push_back(member.text);
  }
  return foreign;
}

bool IsObject(const Sought& sought) {
  return sought.value.has_value() && sought.value->front() == '{';
}

bool SameForeign(const Sought& before, const Sought& after) {
  if (!LeadsToOurs(before) || before.subtree != nullptr) return true;
  if (IsObject(before)) {
    if (!IsObject(after)) return false;
  } else if (before.value.has_value() && *before.value != "null") {
    return after.value == before.value;
  }
  // A parent that was missing or null may have been made, for ours alone.
  if (ForeignMembers(before) != ForeignMembers(after)) return false;
  for (const Sought& child : before.children) {
    const Sought* const same = Child(after, child.key);
    if (same != nullptr && !SameForeign(child, *same)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<ScannedNode> ScannedNode::Scan(
    absl::string_view document, absl::Span<const Subtree> subtrees,
    absl::Span<const NodePath> read) {
  ScannedNode node(document, subtrees);
  for (const Subtree& subtree : subtrees) {
    RETURN_IF_ERROR(AddSubtree(subtree, node.root_));
  }
  for (const NodePath& path : read) AddPath(path, node.root_);
  RETURN_IF_ERROR(ScanJson(document, node.root_));
  return node;
}

std::optional<absl::string_view> ScannedNode::Value(
    absl::Span<const std::string> path) const {
  const Sought* at = &root_;
  for (const std::string& key : path) {
    at = Child(*at, key);
    if (at == nullptr) return std::nullopt;
  }
  return at->value;
}

bool ScannedNode::Holds(const Subtree& subtree) const {
  const std::optional<absl::string_view> value = Value(subtree.path);
  if (value.has_value() != subtree.json.has_value()) return false;
  if (!value.has_value() || *value == *subtree.json) return true;
  const Json held = Parsed(*value);
  return !held.is_discarded() && held == Parsed(*subtree.json);
}

absl::StatusOr<std::string> ScannedNode::Splice() const {
  Splicer splicer(document_);
  std::vector<std::string> path;
  RETURN_IF_ERROR(splicer.PlanObject(root_, path));
  return std::move(splicer).Apply();
}

std::vector<PathDifference> ScannedNode::Difference() const {
  Comparison comparison;
  for (const Subtree& subtree : subtrees_) {
    const std::optional<absl::string_view> value = Value(subtree.path);
    if (!value.has_value() && !subtree.json.has_value()) continue;
    const Json before = value.has_value() ? Parsed(*value) : Json();
    if (before.is_discarded()) {
      comparison.Add(subtree.path, {value->data(), value->size()},
                     subtree.json.value_or(""));
      continue;
    }
    const Json after =
        subtree.json.has_value() ? Parsed(*subtree.json) : Json();
    std::vector<std::string> path = subtree.path;
    comparison.Compare(value.has_value() ? &before : nullptr,
                       subtree.json.has_value() ? &after : nullptr, path);
  }
  return std::move(comparison).Sorted();
}

bool ScannedNode::ForeignBytesAreIn(const ScannedNode& after) const {
  if (subtrees_.empty()) return document_ == after.document_;
  return root_.members.size() <= after.root_.members.size() &&
         SameForeign(root_, after.root_);
}

std::string DottedPath(absl::Span<const std::string> path) {
  return absl::StrJoin(path, ".", [](std::string* out, const std::string& key) {
    absl::StrAppend(out, PathPart(key));
  });
}

absl::StatusOr<std::optional<absl::string_view>> FindValue(
    absl::string_view document, absl::Span<const std::string> path) {
  const Subtree subtree{{path.begin(), path.end()}, std::nullopt};
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, {&subtree, 1}));
  return node.Value(path);
}

absl::StatusOr<std::string> Splice(absl::string_view document,
                                   absl::Span<const Subtree> subtrees) {
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, subtrees));
  return node.Splice();
}

absl::StatusOr<bool> Holds(absl::string_view document,
                           absl::Span<const Subtree> subtrees) {
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, subtrees));
  return std::all_of(
      subtrees.begin(), subtrees.end(),
      [&node](const Subtree& subtree) { return node.Holds(subtree); });
}

absl::StatusOr<std::vector<PathDifference>> Difference(
    absl::string_view document, absl::Span<const Subtree> subtrees) {
  ASSIGN_OR_RETURN(const ScannedNode node,
                   ScannedNode::Scan(document, subtrees));
  return node.Difference();
}

}  // namespace rehai::chef
