// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_FLEET_SOURCE_FIXTURE_H_
#define CONTROLLER_SOURCE_FLEET_SOURCE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "controller/discovery/found_host.h"
#include "controller/inventory/inventory.h"
#include "controller/source/fleet_source.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"
#include "tests/fakes/fake_dialer.h"

// What the tests of FleetSource share: a source of scripted hosts, on a clock
// that stands still.
namespace rehai {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

inline std::string NodeOf(int i) { return absl::StrCat("hv", i); }
inline std::string UriOf(int i) {
  return absl::StrCat("fake://", NodeOf(i), "/");
}

inline v1::Guest Guest(const std::string& uuid, const std::string& name) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(name);
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return guest;
}

inline FoundHost FoundAs(int i) {
  return {.host = {NodeOf(i)}, .uri = UriOf(i), .found_by = "config"};
}

inline bool HasCondition(const v1::Record& record, const std::string& type) {
  for (const v1::Condition& condition : record.conditions()) {
    if (condition.type() == type) return true;
  }
  return false;
}

// What Reread() said to one caller or several.
class Answers {
 public:
  // Counts the answers of one call to Reread().
  absl::AnyInvocable<void(absl::Status)> Callback() {
    return [this](absl::Status status) {
      MutexLock lock(mu_);
      statuses_.push_back(std::move(status));
      changed_.NotifyAll();
    };
  }

  // The first `count` answers, and any beyond.
  std::vector<absl::Status> Await(size_t count = 1) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (statuses_.size() < count && Clock::Real().Uptime() < deadline) {
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    return statuses_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<absl::Status> statuses_ ABSL_GUARDED_BY(mu_);
};

class FleetSourceTest : public testing::Test {
 protected:
  FleetSourceTest() {
    options_.workers = 3;
    options_.reconnect = {.min = absl::Seconds(1), .max = absl::Seconds(60)};
    options_.relist_interval = absl::Hours(24);
    options_.spare_workers = 2;
    inventory_.AddListener([this](const Change&) { Notify(); });
  }
  ~FleetSourceTest() override {
    // A test that failed half-way must not hang for what it holds.
    for (int i = 0; i < created_; ++i) {
      Host(i).ReleaseDials();
      Host(i).ReleaseReads();
    }
    source_.reset();
  }

  hypervisor::FakeHost& Host(int i = 0) { return dialer_.host(UriOf(i)); }

  // Makes a source of hosts 0 to `count`-1, which the dialer knows.
  void Create(int count = 1) {
    created_ = count;
    std::vector<FoundHost> hosts;
    for (int i = 0; i < count; ++i) {
      Host(i);
      hosts.push_back(FoundAs(i));
    }
    source_ = std::make_unique<FleetSource>(options_, hosts, dialer_,
                                            inventory_, clock_);
  }
  void Start(int count = 1) {
    Create(count);
    source_->Start();
  }

  RecordPtr Record(int i = 0) { return inventory_.Find(HostId{NodeOf(i)}); }

  // Waits until `condition` holds of the host's record.
  bool Await(const std::function<bool(const v1::Record&)>& condition,
             int i = 0) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (!condition(*Record(i))) {
      if (Clock::Real().Uptime() >= deadline) return false;
      // A confirmation changes a record without a word to listeners.
      changed_.WaitFor(mu_, absl::Milliseconds(1));
    }
    return true;
  }
  bool AwaitPresence(v1::Presence presence, int i = 0) {
    return Await([&](const v1::Record& r) { return r.presence() == presence; },
                 i);
  }
  bool AwaitCondition(const std::string& type, bool wanted, int i = 0) {
    return Await(
        [&](const v1::Record& r) { return HasCondition(r, type) == wanted; },
        i);
  }
  bool AwaitGuests(int count, int i = 0) {
    return Await([&](const v1::Record& r) { return r.guests_size() == count; },
                 i);
  }

  // Waits until the source shows the host's connection so.
  bool AwaitState(v1::ConnectionState state, int i = 0) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (Clock::Real().Uptime() < deadline) {
      for (const v1::Connection& connection : source_->Connections()) {
        if (connection.node() == NodeOf(i) && connection.state() == state) {
          return true;
        }
      }
      changed_.WaitFor(mu_, absl::Milliseconds(1));
    }
    return false;
  }

  // Lets time pass, step by step, until that many dials have begun.
  bool AdvanceUntilDialed(int count) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (!Host().AwaitDials(count, absl::Milliseconds(1))) {
      if (Clock::Real().Uptime() >= deadline) return false;
      clock_.Advance(absl::Seconds(1));
    }
    return true;
  }

  void Notify() {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  }

  FleetSource::Options options_;
  FakeClock clock_;
  Inventory inventory_{clock_};
  hypervisor::FakeDialer dialer_;
  int created_ = 0;  // hosts
  Mutex mu_;
  CondVar changed_;
  std::unique_ptr<FleetSource> source_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_FLEET_SOURCE_FIXTURE_H_
