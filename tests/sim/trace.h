// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_TRACE_H_
#define TESTS_SIM_TRACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tests/sim/scheduler.h"

namespace rehai::sim {

// What happened in a run, line by line, and the first promise that it broke.
// Lines are kept only if wanted; their digest always is, so that two runs can
// be told to be the same. Not thread-safe.
class Trace {
 public:
  struct Broken {
    int promise = 0;  // 1 to 8, as the simulation's page lists them
    std::string what;
    absl::Duration at;
  };

  Trace(const Scheduler& scheduler, bool keeps_lines)
      : scheduler_(scheduler), keeps_lines_(keeps_lines) {}

  template <typename... Args>
  void Add(const Args&... args) {
    Append(absl::StrCat(args...));
  }

  // Notes that a promise is broken if `holds` is false.
  template <typename... Args>
  void Expect(bool holds, int promise, const Args&... what) {
    ++checks_;
    if (holds) return;
    std::string message = absl::StrCat(what...);
    Append(absl::StrCat("BROKEN promise ", promise, ": ", message));
    if (broken_.has_value()) return;
    broken_ = Broken{promise, std::move(message), Elapsed()};
  }

  const std::optional<Broken>& broken() const { return broken_; }
  uint64_t digest() const { return digest_; }
  int64_t checks() const { return checks_; }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  absl::Duration Elapsed() const { return scheduler_.now() - begin_; }

  void Append(std::string line) {
    line = absl::StrFormat("%12.6f %s", absl::ToDoubleSeconds(Elapsed()), line);
    for (const char c : line) {
      digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    if (keeps_lines_) lines_.push_back(std::move(line));
  }

  const Scheduler& scheduler_;
  const bool keeps_lines_;
  const absl::Duration begin_ = scheduler_.now();
  uint64_t digest_ = 0xcbf29ce484222325;
  int64_t checks_ = 0;
  std::optional<Broken> broken_;
  std::vector<std::string> lines_;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_TRACE_H_
