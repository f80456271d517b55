// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_TARGET_H_
#define TESTS_BENCH_TARGET_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/lab/knife.h"

// The Chef servers that are measured against. Each runs in a process of its
// own, so that its CPU time can be told from ours, and ends with its object.
namespace rehai::bench {

class Target {
 public:
  virtual ~Target() = default;

  // An administrator's.
  virtual lab::Knife::Options account() const = 0;
  virtual pid_t pid() = 0;

  // Makes a node from a whole node object.
  absl::Status CreateNode(absl::string_view json);

 private:
  std::unique_ptr<lab::Knife> admin_;
};

// A real Chef server, which keeps nodes as objects and indexes them for search.
absl::StatusOr<std::unique_ptr<Target>> StartGoiardi();

// A stand-in that checks signatures and keeps bytes: what is left when the
// server costs next to nothing. `program` is this program, which is started a
// second time with --stand_in_folder and must then call ServeAsStandIn().
absl::StatusOr<std::unique_ptr<Target>> StartStandIn(
    const std::string& program);

// Serves until SIGTERM, having written its address and its administrator's key
// to `folder`.
absl::Status ServeAsStandIn(const std::string& folder);

}  // namespace rehai::bench

#endif  // TESTS_BENCH_TARGET_H_
