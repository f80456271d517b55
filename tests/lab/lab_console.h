// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LAB_CONSOLE_H_
#define TESTS_LAB_LAB_CONSOLE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/lab/churn.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_command.h"

namespace rehai::lab {

// Does to a lab what its operator types. Not thread-safe.
class LabConsole {
 public:
  // Both outlive it. `churn` may be null, if there is nothing to change.
  LabConsole(Lab& lab, Churn* churn);

  // What to tell the operator. Errors are the operator's or the lab's; the
  // console goes on in either case. kQuit is for the caller.
  absl::StatusOr<std::string> Execute(const LabCommand& command);

 private:
  absl::StatusOr<std::string> SetChurn(double changes_per_second);
  absl::StatusOr<std::string> Hurt(const LabCommand& command);
  absl::Status HurtHost(const LabCommand& command, Host& host);
  void NoteHurt(const LabCommand& command, int host);
  std::string List() const;

  Lab& lab_;
  Churn* const churn_;
  std::vector<std::string> names_;
  // What was done to each host and is not undone yet: "slow 200ms".
  std::vector<std::map<LabCommand::Verb, std::string>> hurts_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_LAB_CONSOLE_H_
