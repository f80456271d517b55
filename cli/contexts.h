// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CONTEXTS_H_
#define CLI_CONTEXTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::cli {

// What a context may say, in the order in which it is shown: server, cert, key,
// ca, token_file, timeout. All but server and timeout are files.
const std::vector<std::string>& SettingNames();

// True of the names whose value is a file.
bool IsFileSetting(absl::string_view name);

// Settings by their names; those that are not set are not there.
using Context = std::map<std::string, std::string>;

// Controllers by name, and which of them is meant when none is named.
struct Contexts {
  std::string current;  // may be empty
  std::map<std::string, Context> named;

  // kNotFound says which name may have been meant.
  absl::StatusOr<Context> Find(const std::string& name) const;
};

// $REHAICTL_CONFIG, else rehai/rehaictl.yaml in $XDG_CONFIG_HOME or ~/.config.
// "" if there is no home either.
std::string ContextsPath();

// Reads
//   current-context: lab
//   contexts:
//     lab: {server: "rehai.example.com:7420", cert: ops.pem, key: ops.key}
// Pure. kInvalidArgument, "FILE:LINE: KEY: ...", for what is not understood; of
// an unknown key, what may have been meant.
absl::StatusOr<Contexts> ParseContexts(const std::string& file_name,
                                       const std::string& text);

// As ParseContexts() reads it. Pure.
std::string FormatContexts(const Contexts& contexts);

// The file's; none if there is no such file, or no path.
absl::StatusOr<Contexts> ReadContexts(const std::string& path);

// Replaces the file whole or not at all, readable by its owner only; makes its
// folder if need be.
absl::Status WriteContexts(const std::string& path, const Contexts& contexts);

}  // namespace rehai::cli

#endif  // CLI_CONTEXTS_H_
