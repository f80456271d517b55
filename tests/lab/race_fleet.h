// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_RACE_FLEET_H_
#define TESTS_LAB_RACE_FLEET_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/slow_proxy.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// Where the race is run: goiardi, hypervisors, the controller behind a proxy
// that can make its writes slow, and for each host what its chef-client is.
// chef-clients talk to goiardi directly. Needs root. Not thread-safe.
class RaceFleet {
 public:
  struct Options {
    int hosts = 4;
    // Every PUT of the controller's waits this long before it reaches the
    // server: that much larger is the window of the race.
    absl::Duration put_delay = absl::ZeroDuration();
    // The controller's; "0s": it does not look for saves that went over its.
    std::string sweep_interval = "0s";
    // chef-clients report their runs to the controller.
    bool runs_report = false;
  };

  // Returns once the controller answers.
  static absl::StatusOr<std::unique_ptr<RaceFleet>> Start(Options options);

  RaceFleet(const RaceFleet&) = delete;
  RaceFleet& operator=(const RaceFleet&) = delete;

  int size() const { return static_cast<int>(hosts_.size()); }
  // "hv1", ...; each has a guest "test", running at first.
  std::string node(int i) const { return clients_[i].node; }
  // The first is as large as a real one, the others are smaller. Every second
  // has an Ohai plugin for KVM, which knows nothing but a guest named "ghost".
  const ChefClientRun::Host& client(int i) const { return clients_[i]; }
  const std::vector<ChefClientRun::Host>& clients() const { return clients_; }
  // Pauses the guest "test" if it runs, and otherwise resumes it.
  absl::Status ChangeGuest(int i);
  bool guest_is_paused(int i) const { return paused_[i]; }

  // The nodes before anything happened.
  const std::map<std::string, std::string>& first() const { return first_; }

  Goiardi& chef() { return *chef_; }
  SlowProxy& proxy() { return *proxy_; }
  ControllerProcess& controller() { return *controller_; }

 private:
  explicit RaceFleet(Options options);

  absl::Status AddHost(const std::string& node);
  absl::Status StartController();
  // chef-clients learn where the controller listens to them.
  absl::Status LetRunsReport();

  const Options options_;
  std::unique_ptr<TempFolder> folder_;
  std::unique_ptr<Goiardi> chef_;
  std::unique_ptr<SlowProxy> proxy_;
  std::vector<std::unique_ptr<FlatLibvirtd>> hosts_;
  std::vector<ChefClientRun::Host> clients_;
  std::vector<bool> paused_;
  std::map<std::string, std::string> first_;
  std::unique_ptr<ControllerProcess> controller_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_RACE_FLEET_H_
