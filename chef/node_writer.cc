// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chef/errors.h"
#include "chef/json_scanner.h"
#include "chef/node_name.h"

namespace rehai::chef {
namespace {

// One write under way. Owned by the callback that carries it on.
struct Attempt {
  NodeWriter::Options options;
  Client& client;
  const Clock& clock;
  NodeUpdate update;
  absl::AnyInvocable<void(WriteResult)> done;
  int http_status = 0;

  Subject SubjectOf(absl::string_view method) const {
    return {.node = update.node,
            .server_url = client.server_url(),
            .client_name = client.client_name(),
            .method = std::string(method)};
  }

  void Finish(v1::WriteOutcome outcome, absl::Status status = absl::OkStatus(),
              std::vector<PathDifference> differences = {}) {
    done({.outcome = outcome,
          .status = std::move(status),
          .http_status = http_status,
          .finished_at = clock.Now(),
          .differences = std::move(differences)});
  }
  void Finish(Failure failure) {
    Finish(failure.outcome, std::move(failure.status));
  }
};
using AttemptPtr = std::unique_ptr<Attempt>;

std::string NodePath(absl::string_view node) {
  return absl::StrCat("/nodes/", node);
}

// The failure if the answer is not the node that was asked for.
std::optional<Failure> FindFailureOfNode(const absl::StatusOr<Response>& answer,
                                         const Attempt& attempt,
                                         absl::string_view method) {
  const Subject subject = attempt.SubjectOf(method);
  std::optional<Failure> failure =
      FindFailure(answer, subject, attempt.clock.Now());
  if (failure.has_value()) return failure;
  const auto name = FindValue(answer->body, {"name"});
  if (!name.ok()) return NotTheNode(subject, name.status().message());
  // A node's name has no character that JSON would spell otherwise.
  if (*name != absl::StrCat("\"", attempt.update.node, "\"")) {
    return NotTheNode(subject, "it has another name, or none");
  }
  return std::nullopt;
}

// The stamp's digest, by which Rehai finds its own writes; none if the
// rendering has no automatic.rehai.
std::vector<Subtree> DigestStamp(const NodeUpdate& update) {
  std::vector<Subtree> stamped = Stamped(update.rendering, update.stamp);
  const std::vector<std::string> path = {"automatic", "rehai", "digest"};
  std::vector<Subtree> digest;
  for (Subtree& subtree : stamped) {
    if (subtree.path == path) digest.push_back(std::move(subtree));
  }
  return digest;
}

// True if there is nothing to write. Times and revision of the stamp do not
// count: they would differ each time.
absl::StatusOr<bool> IsUpToDate(absl::string_view document,
                                const NodeUpdate& update) {
  std::vector<Subtree> subtrees = DigestStamp(update);
  subtrees.insert(subtrees.end(), update.rendering.subtrees.begin(),
                  update.rendering.subtrees.end());
  return Holds(document, subtrees);
}

// The members at the document's top that none of the subtrees is in, as bytes;
// and how many of the others there are.
struct TopLevel {
  std::vector<absl::string_view> foreign;
  size_t ours = 0;
};
absl::StatusOr<TopLevel> ScanTopLevel(absl::string_view document,
                                      absl::Span<const Subtree> subtrees) {
  Sought root("");
  for (const Subtree& subtree : subtrees) {
    const std::string& key = subtree.path.front();
    const bool known =
        std::any_of(root.children.begin(), root.children.end(),
                    [&key](const Sought& child) { return child.key == key; });
    if (!known) root.children.emplace_back(key);
  }
  const absl::Status status = ScanJson(document, root);
  if (!status.ok()) return status;
  TopLevel top;
  for (const Member& member : root.members) {
    if (member.sought == nullptr) {
      top.foreign.push_back(member.text);
    } else {
      ++top.ours;
    }
  }
  return top;
}

// Chef empties what a PUT leaves out, so before each one this is made sure of
// by other means than the splice itself.
bool KeepsWhatIsForeign(absl::string_view before, absl::string_view after,
                        absl::Span<const Subtree> subtrees) {
  const auto was = ScanTopLevel(before, subtrees);
  const auto is = ScanTopLevel(after, subtrees);
  return was.ok() && is.ok() && was->foreign == is->foreign &&
         was->ours <= is->ours;
}

void FinishPut(AttemptPtr attempt, const std::vector<Subtree>& subtrees,
               const absl::StatusOr<Response>& answer) {
  if (answer.ok()) attempt->http_status = answer->status;
  if (auto failure = FindFailureOfNode(answer, *attempt, "PUT")) {
    return attempt->Finish(*std::move(failure));
  }
  const absl::StatusOr<bool> holds = Holds(answer->body, subtrees);
  if (!holds.ok() || !*holds) {
    return attempt->Finish(NotConfirmed(attempt->SubjectOf("PUT")));
  }
  attempt->Finish(v1::WRITE_OUTCOME_WRITTEN);
}

void Put(AttemptPtr attempt, absl::string_view before) {
  attempt->update.stamp.written_at = attempt->clock.Now();
  std::vector<Subtree> subtrees =
      Stamped(attempt->update.rendering, attempt->update.stamp);
  const Subject subject = attempt->SubjectOf("PUT");

  absl::StatusOr<std::string> document = Splice(before, subtrees);
  if (!document.ok()) {
    return attempt->Finish(InTheWay(subject, document.status()));
  }
  if (!KeepsWhatIsForeign(before, *document, subtrees)) {
    return attempt->Finish(WouldLoseAttributes(subject));
  }
  if (static_cast<int64_t>(document->size()) >
      attempt->options.max_node_bytes) {
    return attempt->Finish(NodeTooLarge(subject, document->size(),
                                        attempt->options.max_node_bytes));
  }
  if (attempt->options.dry_run) {
    absl::StatusOr<std::vector<PathDifference>> differences =
        Difference(before, subtrees);
    if (!differences.ok()) {
      return attempt->Finish(
          NotTheNode(subject, differences.status().message()));
    }
    return attempt->Finish(v1::WRITE_OUTCOME_WOULD_WRITE, absl::OkStatus(),
                           *std::move(differences));
  }
  Client& client = attempt->client;
  Request request = {.method = "PUT",
                     .path = NodePath(subject.node),
                     .query = {},
                     .body = *std::move(document)};
  client.Send(std::move(request),
              [attempt = std::move(attempt), subtrees = std::move(subtrees)](
                  const absl::StatusOr<Response>& answer) mutable {
                FinishPut(std::move(attempt), subtrees, answer);
              });
}

void FinishGet(AttemptPtr attempt, const absl::StatusOr<Response>& answer) {
  if (answer.ok()) attempt->http_status = answer->status;
  if (auto failure = FindFailureOfNode(answer, *attempt, "GET")) {
    return attempt->Finish(*std::move(failure));
  }
  const absl::StatusOr<bool> up_to_date =
      IsUpToDate(answer->body, attempt->update);
  if (!up_to_date.ok()) {
    return attempt->Finish(
        NotTheNode(attempt->SubjectOf("GET"), up_to_date.status().message()));
  }
  if (*up_to_date) return attempt->Finish(v1::WRITE_OUTCOME_UNCHANGED);
  Put(std::move(attempt), answer->body);
}

void Get(AttemptPtr attempt) {
  const absl::Status name = CheckNodeName(attempt->update.node);
  if (!name.ok()) return attempt->Finish(v1::WRITE_OUTCOME_REJECTED, name);
  Client& client = attempt->client;
  Request request = {.method = "GET",
                     .path = NodePath(attempt->update.node),
                     .query = {},
                     .body = {}};
  client.Send(std::move(request),
              [attempt = std::move(attempt)](
                  const absl::StatusOr<Response>& answer) mutable {
                FinishGet(std::move(attempt), answer);
              });
}

}  // namespace

NodeWriter::NodeWriter(Options options, Client& client, const Clock& clock)
    : options_(options), client_(client), clock_(clock) {}

void NodeWriter::Write(NodeUpdate update,
                       absl::AnyInvocable<void(WriteResult)> done) {
  Get(AttemptPtr(new Attempt{options_, client_, clock_, std::move(update),
                             std::move(done)}));
}

void NodeWriter::Diff(
    NodeUpdate update,
    absl::AnyInvocable<void(absl::StatusOr<std::vector<PathDifference>>)>
        done) {
  Options options = options_;
  options.dry_run = true;
  Get(AttemptPtr(
      new Attempt{options, client_, clock_, std::move(update),
                  [done = std::move(done)](WriteResult result) mutable {
                    if (result.status.ok()) {
                      done(std::move(result.differences));
                    } else {
                      done(std::move(result.status));
                    }
                  }}));
}

}  // namespace rehai::chef
