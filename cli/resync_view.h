// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_RESYNC_VIEW_H_
#define CLI_RESYNC_VIEW_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "rehai/v1/resync.pb.h"

namespace rehai::cli {

// ResyncView puts the steps of a watched operation together, and shows them.
// Pure but for what it remembers.
class ResyncView {
 public:
  // Takes in a step. Returns the hosts that it ended.
  std::vector<v1::HostResult> Take(const v1::Operation& step);

  // The operation as it is now, all its hosts included.
  v1::Operation Whole() const;

  bool ended() const { return operation_.has_ended_at(); }

  // How rehaictl ends for those of its hosts that have ended: the greatest of
  // what each of them means.
  ExitStatus status() const;

  // "resync 3f: 12/40 hosts, 11 written, 1 unreachable, 4s, 3.0/s, 9s left"
  std::string ProgressLine(absl::Time now) const;

  // The count of each outcome, and each host that did not end well with why.
  std::string Summary(bool colours) const;

 private:
  std::map<v1::HostOutcome, int> CountByOutcome() const;

  v1::Operation operation_;  // its hosts are in hosts_
  std::map<std::string, v1::HostResult> hosts_;
};

// "hv7: unreachable: no route to host", of a host that ended.
std::string HostResultLine(const v1::HostResult& host, bool colours);

// A row for each operation.
std::string OperationsTable(const v1::ResyncListResponse& response,
                            absl::Time now, const Look& look);

}  // namespace rehai::cli

#endif  // CLI_RESYNC_VIEW_H_
