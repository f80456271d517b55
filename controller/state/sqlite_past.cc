// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/sqlite_past.h"

#include <pthread.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/state/past_reads.h"
#include "controller/state/state_folder.h"

namespace rehai {
namespace {

// The store's writes are in nobody's way; this is for who copies or mends.
constexpr absl::Duration kBusyTimeout = absl::Milliseconds(500);

absl::Status TooMany(size_t most) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "history: ", most, " questions wait already; ask again after a second"));
}

absl::Status TooLate(absl::Duration patience) {
  return absl::DeadlineExceededError(absl::StrCat(
      "history: no answer within ", absl::FormatDuration(patience),
      "; ask for a shorter time, one host or one guest, or again later"));
}

absl::Status Stopped() {
  return absl::UnavailableError(
      "history: the controller stops; ask again when it is back");
}

// One moment for all that `read` reads.
template <typename Answer, typename Read>
absl::StatusOr<Answer> AtOneMoment(sqlite::Database& database,
                                   const Read& read) {
  RETURN_IF_ERROR(database.Execute("BEGIN"));
  absl::StatusOr<Answer> answer = read(database);
  (void)database.Execute("ROLLBACK");  // nothing was written
  return answer;
}

}  // namespace

SqlitePast::SqlitePast(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

SqlitePast::~SqlitePast() { Stop(); }

void SqlitePast::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "past");
    Run();
  });
}

void SqlitePast::Stop() {
  std::deque<Waiting> unanswered;
  {
    MutexLock lock(mu_);
    stopping_ = true;
    unanswered.swap(waiting_);
    cv_.NotifyAll();
  }
  for (Waiting& waiting : unanswered) waiting.question(Stopped());
  if (thread_.joinable()) thread_.join();
}

void SqlitePast::Run() {
  while (true) {
    while (AnswerOne()) {
    }
    MutexLock lock(mu_);
    while (!stopping_ && waiting_.empty()) cv_.Wait(mu_);
    if (stopping_) return;
  }
}

bool SqlitePast::AnswerOne() {
  Waiting next;
  {
    MutexLock lock(mu_);
    if (waiting_.empty()) return false;
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  const absl::Duration left =
      options_.patience - (clock_.Uptime() - next.since);
  if (left <= absl::ZeroDuration()) {
    next.question(TooLate(options_.patience));
    return true;
  }
  absl::StatusOr<sqlite::Database*> database = Open();
  if (!database.ok()) {
    next.question(database.status());
    return true;
  }
  const sqlite::TimeLimit limit(**database, left, clock_);
  next.question(database);
  return true;
}

absl::StatusOr<sqlite::Database*> SqlitePast::Open() {
  const std::string file = StateFolder::FileIn(options_.folder);
  struct stat found;
  if (stat(file.c_str(), &found) != 0) {
    database_.reset();
    return absl::UnavailableError(absl::StrCat(
        file, ": is not there; see the controller's health for why"));
  }
  if (database_.has_value() && found.st_ino == opened_) return &*database_;
  database_.reset();
  ASSIGN_OR_RETURN(sqlite::Database database,
                   sqlite::Database::Open(
                       file, sqlite::Database::Mode::kReadOnly, kBusyTimeout));
  database_.emplace(std::move(database));
  opened_ = found.st_ino;
  return &*database_;
}

template <typename Answer, typename Read>
void SqlitePast::Ask(Read read, Done<Answer> done) {
  // Shared, because who is refused is still to be told.
  auto told = std::make_shared<Done<Answer>>(std::move(done));
  absl::Status refused;
  {
    MutexLock lock(mu_);
    if (stopping_) {
      refused = Stopped();
    } else if (waiting_.size() >= options_.most_waiting) {
      refused = TooMany(options_.most_waiting);
    } else {
      waiting_.push_back(
          {.since = clock_.Uptime(),
           .question = [this, read = std::move(read),
                        told](absl::StatusOr<sqlite::Database*> database) {
             if (!database.ok()) {
               (*told)(database.status());
               return;
             }
             absl::StatusOr<Answer> answer =
                 AtOneMoment<Answer>(**database, read);
             if (absl::IsCancelled(answer.status())) {
               answer = TooLate(options_.patience);
             }
             (*told)(std::move(answer));
           }});
      cv_.NotifyAll();
    }
  }
  if (!refused.ok()) (*told)(refused);
}

void SqlitePast::ListAudit(AuditQuery query, Done<AuditPage> done) {
  Ask<AuditPage>(
      [query = std::move(query),
       bytes = options_.page_bytes](sqlite::Database& database) {
        return ReadAudit(database, query, bytes);
      },
      std::move(done));
}

void SqlitePast::ListEvents(EventQuery query, Done<EventPage> done) {
  Ask<EventPage>(
      [query = std::move(query),
       bytes = options_.page_bytes](sqlite::Database& database) {
        return ReadEvents(database, query, bytes);
      },
      std::move(done));
}

void SqlitePast::ListAsOf(AsOfQuery query, Done<EventPage> done) {
  Ask<EventPage>(
      [query = std::move(query),
       bytes = options_.page_bytes](sqlite::Database& database) {
        return ReadAsOf(database, query, bytes);
      },
      std::move(done));
}

void SqlitePast::ListAtTwoTimes(TwoTimesQuery query, Done<TwoTimesPage> done) {
  Ask<TwoTimesPage>(
      [query = std::move(query),
       bytes = options_.page_bytes](sqlite::Database& database) {
        return ReadAtTwoTimes(database, query, bytes);
      },
      std::move(done));
}

}  // namespace rehai
