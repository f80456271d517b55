// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FLEET_WRITE_LOG_H_
#define TESTS_FLEET_WRITE_LOG_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace rehai::fleet {

// When Chef's nodes were written, and what with: the document is looked into
// only when somebody asks, after what is measured. Thread-safe.
class WriteLog {
 public:
  // Of a guest as a node shows it: automatic.rehai.guests.UUID.state; nullopt:
  // the node does not show it.
  using State = std::optional<std::string>;

  // `at` is Clock::Uptime().
  void Add(const std::string& node, absl::Duration at,
           std::shared_ptr<const std::string> document);

  // When, at `since` or later, a write first showed the guest so; nullopt if
  // none did.
  std::optional<absl::Duration> ShownAt(const std::string& node,
                                        const std::string& uuid,
                                        const State& state,
                                        absl::Duration since) const;

  int writes() const;

 private:
  struct Write {
    absl::Duration at;
    std::shared_ptr<const std::string> document;
  };

  mutable Mutex mu_;
  std::map<std::string, std::vector<Write>> writes_ ABSL_GUARDED_BY(mu_);
};

// What the node's document says of the guest.
WriteLog::State ShownState(const std::string& document,
                           const std::string& uuid);

}  // namespace rehai::fleet

#endif  // TESTS_FLEET_WRITE_LOG_H_
