// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_FOREIGN_LOG_H_
#define TESTS_FAULT_FOREIGN_LOG_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rehai::fault {

// Everything in nodes but Rehai's attribute trees, as it was put: by others,
// who may change it, and by the controller, who may not. Holds a digest of
// each, so a log of hours is small. Not thread-safe.
class ForeignLog {
 public:
  struct Judgement {
    // Writes of the controller's with foreign parts that nobody had ever put
    // before: promise 2 is broken. One sentence each.
    std::vector<std::string> made_up;
    // Writes that put an older part over a newer one: they fell into the window
    // between a GET and its PUT.
    int rolled_back = 0;
  };

  // Others put this whole node, between these times. kInvalidArgument: it is no
  // JSON.
  absl::Status Put(const std::string& node, const std::string& document,
                   absl::Time begin, absl::Time end);
  // The controller did.
  absl::Status Written(const std::string& node, const std::string& document,
                       absl::Time begin, absl::Time end);

  Judgement Judge() const;

 private:
  struct Entry {
    size_t digest;
    absl::Time begin;
    absl::Time end;
  };
  struct OfNode {
    std::vector<Entry> puts;
    std::vector<Entry> writes;
  };

  std::map<std::string, OfNode> nodes_;
};

}  // namespace rehai::fault

#endif  // TESTS_FAULT_FOREIGN_LOG_H_
