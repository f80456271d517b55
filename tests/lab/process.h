// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_PROCESS_H_
#define TESTS_LAB_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rehai::lab {

class Process;

// Between two looks at what is waited for, where a look costs next to nothing.
inline constexpr absl::Duration kPollInterval = absl::Milliseconds(3);

// What to start, and around it.
struct Command {
  // argv[0] is looked up in PATH.
  std::vector<std::string> argv;
  // Added to our own environment, or replacing what is there.
  std::vector<std::pair<std::string, std::string>> environment = {};
  // Empty: ours.
  std::string folder = {};
  // Standard output and error are appended to this file. Empty: thrown away.
  std::string log_file = {};
  // Run it as the first process of PID, mount and UTS namespaces of its own:
  // when it ends, the kernel ends every process in there, daemonised or not.
  // Needs root.
  bool new_namespaces = false;
  // Run it in the namespaces of that process, which was started so. Needs root.
  const Process* namespaces_of = nullptr;
};

// A running child process, stopped and reaped at the latest by the destructor.
//
// It leads a process group of its own, so a Ctrl-C at the terminal reaches only
// us, and the kernel kills it if we die first, however we die. (Its own
// children are not covered by that: see Cell for processes that daemonise.) Not
// thread-safe.
class Process {
 public:
  // kNotFound: there is no such program; kInternal: the system refused.
  static absl::StatusOr<std::unique_ptr<Process>> Start(Command command);

  // Stop().
  ~Process();

  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // SIGTERM, and SIGKILL for the whole group if it is still there after
  // `patience`. Nothing to do if it has ended.
  void Stop(absl::Duration patience = absl::Seconds(10));

  // Sends a signal to the process alone. Nothing if it has ended.
  void Signal(int signal);

  // Its exit status, or 128 + the signal that ended it. kDeadlineExceeded if it
  // still runs after `timeout`.
  absl::StatusOr<int> Wait(absl::Duration timeout);

  bool Running();

  // Waits until `condition` is OK. If the process ends instead, or `timeout`
  // passes, the error holds the condition's last answer and the tail of the
  // log: "goiardi: ended with status 1 before it was ready; its log says: ...".
  absl::Status WaitUntilReady(absl::Duration timeout,
                              absl::FunctionRef<absl::Status()> condition,
                              absl::Duration interval = kPollInterval);

  pid_t pid() const { return pid_; }
  const std::string& name() const { return name_; }

 private:
  Process(std::string name, std::string log_file, pid_t pid, int pidfd);

  const std::string name_;
  const std::string log_file_;
  const pid_t pid_;
  int pidfd_;  // -1 once the process is reaped
  int exit_status_ = 0;
};

struct RunResult {
  int exit_status = 0;  // or 128 + the signal that ended it
  std::string output;
  std::string error;
};

// Runs a program to its end; log_file is not used. kDeadlineExceeded (and the
// program is killed) if it takes longer than `timeout`.
absl::StatusOr<RunResult> RunProgram(
    Command command, const std::string& input = "",
    absl::Duration timeout = absl::Seconds(30));

// The standard output of a program that must succeed. kInternal with its
// standard error if it does not.
absl::StatusOr<std::string> OutputOf(
    Command command, const std::string& input = "",
    absl::Duration timeout = absl::Seconds(30));

// Asks for `condition` again and again, `interval` apart, until it is OK. Its
// last answer, as kDeadlineExceeded, once `timeout` has passed.
absl::Status WaitUntil(absl::Duration timeout,
                       absl::FunctionRef<absl::Status()> condition,
                       absl::Duration interval = kPollInterval);

}  // namespace rehai::lab

#endif  // TESTS_LAB_PROCESS_H_
