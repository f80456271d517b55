// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_FOREIGN_LOG_H_
#define TESTS_FAULT_FOREIGN_LOG_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rehai::fault {

// Everything in nodes but Rehai's attribute trees, as it was put: by others,
// who may change it, and by the controller, who may not; but for putting back
// the attributes that a chef-client saved, beside the run list and the rest as
// they are (docs/chef_contract.md). Holds digests, so a log of hours is small.
// Not thread-safe.
class ForeignLog {
 public:
  struct Judgement {
    // Writes of the controller's with foreign parts that nobody had ever put
    // before: promise 2 is broken. One sentence each.
    std::vector<std::string> made_up;
    // What others put and a write put something older over: it fell into the
    // window between a GET and its PUT.
    int rolled_back = 0;
  };

  enum class Who { kPerson, kChefClient };

  // They put this whole node, between these times. kInvalidArgument: it is no
  // JSON.
  absl::Status Put(Who who, const std::string& node,
                   const std::string& document, absl::Time begin,
                   absl::Time end);
  // The controller did.
  absl::Status Written(const std::string& node, const std::string& document,
                       absl::Time begin, absl::Time end);

  Judgement Judge() const;

 private:
  struct Entry {
    size_t attributes;  // digests of the four levels, and of all else
    size_t rest;
    absl::Time begin;
    absl::Time end;
    Who who;

    bool HasPartsOf(const Entry& other) const {
      return attributes == other.attributes && rest == other.rest;
    }
  };
  struct OfNode {
    std::vector<Entry> puts;
    std::vector<Entry> writes;
  };

  static absl::StatusOr<Entry> EntryOf(Who who, const std::string& document,
                                       absl::Time begin, absl::Time end);
  // True if what the write has outside our attributes is somebody's.
  static bool IsKnown(const OfNode& node, const Entry& write);

  std::map<std::string, OfNode> nodes_;
};

}  // namespace rehai::fault

#endif  // TESTS_FAULT_FOREIGN_LOG_H_
