// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/parallel.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace rehai::lab {
namespace {

// Who does what next, and whether anything went wrong.
class Work {
 public:
  explicit Work(int count) : count_(count) {}

  // The next index, or -1 if there is nothing more to do.
  int Take() {
    MutexLock lock(mu_);
    return next_ < count_ && error_.ok() ? next_++ : -1;
  }
  void Note(const absl::Status& status) {
    MutexLock lock(mu_);
    error_.Update(status);
  }
  absl::Status error() {
    MutexLock lock(mu_);
    return error_;
  }

 private:
  const int count_;

  Mutex mu_;
  int next_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::Status ForEachInParallel(int count, int threads,
                               absl::FunctionRef<absl::Status(int)> work) {
  Work queue(count);
  std::vector<std::thread> workers;
  for (int i = 0; i < std::min(count, threads); ++i) {
    workers.emplace_back([&] {
      for (int next; (next = queue.Take()) >= 0;) queue.Note(work(next));
    });
  }
  for (std::thread& worker : workers) worker.join();
  return queue.error();
}

}  // namespace rehai::lab
