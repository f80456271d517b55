// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_OHAI_RUNNER_H_
#define AGENT_OHAI_RUNNER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/child_process.h"
#include "base/clock.h"

namespace rehai::agent {

// Runs this host's Ohai, in the background and within bounds, and ends all that
// it has started. One run at a time.
//
// Run() blocks and is for one thread; Stop() is for any.
class OhaiRunner {
 public:
  struct Request {
    // The program. Empty: ohai in $PATH, or where Chef's packages have it.
    std::string path = {};
    // More folders with plugins, each absolute.
    std::vector<std::string> plugin_folders = {};
    // Only what provides these top-level attributes. Empty: every plugin.
    //
    // Each must be an object, as virtualization, network and packages are:
    // asked for a text, Ohai's program prints a list of its lines, which
    // nothing tells from a list.
    std::vector<std::string> attributes = {};
    absl::Duration timeout = absl::Minutes(2);
    size_t max_output_bytes = 8 << 20;
    // Between the signal that asks it to end and the one that does not ask.
    absl::Duration patience = absl::Seconds(2);
  };

  struct Output {
    // One object, which ParseOhaiOutput() reads; values are spelled as Ohai
    // printed them.
    std::string json;
    // Every plugin was asked.
    bool whole = false;
    absl::Duration took;
  };

  // `clock` must outlive this.
  explicit OhaiRunner(const Clock& clock) : child_(clock) {}

  // The last that Ohai said on its standard error is in the message.
  //   kInvalidArgument    the request
  //   kNotFound           there is no such program
  //   kPermissionDenied   it may not be run
  //   kFailedPrecondition it ended with an error
  //   kDataLoss           it printed something else than it should
  // and as of ChildProcess::Run() if it had to be ended.
  absl::StatusOr<Output> Run(const Request& request);

  // Ends what is running, and lets nothing run any more. Returns at once.
  void Stop() { child_.Stop(); }

 private:
  ChildProcess child_;
};

}  // namespace rehai::agent

#endif  // AGENT_OHAI_RUNNER_H_
