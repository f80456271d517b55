// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// That a guest's change does not wait for a fleet-wide resync. On virtual time:
// a server that takes as long for each write, and changes that come as often,
// with a resync under way and without.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

constexpr int kHosts = 300;
// A GET and a PUT. With the limits that the controller has by default.
constexpr absl::Duration kWriteTime = absl::Milliseconds(60);
constexpr absl::Duration kBetweenChanges = absl::Milliseconds(125);
constexpr int kChanges = 80;

// A server that ends each call some time after its begin.
class SlowSink final : public Sink {
 public:
  explicit SlowSink(const Clock& clock) : clock_(clock), chef_(clock) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override {
    const std::string node = update.node;
    const Revision revision = update.stamp.revision;
    Later([this, node, revision, update = std::move(update),
           done = std::move(done)]() mutable {
      written_[node] = revision;
      chef_.Write(std::move(update), std::move(done));
    });
  }
  void Diff(chef::NodeUpdate update,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done) override {
    Later([this, update = std::move(update), done = std::move(done)]() mutable {
      chef_.Diff(std::move(update), std::move(done));
    });
  }
  void Read(
      std::string node,
      absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override {
    chef_.Read(std::move(node), std::move(done));
  }
  void Search(int expected,
              absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)>
                  done) override {
    Later([this, expected, done = std::move(done)]() mutable {
      chef_.Search(expected, std::move(done));
    });
  }

  absl::Duration next() const {
    return ends_.empty() ? absl::InfiniteDuration() : ends_.begin()->first;
  }
  void EndNext() {
    auto end = ends_.extract(ends_.begin());
    end.mapped()();
  }
  // The newest revision of the node that the server has.
  Revision written(const std::string& node) { return written_[node]; }
  FakeSink& chef() { return chef_; }

 private:
  void Later(absl::AnyInvocable<void()> end) {
    ends_.emplace(clock_.Uptime() + kWriteTime, std::move(end));
  }

  const Clock& clock_;
  FakeSink chef_;
  std::multimap<absl::Duration, absl::AnyInvocable<void()>> ends_;
  std::map<std::string, Revision> written_;
};

class FairnessTest : public testing::Test {
 protected:
  FairnessTest() {
    inventory_.AddListener(
        [this](const Change& change) { syncer_.OnChange(change); });
    for (int i = 0; i < kHosts; ++i) {
      inventory_.AddHost(Host(i), {});
      Observe(i);
    }
    RunFor(absl::Minutes(5));
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_GT(sink_.written(Host(i).node), 0) << i;
    }
  }
  ~FairnessTest() override {
    while (sink_.next() < absl::InfiniteDuration()) sink_.EndNext();
    resyncs_.Stop();
    syncer_.Stop();
  }

  static HostId Host(int number) { return HostId{absl::StrCat("hv", number)}; }

  static Syncer::Options SyncerOptions() {
    Syncer::Options options;
    options.sweep_interval = absl::ZeroDuration();
    options.seed = 1;
    return options;
  }

  // The hypervisor says something new.
  Revision Observe(int host) {
    v1::Observation observation;
    observation.set_node(Host(host).node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_provenance()->set_origin("test:///default");
    observation.mutable_facts()->set_hostname(absl::StrCat("h", sequence_));
    EXPECT_THAT(inventory_.Observe(observation), IsOk());
    return inventory_.Find(Host(host))->revision();
  }

  // Lets everything happen until then, in order.
  void RunUntil(absl::Duration end) {
    while (true) {
      const absl::Duration next =
          std::min({syncer_.Tick(), resyncs_.Tick(), sink_.next(), end});
      if (next > clock_.Uptime()) clock_.Advance(next - clock_.Uptime());
      if (sink_.next() <= clock_.Uptime()) {
        sink_.EndNext();
        NoteWritten();
      } else if (clock_.Uptime() >= end) {
        return;
      }
    }
  }
  void RunFor(absl::Duration time) { RunUntil(clock_.Uptime() + time); }

  void NoteWritten() {
    for (auto it = changes_.begin(); it != changes_.end();) {
      if (sink_.written(it->node) < it->revision) {
        ++it;
        continue;
      }
      latencies_.push_back(clock_.Uptime() - it->at);
      it = changes_.erase(it);
    }
  }

  // Changes, one after the other: how long 99 of 100 take at most until they
  // are written.
  absl::Duration MeasureChanges() {
    latencies_.clear();
    for (int i = 0; i < kChanges; ++i) {
      const int host = (i * 37) % kHosts;
      const Revision revision = Observe(host);
      changes_.push_back({Host(host).node, revision, clock_.Uptime()});
      RunFor(kBetweenChanges);
    }
    RunFor(absl::Seconds(5));
    EXPECT_EQ(latencies_.size(), static_cast<size_t>(kChanges));
    std::sort(latencies_.begin(), latencies_.end());
    return latencies_.empty() ? absl::InfiniteDuration()
                              : latencies_[(latencies_.size() * 99 - 1) / 100];
  }

  std::string Begin(v1::ResyncMode mode) {
    return resyncs_.Begin(v1::HostSelector(), {mode}).value().id();
  }

  struct Awaited {
    std::string node;
    Revision revision = 0;
    absl::Duration at;
  };

  FakeClock clock_;
  Inventory inventory_{clock_};
  SlowSink sink_{clock_};
  Syncer syncer_{SyncerOptions(), inventory_, sink_, clock_};
  ResyncOperations resyncs_{
      {},
      inventory_,
      syncer_,
      [](const HostId&, absl::AnyInvocable<void(absl::Status)> done) {
        done(absl::OkStatus());
      },
      clock_};
  int64_t sequence_ = 0;
  std::vector<Awaited> changes_;
  std::vector<absl::Duration> latencies_;
};

TEST_F(FairnessTest, AChangeOvertakesARewriteOfTheWholeFleet) {
  const absl::Duration quiet = MeasureChanges();
  RunFor(absl::Minutes(1));

  for (int i = 0; i < kHosts; ++i) sink_.chef().Clobber(Host(i).node);
  const size_t writes_before = sink_.chef().write_count();
  const std::string id = Begin(v1::RESYNC_MODE_REWRITE);
  RunFor(absl::Seconds(1));
  const absl::Duration busy = MeasureChanges();
  EXPECT_LE(busy, 2 * quiet);

  // It was under way all the while, and is not starved either.
  const v1::Operation after = *resyncs_.Get(id);
  EXPECT_GT(after.done(), kHosts / 2);
  RunFor(absl::Minutes(1));
  EXPECT_TRUE(resyncs_.Get(id)->has_ended_at());
  EXPECT_GE(sink_.chef().write_count(), writes_before + kHosts);
  RecordProperty("quiet_ms", absl::FormatDuration(quiet));
  RecordProperty("busy_ms", absl::FormatDuration(busy));
  GTEST_LOG_(INFO) << "p99 quiet " << quiet << ", busy " << busy << ", done "
                   << after.done();
}

TEST_F(FairnessTest, AChangeOvertakesAVerifyOfTheWholeFleet) {
  const absl::Duration quiet = MeasureChanges();
  RunFor(absl::Minutes(1));
  const std::string id = Begin(v1::RESYNC_MODE_VERIFY_ONLY);
  RunFor(absl::Seconds(1));
  const absl::Duration busy = MeasureChanges();
  EXPECT_LE(busy, 2 * quiet);
  RunFor(absl::Minutes(1));
  EXPECT_TRUE(resyncs_.Get(id)->has_ended_at());
  GTEST_LOG_(INFO) << "p99 quiet " << quiet << ", busy " << busy;
}

}  // namespace
}  // namespace rehai
