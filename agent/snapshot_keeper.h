// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SNAPSHOT_KEEPER_H_
#define AGENT_SNAPSHOT_KEEPER_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "agent/host_watch.h"
#include "agent/snapshot_file.h"
#include "base/clock.h"
#include "chef/rendering.h"
#include "hypervisor/connection.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {

// Keeps the newest reading in a SnapshotFile, for the plugin of this host's
// Ohai: snapshot.json in a folder, as long as there is that folder. Not
// thread-safe.
class SnapshotKeeper final : public HostWatch::Keeper {
 public:
  struct Options {
    std::string folder;
    std::string node;
    std::string uri;
    chef::RenderingOptions rendering;
  };

  // `clock` must outlive it.
  SnapshotKeeper(const Options& options, const Clock& clock);

  absl::Duration Seen(const hypervisor::Inventory& found,
                      absl::Time begun) override;
  absl::Duration Keep() override;

 private:
  const Options options_;
  SnapshotFile file_;
  std::optional<v1::Record> newest_;
  bool failed_ = false;  // and it was said
};

}  // namespace rehai::agent

#endif  // AGENT_SNAPSHOT_KEEPER_H_
