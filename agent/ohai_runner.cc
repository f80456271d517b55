// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/ohai_runner.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "chef/ohai_output.h"

namespace rehai::agent {
namespace {

constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Where the packages of Chef and Cinc have it, if they made no link to it.
constexpr char kPackagesPath[] = "/usr/bin:/opt/chef/bin:/opt/cinc/bin";

std::string FromEnvironment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

absl::StatusOr<std::string> FindOhai() {
  const std::string folders =
      absl::StrCat(FromEnvironment("PATH", kDefaultPath), ":", kPackagesPath);
  for (const absl::string_view folder : absl::StrSplit(folders, ':')) {
    // A relative one would depend on where we were started.
    if (folder.empty() || folder.front() != '/') continue;
    std::string path = absl::StrCat(folder, "/ohai");
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return absl::NotFoundError(
      absl::StrCat("ohai: not in any of ", folders,
                   "; install it, or say where it is with --ohai_path"));
}

// What Ohai takes for the name of an attribute and not for a flag or a path.
bool IsAttributeName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_';
  });
}

absl::Status CheckRequest(const OhaiRunner::Request& request) {
  std::vector<std::string> attributes = request.attributes;
  std::sort(attributes.begin(), attributes.end());
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (!IsAttributeName(attributes[i])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "ohai: \"", attributes[i],
          "\" is no top-level attribute; write them as virtualization,cpu"));
    }
    if (i > 0 && attributes[i] == attributes[i - 1]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "ohai: the attribute ", attributes[i], " is asked for twice"));
    }
  }
  for (const std::string& folder : request.plugin_folders) {
    if (folder.empty() || folder.front() != '/') {
      return absl::InvalidArgumentError(
          absl::StrCat("ohai: the plugin folder \"", folder,
                       "\" is not absolute; write it from /"));
    }
  }
  return absl::OkStatus();
}

ChildCommand CommandFor(const OhaiRunner::Request& request, std::string path) {
  ChildCommand command;
  command.argv = {std::move(path)};
  for (const std::string& folder : request.plugin_folders) {
    command.argv.insert(command.argv.end(), {"-d", folder});
  }
  command.argv.insert(command.argv.end(), request.attributes.begin(),
                      request.attributes.end());
  // What plugins print is in the language of the environment, and what they
  // find in its PATH.
  command.environment = {
      absl::StrCat("PATH=", FromEnvironment("PATH", kDefaultPath)),
      absl::StrCat("HOME=", FromEnvironment("HOME", "/root")),
      "LANG=C.UTF-8",
  };
  command.timeout = request.timeout;
  command.patience = request.patience;
  command.max_output_bytes = request.max_output_bytes;
  command.in_background = true;
  return command;
}

// Where the object that `text` begins with ends; npos if it does not.
size_t ObjectLength(absl::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return absl::string_view::npos;
}

// The attributes that were asked for, whose values were printed one after the
// other and without their names, as one object.
absl::StatusOr<std::string> Named(absl::string_view printed,
                                  const std::vector<std::string>& attributes) {
  std::string json = "{";
  for (const std::string& attribute : attributes) {
    printed = absl::StripLeadingAsciiWhitespace(printed);
    const size_t length = printed.empty() || printed.front() != '{'
                              ? absl::string_view::npos
                              : ObjectLength(printed);
    if (length == absl::string_view::npos) {
      return absl::DataLossError(absl::StrCat(
          "did not print the attribute ", attribute,
          " as an object, and only such can be asked for one by one"));
    }
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "\"", attribute,
                    "\":", printed.substr(0, length));
    printed.remove_prefix(length);
  }
  if (!absl::StripAsciiWhitespace(printed).empty()) {
    return absl::DataLossError("printed more than it was asked for");
  }
  json += '}';
  return json;
}

std::string WithErrors(absl::string_view message, const ChildEnd& end) {
  const absl::string_view said = absl::StripAsciiWhitespace(end.error_tail);
  return absl::StrCat(message, said.empty() ? "" : "; it said: ", said);
}

}  // namespace

absl::StatusOr<OhaiRunner::Output> OhaiRunner::Run(const Request& request) {
  RETURN_IF_ERROR(CheckRequest(request));
  std::string path = request.path;
  if (path.empty()) {
    ASSIGN_OR_RETURN(path, FindOhai());
  }
  ASSIGN_OR_RETURN(ChildEnd end, child_.Run(CommandFor(request, path)));
  if (end.exit_status != 0) {
    return absl::FailedPreconditionError(WithErrors(
        absl::StrCat(path, ": ended with status ", end.exit_status), end));
  }
  Output output = {std::move(end.output), request.attributes.empty(), end.took};
  if (!output.whole) {
    absl::StatusOr<std::string> named = Named(output.json, request.attributes);
    if (!named.ok()) {
      return absl::DataLossError(
          WithErrors(absl::StrCat(path, ": ", named.status().message()), end));
    }
    output.json = *std::move(named);
  }
  const auto parsed = chef::ParseOhaiOutput(output.json, output.whole,
                                            /*with_ohai_time=*/false);
  if (!parsed.ok()) {
    return absl::DataLossError(
        WithErrors(absl::StrCat(path, ": ", parsed.status().message()), end));
  }
  return output;
}

}  // namespace rehai::agent
