// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/bag_item_writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "chef/canonical_json.h"
#include "chef/errors.h"
#include "chef/node_document.h"
#include "chef/node_name.h"
#include "chef/rendering.h"
#include "chef/subtree.h"
#include "chef/tree_claims.h"

namespace rehai::chef {
namespace {

// One write under way. Owned by the callback that carries it on.
struct Attempt {
  BagItemWriter::Options options;
  Client& client;
  const Clock& clock;
  NodeUpdate update;
  absl::AnyInvocable<void(WriteResult)> done;
  // All of the item, with its stamp.
  std::vector<Subtree> content = {};
  WriteResult result = {};

  Subject SubjectOf(absl::string_view method) const {
    return {.node = absl::StrCat(update.rendering.data_bag, "/", update.node),
            .server_url = client.server_url(),
            .client_name = client.client_name(),
            .method = std::string(method),
            .kind = "data bag item"};
  }

  std::string BagPath() const {
    return absl::StrCat("/data/", update.rendering.data_bag);
  }

  void Finish(v1::WriteOutcome outcome,
              absl::Status status = absl::OkStatus()) {
    result.outcome = outcome;
    result.status = std::move(status);
    result.finished_at = clock.Now();
    done(std::move(result));
  }
  void Finish(Failure failure) {
    Finish(failure.outcome, std::move(failure.status));
  }
};
using AttemptPtr = std::unique_ptr<Attempt>;

const NodePath& StampPath() {
  static const auto* const path = new NodePath{"rehai"};
  return *path;
}

// The top keys of every tree that a rendering may have.
const std::vector<NodePath>& TreeTops() {
  static const auto* const tops =
      new std::vector<NodePath>{{"virtualization"}, {"libvirt"}, {"rehai"}};
  return *tops;
}

std::vector<Subtree> ContentOf(const NodeUpdate& update) {
  std::vector<Subtree> content = StampedItem(update.rendering, update.stamp);
  content.push_back({{"id"}, CanonicalJson(update.node)});
  content.push_back({{"node"}, CanonicalJson(update.node)});
  return content;
}

absl::StatusOr<ScannedNode> Scan(absl::string_view item,
                                 const std::vector<Subtree>& content) {
  std::vector<NodePath> read = TreeTops();
  read.insert(read.end(), {{"rehai", "digest"}, {"rehai", "revision"}});
  return ScannedNode::Scan(item, content, read);
}

// True if the item says what the rendering says, and no more.
bool IsUpToDate(const ScannedNode& item, const NodeUpdate& update,
                const NodeMarks& found) {
  const std::vector<Subtree>& wanted = update.rendering.item;
  for (const Subtree& subtree : wanted) {
    if (!item.Holds(subtree)) return false;
  }
  for (const NodePath& top : TreeTops()) {
    const bool is_wanted = std::any_of(
        wanted.begin(), wanted.end(),
        [&top](const Subtree& subtree) { return subtree.path[0] == top[0]; });
    if (item.Value(top).has_value() && !is_wanted) return false;
  }
  return StampedTrees(wanted).empty() || found.digest == update.stamp.digest;
}

absl::Status NoSuchBag(const Attempt& attempt) {
  return absl::NotFoundError(
      absl::StrCat(attempt.SubjectOf("POST").ToString(),
                   ": there is no data bag ", attempt.update.rendering.data_bag,
                   "; make it with \"knife data bag create ",
                   attempt.update.rendering.data_bag,
                   "\" and let this client create and update in it"));
}

void FinishPut(AttemptPtr attempt, const std::string& method,
               const absl::StatusOr<Response>& answer) {
  const Subject subject = attempt->SubjectOf(method);
  if (auto failure = FindFailure(answer, subject, attempt->clock.Now())) {
    if (failure->outcome != v1::WRITE_OUTCOME_NODE_MISSING) {
      return attempt->Finish(*std::move(failure));
    }
    if (method == "POST") {
      return attempt->Finish(v1::WRITE_OUTCOME_REJECTED, NoSuchBag(*attempt));
    }
    // Deleted since it was read; it is made anew then.
    return attempt->Finish(v1::WRITE_OUTCOME_RETRY, std::move(failure->status));
  }
  const auto item = Scan(answer->body, attempt->content);
  if (!item.ok()) {
    return attempt->Finish(NotTheNode(subject, item.status().message()));
  }
  for (const Subtree& subtree : attempt->content) {
    if (!item->Holds(subtree)) {
      return attempt->Finish(v1::WRITE_OUTCOME_LOST_RACE,
                             NotConfirmed(subject).status);
    }
  }
  attempt->result.confirmed = StampMarks(*item, StampPath());
  attempt->Finish(attempt->result.overwriter == v1::OVERWRITER_UNSPECIFIED
                      ? v1::WRITE_OUTCOME_WRITTEN
                      : v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
}

// `before`: the item as it is; "{}" if there is none yet.
void Put(AttemptPtr attempt, const std::string& method,
         absl::string_view before) {
  const Subject subject = attempt->SubjectOf(method);
  if (attempt->options.dry_run) {
    auto differences = Difference(before, attempt->content);
    if (differences.ok()) attempt->result.differences = *std::move(differences);
    return attempt->Finish(v1::WRITE_OUTCOME_WOULD_WRITE);
  }
  absl::StatusOr<std::string> item = Splice("{}", attempt->content);
  if (!item.ok()) return attempt->Finish(InTheWay(subject, item.status()));
  if (static_cast<int64_t>(item->size()) > attempt->options.max_item_bytes) {
    return attempt->Finish(
        NodeTooLarge(subject, item->size(), attempt->options.max_item_bytes));
  }
  Client& client = attempt->client;
  Request request = {
      .method = method,
      .path = method == "POST"
                  ? attempt->BagPath()
                  : absl::StrCat(attempt->BagPath(), "/", attempt->update.node),
      .query = {},
      .body = *std::move(item)};
  const size_t size = request.body.size();
  client.Send(std::move(request),
              [attempt = std::move(attempt), method,
               size](const absl::StatusOr<Response>& answer) mutable {
                AddAnswer(size, answer, attempt->clock.Now(), attempt->result);
                FinishPut(std::move(attempt), method, answer);
              });
}

void FinishGet(AttemptPtr attempt, const absl::StatusOr<Response>& answer) {
  WriteResult& result = attempt->result;
  const Subject subject = attempt->SubjectOf("GET");
  const absl::Time now = attempt->clock.Now();
  attempt->update.stamp.written_at = now;
  attempt->content = ContentOf(attempt->update);
  if (auto failure = FindFailure(answer, subject, now)) {
    if (failure->outcome == v1::WRITE_OUTCOME_NODE_MISSING) {
      return Put(std::move(attempt), "POST", "{}");
    }
    return attempt->Finish(*std::move(failure));
  }
  const auto item = Scan(answer->body, attempt->content);
  if (!item.ok()) {
    return attempt->Finish(NotTheNode(subject, item.status().message()));
  }
  result.found = StampMarks(*item, StampPath());
  result.confirmed = result.found;
  result.overwriter = WhoOverwrote(attempt->update.confirmed, result.found);
  if (IsUpToDate(*item, attempt->update, result.found)) {
    return attempt->Finish(v1::WRITE_OUTCOME_UNCHANGED);
  }
  Put(std::move(attempt), "PUT", answer->body);
}

}  // namespace

BagItemWriter::BagItemWriter(Options options, Client& client,
                             const Clock& clock)
    : options_(options), client_(client), clock_(clock) {}

void BagItemWriter::Write(NodeUpdate update,
                          absl::AnyInvocable<void(WriteResult)> done) {
  AttemptPtr attempt(new Attempt{options_, client_, clock_, std::move(update),
                                 std::move(done)});
  const absl::Status name = CheckNodeName(attempt->update.node);
  if (!name.ok()) return attempt->Finish(v1::WRITE_OUTCOME_REJECTED, name);
  Request request = {
      .method = "GET",
      .path = absl::StrCat(attempt->BagPath(), "/", attempt->update.node),
      .query = {},
      .body = {}};
  client_.Send(std::move(request),
               [attempt = std::move(attempt)](
                   const absl::StatusOr<Response>& answer) mutable {
                 AddAnswer(0, answer, attempt->clock.Now(), attempt->result);
                 FinishGet(std::move(attempt), answer);
               });
}

}  // namespace rehai::chef
