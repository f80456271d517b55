// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_FACTS_H_
#define CLI_FACTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cli/table.h"

namespace rehai::cli {

// Lines of "Name:   value" in two columns, without those whose value is not
// known.
class Facts {
 public:
  // An empty value is one that is not known.
  void Add(absl::string_view name, std::string value,
           Colour colour = Colour::kPlain);

  std::string Render(bool colours) const;

 private:
  Table table_{{{""}, {""}}};
};

}  // namespace rehai::cli

#endif  // CLI_FACTS_H_
