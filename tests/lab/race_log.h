// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_RACE_LOG_H_
#define TESTS_LAB_RACE_LOG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/slow_proxy.h"

// The race between chef-clients and the controller, judged afterwards by what
// both sent: the chef-clients' logs, and the controller's requests as a proxy
// saw them. Pure functions.
namespace rehai::lab {

// What became of one save of a chef-client's.
struct Save {
  std::string node;
  std::string ohai_time;
  absl::Time begin;
  absl::Time end;
  // The controller's first write that was built on this save was answered then:
  // the node has what chef-client saved, and our attributes in it. Infinite
  // future if there is none.
  absl::Time repaired_at = absl::InfiniteFuture();
  // When the same host's next save began; infinite future if there is none.
  absl::Time superseded_at = absl::InfiniteFuture();
  // The controller put an older node over it.
  bool rolled_back = false;
  // The two were sent at the same time: only the server knows.
  bool perhaps_rolled_back = false;
};

// One PUT of the controller's that the server took.
struct Write {
  std::string node;
  std::string ohai_time;  // of the node that it was built on
  absl::Time read_at;     // that node's GET was answered
  absl::Time begin;       // of the PUT, at the server
  absl::Time end;
};

struct Race {
  std::vector<Save> saves;    // by time
  std::vector<Write> writes;  // by time
  // Writes that changed anything outside our attributes: what a chef-client had
  // saved, and what the write made of it. Should be empty.
  std::vector<std::string> foreign_changes;
};

// `first` holds each node as it was before any run. kInternal: the logs make no
// sense.
absl::StatusOr<Race> JudgeRace(
    const std::map<std::string, std::string>& first,
    const std::vector<ChefClientRun::Log>& runs,
    const std::vector<SlowProxy::Exchange>& exchanges);

// Everything in a node but Rehai's attribute trees, with numbers as they were
// spelled, in one text that is equal for equal content.
absl::StatusOr<std::string> ForeignPart(const std::string& node);

// The node's automatic.ohai_time, as it was spelled; empty if there is none.
std::string OhaiTimeOf(const std::string& node);

}  // namespace rehai::lab

#endif  // TESTS_LAB_RACE_LOG_H_
