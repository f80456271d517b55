// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/visible_waits.h"

#include <pthread.h>

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

absl::Status Expired(const std::string& standing, absl::Duration timeout) {
  return absl::DeadlineExceededError(
      absl::StrCat(standing, " (waited ", absl::FormatDuration(timeout), ")"));
}

}  // namespace

VisibleWaits::VisibleWaits(Options options, Look look,
                           std::function<void()> sweep_soon, const Clock& clock)
    : options_(options),
      look_(std::move(look)),
      sweep_soon_(std::move(sweep_soon)),
      clock_(clock),
      random_(MakeRandom()) {}

VisibleWaits::~VisibleWaits() { Stop(); }

void VisibleWaits::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "visible");
    Run();
  });
}

void VisibleWaits::Run() {
  while (true) {
    const absl::Duration next_tick = Tick();
    MutexLock lock(mu_);
    while (!stopping_ && !woken_ && clock_.Uptime() < next_tick) {
      clock_.WaitUntil(next_tick, mu_, cv_);
    }
    if (stopping_) return;
  }
}

void VisibleWaits::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    cv_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  std::map<int64_t, Wait> waits;
  {
    MutexLock lock(mu_);
    waits.swap(waits_);
    counts_.waiting = 0;
  }
  for (auto& [id, wait] : waits) {
    wait.done(absl::UnavailableError(
        "the controller stops; connect again and wait anew"));
  }
}

void VisibleWaits::Add(v1::WaitVisibleRequest request, absl::Duration timeout,
                       Done done, std::function<bool()> is_gone) {
  // What is so already is never refused.
  VisibleLook look = look_(request);
  absl::Status refused;
  if (!look.end.has_value()) {
    const absl::Duration now = clock_.Uptime();
    MutexLock lock(mu_);
    if (waits_.size() >= options_.most) DropGone();
    if (stopping_) {
      refused = absl::UnavailableError("the controller stops; wait anew later");
    } else if (waits_.size() >= options_.most) {
      ++counts_.refused;
      refused = absl::ResourceExhaustedError(absl::StrCat(
          options_.most, " calls wait already; try again in a few seconds"));
    } else {
      waits_.emplace(++last_id_, Wait{.request = std::move(request),
                                      .timeout = timeout,
                                      .deadline = now + timeout,
                                      .done = std::move(done),
                                      .is_gone = std::move(is_gone)});
      // It may have become so since it was looked at.
      woken_ = true;
      cv_.NotifyAll();
      return;
    }
  }
  if (look.end.has_value()) {
    if (look.end->ok()) {
      MutexLock lock(mu_);
      ++counts_.answered;
    }
    return done(*std::move(look.end));
  }
  done(refused);
}

void VisibleWaits::OnNews(const HostId&) {
  MutexLock lock(mu_);
  if (waits_.empty() || woken_) return;
  woken_ = true;
  cv_.NotifyAll();
}

void VisibleWaits::DropGone() {
  for (auto it = waits_.begin(); it != waits_.end();) {
    const bool gone = it->second.is_gone != nullptr && it->second.is_gone();
    it = gone ? waits_.erase(it) : std::next(it);
  }
}

std::optional<VisibleWaits::Wait> VisibleWaits::Take(int64_t id) {
  const auto it = waits_.find(id);
  if (it == waits_.end()) return std::nullopt;
  std::optional<Wait> wait = std::move(it->second);
  waits_.erase(it);
  return wait;
}

absl::Duration VisibleWaits::Tick() {
  const absl::Duration now = clock_.Uptime();
  std::vector<std::pair<int64_t, v1::WaitVisibleRequest>> waits;
  {
    MutexLock lock(mu_);
    woken_ = false;
    DropGone();
    for (const auto& [id, wait] : waits_) waits.emplace_back(id, wait.request);
  }

  bool lacks_search = false;
  std::vector<End> ends;
  for (const auto& [id, request] : waits) {
    VisibleLook look = look_(request);
    MutexLock lock(mu_);
    const auto it = waits_.find(id);
    if (it == waits_.end()) continue;
    const absl::Duration deadline = it->second.deadline;
    if (look.end.has_value()) {
      if (look.end->ok()) ++counts_.answered;
      std::optional<Wait> wait = Take(id);
      ends.emplace_back(std::move(wait->done), *std::move(look.end));
    } else if (deadline <= now) {
      ++counts_.expired;
      std::optional<Wait> wait = Take(id);
      ends.emplace_back(std::move(wait->done),
                        Expired(look.standing, wait->timeout));
    } else {
      lacks_search = lacks_search || look.lacks_search;
    }
  }
  for (auto& [done, end] : ends) done(std::move(end));
  HurrySweep(lacks_search, now);

  MutexLock lock(mu_);
  if (waits_.empty()) return absl::InfiniteDuration();
  absl::Duration next = now + options_.look_again;
  for (const auto& [id, wait] : waits_) next = std::min(next, wait.deadline);
  return next;
}

void VisibleWaits::HurrySweep(bool wanted, absl::Duration now) {
  if (!wanted) {
    sweeps_asked_ = 0;
    return;
  }
  if (now < next_sweep_) return;
  sweep_soon_();
  next_sweep_ = now + BackoffDelay(options_.sweeps, ++sweeps_asked_, random_);
}

VisibleWaits::Counts VisibleWaits::counts() const {
  MutexLock lock(mu_);
  Counts counts = counts_;
  counts.waiting = static_cast<int64_t>(waits_.size());
  return counts;
}

}  // namespace rehai
