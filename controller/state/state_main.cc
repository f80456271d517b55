// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// rehai-state: looks at a controller's state folder, backs it up, restores it.
// On the controller's machine, as its account; docs/state.md.

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "controller/state/state_commands.h"

namespace rehai {
namespace {

constexpr char kUsage[] =
    "Looks at what a controller keeps over a restart (state.dir).\n\n"
    "  rehai-state check DIR         damage, version, how much is there\n"
    "  rehai-state backup DIR FILE   a copy of one moment; beside a running\n"
    "                                controller, too\n"
    "  rehai-state restore FILE DIR  DIR holds what FILE holds; not while a\n"
    "                                controller uses it\n";

int Fail(const absl::Status& status) {
  std::cerr << status.message() << "\n";
  return 1;
}

int Main(const std::vector<std::string>& words) {
  const Clock& clock = Clock::Real();
  if (words.size() == 2 && words[0] == "check") {
    const absl::StatusOr<std::string> report = CheckState(words[1], clock);
    if (!report.ok()) return Fail(report.status());
    std::cout << *report;
    return 0;
  }
  if (words.size() == 3 && words[0] == "backup") {
    const absl::Status done = BackUpState(words[1], words[2], clock);
    if (!done.ok()) return Fail(done);
    std::cout << words[2] << ": written\n";
    return 0;
  }
  if (words.size() == 3 && words[0] == "restore") {
    const absl::StatusOr<std::string> aside =
        RestoreState(words[1], words[2], clock);
    if (!aside.ok()) return Fail(aside.status());
    std::cout << words[2] << ": restored\n";
    if (!aside->empty()) std::cout << "what it held is now " << *aside << "\n";
    return 0;
  }
  const bool asked =
      words.size() == 1 && (words[0] == "--help" || words[0] == "help");
  (asked ? std::cout : std::cerr) << kUsage;
  return asked ? 0 : 2;
}

}  // namespace
}  // namespace rehai

int main(int argc, char** argv) { return rehai::Main({argv + 1, argv + argc}); }
