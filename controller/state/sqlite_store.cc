// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite_store.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

// What an operator is to do.
absl::Status Advised(const absl::Status& why) {
  const char* advice = "what waits is tried again";
  switch (why.code()) {
    case absl::StatusCode::kOk:
      return why;
    case absl::StatusCode::kResourceExhausted:
      advice = "make room; what waits is kept as soon as there is some";
      break;
    case absl::StatusCode::kPermissionDenied:
      advice =
          "let the service's account write there; what waits is tried again";
      break;
    case absl::StatusCode::kDataLoss:
      advice =
          "nothing is kept any more: look at the disk, and restart the "
          "controller, which moves the file aside and begins a new one";
      break;
    default:
      break;
  }
  return absl::Status(why.code(), absl::StrCat(why.message(), "; ", advice));
}

}  // namespace

SqliteStore::SqliteStore(Options options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      prune_at_(clock.Uptime() + options_.prune_interval) {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Create(
    Options options, const Clock& clock) {
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(std::move(options), clock));
  absl::Status opened = store->Open(/*wants_contents=*/true);
  if (absl::IsFailedPrecondition(opened)) return store->Refuse(opened);
  if (!opened.ok()) {
    absl::StatusOr<Contents> peeked = absl::UnknownError("not locked");
    if (store->folder_.has_value()) {
      peeked = StateFile::Peek(store->folder_->file());
    }
    if (absl::IsFailedPrecondition(peeked.status())) {
      return store->Refuse(peeked.status());
    }
    store->begins_anew_ = !peeked.ok();
    if (peeked.ok()) store->contents_ = *std::move(peeked);
  }
  store->Learn(std::move(opened), {}, /*puts=*/0);
  return store;
}

SqliteStore::~SqliteStore() { Stop(); }

absl::Status SqliteStore::Refuse(absl::Status why) {
  MutexLock lock(mu_);
  stopping_ = true;  // it never begins
  return why;
}

absl::Status SqliteStore::Open(bool wants_contents) {
  if (!folder_.has_value()) {
    ASSIGN_OR_RETURN(StateFolder folder, StateFolder::Lock(options_.folder));
    folder_.emplace(std::move(folder));
  }
  const auto open = [this, wants_contents]() -> absl::Status {
    ASSIGN_OR_RETURN(
        StateFile file,
        StateFile::Open(folder_->file(), options_.check_at_most, clock_));
    if (wants_contents) {
      ASSIGN_OR_RETURN(contents_, file.Load());
    }
    file_.emplace(std::move(file));
    return absl::OkStatus();
  };
  absl::Status status = open();
  if (!absl::IsDataLoss(status)) return status;
  RETURN_IF_ERROR(MoveAside(status));
  return open();
}

absl::Status SqliteStore::MoveAside(const absl::Status& why) {
  ASSIGN_OR_RETURN(std::string aside,
                   folder_->MoveAside("corrupt", clock_.Now()));
  log::Error("state file damaged and moved aside; starting without",
             {{"error", why.message()}, {"moved_to", aside}});
  MutexLock lock(mu_);
  moved_aside_ = std::move(aside);
  return absl::OkStatus();
}

void SqliteStore::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "store");
    Run();
  });
}

void SqliteStore::Stop() {
  {
    MutexLock lock(mu_);
    if (std::exchange(stopping_, true)) return;
    cv_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  Step();
}

void SqliteStore::Run() {
  while (true) {
    const absl::Duration next = Tick();
    MutexLock lock(mu_);
    while (!stopping_ && clock_.Uptime() < std::min(next, NextDue())) {
      clock_.WaitUntil(NextDue(), mu_, cv_);
    }
    if (stopping_) return;
  }
}

absl::Duration SqliteStore::Tick() {
  {
    MutexLock lock(mu_);
    const absl::Duration due = NextDue();
    if (due > clock_.Uptime()) return due;
  }
  Step();
  MutexLock lock(mu_);
  return NextDue();
}

absl::Duration SqliteStore::NextDue() const {
  if (flushing_) return absl::ZeroDuration();
  if (!status_.ok()) return retry_at_;
  if (waiting_.empty()) return absl::InfiniteDuration();
  if (waiting_.size() >= options_.commit_size) return absl::ZeroDuration();
  return oldest_at_ + options_.commit_interval;
}

void SqliteStore::Step() {
  WaitingState group;
  int64_t puts = 0;
  {
    MutexLock lock(mu_);
    flushing_ = false;
    group = std::exchange(waiting_, {});
    puts = puts_;
    committing_ = group.size();
    committing_since_ = std::exchange(oldest_at_, absl::InfiniteDuration());
  }
  absl::Status status =
      file_.has_value() ? absl::OkStatus() : Open(/*wants_contents=*/false);
  if (status.ok() && !group.empty()) {
    status = file_->Commit(group, clock_.Now(), begins_anew_);
    if (status.ok()) begins_anew_ = false;
  }
  // What was committed is kept, whatever becomes of this.
  if (status.ok() && prune_at_ <= clock_.Uptime()) {
    prune_at_ = clock_.Uptime() + options_.prune_interval;
    if (const absl::Status pruned =
            file_->Prune(options_.retention, clock_.Now());
        !pruned.ok()) {
      log::Warning("old history is not deleted", {{"error", pruned.message()}});
    }
  }
  // A full disk needs no new look at the file, other troubles may.
  if (!status.ok() && !absl::IsResourceExhausted(status)) file_.reset();
  Learn(std::move(status), std::move(group), puts);
}

void SqliteStore::Learn(absl::Status status, WaitingState group, int64_t puts) {
  const int64_t bytes =
      folder_.has_value() ? BytesOfStateFile(folder_->file()) : 0;
  absl::Status before;
  {
    MutexLock lock(mu_);
    const absl::Duration now = clock_.Uptime();
    ++steps_;
    bytes_ = bytes;
    before = std::exchange(status_, Advised(status));
    if (status.ok()) {
      failures_ = 0;
      puts_kept_ = puts;
      dropped_ += group.dropped();
      if (!group.empty()) ++commits_;
    } else {
      ++failures_;
      retry_at_ = absl::IsDataLoss(status)
                      ? absl::InfiniteDuration()
                      : now + BackoffDelay(options_.retry, failures_, random_);
      if (!group.empty()) {
        waiting_.PutBack(std::move(group));
        oldest_at_ = committing_since_;
      }
    }
    committing_ = 0;
    committing_since_ = absl::InfiniteDuration();
    cv_.NotifyAll();
  }
  if (before.ok() && !status.ok()) {
    log::Error("state is not kept", {{"error", Advised(status).message()}});
  } else if (!before.ok() && status.ok()) {
    log::Info("state is kept again");
  }
}

template <typename Change>
void SqliteStore::Note(Change&& change) {
  MutexLock lock(mu_);
  change(waiting_);
  ++puts_;
  if (oldest_at_ == absl::InfiniteDuration()) {
    oldest_at_ = clock_.Uptime();
    cv_.NotifyAll();
  } else if (waiting_.size() >= options_.commit_size) {
    cv_.NotifyAll();
  }
}

Store::Contents SqliteStore::TakeContents() {
  return std::exchange(contents_, {});
}

void SqliteStore::Put(v1::StoredHost host) {
  Note([&](WaitingState& waiting) { waiting.Put(std::move(host)); });
}

void SqliteStore::Put(v1::StoredNode node) {
  Note([&](WaitingState& waiting) { waiting.Put(std::move(node)); });
}

void SqliteStore::Remove(const HostId& host) {
  Note([&](WaitingState& waiting) { waiting.Remove(host); });
}

void SqliteStore::Put(v1::Operation operation) {
  Note([&](WaitingState& waiting) { waiting.Put(std::move(operation)); });
}

void SqliteStore::Put(v1::StoredHost host,
                      std::vector<v1::HistoryEvent> events) {
  Note([&](WaitingState& waiting) {
    waiting.Put(std::move(host));
    for (v1::HistoryEvent& event : events) waiting.Append(std::move(event));
  });
}

void SqliteStore::Remove(const HostId& host,
                         std::vector<v1::HistoryEvent> events) {
  Note([&](WaitingState& waiting) {
    waiting.Remove(host);
    for (v1::HistoryEvent& event : events) waiting.Append(std::move(event));
  });
}

void SqliteStore::Append(v1::Shown shown) {
  Note([&](WaitingState& waiting) { waiting.Append(std::move(shown)); });
}

void SqliteStore::Append(v1::AuditEntry entry) {
  Note([&](WaitingState& waiting) { waiting.Append(std::move(entry)); });
}

absl::Status SqliteStore::Flush(absl::Duration timeout) {
  if (!thread_.joinable()) {
    Step();
    MutexLock lock(mu_);
    return status_.ok() ? absl::OkStatus()
                        : absl::UnavailableError(status_.message());
  }
  const absl::Duration deadline = clock_.Uptime() + timeout;
  MutexLock lock(mu_);
  const int64_t puts = puts_;
  const int64_t steps = steps_;
  if (puts_kept_ >= puts) return absl::OkStatus();
  flushing_ = true;
  cv_.NotifyAll();
  while (puts_kept_ < puts) {
    if (steps_ > steps && !status_.ok()) {
      return absl::UnavailableError(status_.message());
    }
    if (clock_.Uptime() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat(options_.folder, ": not all was kept within ",
                       absl::FormatDuration(timeout), "; the disk is slow"));
    }
    clock_.WaitUntil(deadline, mu_, cv_);
  }
  return absl::OkStatus();
}

Store::Health SqliteStore::health() const {
  MutexLock lock(mu_);
  Health health;
  health.status = status_;
  health.waiting = static_cast<int64_t>(waiting_.size() + committing_);
  const absl::Duration oldest = std::min(oldest_at_, committing_since_);
  if (oldest < absl::InfiniteDuration()) {
    health.oldest = clock_.Uptime() - oldest;
  }
  health.commits = commits_;
  health.dropped = dropped_ + waiting_.dropped();
  health.bytes = bytes_;
  health.moved_aside = moved_aside_;
  return health;
}

}  // namespace rehai
