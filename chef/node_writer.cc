// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/bag_item_writer.h"
#include "chef/errors.h"
#include "chef/node_cost.h"
#include "chef/node_document.h"
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
  // Filled in on the way.
  WriteResult result = {};

  Subject SubjectOf(absl::string_view method) const {
    return {.node = update.node,
            .server_url = client.server_url(),
            .client_name = client.client_name(),
            .method = std::string(method)};
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

std::string UrlPath(absl::string_view node) {
  return absl::StrCat("/nodes/", node);
}

// The class of what stops a change before it is sent, by its code.
Failure FailureOfChange(const absl::Status& status, const Subject& subject) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return InTheWay(subject, status);
    case absl::StatusCode::kInternal:
      return WouldLoseAttributes(subject);
    default:
      return NotTheNode(subject, status.message());
  }
}

void FinishPut(AttemptPtr attempt, const NodeChange& change,
               const absl::StatusOr<Response>& answer) {
  WriteResult& result = attempt->result;
  result.window_end = attempt->clock.Now();
  const Subject subject = attempt->SubjectOf("PUT");
  if (auto failure = FindFailure(answer, subject, attempt->clock.Now())) {
    return attempt->Finish(*std::move(failure));
  }
  const absl::StatusOr<std::optional<NodeMarks>> confirmed =
      ConfirmedMarks(answer->body, attempt->update, change);
  if (!confirmed.ok()) {
    return attempt->Finish(NotTheNode(subject, confirmed.status().message()));
  }
  if (!confirmed->has_value()) {
    return attempt->Finish(v1::WRITE_OUTCOME_LOST_RACE,
                           NotConfirmed(subject).status);
  }
  result.confirmed = **confirmed;
  result.restored = change.restored;
  attempt->Finish(result.overwriter == v1::OVERWRITER_UNSPECIFIED
                      ? v1::WRITE_OUTCOME_WRITTEN
                      : v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
}

void Put(AttemptPtr attempt, NodeChange change) {
  Client& client = attempt->client;
  Request request = {.method = "PUT",
                     .path = UrlPath(attempt->update.node),
                     .query = {},
                     // The change keeps its own, to know it in the answer.
                     .body = *change.document};
  const size_t size = request.body.size();
  client.Send(std::move(request),
              [attempt = std::move(attempt), change = std::move(change),
               size](const absl::StatusOr<Response>& answer) mutable {
                AddAnswer(size, answer, attempt->clock.Now(), attempt->result);
                FinishPut(std::move(attempt), change, answer);
              });
}

// "automatic.packages 612000, automatic 700123": what takes the space.
std::string BiggestInWords(absl::string_view document) {
  const auto paths = BiggestPaths(document, 5);
  if (!paths.ok()) return "";
  return absl::StrJoin(*paths, ", ",
                       [](std::string* out, const PathBytes& path) {
                         absl::StrAppend(out, path.path, " ", path.bytes);
                       });
}

void FinishGet(AttemptPtr attempt, const absl::StatusOr<Response>& answer) {
  WriteResult& result = attempt->result;
  const absl::Time now = attempt->clock.Now();
  const Subject subject = attempt->SubjectOf("GET");
  if (auto failure = FindFailure(answer, subject, now)) {
    return attempt->Finish(*std::move(failure));
  }
  attempt->update.stamp.written_at = now;
  absl::StatusOr<NodeChange> change = PlanChange(answer->body, attempt->update);
  if (!change.ok()) {
    return attempt->Finish(FailureOfChange(change.status(), subject));
  }
  result.found = change->found;
  result.confirmed = change->found;
  result.ohai_outdated = change->ohai_outdated;
  result.overwriter = WhoOverwrote(attempt->update.confirmed, change->found);
  if (!change->document.has_value()) {
    return attempt->Finish(v1::WRITE_OUTCOME_UNCHANGED);
  }
  const int64_t limit = attempt->options.max_node_bytes;
  if (static_cast<int64_t>(change->document->size()) > limit) {
    return attempt->Finish(NodeTooLarge(subject, change->document->size(),
                                        limit,
                                        BiggestInWords(*change->document)));
  }
  if (attempt->options.dry_run || attempt->options.tell_differences) {
    absl::StatusOr<std::vector<PathDifference>> differences =
        Difference(answer->body, change->subtrees);
    if (!differences.ok()) {
      return attempt->Finish(
          NotTheNode(subject, differences.status().message()));
    }
    result.differences = *std::move(differences);
  }
  if (attempt->options.dry_run) {
    return attempt->Finish(v1::WRITE_OUTCOME_WOULD_WRITE);
  }
  // The server may have read the node as soon as it was asked.
  result.window_begin = now - answer->took;
  Put(std::move(attempt), *std::move(change));
}

void Get(AttemptPtr attempt) {
  const absl::Status name = CheckNodeName(attempt->update.node);
  if (!name.ok()) return attempt->Finish(v1::WRITE_OUTCOME_REJECTED, name);
  Client& client = attempt->client;
  Request request = {.method = "GET",
                     .path = UrlPath(attempt->update.node),
                     .query = {},
                     .body = {}};
  client.Send(std::move(request),
              [attempt = std::move(attempt)](
                  const absl::StatusOr<Response>& answer) mutable {
                AddAnswer(0, answer, attempt->clock.Now(), attempt->result);
                FinishGet(std::move(attempt), answer);
              });
}

// Writes the item after the node, to which nothing goes if `only_item`.
void WriteBoth(NodeWriter::Options options, Client& client, const Clock& clock,
               NodeUpdate update, bool only_item,
               absl::AnyInvocable<void(WriteResult)> done) {
  NodeUpdate item = update;
  // What was confirmed is the state of the node, if anything goes there.
  if (!only_item) item.confirmed = {};
  const BagItemWriter::Options item_options = {
      .dry_run = options.dry_run, .max_item_bytes = options.max_node_bytes};
  auto write_item = [item_options, &client, &clock, only_item,
                     item = std::move(item),
                     done = std::move(done)](WriteResult of_node) mutable {
    // A host without a node, or with one that is not ours to touch, has an item
    // all the same.
    if (only_item && (of_node.outcome == v1::WRITE_OUTCOME_NODE_MISSING ||
                      of_node.outcome == v1::WRITE_OUTCOME_FORBIDDEN)) {
      of_node.outcome = v1::WRITE_OUTCOME_UNCHANGED;
      of_node.status = absl::OkStatus();
    }
    if (!of_node.status.ok()) return done(std::move(of_node));
    BagItemWriter(item_options, client, clock)
        .Write(std::move(item),
               [of_node = std::move(of_node), only_item,
                done = std::move(done)](WriteResult of_item) mutable {
                 if (only_item) {
                   of_node.found = of_item.found;
                   of_node.confirmed = of_item.confirmed;
                   of_node.overwriter = of_item.overwriter;
                 }
                 done(Merged(std::move(of_node), std::move(of_item)));
               });
  };
  Get(AttemptPtr(new Attempt{options, client, clock, std::move(update),
                             std::move(write_item)}));
}

void WriteAll(NodeWriter::Options options, Client& client, const Clock& clock,
              NodeUpdate update, absl::AnyInvocable<void(WriteResult)> done) {
  const bool only_item =
      update.rendering.subtrees.empty() && update.ohai.empty();
  if (update.rendering.data_bag.empty()) {
    return Get(AttemptPtr(new Attempt{options, client, clock, std::move(update),
                                      std::move(done)}));
  }
  if (only_item && !update.confirmed.digest.empty()) {
    return BagItemWriter({.dry_run = options.dry_run,
                          .max_item_bytes = options.max_node_bytes},
                         client, clock)
        .Write(std::move(update), std::move(done));
  }
  WriteBoth(options, client, clock, std::move(update), only_item,
            std::move(done));
}

}  // namespace

NodeWriter::NodeWriter(Options options, Client& client, const Clock& clock)
    : options_(options), client_(client), clock_(clock) {}

void NodeWriter::Write(NodeUpdate update,
                       absl::AnyInvocable<void(WriteResult)> done) {
  WriteAll(options_, client_, clock_, std::move(update), std::move(done));
}

void NodeWriter::Diff(
    NodeUpdate update,
    absl::AnyInvocable<void(absl::StatusOr<std::vector<PathDifference>>)>
        done) {
  Options options = options_;
  options.dry_run = true;
  WriteAll(options, client_, clock_, std::move(update),
           [done = std::move(done)](WriteResult result) mutable {
             if (result.status.ok()) {
               done(std::move(result.differences));
             } else {
               done(std::move(result.status));
             }
           });
}

void NodeWriter::Read(
    std::string node,
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  const absl::Status name = CheckNodeName(node);
  if (!name.ok()) return done(name);
  Request request = {
      .method = "GET", .path = UrlPath(node), .query = {}, .body = {}};
  const Subject subject = {.node = std::move(node),
                           .server_url = client_.server_url(),
                           .client_name = client_.client_name(),
                           .method = "GET"};
  client_.Send(
      std::move(request), [subject, &clock = clock_, done = std::move(done)](
                              absl::StatusOr<Response> answer) mutable {
        if (auto failure = FindFailure(answer, subject, clock.Now())) {
          return done(std::move(failure->status));
        }
        const absl::Status is_node = CheckIsNode(answer->body, subject.node);
        if (!is_node.ok()) {
          return done(NotTheNode(subject, is_node.message()).status);
        }
        done(std::move(answer->body));
      });
}

}  // namespace rehai::chef
