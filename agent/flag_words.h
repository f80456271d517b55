// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_FLAG_WORDS_H_
#define AGENT_FLAG_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rehai::agent {

// A message of chef/ or hypervisor/ in the words of a program that has flags
// and runs once. There they advise to set keys of the controller's
// configuration, and to wait for its next try: "set chef.client_key_file"
// becomes "set --client_key". Pure.
std::string InFlagWords(absl::string_view message);

}  // namespace rehai::agent

#endif  // AGENT_FLAG_WORDS_H_
