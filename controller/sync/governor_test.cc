// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/governor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "chef/node_writer.h"
#include "controller/sync/latency_baseline.h"
#include "controller/sync/server_limits.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {
namespace {

using Pressure = Governor::Pressure;

// Limits of which a test sets those that it is about.
ServerLimits Loose() {
  return {.requests_per_second = 1e6,
          .request_burst = 1'000'000,
          .bytes_per_second = int64_t{1} << 40,
          .byte_burst = int64_t{1} << 40,
          .max_in_flight = 8,
          .server_share = 1};
}

void End(Governor& governor, int requests_sent) {
  governor.End({.requests = requests_sent}, Pressure::kNone);
}

v1::ChefStatus StatusOf(const Governor& governor) {
  v1::ChefStatus status;
  governor.FillStatus(status);
  return status;
}

TEST(GovernorTest, LetsTheBurstGoAtOnceThenTheRate) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.requests_per_second = 10;
  limits.request_burst = 4;
  Governor governor(limits, clock);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(governor.Wait(), absl::ZeroDuration());
    governor.Begin();
  }
  // Two requests at ten a second.
  EXPECT_EQ(governor.Wait(), absl::Milliseconds(200));
  clock.Advance(absl::Milliseconds(200));
  EXPECT_EQ(governor.Wait(), absl::ZeroDuration());
}

TEST(GovernorTest, BoundsWritesInFlight) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.max_in_flight = 2;
  Governor governor(limits, clock);
  governor.Begin();
  governor.Begin();
  EXPECT_EQ(governor.Wait(), absl::InfiniteDuration());
  EXPECT_EQ(governor.in_flight(), 2);
  End(governor, 2);
  EXPECT_EQ(governor.Wait(), absl::ZeroDuration());
}

TEST(GovernorTest, RequestsNotSentAreGivenBack) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.requests_per_second = 10;
  limits.request_burst = 2;
  Governor governor(limits, clock);
  governor.Begin();
  End(governor, 1);
  EXPECT_EQ(governor.Wait(), absl::Milliseconds(100));
}

TEST(GovernorTest, ABurstOfOneStillWrites) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.requests_per_second = 1;
  limits.request_burst = 1;
  Governor governor(limits, clock);
  ASSERT_EQ(governor.Wait(), absl::ZeroDuration());
  governor.Begin();
  End(governor, 2);
  // One over, and one to begin with.
  EXPECT_EQ(governor.Wait(), absl::Seconds(2));
}

TEST(GovernorTest, BytesAreWaitedOutAndANodeLargerThanTheBurstGoes) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.bytes_per_second = 100'000;
  limits.byte_burst = 200'000;
  Governor governor(limits, clock);
  for (int i = 0; i < 20; ++i) {
    const absl::Duration wait = governor.Wait();
    ASSERT_LE(wait, absl::Seconds(10));
    clock.Advance(wait);
    governor.Begin();
    governor.End(
        {.requests = 2, .bytes_sent = 500'000, .bytes_received = 500'000},
        Pressure::kNone);
  }
  EXPECT_GT(governor.Wait(), absl::Seconds(9));
}

TEST(GovernorTest, SearchesCostToo) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.bytes_per_second = 100'000;
  limits.byte_burst = 200'000;
  Governor governor(limits, clock);
  governor.Charge({.requests = 1, .bytes_received = 1'200'000});
  EXPECT_GE(governor.Wait(), absl::Seconds(10));
  EXPECT_EQ(StatusOf(governor).requests(), 1);
  EXPECT_EQ(StatusOf(governor).bytes_received(), 1'200'000);
}

TEST(GovernorTest, NothingBeginsBeforeTheServersRetryAfter) {
  FakeClock clock;
  Governor governor(Loose(), clock);
  governor.Begin();
  governor.End({.requests = 1, .retry_after = absl::Seconds(30)},
               Pressure::kOverloaded);
  EXPECT_EQ(governor.Wait(), absl::Seconds(30));
  EXPECT_EQ(StatusOf(governor).not_before().seconds(),
            absl::ToUnixSeconds(clock.Now() + absl::Seconds(30)));

  // A shorter one does not bring it forward, and a day is not believed.
  governor.Charge({.requests = 1, .retry_after = absl::Seconds(1)});
  EXPECT_EQ(governor.Wait(), absl::Seconds(30));
  governor.Charge({.requests = 1, .retry_after = absl::Hours(24)});
  EXPECT_EQ(governor.Wait(), Governor::kLongestRetryAfter);
  clock.Advance(Governor::kLongestRetryAfter);
  EXPECT_EQ(governor.Wait(), absl::ZeroDuration());
  EXPECT_FALSE(StatusOf(governor).has_not_before());
}

TEST(GovernorTest, AQuickFailureIsNotTheServersBest) {
  FakeClock clock;
  Governor governor(Loose(), clock);
  governor.Begin();
  governor.End({.requests = 2, .busy = absl::Milliseconds(200)},
               Pressure::kNone);
  for (int i = 0; i < 100; ++i) {
    governor.Begin();
    governor.End({.requests = 1, .busy = absl::Milliseconds(1)},
                 Pressure::kUnclear);
  }
  EXPECT_EQ(StatusOf(governor).latency().nanos(), 100'000'000);
  EXPECT_EQ(StatusOf(governor).best_latency().nanos(), 0);
}

TEST(GovernorTest, LimitsChangeWhileItRuns) {
  FakeClock clock;
  Governor governor(Loose(), clock);
  ServerLimits limits = Loose();
  limits.max_in_flight = 1;
  limits.requests_per_second = 0.5;
  limits.request_burst = 2;
  governor.SetLimits(limits);
  governor.Begin();
  EXPECT_EQ(governor.Wait(), absl::InfiniteDuration());
  End(governor, 2);
  EXPECT_EQ(governor.Wait(), absl::Seconds(4));
  EXPECT_EQ(governor.limits().max_in_flight, 1);
  EXPECT_EQ(StatusOf(governor).limits().request_burst(), 2);
  EXPECT_EQ(StatusOf(governor).concurrency(), 1);
}

TEST(GovernorTest, TellsWhatHeldWritesBack) {
  FakeClock clock;
  ServerLimits limits = Loose();
  limits.requests_per_second = 10;
  limits.request_burst = 2;
  limits.max_in_flight = 1;
  Governor governor(limits, clock);
  const auto held_back = [&](const std::string& limit) {
    return StatusOf(governor).held_back_seconds().at(limit);
  };
  governor.Wait();
  governor.Begin();
  // In the way: the write under way, for three seconds.
  governor.Wait();
  clock.Advance(absl::Seconds(3));
  End(governor, 20);
  EXPECT_DOUBLE_EQ(held_back("concurrency"), 3);
  // Nothing is due for a while; that holds nothing back.
  clock.Advance(absl::Milliseconds(100));
  // The rate, which leaves 17 in debt less one second's ten.
  const absl::Duration wait = governor.Wait();
  ASSERT_GT(wait, absl::ZeroDuration());
  clock.Advance(wait);
  ASSERT_EQ(governor.Wait(), absl::ZeroDuration());
  governor.Begin();
  End(governor, 2);
  EXPECT_NEAR(held_back("requests"), absl::ToDoubleSeconds(wait), 1e-6);
  // Asked once, and then nothing came of it: no more than the wait it got.
  const absl::Duration last = governor.Wait();
  clock.Advance(absl::Hours(1));
  governor.Begin();
  EXPECT_NEAR(held_back("requests"), absl::ToDoubleSeconds(wait + last), 1e-6);
  EXPECT_DOUBLE_EQ(held_back("bytes"), 0);
  EXPECT_DOUBLE_EQ(held_back("share"), 0);
  EXPECT_DOUBLE_EQ(held_back("server"), 0);
}

// A server on fake time and a backlog that never ends: whatever may begin does.
class GovernorSimulation : public testing::Test {
 protected:
  struct Answer {
    chef::RequestCost cost;
    Pressure pressure = Pressure::kNone;
  };
  // How a write that begins with so many under way, itself included, goes.
  using Server = std::function<Answer(int in_flight)>;

  struct Begun {
    absl::Duration at;
    chef::RequestCost cost;
  };

  // A server that takes `capacity` writes at once, each for two requests of
  // `quick`; more than that share it, and those beyond `most` it refuses.
  static Server ServerOf(int capacity, absl::Duration quick, int most = 1000) {
    return [=](int in_flight) {
      Answer answer;
      answer.cost.requests = 2;
      if (in_flight > most) {
        answer.cost.requests = 1;
        answer.cost.busy = absl::Milliseconds(1);
        answer.pressure = Pressure::kOverloaded;
      } else {
        answer.cost.busy =
            2 * quick * std::max(1.0, 1.0 * in_flight / capacity);
      }
      return answer;
    };
  }

  // Lets `writes` begin, or time pass by, whichever ends first.
  void Run(const Server& server, absl::Duration time,
           int writes = 1'000'000'000) {
    const absl::Duration until = clock_.Uptime() + time;
    while (true) {
      const absl::Duration now = clock_.Uptime();
      for (; !ends_.empty() && ends_.begin()->first <= now;
           ends_.erase(ends_.begin())) {
        const Answer& answer = ends_.begin()->second;
        governor_->End(answer.cost, answer.pressure);
      }
      absl::Duration wait = absl::InfiniteDuration();
      while (writes > 0 && (wait = governor_->Wait()) == absl::ZeroDuration()) {
        governor_->Begin();
        --writes;
        const Answer answer = server(governor_->in_flight());
        begun_.push_back({now, answer.cost});
        ends_.emplace(now + answer.cost.busy, answer);
        limits_seen_.push_back(StatusOf(*governor_).concurrency());
      }
      absl::Duration next = std::min(until, now + wait);
      if (!ends_.empty()) next = std::min(next, ends_.begin()->first);
      if (now >= until || (writes == 0 && ends_.empty())) return;
      clock_.Advance(next - now);
    }
  }

  int concurrency() const { return StatusOf(*governor_).concurrency(); }

  // The most that ever began above what `rate` and `burst` allow, over all
  // stretches of time.
  double MostAbove(double rate, double burst,
                   const std::function<double(const chef::RequestCost&)>& of) {
    double most = 0;
    double above = 0;
    absl::Duration last = absl::ZeroDuration();
    for (const Begun& begun : begun_) {
      const double allowed = rate * absl::ToDoubleSeconds(begun.at - last);
      // A stretch that is in credit is better left out.
      above = std::max(0.0, above - allowed) + of(begun.cost);
      most = std::max(most, above - burst);
      last = begun.at;
    }
    return most;
  }

  void Make(const ServerLimits& limits) {
    governor_ = std::make_unique<Governor>(limits, clock_);
  }

  FakeClock clock_;
  std::unique_ptr<Governor> governor_;
  std::multimap<absl::Duration, Answer> ends_;
  std::vector<Begun> begun_;
  std::vector<int> limits_seen_;
};

TEST_F(GovernorSimulation, SettlesNearWhatAServerTakes) {
  ServerLimits limits = Loose();
  limits.max_in_flight = 64;
  Make(limits);
  constexpr int kCapacity = 6;
  const Server server = ServerOf(kCapacity, absl::Milliseconds(60));
  // It is to be known at its best.
  governor_->StartOver();
  Run(server, absl::Minutes(2));
  limits_seen_.clear();
  Run(server, absl::Minutes(20));
  EXPECT_LE(*std::max_element(limits_seen_.begin(), limits_seen_.end()),
            4 * kCapacity);
  // Now and then one at a time, to see how quick it is at its best.
  const auto below = std::count_if(limits_seen_.begin(), limits_seen_.end(),
                                   [](int limit) { return limit < kCapacity; });
  EXPECT_LE(below, 20 / 5 * LatencyBaseline::kSmallestWindow);
  EXPECT_GT(limits_seen_.size(), 10000u);
}

TEST_F(GovernorSimulation, StaysJustBelowWhatAServerRefuses) {
  ServerLimits limits = Loose();
  limits.max_in_flight = 64;
  Make(limits);
  constexpr int kMost = 10;
  const Server server = ServerOf(64, absl::Milliseconds(60), kMost);
  Run(server, absl::Minutes(2));
  limits_seen_.clear();
  begun_.clear();
  Run(server, absl::Minutes(10));
  const auto [least, most] =
      std::minmax_element(limits_seen_.begin(), limits_seen_.end());
  EXPECT_GE(*least, kMost / 2);
  EXPECT_LE(*most, kMost + 1);
  const auto refused = std::count_if(
      begun_.begin(), begun_.end(),
      [](const Begun& begun) { return begun.cost.requests == 1; });
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, static_cast<int64_t>(begun_.size()) / 30);
}

TEST_F(GovernorSimulation, ASlowSpellIsGivenWayToAndForgotten) {
  Make(Loose());
  const Server quick = ServerOf(8, absl::Milliseconds(60));
  Run(quick, absl::Minutes(1));
  ASSERT_EQ(concurrency(), 8);
  Run(ServerOf(8, absl::Milliseconds(600)), absl::Minutes(1));
  EXPECT_EQ(concurrency(), 1);
  Run(quick, absl::Seconds(10));
  EXPECT_EQ(concurrency(), 8);
}

TEST_F(GovernorSimulation, AServerThatIsBackIsNotStampeded) {
  Make(Loose());
  governor_->StartOver();
  int most = 0;
  int largest_step = 0;
  const Server server = [&](int in_flight) {
    largest_step = std::max(largest_step, in_flight - most);
    most = std::max(most, in_flight);
    return ServerOf(8, absl::Milliseconds(20))(in_flight);
  };
  Run(server, absl::Milliseconds(39));
  EXPECT_EQ(begun_.size(), 1u);
  Run(server, absl::Minutes(10), /*writes=*/999);
  EXPECT_EQ(begun_.size(), 1000u);
  EXPECT_EQ(largest_step, 1);
  EXPECT_EQ(most, 8);
  // 999 writes of 40 ms, eight at a time once it is known to be well.
  EXPECT_LE(begun_.back().at - begun_.front().at, absl::Seconds(6));
}

TEST_F(GovernorSimulation, AServerThatAnswersSlowerIsAskedLess) {
  ServerLimits limits = Loose();
  limits.server_share = 0.25;  // of 8 at once: 2 in the mean
  Make(limits);
  for (const int slow : {1, 10, 40}) {
    const absl::Duration quick = absl::Milliseconds(50) * slow;
    // Until it is known that this is how it is now.
    Run(ServerOf(8, quick), absl::Minutes(10));
    begun_.clear();
    Run(ServerOf(8, quick), absl::Minutes(20));
    const double busy = MostAbove(2, 0, [](const chef::RequestCost& cost) {
      return absl::ToDoubleSeconds(cost.busy);
    });
    // What was saved up, and what went before it was known to be dearer.
    EXPECT_LE(busy, 2 * absl::ToDoubleSeconds(Governor::kShareBurst) +
                        8 * absl::ToDoubleSeconds(2 * quick))
        << slow;
    // And it used its share.
    EXPECT_GE(begun_.size() * absl::ToDoubleSeconds(2 * quick), 0.9 * 1200 * 2)
        << slow;
  }
}

class GovernorRatesTest : public GovernorSimulation,
                          public testing::WithParamInterface<int> {};

TEST_P(GovernorRatesTest, AreKeptOverEveryStretchOfTime) {
  std::mt19937 random(GetParam());
  const auto pick = [&](int least, int most) {
    return least + static_cast<int>(random() % (most - least + 1));
  };
  ServerLimits limits = Loose();
  limits.requests_per_second = pick(5, 50);
  limits.request_burst = pick(2, 100);
  limits.bytes_per_second = pick(100'000, 5'000'000);
  limits.byte_burst = pick(100'000, 10'000'000);
  limits.max_in_flight = pick(1, 16);
  Make(limits);
  constexpr int kLargest = 400'000;
  for (int spell = 0; spell < 20; ++spell) {
    const int size = pick(1000, kLargest);
    Run(
        [&](int) {
          // Checks, writes, and failures that sent nothing.
          Answer answer;
          answer.cost.requests = pick(0, 2);
          answer.cost.bytes_received = answer.cost.requests > 0 ? size : 0;
          answer.cost.bytes_sent = answer.cost.requests > 1 ? size : 0;
          answer.cost.busy = absl::Milliseconds(pick(1, 400));
          if (pick(0, 50) == 0) answer.pressure = Pressure::kOverloaded;
          return answer;
        },
        absl::Seconds(pick(1, 10)), pick(1, 300));
    // Sometimes it is quiet, and the buckets fill.
    clock_.Advance(absl::Milliseconds(pick(0, 3) * pick(0, 3000)));
  }
  ASSERT_GT(begun_.size(), 100u);
  // What those under way at the stretch's beginning gave back may go in it.
  EXPECT_LE(MostAbove(limits.requests_per_second, limits.request_burst,
                      [](const auto& cost) { return cost.requests; }),
            limits.max_in_flight + 1e-6);
  // Sizes are known only afterwards.
  EXPECT_LE(MostAbove(static_cast<double>(limits.bytes_per_second),
                      static_cast<double>(limits.byte_burst),
                      [](const auto& cost) {
                        return static_cast<double>(cost.bytes_sent +
                                                   cost.bytes_received);
                      }),
            (limits.max_in_flight + 1) * 2.0 * kLargest);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GovernorRatesTest, testing::Range(0, 20));

}  // namespace
}  // namespace rehai
