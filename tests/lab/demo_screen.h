// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_DEMO_SCREEN_H_
#define TESTS_LAB_DEMO_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::lab {

// What the demo prints: steps as they are taken, and a table that grows a row
// per change. With colours on a terminal that can show them, plain elsewhere.
class DemoScreen {
 public:
  DemoScreen();

  void Title(absl::string_view text);
  void Line(absl::string_view text);

  // "  Chef server   ...", and on the same line what came of it.
  void BeginStep(absl::string_view what);
  void EndStep(absl::string_view result, absl::Duration took);

  // The table: a row is begun when its change is made and ended when it shows.
  void BeginTable();
  void BeginRow(absl::string_view host, absl::string_view change,
                absl::string_view guest);
  void EndRow(absl::Duration visible_after);
  void EndTable(const std::vector<absl::Duration>& all);

  // A headline and commands to copy below it.
  void Commands(absl::string_view headline,
                const std::vector<std::string>& commands);

 private:
  std::string Colored(absl::string_view text, absl::string_view code) const;

  const bool colors_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_DEMO_SCREEN_H_
