// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_SETTINGS_H_
#define CLI_SETTINGS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/contexts.h"

namespace rehai::cli {

// One setting, and what told it.
struct Setting {
  std::string name;  // one of SettingNames()
  std::string value = {};
  std::string from =
      {};  // "--server", "$REHAI_SERVER", "context lab", "default"
};

// How the controller is to be asked.
struct Settings {
  std::string context;  // the context's name; empty: none
  std::string context_from;
  std::vector<Setting> all;  // in the order of SettingNames()

  const Setting& Get(absl::string_view name) const;
};

// What flags, environment and contexts say, in this order; the first one goes.
// `contexts_path` is what the files of a context are relative to, and
// `environment` gives a variable's value or "". Pure. kNotFound: the context
// that is named does not exist.
absl::StatusOr<Settings> Resolve(
    const Invocation& invocation, const Contexts& contexts,
    const std::string& contexts_path,
    const std::function<std::string(const std::string&)>& environment);

// The same for this process and its user's contexts.
absl::StatusOr<Settings> ReadSettings(const Invocation& invocation);

// kInvalidArgument for a timeout that is none.
absl::StatusOr<Client::Options> ToClientOptions(const Settings& settings);

}  // namespace rehai::cli

#endif  // CLI_SETTINGS_H_
