// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/churn.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace rehai::lab {
namespace {

// Later than that, a schedule is not caught up with.
constexpr absl::Duration kMaxLag = absl::Seconds(1);

// Hosts that are hurt, before the turn of a change is given up.
constexpr int kMaxSkipped = 20;

std::vector<std::vector<ShownGuest>> GuestsOf(const std::vector<Host*>& hosts) {
  std::vector<std::vector<ShownGuest>> guests;
  for (const Host* host : hosts) guests.push_back(host->guests());
  return guests;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Churn>> Churn::Start(std::vector<Host*> hosts,
                                                    Options options) {
  if (hosts.empty()) {
    return absl::InvalidArgumentError("churn: no hosts; name at least one");
  }
  for (const Host* host : hosts) {
    if (host->driver() != hosts[0]->driver()) {
      return absl::InvalidArgumentError(
          "churn: QEMU's hosts beside simulated ones; nothing can migrate "
          "between them, so give each kind its own");
    }
  }
  std::unique_ptr<Churn> churn(new Churn(std::move(hosts), options));
  churn->thread_ = std::thread(&Churn::Loop, churn.get());
  return churn;
}

Churn::Churn(std::vector<Host*> hosts, Options options)
    : hosts_(std::move(hosts)),
      max_changes_(options.max_changes),
      rate_(options.changes_per_second),
      plan_(options.seed, GuestsOf(hosts_)) {}

Churn::~Churn() { Stop(); }

void Churn::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Churn::SetRate(double changes_per_second) {
  MutexLock lock(mu_);
  rate_ = changes_per_second;
  changed_.NotifyAll();
}

void Churn::Loop() {
  pthread_setname_np(pthread_self(), "lab-churn");
  absl::Duration last = clock_.Uptime();
  while (true) {
    {
      MutexLock lock(mu_);
      while (!stopping_) {
        const absl::Duration due = rate_ > 0 ? last + absl::Seconds(1 / rate_)
                                             : absl::InfiniteDuration();
        const absl::Duration now = clock_.Uptime();
        if (due <= now) {
          last = std::max(due, now - kMaxLag);
          break;
        }
        // A rate that is set after a pause does not make up for it.
        if (rate_ <= 0) last = now;
        clock_.WaitUntil(due, mu_, changed_);
      }
      if (stopping_) return;
    }
    MakeOne();
  }
}

void Churn::MakeOne() {
  for (int attempt = 0; attempt < kMaxSkipped; ++attempt) {
    PlannedChange change;
    {
      MutexLock lock(mu_);
      change = plan_.Next();
    }
    const absl::Duration begun = clock_.Uptime();
    const absl::Status made = Make(change);
    MutexLock lock(mu_);
    if (made.ok()) return Note(change, begun);
    if (!absl::IsUnavailable(made)) {
      ++counts_.failed;
      status_.Update(made);
      return;
    }
    ++counts_.skipped;
  }
}

absl::Status Churn::Make(const PlannedChange& change) {
  Host& host = *hosts_[change.host];
  switch (change.kind) {
    case ChangeKind::kDefine:
      return host.Define({.name = change.guest, .uuid = change.uuid});
    case ChangeKind::kStart:
      return host.StartGuest(change.guest);
    case ChangeKind::kSuspend:
      return host.Suspend(change.guest);
    case ChangeKind::kResume:
      return host.ResumeGuest(change.guest);
    case ChangeKind::kDestroy:
      return host.Destroy(change.guest);
    case ChangeKind::kUndefine:
      return host.Undefine(change.guest);
    case ChangeKind::kMigrate:
      return host.MigrateTo(*hosts_[change.destination], change.guest);
  }
  return absl::InternalError("churn: no such change");
}

void Churn::Note(const PlannedChange& planned, absl::Duration begun) {
  plan_.Apply(planned);
  ++counts_.made;
  const bool moved = planned.kind == ChangeKind::kMigrate;
  changes_.push_back(
      {.kind = planned.kind,
       .node = hosts_[moved ? planned.destination : planned.host]->node(),
       .from = moved ? hosts_[planned.host]->node() : "",
       .guest = planned.guest,
       .uuid = planned.uuid,
       .after = StateAfter(planned.kind),
       .begun = begun,
       .confirmed = clock_.Uptime(),
       .confirmed_at = clock_.Now()});
  if (changes_.size() > max_changes_) {
    changes_.pop_front();
    ++counts_.forgotten;
  }
}

std::vector<Change> Churn::Take() {
  MutexLock lock(mu_);
  std::vector<Change> taken(std::make_move_iterator(changes_.begin()),
                            std::make_move_iterator(changes_.end()));
  changes_.clear();
  return taken;
}

std::vector<GuestTruth> Churn::Truth() const {
  MutexLock lock(mu_);
  std::vector<GuestTruth> truth;
  for (const ChurnPlan::Guest& guest : plan_.guests()) {
    truth.push_back(
        {hosts_[guest.host]->node(), guest.name, guest.uuid, guest.state});
  }
  return truth;
}

Churn::Counts Churn::counts() const {
  MutexLock lock(mu_);
  return counts_;
}

absl::Status Churn::status() const {
  MutexLock lock(mu_);
  return status_;
}

}  // namespace rehai::lab
