// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_ENDING_SIGNALS_H_
#define TESTS_LAB_ENDING_SIGNALS_H_

namespace rehai::lab {

// Ctrl-C, and the other polite ways to end a program, as a question to ask
// instead of an interruption: what was begun can always be put away. Made by
// main() before the first thread.
class EndingSignals {
 public:
  EndingSignals();

  // Somebody wants us to end.
  bool Pending() const;

  // Waits until somebody wants us to end (true) or a child process changes
  // state (false).
  bool Wait();

  // Waits until somebody wants us to end (true) or `fd` has something to be
  // read, if only its end (false).
  bool WaitFor(int fd) const;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_ENDING_SIGNALS_H_
