// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_SQLITE_PAST_H_
#define CONTROLLER_STATE_SQLITE_PAST_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/state/past.h"
#include "controller/state/sqlite.h"

namespace rehai {

// SqlitePast reads the file that SqliteStore writes, by a connection of its own
// that cannot write. Neither waits for the other.
//
// - Questions are answered one after the other, each from one moment of the
//   file.
// - So many wait at most; more are refused at once. None waits or reads for
//   longer than `patience` altogether, so no handler's call hangs on this.
//
// Thread-safe. Owns one thread, between Start() and Stop(), which answers.
class SqlitePast final : public Past {
 public:
  struct Options {
    std::string folder;  // the store's
    size_t most_waiting = 64;
    absl::Duration patience = absl::Seconds(2);
    // An answer ends after the entry that makes it larger than this: half of
    // what gRPC clients accept by default.
    size_t page_bytes = 2 << 20;
  };

  // `clock` must outlive this. The file is opened when it is asked for.
  SqlitePast(Options options, const Clock& clock);
  ~SqlitePast() override;

  // Once.
  void Start();
  // What waits is answered kUnavailable, and so is what is asked later.
  void Stop();

  // Answers the question that waits longest; false if none does. Only for who
  // does not Start().
  bool AnswerOne();

  void ListAudit(AuditQuery query, Done<AuditPage> done) override;
  void ListEvents(EventQuery query, Done<EventPage> done) override;
  void ListAsOf(AsOfQuery query, Done<EventPage> done) override;
  void ListAtTwoTimes(TwoTimesQuery query, Done<TwoTimesPage> done) override;

 private:
  // Told the database to read, or why there is none.
  using Question = absl::AnyInvocable<void(absl::StatusOr<sqlite::Database*>)>;
  struct Waiting {
    absl::Duration since;  // Uptime()
    Question question;
  };

  // `read` makes the answer of the database.
  template <typename Answer, typename Read>
  void Ask(Read read, Done<Answer> done);
  void Run();
  absl::StatusOr<sqlite::Database*> Open();

  // Set at construction.
  const Options options_;
  const Clock& clock_;

  // Used by the thread only. The file may be moved aside, and another begun.
  std::optional<sqlite::Database> database_;
  ino_t opened_ = 0;

  Mutex mu_;
  CondVar cv_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_SQLITE_PAST_H_
