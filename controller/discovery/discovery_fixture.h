// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_DISCOVERY_FIXTURE_H_
#define CONTROLLER_DISCOVERY_DISCOVERY_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fake_clock.h"
#include "base/mutex.h"
#include "controller/discovery/discovery.h"
#include "controller/discovery/hosts_folder_fixture.h"
#include "controller/discovery/uri_template.h"

namespace rehai {

// Discovery over a folder of files and a Chef server that the test plays. Waits
// have no deadline of their own: the test's will do.
class DiscoveryTest : public testing::Test {
 protected:
  using Nodes = std::vector<std::string>;

  struct Asked {
    chef::NodeQuery::Question question;
    absl::AnyInvocable<void(absl::StatusOr<chef::NodeQuery::Answer>)> answer;
  };

  // Files "*.yaml" of the folder; what takes hosts away is looked at twice at
  // once.
  DiscoveryTest() {
    options_.files = {folder_ / "*.yaml"};
    options_.second_look = absl::ZeroDuration();
  }

  static FoundHost ConfigHost(const std::string& node, const std::string& uri) {
    return {.host = {node}, .uri = uri, .found_by = "config"};
  }
  static ChefSearch Search(const std::string& query) {
    return {.query = query, .uri = *UriTemplate::Parse("u:{fqdn}")};
  }
  static chef::NodeQuery::Answer Rows(const Nodes& nodes) {
    chef::NodeQuery::Answer answer;
    for (const std::string& node : nodes) {
      answer.rows.push_back({node, {{"fqdn", {node, /*is_string=*/true}}}});
    }
    return answer;
  }

  void Start() {
    discovery_ = std::make_unique<Discovery>(
        options_,
        [this](chef::NodeQuery::Question question, auto answer) {
          MutexLock lock(mu_);
          asked_.push_back({std::move(question), std::move(answer)});
          changed_.NotifyAll();
        },
        [this](std::vector<FoundHost> fleet) {
          MutexLock lock(mu_);
          fleet_ = std::move(fleet);
          ++fleets_;
          changed_.NotifyAll();
        },
        clock_);
    discovery_->Start();
  }

  std::vector<FoundHost> Fleet() {
    MutexLock lock(mu_);
    return fleet_;
  }
  Nodes FleetNodes() {
    MutexLock lock(mu_);
    return NodesOf(fleet_);
  }
  // How often the listener was called.
  int Fleets() {
    MutexLock lock(mu_);
    return fleets_;
  }
  void AwaitFleet(const Nodes& nodes) {
    MutexLock lock(mu_);
    while (NodesOf(fleet_) != nodes) changed_.Wait(mu_);
  }
  Asked AwaitQuestion() {
    MutexLock lock(mu_);
    while (asked_.empty()) changed_.Wait(mu_);
    Asked asked = std::move(asked_.front());
    asked_.pop_front();
    return asked;
  }
  // Moves the clock on, second by second, until a search is asked.
  Asked AdvanceToQuestion() {
    MutexLock lock(mu_);
    while (asked_.empty()) {
      clock_.Advance(absl::Seconds(1));
      changed_.WaitFor(mu_, absl::Milliseconds(5));
    }
    Asked asked = std::move(asked_.front());
    asked_.pop_front();
    return asked;
  }
  // Until the brake holds so many.
  void AwaitHeld(int count) {
    while (discovery_->Status().held_size() != count) {
      MutexLock lock(mu_);
      changed_.WaitFor(mu_, absl::Milliseconds(5));
    }
  }
  v1::DiscoveryProvider StatusOf(const std::string& provider) {
    const v1::DiscoveryStatus status = discovery_->Status();
    for (const v1::DiscoveryProvider& one : status.providers()) {
      if (one.name() == provider) return one;
    }
    return {};
  }

  const HostsFolder folder_;
  FakeClock clock_;
  DiscoveryOptions options_;

  // Before discovery_, whose thread uses them.
  Mutex mu_;
  CondVar changed_;
  std::vector<FoundHost> fleet_ ABSL_GUARDED_BY(mu_);
  int fleets_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<Asked> asked_ ABSL_GUARDED_BY(mu_);

  std::unique_ptr<Discovery> discovery_;

 private:
  static Nodes NodesOf(const std::vector<FoundHost>& fleet) {
    Nodes nodes;
    for (const FoundHost& host : fleet) nodes.push_back(host.host.node);
    return nodes;
  }
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_DISCOVERY_FIXTURE_H_
