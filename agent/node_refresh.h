// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_NODE_REFRESH_H_
#define AGENT_NODE_REFRESH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "chef/client.h"
#include "chef/node_change.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/subtree.h"
#include "chef/write_result.h"
#include "hypervisor/connection.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {

// NodeRefresh brings one host's node up to date with its hypervisor, once and
// with nothing in between: what `rehai-agent --once` does.
//
// The node is the one that the client is named as, and no other. Both steps
// block, each as long as its timeouts allow. Not thread-safe.
class NodeRefresh {
 public:
  struct Options {
    std::string uri;
    chef::RenderingOptions rendering;
    bool dry_run = false;
    int64_t max_node_bytes = 1'000'000;
  };

  // All must outlive it.
  NodeRefresh(Options options, hypervisor::Dialer& dialer, chef::Client& client,
              const Clock& clock);

  // What the hypervisor says now. A guest that could not be read is asked for
  // once more, as it may have been on its way to vanish; if it is still there
  // and unreadable, it is told with what the list says, and logged.
  // kInvalidArgument: no hypervisor can be at that URI. Others as of
  // Dialer::Dial() and Connection::Read(), with the URI.
  absl::StatusOr<v1::Record> Read();

  // Brings the node to hold `record`, and by the same write what Ohai found, as
  // of ParseOhaiOutput(). The result says what changed, or in a dry run would.
  // Its errors, in words of flags, are the statuses of results that are not one
  // of WRITTEN, UNCHANGED and WOULD_WRITE.
  absl::StatusOr<chef::WriteResult> Write(const v1::Record& record,
                                          std::vector<chef::Subtree> ohai = {});

  // As Write(), of what Ohai found alone. What another hand, as a controller's,
  // keeps in the node as ours stays.
  absl::StatusOr<chef::WriteResult> WriteOhai(std::vector<chef::Subtree> ohai);

 private:
  absl::StatusOr<chef::WriteResult> Write(chef::NodeUpdate update);

  const Options options_;
  hypervisor::Dialer& dialer_;
  chef::Client& client_;
  const Clock& clock_;
};

}  // namespace rehai::agent

#endif  // AGENT_NODE_REFRESH_H_
