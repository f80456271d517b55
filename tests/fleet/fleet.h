// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FLEET_FLEET_H_
#define TESTS_FLEET_FLEET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/fleet/footprint.h"
#include "tests/fleet/recorder.h"
#include "tests/fleet/stand_in_chef.h"
#include "tests/lab/churn.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/lab.h"

namespace rehai::fleet {

// A whole site in one process's hands: simulated hypervisors behind sshds, a
// Chef server with their nodes, the controller as operators run it, and
// somebody who watches what it shows. Needs root. Not thread-safe.
class Fleet {
 public:
  struct Options {
    int hosts = 100;
    int guests = 30;
    // Of the hosts, so many from the first have a link that can be hurt.
    int linked_hosts = 0;
    // More of the controller's configuration: whole lines below "pull:",
    // "  workers: 8\n"; and whole top-level keys.
    std::string pull = {};
    std::string more_config = {};
    std::string window = "200ms";
    // Of a node, without what is Rehai's.
    std::string (*node)(const std::string& name) = nullptr;
  };

  // Hosts and Chef are up; the controller is not.
  static absl::StatusOr<std::unique_ptr<Fleet>> Start(Options options);

  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // Starts the controller, for the first so many hosts (-1: all), and watches
  // it. Returns once its API answers.
  absl::Status StartController(int hosts = -1);
  void StopController();

  // Every host that the controller was told of is CURRENT.
  absl::Status AwaitCurrent(absl::Duration timeout);
  // The controller shows every guest where and as it is, and Chef does too.
  // Nobody changes guests meanwhile.
  absl::Status AwaitTruth(const std::vector<lab::GuestTruth>& truth,
                          absl::Duration timeout);

  absl::StatusOr<Footprint> ControllerFootprint();

  lab::Lab& lab() { return *lab_; }
  StandInChef& chef() { return *chef_; }
  Recorder& recorder() { return *recorder_; }
  lab::ControllerProcess& controller() { return *controller_; }
  std::vector<lab::Host*> hosts();
  // Every guest, as the lab left it. Nobody changes guests meanwhile.
  std::vector<lab::GuestTruth> Truth();

 private:
  explicit Fleet(Options options) : options_(std::move(options)) {}

  const Options options_;
  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<StandInChef> chef_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<Recorder> recorder_;
  size_t watched_ = 0;
};

// What the API says of a guest that is so.
v1::GuestState ApiState(lab::GuestState state);
// What a node says of it.
std::string ChefState(lab::GuestState state);

}  // namespace rehai::fleet

#endif  // TESTS_FLEET_FLEET_H_
