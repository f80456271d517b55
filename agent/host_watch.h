// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_HOST_WATCH_H_
#define AGENT_HOST_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/host_feed.h"
#include "agent/report_buffer.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "hypervisor/connection.h"
#include "hypervisor/host_schedule.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// HostWatch watches this host's hypervisor, as HostSchedule says when, and
// keeps what there is to report of it.
//
// - An event is a hint: what is reported has been read.
// - A guest that migrated away, by an event, and is not listed any more is
//   reported as moving for a while, and read for once more after it.
// - A request to read anew is answered by a reading that began after it, or by
//   the error that kept it from being made.
//
// Thread-safe. Owns one thread, which dials and reads, between Start() and
// Stop().
class HostWatch final : public HostFeed, private hypervisor::Listener {
 public:
  struct Options {
    std::string node;
    std::string uri = "qemu:///system";
    hypervisor::DialOptions dial = {};
    BackoffOptions reconnect = {.min = absl::Seconds(1),
                                .max = absl::Minutes(1)};
    // Until the controller says otherwise.
    absl::Duration relist_interval = absl::Minutes(5);
    absl::Duration event_window = absl::Milliseconds(20);
    // How long after it has migrated away a guest may be seen nowhere.
    absl::Duration move_timeout = absl::Seconds(30);
  };

  // How reading goes.
  struct Standing {
    // A reading, or a try, has ended.
    bool has_tried = false;
    absl::Status status = {};  // of the last one
    int64_t guests = 0;        // in the last reading
  };

  // Keeps what was read, for others than the controller. On the watch's thread,
  // which it may hold for as long as a small file takes.
  class Keeper {
   public:
    virtual ~Keeper() = default;
    // A reading, begun at `begun`. Returns after what time Keep() is to be
    // called; infinite: not before the next reading.
    virtual absl::Duration Seen(const hypervisor::Inventory& found,
                                absl::Time begun) = 0;
    // Likewise.
    virtual absl::Duration Keep() = 0;
  };

  // `on_news`: there may be something to report, or Standing has changed. On
  // any thread; must not block. `dialer`, `clock` and `keeper`, which may be
  // null, must outlive it.
  HostWatch(Options options, hypervisor::Dialer& dialer, const Clock& clock,
            std::function<void()> on_news, Keeper* keeper = nullptr);
  ~HostWatch() override;
  HostWatch(const HostWatch&) = delete;
  HostWatch& operator=(const HostWatch&) = delete;

  void Start();
  // Waits for a dial or a read under way: as long as their timeouts allow.
  void Stop();

  Standing standing() const;

  void FillHello(v1::AgentHello& hello) const override;
  void Begin(int64_t epoch, bool need_full) override;
  void End() override;
  std::optional<v1::AgentReport> Next(absl::Duration now) override;
  void Acknowledged(int64_t sequence) override;
  void NeedFull() override;
  void Reread(int64_t request_id) override;
  void SetSettings(const v1::AgentSettings& settings) override;

 private:
  using Schedule = hypervisor::HostSchedule;

  void OnGuestEvent(const GuestId& guest,
                    hypervisor::GuestEvent event) override;
  void OnHostEvent() override;
  void OnClosed(const std::string& reason) override;

  void Work();
  // Waits until something is due: a step, or if there is none the keeper. False
  // when nothing is to be done any more.
  bool AwaitDue(std::optional<Schedule::Step>& step);
  void Do(Schedule::Step step);
  void Dial();
  void Read();
  void Close();
  void Lose(const absl::Status& why);
  void Abandon();
  void Taken(const Schedule::Reading& reading,
             const hypervisor::Inventory& found);
  // Those of the departed that are not in `found` and may be on their way.
  std::set<std::string> Moving(const hypervisor::Inventory& found,
                               absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction.
  const Options options_;
  hypervisor::Dialer& dialer_;
  const Clock& clock_;
  const std::function<void()> on_news_;
  Keeper* const keeper_;

  // The thread's.
  std::unique_ptr<hypervisor::Connection> connection_;
  absl::BitGen random_;
  bool said_unreachable_ = false;
  absl::Duration keep_at_ = absl::InfiniteDuration();

  mutable Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Schedule schedule_ ABSL_GUARDED_BY(mu_);
  ReportBuffer buffer_ ABSL_GUARDED_BY(mu_);
  hypervisor::ReadOptions read_options_ ABSL_GUARDED_BY(mu_);
  std::string closed_because_ ABSL_GUARDED_BY(mu_);
  Standing standing_ ABSL_GUARDED_BY(mu_);
  v1::HostFacts facts_ ABSL_GUARDED_BY(mu_);  // of the last reading
  // Guests of which an event said that they migrated away, and when.
  std::map<GuestId, absl::Duration> departed_ ABSL_GUARDED_BY(mu_);
  // Requests to read anew that no reading under way answers; and those that
  // it does.
  std::vector<int64_t> asked_ ABSL_GUARDED_BY(mu_);
  std::vector<int64_t> served_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai::agent

#endif  // AGENT_HOST_WATCH_H_
