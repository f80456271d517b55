// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_SAMPLE_FLEET_H_
#define TESTS_BENCH_SAMPLE_FLEET_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"

// Hosts, guests and nodes that look like those of a real fleet.
namespace rehai::bench {

// A node as chef-client saves it, without our subtrees: what Ohai tells about a
// Debian hypervisor, with as many installed packages as it takes to be `bytes`
// large, to within a package. At least some 2 kB.
std::string SampleNode(const std::string& name, size_t bytes);

// A fleet whose every guest changes its state in every round, so that no two
// rounds render alike and each needs a write of each node. A value type.
class SampleFleet {
 public:
  struct Options {
    // Before the numbers in the nodes' names.
    std::string prefix = "hv";
    int hosts = 300;
    int guests_per_host = 6;
    // Of a whole node, ours included.
    size_t node_bytes = 10 << 10;
    chef::RenderingOptions renderings;
  };

  explicit SampleFleet(const Options& options) : options_(options) {}

  int hosts() const { return options_.hosts; }
  std::string NodeName(int host) const;

  // What a source sees in `round`, 0 or later. Later rounds come after earlier
  // ones.
  v1::Observation Observation(int host, int round, absl::Time now) const;

  // The node before anything of ours is in it.
  absl::StatusOr<std::string> Node(int host) const;

  // The node as it is to be in `round`.
  absl::StatusOr<std::string> NodeWithGuests(int host, int round,
                                             absl::Time now) const;

 private:
  // `node` with what `round` renders to.
  absl::StatusOr<std::string> Spliced(const std::string& node, int host,
                                      int round, absl::Time now) const;

  Options options_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_SAMPLE_FLEET_H_
