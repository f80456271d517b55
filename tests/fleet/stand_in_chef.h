// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FLEET_STAND_IN_CHEF_H_
#define TESTS_FLEET_STAND_IN_CHEF_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/fakes/chef_server.h"
#include "tests/fleet/write_log.h"
#include "tests/lab/knife.h"
#include "tests/lab/temp_folder.h"

namespace rehai::fleet {

// A Chef server in this process for whole fleets: TLS and signatures are real,
// and it keeps bytes, so that what is measured is the controller's. Remembers
// every write. Thread-safe.
class StandInChef {
 public:
  static absl::StatusOr<std::unique_ptr<StandInChef>> Start();

  // The controller's.
  lab::Knife::Options account() const;

  chef::FakeChefServer& server() { return *server_; }
  const WriteLog& log() const { return log_; }

 private:
  explicit StandInChef(std::unique_ptr<lab::TempFolder> folder);

  const std::unique_ptr<lab::TempFolder> folder_;
  WriteLog log_;
  std::unique_ptr<chef::FakeChefServer> server_;
};

}  // namespace rehai::fleet

#endif  // TESTS_FLEET_STAND_IN_CHEF_H_
