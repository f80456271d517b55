// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_CHILD_PROCESS_H_
#define BASE_CHILD_PROCESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace rehai {

// A program to be run to its end, and how much of it is borne.
struct ChildCommand {
  // argv[0] is the path of the program, which is not looked for, and no shell
  // reads any of it.
  std::vector<std::string> argv;
  // All of its environment: "NAME=VALUE".
  std::vector<std::string> environment = {};
  std::string folder = "/";
  absl::Duration timeout = absl::InfiniteDuration();
  // Between the signal that asks it to end and the one that does not ask.
  absl::Duration patience = absl::Seconds(2);
  // Of its standard output.
  size_t max_output_bytes = 8 << 20;
  // Let everything else go first: nice 10, and the disk when nobody wants it.
  bool in_background = false;
};

// How it ended, by itself.
struct ChildEnd {
  int exit_status = 0;  // or 128 + the signal that ended it
  std::string output;
  std::string error_tail;  // the last of its standard error, at most 4 KiB
  absl::Duration took;
};

// Runs programs, one at a time, and ends whatever they leave behind.
//
// A program leads a process group of its own, reads nothing (/dev/null), and
// has none of our open files. When it ends, or has to be ended, its whole group
// ends: first SIGTERM where it is not by itself, and SIGKILL after `patience`.
// What has left the group, as a daemon does, is not ours to find.
//
// Run() blocks and is for one thread; Stop() is for any.
class ChildProcess {
 public:
  // `clock` must outlive this. The waits are the kernel's, in real time.
  explicit ChildProcess(const Clock& clock);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  //   kNotFound, kPermissionDenied  the program, with the system's reason
  //   kDeadlineExceeded             it took longer than `timeout`
  //   kResourceExhausted            it printed more than `max_output_bytes`
  //   kCancelled                    Stop() was called
  //   kUnavailable                  the system refused
  // It has been ended where it ran, with the tail of its standard error in the
  // message. Takes no longer than timeout and twice the patience.
  absl::StatusOr<ChildEnd> Run(const ChildCommand& command);

  // Ends what is running, and lets nothing run any more. Returns at once.
  void Stop();

 private:
  const Clock& clock_;
  // Readable once Stop() was called; -1 if the system had none left.
  const int stop_fd_;
};

}  // namespace rehai

#endif  // BASE_CHILD_PROCESS_H_
