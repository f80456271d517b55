// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_WRITE_PATH_H_
#define TESTS_BENCH_WRITE_PATH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/mutex.h"
#include "chef/client.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/sink.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/model.pb.h"
#include "tests/bench/round.h"
#include "tests/lab/knife.h"

namespace rehai::bench {

class CountingClient;
class TimingSink;

// The controller's write path from the inventory to the wire, put together as
// the controller does it, with its limits out of the way: no coalescing window,
// no rate. Not thread-safe; the path's own threads are.
class WritePath {
 public:
  // Every node must be known before it is observed.
  static absl::StatusOr<std::unique_ptr<WritePath>> Create(
      const lab::Knife::Options& account, int connections,
      const chef::RenderingOptions& renderings,
      const std::vector<std::string>& nodes);
  ~WritePath();

  WritePath(const WritePath&) = delete;
  WritePath& operator=(const WritePath&) = delete;

  // Tells the inventory everything, and returns when the server has confirmed a
  // write of each node. Fails if a write ended in any other way. Does not
  // measure CPU time.
  absl::StatusOr<Round> Run(absl::Span<const v1::Observation> observations);

 private:
  WritePath(std::unique_ptr<chef::Client> client, int connections,
            const chef::RenderingOptions& renderings);

  // In the order in which each needs those before it.
  const std::unique_ptr<CountingClient> client_;
  chef::NodeWriter writer_;
  const std::unique_ptr<TimingSink> sink_;
  Inventory inventory_;
  Syncer syncer_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_WRITE_PATH_H_
