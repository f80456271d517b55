// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_SEARCH_H_
#define CHEF_NODE_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/node_marks.h"
#include "chef/node_query.h"
#include "chef/subtree.h"

namespace rehai::chef {

// Asks the server's search which nodes carry our stamp, and with what marks.
//
// The question is "rehai_schema:1": a node that somebody saved over has lost
// its stamp, so it is missing from the answer, or is in it without a digest
// where the index lags behind. Who was found is up to date as of the server's
// database (the index only gives the names); who is missing is to be read to be
// sure.
class NodeSearch {
 public:
  static constexpr int kPageRows = NodeQuery::kPageRows;

  struct Found {
    std::string node;
    NodeMarks marks;
  };
  struct Answer {
    std::vector<Found> nodes;  // each once
    int searches = 0;          // requests that it took
    int64_t bytes = 0;         // received
  };

  // `stamp_path`: where the stamp's tree is in the merged attributes:
  // {"rehai"}, or {prefix..., "rehai"}. `client` and `clock` must outlive this.
  NodeSearch(NodePath stamp_path, Client& client, const Clock& clock);

  // Everything that carries our stamp, of which `expected` nodes should be
  // there: so many thousands, rounded up, are asked for, one page after the
  // other, and at least one. It ends early where the server says that there is
  // no more: one that lags, or goiardi, which drops the connection if asked for
  // what is beyond the end.
  //
  // Returns at once. `done` is called once, on one of the client's threads.
  // What is under way goes on without this. Errors as FindFailure() gives them;
  // kDataLoss if the answer is none of a search.
  void Find(int expected,
            absl::AnyInvocable<void(absl::StatusOr<Answer>)> done);

 private:
  const NodePath stamp_path_;
  NodeQuery query_;
};

}  // namespace rehai::chef

#endif  // CHEF_NODE_SEARCH_H_
