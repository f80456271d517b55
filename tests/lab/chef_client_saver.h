// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_CHEF_CLIENT_SAVER_H_
#define TESTS_LAB_CHEF_CLIENT_SAVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "tests/lab/chef_client_run.h"

namespace rehai::lab {

// The chef-clients of a fleet: every host runs again and again, as the daemon
// does, on a few threads that no converging run holds. What each run does is
// drawn from the seed, host by host, so it does not depend on the threads.
// Thread-safe; the destructor stops.
class ChefClientSaver {
 public:
  struct Options {
    std::vector<ChefClientRun::Host> hosts = {};
    uint64_t seed = 1;
    int threads = 4;
    // A run begins this long after the one before it has ended, and up to
    // `splay` later. The first begins within both together.
    absl::Duration interval = absl::Minutes(30);
    absl::Duration splay = absl::Minutes(5);
    // From the node's GET to the save.
    absl::Duration converge_min = absl::Seconds(2);
    absl::Duration converge_max = absl::Seconds(60);
    // Of all runs: those that fail, those with an override run list, and those
    // in which a cookbook makes a new secret.
    double failed_share = 0.05;
    double override_share = 0.05;
    double secret_share = 0.1;
    // 0: until Stop().
    int runs_per_host = 0;
  };

  explicit ChefClientSaver(Options options);
  ~ChefClientSaver();

  ChefClientSaver(const ChefClientSaver&) = delete;
  ChefClientSaver& operator=(const ChefClientSaver&) = delete;

  // Begins no more runs, and waits for the end of those under way.
  void Stop();
  // Waits until every host has had its runs, if there is an end to them. False
  // if that took longer than `timeout`.
  bool AwaitEnd(absl::Duration timeout);

  // The runs that have ended, in the order in which they did.
  std::vector<ChefClientRun::Log> Runs() const;

 private:
  enum class Step { kBegin, kSave, kReport };
  struct Client {
    const ChefClientRun::Host* host = nullptr;
    std::mt19937_64 random;
    int runs = 0;
    Step next = Step::kBegin;
    std::unique_ptr<ChefClientRun> run;
  };

  void Work();
  // The client whose step is due, once it is. Null when all have ended.
  std::unique_ptr<Client> Next();
  // Takes the client's next step, and says how long to wait for the one after
  // it.
  absl::Duration Take(Client& client);
  ChefClientRun::Plan Draw(Client& client) const;
  bool HasEnded(const Client& client) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction.
  const Options options_;

  mutable Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // Those between two steps, by when the next is due.
  std::multimap<absl::Duration, std::unique_ptr<Client>> due_
      ABSL_GUARDED_BY(mu_);
  int live_clients_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<ChefClientRun::Log> ended_ ABSL_GUARDED_BY(mu_);

  std::vector<std::thread> threads_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_CHEF_CLIENT_SAVER_H_
