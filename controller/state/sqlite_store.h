// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_SQLITE_STORE_H_
#define CONTROLLER_STATE_SQLITE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/state/state_file.h"
#include "controller/state/state_folder.h"
#include "controller/state/store.h"
#include "controller/state/waiting_state.h"

namespace rehai {

// SqliteStore keeps everything in one SQLite file in a folder of its own.
//
// - What is put is committed in groups, by one thread: soon after the first of
//   a group was put, or at once when many wait. A group is one transaction.
// - Only one process may use the folder.
// - A damaged file is moved aside, never deleted, and a new one begun; one that
//   a newer program wrote is refused.
// - While the disk is full, may not be written or fails, what was put waits,
//   the newest of each, and is tried again after a wait that grows. health()
//   says why.
//
// Thread-safe. Owns one thread, between Start() and Stop(), the only one that
// touches the file.
class SqliteStore final : public Store {
 public:
  struct Options {
    std::string folder;
    absl::Duration commit_interval = absl::Milliseconds(200);
    size_t commit_size = 1'000;  // entries that are not kept waiting longer
    Retention retention;
    absl::Duration prune_interval = absl::Minutes(1);
    BackoffOptions retry = {.min = absl::Seconds(1), .max = absl::Minutes(1)};
    // Of looking for damage at the start; then the rest is taken as good.
    absl::Duration check_at_most = absl::Seconds(5);
  };

  // Reads what the last run left. kFailedPrecondition: another process uses the
  // folder, others may enter it, or a newer program wrote the file. Whatever
  // else is wrong is health()'s to tell. `clock` must outlive this.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Create(
      Options options, const Clock& clock);
  ~SqliteStore() override;

  // Once.
  void Start();
  // Commits what waits, once.
  void Stop();

  // One step of the thread: commits if that is due, and returns the Uptime() of
  // the next step. Only for who does not Start().
  absl::Duration Tick();

  Contents TakeContents() override;
  void Put(v1::StoredHost host) override;
  void Put(v1::StoredNode node) override;
  void Remove(const HostId& host) override;
  void Put(v1::Operation operation) override;
  void Put(v1::StoredHost host, std::vector<v1::HistoryEvent> events) override;
  void Remove(const HostId& host,
              std::vector<v1::HistoryEvent> events) override;
  void Append(v1::Shown shown) override;
  void Append(v1::AuditEntry entry) override;
  absl::Status Flush(absl::Duration timeout) override;
  Health health() const override;

 private:
  SqliteStore(Options options, const Clock& clock);

  // Opens what is not open. Of what was in the file before, fills contents_ if
  // `contents` are wanted.
  absl::Status Open(bool wants_contents);
  // It will not be used; returns why.
  absl::Status Refuse(absl::Status why);
  // A damaged file makes place for a new one.
  absl::Status MoveAside(const absl::Status& why);

  template <typename Change>
  void Note(Change&& change);
  absl::Duration NextDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run();
  // Opens what could not be opened, and commits what waits.
  void Step();
  // `group` was committed, as the last of so many puts, or not.
  void Learn(absl::Status status, WaitingState group, int64_t puts);

  // Set at construction.
  const Options options_;
  const Clock& clock_;

  // Used by Create(), then by the thread only.
  std::optional<StateFolder> folder_;
  std::optional<StateFile> file_;
  Contents contents_;
  // The file may hold hosts that were never read from it.
  bool begins_anew_ = false;
  absl::Duration prune_at_;

  mutable Mutex mu_;
  CondVar cv_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool flushing_ ABSL_GUARDED_BY(mu_) = false;
  WaitingState waiting_ ABSL_GUARDED_BY(mu_);
  absl::Duration oldest_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  // In the group that is being committed, if any, and since when its oldest
  // waits.
  size_t committing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration committing_since_ ABSL_GUARDED_BY(mu_) =
      absl::InfiniteDuration();
  // Calls that put something, and those of them that are kept.
  int64_t puts_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t puts_kept_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t steps_ ABSL_GUARDED_BY(mu_) = 0;  // that have ended
  // Ok, or why the last step failed.
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  int failures_ ABSL_GUARDED_BY(mu_) = 0;  // in a row
  absl::Duration retry_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  int64_t commits_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t dropped_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::string moved_aside_ ABSL_GUARDED_BY(mu_);
  absl::BitGen random_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_SQLITE_STORE_H_
