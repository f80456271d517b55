// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SYNCER_FIXTURE_H_
#define CONTROLLER_SYNC_SYNCER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/rewrite_batch.h"
#include "controller/sync/syncer.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

// What the tests of the syncer share.
namespace rehai {

using RewriteResult = absl::StatusOr<chef::WriteResult>;

inline const HostId kHost{"hv1"};
inline constexpr absl::Duration kWindow = absl::Milliseconds(200);
inline constexpr absl::Duration kRetryMin = absl::Seconds(1);
inline constexpr absl::Duration kRetryMax = absl::Minutes(5);

// An inventory, a syncer on a clock that stands still, and a fake Chef. The
// tests step the syncer by hand.
class SyncerTest : public testing::Test {
 protected:
  SyncerTest() { MakeSyncer(Quiet()); }

  ~SyncerTest() override {
    sink_.Release();
    if (syncer_ != nullptr) syncer_->Stop();
  }

  // Without sweeps, which the tests of all else would have to count.
  static Syncer::Options Quiet() {
    Syncer::Options options;
    options.sweep_interval = absl::ZeroDuration();
    return options;
  }
  static Syncer::Options Fast() {
    Syncer::Options options = Quiet();
    options.limits.requests_per_second = 1000;
    options.limits.request_burst = 10000;
    options.limits.max_in_flight = 1000;
    return options;
  }

  void MakeSyncer(Syncer::Options options) {
    options.window = kWindow;
    options.retry = {.min = kRetryMin, .max = kRetryMax, .factor = 2};
    syncer_.reset();
    inventory_ = std::make_unique<Inventory>(clock_);
    syncer_ = std::make_unique<Syncer>(options, *inventory_, sink_, clock_);
    inventory_->AddListener(
        [this](const Change& change) { syncer_->OnChange(change); });
  }

  // A source sees the host with one guest in this state. Makes the host known.
  void Observe(const HostId& host, v1::GuestState state) {
    if (inventory_->Find(host) == nullptr) inventory_->AddHost(host, {});
    v1::Observation observation;
    observation.set_node(host.node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    observation.mutable_provenance()->set_origin("test:///default");
    observation.mutable_facts()->set_hostname(host.node);
    v1::Guest& guest = *observation.add_guests();
    // One UUID per host: a guest lives in one place.
    guest.set_uuid(absl::StrCat(
        "11111111-1111-1111-1111-",
        absl::Hex(std::hash<std::string>()(host.node) & 0xffffffffffff,
                  absl::kZeroPad12)));
    guest.set_name("web01");
    guest.set_state(state);
    ASSERT_THAT(inventory_->Observe(observation), IsOk());
  }
  void ObserveRunning(const HostId& host = kHost) {
    Observe(host, v1::GUEST_STATE_RUNNING);
  }
  void ObserveShutOff(const HostId& host = kHost) {
    Observe(host, v1::GUEST_STATE_SHUT_OFF);
  }

  void Pass(absl::Duration time) {
    clock_.Advance(time);
    syncer_->Tick();
  }
  void PassWindow() { Pass(kWindow); }

  // The host is written, and Chef holds it.
  void Sync(const HostId& host = kHost) {
    ObserveRunning(host);
    PassWindow();
    ASSERT_EQ(State(host), v1::SYNC_STATE_SYNCED);
  }

  // Other hosts are written, so that one in trouble is not the whole fleet.
  void SyncFleet() {
    for (const char* node : {"other1", "other2", "other3"}) Sync(HostId{node});
  }

  v1::SyncState State(const HostId& host = kHost) {
    return syncer_->Status(host).state();
  }
  Revision RevisionOf(const HostId& host = kHost) {
    return inventory_->Find(host)->revision();
  }
  size_t Writes() { return sink_.write_count(); }

  // Hosts of these numbers are written, and Chef holds them.
  static HostId Host(int number) { return HostId{absl::StrCat("hv", number)}; }
  void SyncFleet(int hosts) {
    for (int i = 0; i < hosts; ++i) ObserveRunning(Host(i));
    PassWindow();
    for (int i = 0; i < hosts; ++i) {
      ASSERT_EQ(State(Host(i)), v1::SYNC_STATE_SYNCED) << i;
    }
  }

  // An operator's rewrite, and the moment in which it waits for others.
  void Rewrite(const HostId& host = kHost) {
    syncer_->Rewrite(host, Collect());
    Pass(RewriteBatch::kWindow);
  }

  // Collects what Rewrite() answers.
  Syncer::RewriteDone Collect() {
    return [this](RewriteResult result) {
      rewrites_.push_back(std::move(result));
    };
  }

  FakeClock clock_;
  FakeSink sink_{clock_};
  std::unique_ptr<Inventory> inventory_;
  std::unique_ptr<Syncer> syncer_;
  std::vector<RewriteResult> rewrites_;
  int64_t sequence_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SYNCER_FIXTURE_H_
