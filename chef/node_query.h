// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_QUERY_H_
#define CHEF_NODE_QUERY_H_

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/subtree.h"

namespace rehai::chef {

// Asks the server's search for nodes and for some attributes of each (a partial
// search), a page of 1,000 after the other.
//
// Which nodes match is what the index knows, which lags by a second or so;
// their attributes are up to date as of the server's database. Asks once:
// whoever calls decides when again. Thread-safe.
class NodeQuery {
 public:
  static constexpr int kPageRows = 1000;

  struct Question {
    // As knife search node takes it: "virtualization_role:host".
    std::string query;
    // What to tell of each node: a name of the caller's choice, and where it is
    // in the merged attributes. "name" is the node's name, asked for or not.
    std::map<std::string, NodePath> attributes = {};
    // Enough: no page is asked for that begins beyond so many rows. The first
    // one always is.
    int64_t enough_rows = std::numeric_limits<int64_t>::max();
  };

  struct Value {
    // A string's characters; of anything else, the JSON as the server spells
    // it: a number has all its digits.
    std::string text;
    bool is_string = false;

    friend bool operator==(const Value&, const Value&) = default;
  };

  struct Row {
    std::string node;
    // Without those that the node does not have, or has as null.
    std::map<std::string, Value> values = {};

    friend bool operator==(const Row&, const Row&) = default;
  };

  struct Answer {
    std::vector<Row> rows;  // each node once
    int searches = 0;       // requests that it took
    int64_t bytes = 0;      // received
    // A node was on two pages: the matches moved in between, so others may be
    // on none. goiardi does not sort its pages, and may always do so.
    bool pages_overlap = false;
  };

  // `client` and `clock` must outlive this.
  NodeQuery(Client& client, const Clock& clock);

  // Returns at once. `done` is called once, on one of the client's threads.
  // What is under way goes on without this. Errors as FindFailure() gives them;
  // kDataLoss if the answer is none of a search.
  //
  // It ends where the server says that there is no more. goiardi does not say
  // how many there are; a page that is not full is its last, and after a full
  // one an empty page may follow.
  void Ask(Question question,
           absl::AnyInvocable<void(absl::StatusOr<Answer>)> done);

 private:
  Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::chef

#endif  // CHEF_NODE_QUERY_H_
