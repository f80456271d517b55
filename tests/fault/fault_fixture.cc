// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/fault_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

using fleet::Recorder;

// A silent daemon is given up after three seconds, and dialled again soon.
constexpr char kPull[] =
    "  keepalive_interval: 1s\n"
    "  keepalive_count: 2\n"
    "  read_timeout: 4s\n"
    "  connect_timeout: 5s\n"
    "  reconnect_min: 200ms\n"
    "  reconnect_max: 2s\n";

constexpr int kSamples = 21;

// Those that hosts cost. Connections to Chef are kept for a while.
int OwnDescriptors(const fleet::Footprint& footprint) {
  return footprint.descriptors - footprint.tcp_descriptors;
}

// Every host has some.
lab::ShownGuest ActiveGuest(const lab::Host& host) {
  for (const lab::ShownGuest& guest : host.guests()) {
    if (guest.state != lab::GuestState::kShutOff) return guest;
  }
  ADD_FAILURE() << host.node() << " has no active guest";
  return {};
}

}  // namespace

std::unique_ptr<fleet::Fleet> FaultTest::fleet_;
fleet::Footprint FaultTest::quiet_;

void FaultTest::SetUpTestSuite() {
  auto fleet = fleet::Fleet::Start({.hosts = kHosts,
                                    .guests = kGuests,
                                    .linked_hosts = kLinked,
                                    .pull = kPull});
  ASSERT_THAT(fleet, IsOk());
  fleet_ = *std::move(fleet);
  ASSERT_THAT(fleet_->StartController(), IsOk());
  ASSERT_THAT(fleet_->AwaitCurrent(kPatience), IsOk());
  ASSERT_THAT(fleet_->AwaitTruth(fleet_->Truth(), kPatience), IsOk());
  // The threads of the last dials end by themselves.
  ASSERT_THAT(lab::WaitUntil(kPatience,
                             []() -> absl::Status {
                               const auto now = fleet_->ControllerFootprint();
                               if (!now.ok()) return now.status();
                               quiet_ = *now;
                               return quiet_.children.size() == kHosts
                                          ? absl::OkStatus()
                                          : absl::UnavailableError("children");
                             }),
              IsOk());
}

void FaultTest::TearDownTestSuite() { fleet_.reset(); }

void FaultTest::SetUp() {
  ASSERT_NE(fleet_, nullptr);
  ASSERT_THAT(fleet_->AwaitCurrent(kPatience), IsOk());
  quiet_latency_ = MeasureLatency(0);
  vanished_before_ = fleet_->recorder().vanishings().size();
}

void FaultTest::TearDown() {
  if (fleet_ == nullptr) return;
  EXPECT_THAT(fleet_->lab().HealAll(), IsOk());
}

absl::Duration FaultTest::MeasureLatency(int first) {
  std::vector<absl::Duration> latencies;
  for (int i = 0; i < kSamples; ++i) {
    lab::Host& changed = host(first + i * 7 % (kHosts - first));
    const lab::ShownGuest guest = ActiveGuest(changed);
    const bool runs = guest.state == lab::GuestState::kRunning;
    const v1::GuestState wanted =
        runs ? v1::GUEST_STATE_PAUSED : v1::GUEST_STATE_RUNNING;
    const absl::Duration begun = Clock::Real().Uptime();
    const absl::Status done =
        runs ? changed.Suspend(guest.name) : changed.ResumeGuest(guest.name);
    const absl::Duration confirmed = Clock::Real().Uptime();
    EXPECT_THAT(done, IsOk());
    EXPECT_THAT(
        fleet_->recorder().Await(
            kPatience,
            [&](const Recorder::Records& records) -> absl::Status {
              const auto record = records.find(changed.node());
              if (record == records.end()) {
                return absl::NotFoundError(changed.node());
              }
              for (const v1::Guest& shown : record->second.guests()) {
                if (shown.uuid() == guest.uuid && shown.state() == wanted) {
                  return absl::OkStatus();
                }
              }
              return absl::UnavailableError(changed.node());
            }),
        IsOk());
    const std::optional<absl::Duration> seen =
        fleet_->recorder().ShownAt(changed.node(), guest.uuid, wanted, begun);
    latencies.push_back(seen.value_or(confirmed + kPatience) - confirmed);
  }
  std::nth_element(latencies.begin(), latencies.begin() + kSamples / 2,
                   latencies.end());
  return latencies[kSamples / 2];
}

void FaultTest::ExpectHealthyHostsAreFast(int first) const {
  const absl::Duration latency = MeasureLatency(first);
  RecordProperty("quiet_ms",
                 absl::StrCat(absl::ToInt64Milliseconds(quiet_latency_)));
  RecordProperty("hurt_ms", absl::StrCat(absl::ToInt64Milliseconds(latency)));
  EXPECT_LE(latency, 2 * quiet_latency_ + absl::Milliseconds(100))
      << "quiet: " << quiet_latency_;
}

void FaultTest::ExpectNoFalseDeletion(
    const std::set<std::string>& undefined) const {
  const auto vanishings = fleet_->recorder().vanishings();
  for (size_t i = vanished_before_; i < vanishings.size(); ++i) {
    EXPECT_TRUE(undefined.contains(vanishings[i].uuid))
        << vanishings[i].uuid << " was last on " << vanishings[i].node;
  }
}

void FaultTest::ExpectConvergence() const {
  ExpectConvergenceTo(fleet_->Truth());
}

void FaultTest::ExpectConvergenceTo(
    const std::vector<lab::GuestTruth>& truth) const {
  EXPECT_THAT(fleet_->AwaitCurrent(kPatience), IsOk());
  EXPECT_THAT(fleet_->AwaitTruth(truth, kPatience), IsOk());
  EXPECT_THAT(lab::WaitUntil(
                  kPatience,
                  []() -> absl::Status {
                    const auto now = fleet_->ControllerFootprint();
                    if (!now.ok()) return now.status();
                    if (now->threads <= quiet_.threads &&
                        OwnDescriptors(*now) <= OwnDescriptors(quiet_) &&
                        now->children.size() == quiet_.children.size()) {
                      return absl::OkStatus();
                    }
                    return absl::UnavailableError(absl::StrCat(
                        now->threads, " threads, ", OwnDescriptors(*now),
                        " descriptors, ", now->children.size(),
                        " children; before it was ", quiet_.threads, ", ",
                        quiet_.descriptors, ", ", quiet_.children.size()));
                  },
                  absl::Milliseconds(50)),
              IsOk());
}

void FaultTest::AwaitNotCurrent(int count) {
  EXPECT_THAT(fleet_->recorder().Await(
                  kPatience,
                  [count](const Recorder::Records& records) {
                    return fleet::AreCurrent(records, kHosts - count);
                  }),
              IsOk());
}

}  // namespace rehai::fault
