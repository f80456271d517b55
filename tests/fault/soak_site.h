// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_SOAK_SITE_H_
#define TESTS_FAULT_SOAK_SITE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/fault/faulty_proxy.h"
#include "tests/fault/foreign_log.h"
#include "tests/fault/people.h"
#include "tests/integration/front_end.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/chef_client_saver.h"
#include "tests/lab/churn.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/knife.h"
#include "tests/lab/lab.h"
#include "tests/lab/loopback.h"
#include "tests/lab/temp_folder.h"

namespace rehai::fault {

// A whole site that nothing spares: hypervisors whose guests change,
// chef-clients that save over nodes, people who edit them, goiardi behind a
// proxy that hurts, and the real controller, to be killed. Not thread-safe.
// Needs root.
class SoakSite {
 public:
  struct Options {
    int hosts = 6;
    int guests = 8;  // of each host, at first
    uint64_t seed = 1;
    double changes_per_second = 2;
    absl::Duration edit_interval = absl::Seconds(2);
    // Between two chef-client runs of a host.
    absl::Duration run_interval = absl::Seconds(15);
    std::map<FaultyProxy::Fault, double> fault_shares = {};
    absl::Duration longest_delay = absl::Seconds(3);
  };

  // What the controller counted, over all of its lives; without the moments
  // between the last Poll() and a kill.
  struct Counts {
    int64_t repairs = 0;   // nodes that somebody had saved over
    int64_t restored = 0;  // saves of chef-clients' put back
    int64_t retries = 0;   // writes that could not be done then
  };

  // Returns once the controller answers and Chef is as the hypervisors are.
  static absl::StatusOr<std::unique_ptr<SoakSite>> Start(Options options);

  SoakSite(const SoakSite&) = delete;
  SoakSite& operator=(const SoakSite&) = delete;

  // Everybody begins; and ends, the proxy's faults included.
  absl::Status Begin();
  void Quiet();

  // kill -9. Start it again with Revive().
  absl::Status KillController();
  absl::Status Revive();
  bool ControllerRuns() { return controller_->process().Running(); }
  // Takes down what the controller counts. False if it does not answer.
  bool Poll();

  // What is wrong with the nodes in Chef, compared with the hypervisors; none:
  // nothing.
  std::vector<std::string> WrongNodes();
  // A person edits every node, the controller looks at all once more, and the
  // edits are there still: otherwise what is not.
  absl::StatusOr<std::vector<std::string>> LostEdits();
  // PUTs that reach the server within that time; there should be none.
  int64_t WritesWithin(absl::Duration time);
  // Breaks of promises 1 and 2 by what the controller wrote so far.
  std::vector<std::string> BadWrites() const;
  // Errors of everybody but the controller: then the soak says nothing.
  absl::Status Troubles() const;

  const FaultyProxy& proxy() const { return *proxy_; }
  Counts counts() const;
  int64_t changes() const { return churn_->counts().made; }
  int64_t saves() const;
  int64_t edits() const { return people_->edits().size(); }
  int64_t writes() const;
  int rolled_back() const { return Judge().rolled_back; }
  std::string log_file() const { return controller_->log_file(); }

 private:
  explicit SoakSite(Options options) : options_(std::move(options)) {}

  absl::Status AddNode(const std::string& node);
  absl::Status StartController();
  void Note(const FaultyProxy::Exchange& exchange);
  ForeignLog::Judgement Judge() const;
  absl::StatusOr<std::vector<lab::ShownGuest>> GuestsOf(int host);

  const Options options_;
  std::unique_ptr<lab::TempFolder> folder_;
  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::vector<lab::ChefClientRun::Host> clients_;
  std::unique_ptr<lab::ReservedPort> http_port_;

  // Of what the controller wrote and the hypervisors had meanwhile.
  mutable Mutex mu_;
  ForeignLog foreign_ ABSL_GUARDED_BY(mu_);
  int64_t writes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> emptied_ ABSL_GUARDED_BY(mu_);
  lab::Churn* truth_ ABSL_GUARDED_BY(mu_) = nullptr;

  std::unique_ptr<lab::Churn> churn_;
  std::unique_ptr<lab::ChefClientSaver> saver_;
  std::unique_ptr<People> people_;
  std::unique_ptr<FaultyProxy> proxy_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<integration::FrontEnd> front_end_;
  Counts past_;     // of the lives before this one
  Counts present_;  // of this one
};

}  // namespace rehai::fault

#endif  // TESTS_FAULT_SOAK_SITE_H_
