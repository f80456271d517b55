// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/discovery.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace rehai {

Discovery::Discovery(DiscoveryOptions options, AskChef ask_chef,
                     Listener listener, const Clock& clock)
    : options_(std::move(options)),
      ask_chef_(std::move(ask_chef)),
      listener_(std::move(listener)),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      config_({.name = "config", .hosts = options_.static_hosts}),
      files_(options_.files, options_.host_uri),
      turns_(options_.turns, options_.chef_searches) {}

Discovery::~Discovery() { Stop(); }

void Discovery::Start() {
  config_.good_at = clock_.Now();
  if (!options_.files.empty()) {
    watch_ = std::make_unique<FolderWatch>([inbox = inbox_] {
      MutexLock lock(inbox->mu);
      inbox->files_changed = true;
      inbox->filled.NotifyAll();
    });
    LookAtFiles();
  }
  Settle();
  thread_ = std::thread([this] { Run(); });
}

void Discovery::Stop() {
  {
    MutexLock lock(inbox_->mu);
    inbox_->stopping = true;
    inbox_->filled.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  watch_.reset();
}

void Discovery::Run() {
  pthread_setname_np(pthread_self(), "discovery");
  AskSearches();
  while (std::optional<Work> work = AwaitWork()) {
    const absl::Duration uptime = clock_.Uptime();
    if (uptime >= next_look_ || (work->files_changed && !in_doubt_)) {
      LookAtFiles();
    }
    for (const Reply& reply : work->replies) {
      turns_.Finish(reply.search, reply.number, reply.answer, uptime,
                    clock_.Now(), random_);
    }
    AskSearches();
    Settle();
  }
}

std::optional<Discovery::Work> Discovery::AwaitWork() {
  const absl::Duration due = std::min(next_look_, turns_.NextDue());
  Inbox& inbox = *inbox_;
  MutexLock lock(inbox.mu);
  while (!inbox.stopping && !inbox.files_changed && !inbox.confirmed &&
         inbox.replies.empty() && clock_.Uptime() < due) {
    clock_.WaitUntil(due, inbox.mu, inbox.filled);
  }
  if (inbox.stopping) return std::nullopt;
  inbox.confirmed = false;
  return Work{.files_changed = std::exchange(inbox.files_changed, false),
              .replies = std::exchange(inbox.replies, {})};
}

void Discovery::LookAtFiles() {
  watch_->Watch(files_.folders());
  in_doubt_ = !files_.Look(clock_.Now());
  next_look_ = clock_.Uptime() +
               (in_doubt_ ? options_.second_look : options_.file_interval);
}

void Discovery::AskSearches() {
  for (SearchTurns::Turn& turn : turns_.Take(clock_.Uptime(), random_)) {
    ask_chef_(std::move(turn.question),
              [inbox = inbox_, search = turn.search, number = turn.number](
                  absl::StatusOr<chef::NodeQuery::Answer> answer) {
                MutexLock lock(inbox->mu);
                inbox->replies.push_back({search, number, std::move(answer)});
                inbox->filled.NotifyAll();
              });
  }
}

std::vector<Provider> Discovery::GatherProviders() const {
  std::vector<Provider> all = {config_};
  for (Provider& provider : files_.providers()) {
    all.push_back(std::move(provider));
  }
  all.insert(all.end(), turns_.providers().begin(), turns_.providers().end());
  return all;
}

void Discovery::Settle() {
  std::vector<Provider> providers = GatherProviders();
  DiscoveryState before;
  DiscoveryState after;
  {
    MutexLock lock(mu_);
    before = std::move(state_);
    state_ = NextState(before, std::move(providers), turns_.AllAnswered(),
                       options_.brake, clock_.Now());
    after = state_;
  }
  LogTransition(before, after);
  if (told_ == after.fleet) return;
  told_ = after.fleet;
  listener_(std::move(after.fleet));
}

v1::DiscoveryStatus Discovery::Status() const {
  MutexLock lock(mu_);
  return ToProto(state_);
}

absl::StatusOr<std::vector<std::string>> Discovery::Confirm(int expected_held) {
  absl::StatusOr<std::vector<std::string>> departed;
  {
    MutexLock lock(mu_);
    departed = ConfirmHeld(expected_held, state_);
  }
  if (!departed.ok()) return departed;
  log::Info("held hosts are confirmed to be gone",
            {{"hosts", departed->size()}});
  MutexLock lock(inbox_->mu);
  inbox_->confirmed = true;
  inbox_->filled.NotifyAll();
  return departed;
}

}  // namespace rehai
