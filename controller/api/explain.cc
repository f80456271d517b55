// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "base/proto_time.h"
#include "chef/canonical_json.h"
#include "chef/node_change.h"
#include "chef/node_document.h"
#include "chef/rendering_facts.h"
#include "controller/inventory/record.h"
#include "controller/sync/planner.h"

namespace rehai {
namespace {

constexpr size_t kMostValue = 64 << 10;
constexpr int kMostDifferences = 100;

bool IsWithin(const chef::NodePath& path, const chef::NodePath& tree) {
  return path.size() >= tree.size() &&
         std::equal(tree.begin(), tree.end(), path.begin());
}

// What is below `path`, of subtrees that are all below it; their keys from
// `depth` on.
std::string ObjectOf(const std::vector<const chef::Subtree*>& subtrees,
                     size_t depth) {
  std::map<std::string, std::vector<const chef::Subtree*>> below;
  for (const chef::Subtree* subtree : subtrees) {
    below[subtree->path[depth]].push_back(subtree);
  }
  std::vector<std::string> members;
  for (const auto& [key, some] : below) {
    const bool is_leaf = some.front()->path.size() == depth + 1;
    members.push_back(absl::StrCat(chef::CanonicalJson(key), ":",
                                   is_leaf ? some.front()->json.value_or("null")
                                           : ObjectOf(some, depth + 1)));
  }
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

// Of a rendering, what concerns a path.
struct Wanted {
  // What we would write there; nullopt: nothing.
  std::optional<std::string> json;
  // The same as subtrees of the node.
  std::vector<chef::Subtree> subtrees;
  // It lies in something that we write as a whole, so that what is there
  // besides goes.
  bool is_within_ours = false;
};

Wanted WantedAt(const chef::NodePath& path, const chef::Rendering& rendering) {
  Wanted wanted;
  std::vector<const chef::Subtree*> below;
  for (const chef::Subtree& subtree : rendering.subtrees) {
    if (!subtree.json.has_value()) continue;
    if (IsWithin(path, subtree.path)) {
      wanted.is_within_ours = true;
      const chef::NodePath rest(
          path.begin() + static_cast<ptrdiff_t>(subtree.path.size()),
          path.end());
      if (rest.empty()) {
        wanted.json = *subtree.json;
      } else if (auto found = chef::FindValue(*subtree.json, rest);
                 found.ok() && found->has_value()) {
        wanted.json = std::string((*found)->data(), (*found)->size());
      }
      if (wanted.json.has_value()) wanted.subtrees = {{path, wanted.json}};
      return wanted;
    }
    if (IsWithin(subtree.path, path)) below.push_back(&subtree);
  }
  if (below.empty()) return wanted;
  wanted.json = ObjectOf(below, path.size());
  for (const chef::Subtree* subtree : below) {
    wanted.subtrees.push_back(*subtree);
  }
  return wanted;
}

std::string Cut(absl::string_view json) {
  if (json.size() <= kMostValue) return std::string(json.data(), json.size());
  // Not in the midst of a character.
  size_t end = kMostValue;
  while (end > 0 && (static_cast<unsigned char>(json[end]) & 0xC0) == 0x80) {
    --end;
  }
  return absl::StrCat(json.substr(0, end), "…");
}

std::string At(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}
std::string At(const google::protobuf::Timestamp& time) {
  return At(FromProto(time));
}

const char* Who(v1::Overwriter overwriter) {
  switch (overwriter) {
    case v1::OVERWRITER_CHEF_CLIENT:
      return "a chef-client run";
    case v1::OVERWRITER_ROLLBACK:
      return "somebody who saved an older node";
    default:
      return "a person or another program";
  }
}

// Gathers what an explanation says.
class Explainer {
 public:
  Explainer(const chef::NodePath& path, const ExplainFacts& facts)
      : path_(path),
        facts_(facts),
        name_(facts.host.node),
        meaning_(chef::MeaningOf(path, facts.renderings)) {
    if (facts.record != nullptr && IsObserved(*facts.record)) {
      update_ = UpdateOf(*facts.record, facts.renderings);
    }
  }

  v1::Explanation Explain() {
    out_.set_node(name_);
    out_.mutable_path()->Assign(path_.begin(), path_.end());
    *out_.mutable_sync() = facts_.sync;
    if (facts_.next_check_at < absl::InfiniteFuture()) {
      *out_.mutable_next_check_at() = ToProto(facts_.next_check_at);
    }
    if (path_.empty()) {
      CompareNode();
    } else {
      CompareValue();
      FillFact();
    }
    AddReasons();
    Summarize();
    return std::move(out_);
  }

 private:
  void CompareValue() {
    Wanted wanted;
    if (update_.has_value()) wanted = WantedAt(path_, update_->rendering);
    if (wanted.json.has_value()) out_.set_wanted_value(Cut(*wanted.json));
    if (!facts_.document.ok()) {
      return out_.set_verdict(v1::EXPLAIN_VERDICT_UNREADABLE);
    }
    const auto found = chef::FindValue(*facts_.document, path_);
    if (!found.ok()) {
      Add(v1::EXPLAIN_REASON_TYPE_NODE_UNREADABLE,
          std::string(found.status().message()));
      return out_.set_verdict(v1::EXPLAIN_VERDICT_UNREADABLE);
    }
    const bool holds_any = found->has_value();
    if (holds_any) out_.set_chef_value(Cut(**found));
    out_.set_verdict(VerdictOf(wanted, holds_any));
  }

  v1::ExplainVerdict VerdictOf(const Wanted& wanted, bool holds_any) {
    if (wanted.json.has_value()) {
      if (!holds_any) return v1::EXPLAIN_VERDICT_MISSING;
      const auto holds = chef::Holds(*facts_.document, wanted.subtrees);
      return holds.ok() && *holds ? v1::EXPLAIN_VERDICT_IN_PLACE
                                  : v1::EXPLAIN_VERDICT_DIFFERS;
    }
    if (meaning_.has_value() && meaning_->is_stamp && meaning_->is_on &&
        update_.has_value()) {
      return holds_any ? v1::EXPLAIN_VERDICT_IN_PLACE
                       : v1::EXPLAIN_VERDICT_MISSING;
    }
    if (!holds_any) return v1::EXPLAIN_VERDICT_NOTHING;
    return wanted.is_within_ours || IsTakenOut() ? v1::EXPLAIN_VERDICT_LEFT_OVER
                                                 : v1::EXPLAIN_VERDICT_NOT_OURS;
  }

  // True if a write would take the path out of the node: a tree that was ours.
  bool IsTakenOut() const {
    if (!update_.has_value()) return false;
    const auto change = chef::PlanChange(*facts_.document, *update_);
    if (!change.ok()) return false;
    return std::any_of(change->subtrees.begin(), change->subtrees.end(),
                       [this](const chef::Subtree& subtree) {
                         return !subtree.json.has_value() &&
                                IsWithin(path_, subtree.path);
                       });
  }

  void CompareNode() {
    if (!facts_.document.ok()) {
      return out_.set_verdict(v1::EXPLAIN_VERDICT_UNREADABLE);
    }
    if (!update_.has_value()) {
      return out_.set_verdict(v1::EXPLAIN_VERDICT_NOT_OURS);
    }
    std::vector<chef::Subtree> wanted = update_->rendering.subtrees;
    if (const auto change = chef::PlanChange(*facts_.document, *update_);
        change.ok()) {
      for (const chef::Subtree& subtree : change->subtrees) {
        if (!subtree.json.has_value()) wanted.push_back(subtree);
      }
    }
    const auto differences = chef::Difference(*facts_.document, wanted);
    if (!differences.ok()) {
      Add(v1::EXPLAIN_REASON_TYPE_NODE_UNREADABLE,
          std::string(differences.status().message()));
      return out_.set_verdict(v1::EXPLAIN_VERDICT_UNREADABLE);
    }
    out_.set_difference_count(static_cast<int>(differences->size()));
    for (const chef::PathDifference& one : *differences) {
      if (out_.differences_size() == kMostDifferences) break;
      v1::ExplainDifference& difference = *out_.add_differences();
      difference.set_path(one.path);
      if (!one.before.empty()) difference.set_chef_value(Cut(one.before));
      if (!one.after.empty()) difference.set_wanted_value(Cut(one.after));
    }
    out_.set_verdict(differences->empty() ? v1::EXPLAIN_VERDICT_IN_PLACE
                                          : v1::EXPLAIN_VERDICT_DIFFERS);
  }

  void FillFact() {
    const bool is_ours =
        out_.has_wanted_value() || (meaning_.has_value() && meaning_->is_stamp);
    if (facts_.record == nullptr || !is_ours) return;
    const v1::Record& record = *facts_.record;
    v1::ExplainFact& fact = *out_.mutable_fact();
    if (meaning_.has_value()) fact.set_field(FieldName());
    if (record.has_provenance())
      *fact.mutable_provenance() = record.provenance();
    if (record.has_confirmed_at()) {
      *fact.mutable_confirmed_at() = record.confirmed_at();
    }
    fact.set_presence(record.presence());
    fact.set_revision(record.revision());
  }

  // With the guest's name, where it was found by its UUID.
  std::string FieldName() const {
    const v1::Guest* guest = GuestHere();
    std::string field = meaning_->field;
    if (guest == nullptr || meaning_->guest != guest->uuid()) return field;
    const std::string by_uuid = absl::StrCat("guests[", guest->uuid(), "]");
    absl::string_view rest = field;
    if (!absl::ConsumePrefix(&rest, by_uuid)) return field;
    return absl::StrCat("guests[", guest->name(), "]", rest);
  }

  // The guest that is asked about, on this host; null if it is not here.
  const v1::Guest* GuestHere() const {
    if (facts_.record == nullptr || facts_.guest.empty()) return nullptr;
    for (const v1::Guest& guest : facts_.record->guests()) {
      if (guest.uuid() == facts_.guest || guest.name() == facts_.guest) {
        return &guest;
      }
    }
    return nullptr;
  }

  void Add(v1::ExplainReasonType type, std::string message) {
    v1::ExplainReason& reason = *out_.add_reasons();
    reason.set_type(type);
    reason.set_message(std::move(message));
  }
  void Add(v1::ExplainReasonType type, std::string message,
           const google::protobuf::Timestamp& since) {
    Add(type, std::move(message));
    *out_.mutable_reasons(out_.reasons_size() - 1)->mutable_since() = since;
  }

  bool IsWrong() const {
    switch (out_.verdict()) {
      case v1::EXPLAIN_VERDICT_IN_PLACE:
      case v1::EXPLAIN_VERDICT_NOT_OURS:
      case v1::EXPLAIN_VERDICT_NOTHING:
        return false;
      default:
        return true;
    }
  }

  void AddReasons() {
    if (facts_.record == nullptr) {
      return Add(v1::EXPLAIN_REASON_TYPE_HOST_UNKNOWN,
                 absl::StrCat("host ", name_,
                              " is not in the fleet: no discovery has found "
                              "it; rehaictl hosts lists those that are"));
    }
    AddGuest();
    AddOwner();
    AddHost();
    AddNode();
    AddWrite();
    AddOverwrite();
  }

  void AddGuest() {
    if (facts_.guest.empty()) return;
    const v1::Guest* here = GuestHere();
    if (here != nullptr) {
      if (IsMissing(*facts_.record, GuestId{here->uuid()})) {
        Add(v1::EXPLAIN_REASON_TYPE_GUEST_HELD,
            absl::StrCat("guest ", here->name(), " is not in the last list of ",
                         name_,
                         ": it is on its way to another host, or held by the "
                         "brake until it is confirmed that it is gone"));
      }
      return;
    }
    std::vector<std::string> nodes;
    for (const GuestLocation& place : facts_.places) {
      nodes.push_back(place.record->node());
    }
    if (nodes.empty()) {
      Add(v1::EXPLAIN_REASON_TYPE_GUEST_UNKNOWN,
          absl::StrCat("no host has a guest ", facts_.guest));
    } else {
      Add(v1::EXPLAIN_REASON_TYPE_GUEST_ELSEWHERE,
          absl::StrCat("guest ", facts_.guest, " is not on ", name_, " but on ",
                       absl::StrJoin(nodes, ", ")));
    }
  }

  void AddOwner() {
    if (path_.empty()) return;
    if (!meaning_.has_value()) {
      // A parent of what is ours has no meaning of its own.
      if (out_.has_wanted_value()) return;
      return Add(v1::EXPLAIN_REASON_TYPE_NOT_OURS,
                 "this path is Ohai's, chef-client's or somebody else's; Rehai "
                 "neither writes it nor takes it out");
    }
    if (!meaning_->is_on) {
      return Add(v1::EXPLAIN_REASON_TYPE_RENDERING_OFF, WhatIsOff());
    }
    if (out_.has_wanted_value() || meaning_->is_stamp) return;
    const bool lacks_guest = !facts_.guest.empty() && GuestHere() == nullptr;
    if (!IsObserved(*facts_.record) || lacks_guest) return;
    Add(v1::EXPLAIN_REASON_TYPE_NO_FACT,
        meaning_->is_known
            ? absl::StrCat("the record has nothing for it (", FieldName(),
                           "): the hypervisor did not say, or the guest is "
                           "not active")
            : "no rendering has an attribute of this name here");
  }

  std::string WhatIsOff() const {
    if (meaning_->is_volatile && !facts_.renderings.volatile_values) {
      return "volatile values are not written: renderings.volatile_values "
             "is off";
    }
    const bool is_automatic = path_.front() == "automatic";
    if (is_automatic && !facts_.renderings.places.automatic) {
      return "nothing goes into the automatic attributes: "
             "renderings.places.automatic is off";
    }
    return absl::StrCat("renderings.", meaning_->rendering,
                        " is off, so this is not written; what is there is "
                        "Ohai's, or left over");
  }

  void AddHost() {
    const v1::Record& record = *facts_.record;
    std::string why;
    google::protobuf::Timestamp since = record.confirmed_at();
    for (const v1::Condition& condition : record.conditions()) {
      if (condition.type() != kUnreachable) continue;
      why = condition.message();
      since = condition.since();
    }
    switch (record.presence()) {
      case v1::PRESENCE_NEVER_SEEN:
        Add(v1::EXPLAIN_REASON_TYPE_HOST_NEVER_SEEN,
            absl::StrCat("host ", name_, " is known and was never read",
                         why.empty() ? "" : ": ", why));
        break;
      case v1::PRESENCE_STALE:
      case v1::PRESENCE_UNKNOWN:
        Add(v1::EXPLAIN_REASON_TYPE_HOST_UNREACHABLE,
            absl::StrCat("host ", name_, " cannot be reached, last seen at ",
                         At(record.confirmed_at()), why.empty() ? "" : ": ",
                         why),
            since);
        break;
      default:
        break;
    }
    if (const v1::Condition* doubt = FindIdentityDoubt(record)) {
      Add(v1::EXPLAIN_REASON_TYPE_IDENTITY_IN_DOUBT, doubt->message(),
          doubt->since());
    }
  }

  void AddNode() {
    if (facts_.document.ok()) return;
    const bool is_missing = absl::IsNotFound(facts_.document.status());
    Add(is_missing ? v1::EXPLAIN_REASON_TYPE_NODE_MISSING
                   : v1::EXPLAIN_REASON_TYPE_NODE_UNREADABLE,
        std::string(facts_.document.status().message()));
  }

  void AddWrite() {
    if (!IsWrong()) return;
    const v1::SyncStatus& sync = facts_.sync;
    const std::string next =
        sync.has_next_try_at()
            ? absl::StrCat("; tried again at ", At(sync.next_try_at()))
            : "";
    switch (sync.state()) {
      case v1::SYNC_STATE_PENDING:
        if (sync.last_error().empty()) {
          return Add(
              v1::EXPLAIN_REASON_TYPE_WRITE_PENDING,
              absl::StrCat("the write of revision ", sync.pending_revision(),
                           " waits for its turn or is under way", next));
        }
        return Add(v1::EXPLAIN_REASON_TYPE_WRITE_FAILED,
                   absl::StrCat(sync.last_error(), next));
      case v1::SYNC_STATE_PARKED:
        return Add(v1::EXPLAIN_REASON_TYPE_WRITE_PARKED,
                   absl::StrCat("writing stopped: ", sync.last_error(), next));
      case v1::SYNC_STATE_DRY_RUN:
        return Add(v1::EXPLAIN_REASON_TYPE_DRY_RUN,
                   "writing is switched off (--dry_run)");
      case v1::SYNC_STATE_SYNCED:
        if (out_.verdict() == v1::EXPLAIN_VERDICT_UNREADABLE) return;
        return Add(
            v1::EXPLAIN_REASON_TYPE_DRIFT_NOT_FOUND_YET,
            absl::StrCat(
                "Chef held it at ", At(sync.verified_at()),
                " and does not now: somebody has saved over the node since; ",
                facts_.next_check_at < absl::InfiniteFuture()
                    ? absl::StrCat("the sweep at ", At(facts_.next_check_at),
                                   " finds it, or a resync")
                    : "a resync repairs it"));
      default:
        return;
    }
  }

  void AddOverwrite() {
    const v1::SyncStatus& sync = facts_.sync;
    if (sync.overwrites() == 0 || !sync.has_last_overwrite_at()) return;
    const bool is_repaired =
        sync.has_verified_at() &&
        FromProto(sync.verified_at()) >= FromProto(sync.last_overwrite_at());
    Add(v1::EXPLAIN_REASON_TYPE_OVERWRITTEN,
        absl::StrCat(Who(sync.last_overwriter()), " saved over it, found at ",
                     At(sync.last_overwrite_at()),
                     is_repaired ? ", and it was put back"
                                 : ", and it is not put back yet",
                     " (", sync.overwrites(), " so far)"),
        sync.last_overwrite_at());
  }

  void Summarize() {
    std::string what =
        path_.empty() ? absl::StrCat("node ", name_) : chef::DottedPath(path_);
    std::string said;
    switch (out_.verdict()) {
      case v1::EXPLAIN_VERDICT_IN_PLACE:
        said = "is as it should be";
        break;
      case v1::EXPLAIN_VERDICT_DIFFERS:
        said = path_.empty() ? absl::StrCat("differs in ",
                                            out_.difference_count(), " places")
                             : "is not what Rehai would write";
        break;
      case v1::EXPLAIN_VERDICT_MISSING:
        said = "is missing";
        break;
      case v1::EXPLAIN_VERDICT_LEFT_OVER:
        said = "is left over, and the next write takes it out";
        break;
      case v1::EXPLAIN_VERDICT_NOT_OURS:
        said = "is not Rehai's";
        break;
      case v1::EXPLAIN_VERDICT_NOTHING:
        said = "is not there, and Rehai would not write it";
        break;
      default:
        said = "could not be looked at";
    }
    out_.set_summary(
        absl::StrCat(what, " ", said, out_.reasons().empty() ? "" : ": ",
                     out_.reasons().empty() ? "" : out_.reasons(0).message()));
  }

  const chef::NodePath& path_;
  const ExplainFacts& facts_;
  const std::string name_;
  const std::optional<chef::AttributeMeaning> meaning_;
  std::optional<chef::NodeUpdate> update_;  // none: nothing is known to write
  v1::Explanation out_;
};

}  // namespace

chef::NodePath Joined(const chef::NodePath& path, const ExplainFacts& facts) {
  chef::Rendering rendering;
  if (facts.record != nullptr && IsObserved(*facts.record)) {
    rendering = chef::Render(*facts.record, facts.renderings);
  }
  const auto exists = [&](const chef::NodePath& candidate) {
    if (WantedAt(candidate, rendering).json.has_value()) return true;
    if (!facts.document.ok()) return false;
    const auto found = chef::FindValue(*facts.document, candidate);
    return found.ok() && found->has_value();
  };
  chef::NodePath joined;
  for (size_t next = 0; next < path.size();) {
    size_t taken = 1;
    std::string key = path[next];
    for (size_t end = path.size(); end > next + 1; --end) {
      const std::string longer =
          absl::StrJoin(path.begin() + static_cast<ptrdiff_t>(next),
                        path.begin() + static_cast<ptrdiff_t>(end), ".");
      chef::NodePath candidate = joined;
      candidate.push_back(longer);
      if (!exists(candidate)) continue;
      key = longer;
      taken = end - next;
      break;
    }
    joined.push_back(std::move(key));
    next += taken;
  }
  return joined;
}

v1::Explanation ExplainAttribute(const chef::NodePath& path,
                                 const ExplainFacts& facts) {
  return Explainer(path, facts).Explain();
}

}  // namespace rehai
