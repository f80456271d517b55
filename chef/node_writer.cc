// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_writer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

// Notes what a request has cost and what its answer says beside its body.
void Note(size_t sent, const absl::StatusOr<Response>& answer,
          Attempt& attempt) {
  WriteResult& result = attempt.result;
  RequestCost& cost = result.cost;
  ++cost.requests;
  cost.bytes_sent += static_cast<int64_t>(sent);
  if (!answer.ok()) return;
  result.http_status = answer->status;
  cost.bytes_received += static_cast<int64_t>(answer->body.size());
  cost.busy += answer->took;
  cost.slowest = std::max(cost.slowest, answer->took);
  cost.retry_after = std::max(cost.retry_after, answer->retry_after);
  if (answer->date != absl::InfinitePast()) {
    result.clock_offset = answer->date - attempt.clock.Now();
  }
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
                     .body = *std::move(change.document)};
  const size_t size = request.body.size();
  client.Send(std::move(request),
              [attempt = std::move(attempt), change = std::move(change),
               size](const absl::StatusOr<Response>& answer) mutable {
                Note(size, answer, *attempt);
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

void FinishDryRun(AttemptPtr attempt, absl::string_view before,
                  const NodeChange& change) {
  absl::StatusOr<std::vector<PathDifference>> differences =
      Difference(before, change.subtrees);
  if (!differences.ok()) {
    return attempt->Finish(
        NotTheNode(attempt->SubjectOf("GET"), differences.status().message()));
  }
  attempt->result.differences = *std::move(differences);
  attempt->Finish(v1::WRITE_OUTCOME_WOULD_WRITE);
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
  if (attempt->options.dry_run) {
    return FinishDryRun(std::move(attempt), answer->body, *change);
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
                Note(0, answer, *attempt);
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
