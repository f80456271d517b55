// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_WRITE_LOG_H_
#define CONTROLLER_SYNC_WRITE_LOG_H_

#include "chef/node_writer.h"
#include "controller/sync/host_state.h"
#include "controller/sync/server_health.h"

// What the log tells of writes: what is new, not each of them.
namespace rehai {

// What a result changed that an operator should read once.
struct News {
  ServerHealth::Turn server = ServerHealth::Turn::kNone;
  bool trouble = false;
  bool recovered = false;
  bool new_differences = false;
  // Somebody had saved over the node who had not before.
  bool new_overwriter = false;
  // Another writer of such nodes is at work.
  bool rival = false;
};

void LogNews(const Tried& tried, const chef::WriteResult& result,
             const News& news);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_WRITE_LOG_H_
