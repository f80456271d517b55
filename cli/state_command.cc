// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/state_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai::cli {
namespace {

constexpr char kProgram[] = "rehai-state";

}  // namespace

absl::Status BecomeRehaiState(const Invocation& invocation) {
  // "state check" is "check" there.
  std::vector<std::string> words = {
      kProgram, invocation.command.substr(invocation.command.find(' ') + 1)};
  words.insert(words.end(), invocation.arguments.begin(),
               invocation.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::error_code error;
  const std::filesystem::path own =
      std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) execv((own.parent_path() / kProgram).c_str(), argv.data());
  execvp(kProgram, argv.data());
  return absl::FailedPreconditionError(
      absl::StrCat(kProgram, ": ", std::strerror(errno),
                   "; it comes with the controller: run this on the "
                   "controller's machine, or put it into PATH"));
}

}  // namespace rehai::cli
