// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_FLEET_NARRATOR_H_
#define CLI_FLEET_NARRATOR_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/fleet_changes.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai::cli {

// A line about one host, or, with no host, about the watch itself.
struct NarratedLine {
  std::string node;
  ChangeLine change;
};

// FleetNarrator turns the steps of a watch into lines, by comparing each host
// with what it was before. It keeps the newest record of each host.
class FleetNarrator {
 public:
  // The next steps are those of a new stream: from the whole state, where hosts
  // that are known and not sent have left meanwhile, or from a revision.
  void BeginStream(bool whole_state);

  std::vector<NarratedLine> Take(const v1::FleetWatchResponse& step);

 private:
  void TakeChanged(const v1::Record& record, std::vector<NarratedLine>& lines);
  void TakeRemoved(const std::string& node, std::vector<NarratedLine>& lines);
  void TakeSynced(std::vector<NarratedLine>& lines);

  std::map<std::string, v1::Record> known_;
  std::set<std::string> unconfirmed_;  // known, and not sent again yet
  bool filling_ = true;                // the first state is news to nobody
  bool introduced_ = false;
};

}  // namespace rehai::cli

#endif  // CLI_FLEET_NARRATOR_H_
