// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_search.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace rehai::chef {
namespace {

// "rehai_schema:1": Chef indexes a value under its whole path.
NodeQuery::Question AboutStamps(const NodePath& stamp_path, int expected) {
  const auto below_stamp = [&stamp_path](const char* key) {
    NodePath path = stamp_path;
    path.emplace_back(key);
    return path;
  };
  return {.query = absl::StrCat(absl::StrJoin(stamp_path, "_"), "_schema:1"),
          .attributes = {{"ohai_time", {"ohai_time"}},
                         {"digest", below_stamp("digest")},
                         {"revision", below_stamp("revision")}},
          .enough_rows = expected};
}

// What is not there, or of another type, leaves its mark empty.
NodeMarks MarksOf(const NodeQuery::Row& row) {
  NodeMarks marks;
  for (const auto& [name, value] : row.values) {
    if (name == "digest") {
      if (value.is_string) marks.digest = value.text;
    } else if (value.is_string) {
      continue;
    } else if (name == "revision") {
      if (!absl::SimpleAtoi(value.text, &marks.revision)) marks.revision = 0;
    } else if (name == "ohai_time" &&
               absl::ascii_isdigit(
                   static_cast<unsigned char>(value.text.front()))) {
      marks.ohai_time = value.text;  // a double has not all its digits
    }
  }
  return marks;
}

NodeSearch::Answer Stamped(const NodeQuery::Answer& from) {
  NodeSearch::Answer answer = {
      .nodes = {}, .searches = from.searches, .bytes = from.bytes};
  answer.nodes.reserve(from.rows.size());
  for (const NodeQuery::Row& row : from.rows) {
    answer.nodes.push_back({row.node, MarksOf(row)});
  }
  return answer;
}

}  // namespace

NodeSearch::NodeSearch(NodePath stamp_path, Client& client, const Clock& clock)
    : stamp_path_(std::move(stamp_path)), query_(client, clock) {}

void NodeSearch::Find(int expected,
                      absl::AnyInvocable<void(absl::StatusOr<Answer>)> done) {
  query_.Ask(AboutStamps(stamp_path_, expected),
             [done = std::move(done)](
                 const absl::StatusOr<NodeQuery::Answer>& answer) mutable {
               if (!answer.ok()) return done(answer.status());
               done(Stamped(*answer));
             });
}

}  // namespace rehai::chef
