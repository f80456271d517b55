// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/many_runs.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/simulation.h"

namespace rehai::sim {
namespace {

// What a process tells of a run. Shorter than what a pipe takes in one piece.
struct Word {
  uint64_t seed = 0;
  int64_t checks = 0;
  int64_t puts = 0;
  int64_t rolled_back = 0;
  int64_t crashes = 0;
  int64_t moves = 0;
  int64_t reports = 0;
  bool is_broken = false;
};

Word RunOne(uint64_t seed, Focus focus) {
  const Outcome outcome = Simulate(seed, /*keeps_lines=*/false, focus);
  return {.seed = seed,
          .checks = outcome.checks,
          .puts = outcome.puts,
          .rolled_back = outcome.rolled_back,
          .crashes = outcome.crashes,
          .moves = outcome.moves,
          .reports = outcome.reports,
          .is_broken = outcome.broken.has_value()};
}

// `at` shows, also after its death, which seed a process is at.
[[noreturn]] void RunEvery(uint64_t start, int64_t seeds, Focus focus,
                           int first, int step, int to, volatile uint64_t& at) {
  for (int64_t i = first; i < seeds; i += step) {
    at = start + i;
    const Word word = RunOne(at, focus);
    if (write(to, &word, sizeof(word)) != sizeof(word)) break;
  }
  _exit(0);
}

void Add(const Word& word, Tally& tally) {
  ++tally.seeds;
  tally.checks += word.checks;
  tally.puts += word.puts;
  tally.rolled_back += word.rolled_back;
  tally.crashes += word.crashes;
  tally.moves += word.moves;
  tally.reports += word.reports;
  if (word.is_broken) tally.broken.push_back(word.seed);
}

}  // namespace

Tally RunSeeds(uint64_t start, int64_t seeds, Focus focus, int processes,
               int64_t most_broken,
               absl::FunctionRef<void(const Tally&)> progress) {
  Tally tally;
  int ends[2];
  void* const shared =
      mmap(nullptr, processes * sizeof(uint64_t), PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED || pipe(ends) != 0) {
    std::perror("no memory or no pipe");
    std::exit(2);
  }
  auto* const at = static_cast<uint64_t*>(shared);
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = fork();
    if (child < 0) {
      std::perror("no process");
      std::exit(2);
    }
    if (child == 0) {
      close(ends[0]);
      RunEvery(start, seeds, focus, i, processes, ends[1], at[i]);
    }
    children.push_back(child);
  }
  close(ends[1]);
  const auto is_enough = [&] {
    return static_cast<int64_t>(tally.broken.size()) >= most_broken;
  };
  Word word;
  while (!is_enough() && read(ends[0], &word, sizeof(word)) == sizeof(word)) {
    Add(word, tally);
    if (tally.seeds % 1000 == 0) progress(tally);
  }
  for (size_t i = 0; i < children.size(); ++i) {
    if (is_enough()) kill(children[i], SIGKILL);
    int status = 0;
    waitpid(children[i], &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL) continue;
    tally.died.push_back(at[i]);
  }
  close(ends[0]);
  munmap(shared, processes * sizeof(uint64_t));
  return tally;
}

}  // namespace rehai::sim
