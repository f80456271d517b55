// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_FAULT_FIXTURE_H_
#define TESTS_FAULT_FAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/fleet/fleet.h"
#include "tests/fleet/footprint.h"

namespace rehai::fault {

// A site of a hundred hypervisors, of which a test hurts some. One for all
// tests of a program: each leaves it well, which is what it tests last.
//
// Time: how fast a healthy host's change shows is measured before and during
// each fault, in the same process and minute. No other duration is judged.
class FaultTest : public testing::Test {
 protected:
  static constexpr int kHosts = 100;
  static constexpr int kGuests = 5;
  // Hosts from the first with a link that can be hurt.
  static constexpr int kLinked = 50;
  static constexpr absl::Duration kPatience = absl::Minutes(2);

  static void SetUpTestSuite();
  static void TearDownTestSuite();

  // Notes what is so while nothing is wrong.
  void SetUp() override;
  // Whatever a failed test has left is not for the next.
  void TearDown() override;

  static fleet::Fleet& fleet() { return *fleet_; }
  static lab::Host& host(int i) { return fleet_->lab().host(i); }

  // The median time from a change on a healthy host to the record that shows
  // it. Healthy are the hosts from `first` on.
  static absl::Duration MeasureLatency(int first);
  // It stays within twice what it is when nothing is wrong; a tenth of a
  // second is the scheduler's, on a machine that carries both ends.
  void ExpectHealthyHostsAreFast(int first) const;
  // No guest was ever shown to be gone, but those that were undefined.
  void ExpectNoFalseDeletion(const std::set<std::string>& undefined = {}) const;
  // Everything is as before: every host CURRENT, records and Chef as the
  // hypervisors are, and as many threads, descriptors and children.
  void ExpectConvergence() const;
  void ExpectConvergenceTo(const std::vector<lab::GuestTruth>& truth) const;
  // These hosts and no other are shown not to be CURRENT, in the end.
  static void AwaitNotCurrent(int count);

 private:
  static std::unique_ptr<fleet::Fleet> fleet_;
  static fleet::Footprint quiet_;

  absl::Duration quiet_latency_;
  size_t vanished_before_ = 0;
};

}  // namespace rehai::fault

#endif  // TESTS_FAULT_FAULT_FIXTURE_H_
