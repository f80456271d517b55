// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/ohai_reading.h"

#include <errno.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "base/status_macros.h"

namespace rehai::agent {
namespace {

constexpr std::array<int, 3> kEndingSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler finds nothing but globals.
std::atomic<OhaiRunner*> to_be_stopped{nullptr};

// Stop() is one write to a descriptor, which a handler may do.
void OnSignal(int /*signal*/) {
  const int saved = errno;
  if (OhaiRunner* const runner = to_be_stopped.load()) runner->Stop();
  errno = saved;
}

// While this lives, the signals that end a program stop `runner`.
class StopOnSignals {
 public:
  explicit StopOnSignals(OhaiRunner& runner) {
    to_be_stopped = &runner;
    struct sigaction action = {};
    action.sa_handler = &OnSignal;
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < kEndingSignals.size(); ++i) {
      sigaction(kEndingSignals[i], nullptr, &before_[i]);
      // As nohup wants it.
      if (before_[i].sa_handler == SIG_IGN) continue;
      sigaction(kEndingSignals[i], &action, nullptr);
    }
  }
  ~StopOnSignals() {
    for (size_t i = 0; i < kEndingSignals.size(); ++i) {
      sigaction(kEndingSignals[i], &before_[i], nullptr);
    }
    to_be_stopped = nullptr;
  }

  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

 private:
  std::array<struct sigaction, kEndingSignals.size()> before_ = {};
};

}  // namespace

absl::StatusOr<chef::OhaiOutput> ReadOhai(const OhaiRunner::Request& request,
                                          bool with_ohai_time,
                                          const Clock& clock) {
  OhaiRunner runner(clock);
  const StopOnSignals stop(runner);
  ASSIGN_OR_RETURN(const OhaiRunner::Output output, runner.Run(request));
  return chef::ParseOhaiOutput(output.json, output.whole, with_ohai_time);
}

}  // namespace rehai::agent
