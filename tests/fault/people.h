// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULT_PEOPLE_H_
#define TESTS_FAULT_PEOPLE_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/lab/knife.h"

namespace rehai::fault {

// People who edit nodes now and then, as `knife node edit` does: read, change
// the run list and an attribute, save. Which and when is drawn from a seed.
// Thread-safe; the destructor stops.
class People {
 public:
  struct Edit {
    std::string node;
    std::string saved;  // the very bytes
    absl::Time begin;   // of the PUT
    absl::Time end;
  };
  struct Options {
    std::vector<std::string> nodes = {};
    lab::Knife::Options account = {};
    uint64_t seed = 1;
    // Between two edits, half of it to one and a half.
    absl::Duration interval = absl::Seconds(2);
  };

  static absl::StatusOr<std::unique_ptr<People>> Start(Options options);
  ~People();

  People(const People&) = delete;
  People& operator=(const People&) = delete;

  // Waits for the edit under way; no more are made but by EditNow().
  void Stop();
  // After Stop().
  absl::Status EditNow(const std::string& node);

  std::vector<Edit> edits() const;
  // The first edit that failed. OK if there was none.
  absl::Status status() const;

 private:
  People(Options options, std::unique_ptr<lab::Knife> knife);

  void Work();
  absl::Status EditOne(const std::string& node);

  // Set at construction.
  const Options options_;

  // The thread's; after Stop() the caller's.
  const std::unique_ptr<lab::Knife> knife_;
  std::mt19937_64 random_;
  int number_ = 0;

  mutable Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Edit> edits_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai::fault

#endif  // TESTS_FAULT_PEOPLE_H_
