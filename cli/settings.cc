// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/settings.h"

#include <cstdlib>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::cli {
namespace {

std::string DefaultOf(absl::string_view name) {
  if (name == "server") return "127.0.0.1:7420";
  if (name == "timeout") return "30s";
  return "";
}

std::string FlagOf(absl::string_view name) {
  return absl::StrReplaceAll(name, {{"_", "-"}});
}

// Of all but the timeout, which goes with the command and not with the shell.
std::string VariableOf(absl::string_view name) {
  if (name == "timeout") return "";
  return absl::StrCat("REHAI_", absl::AsciiStrToUpper(name));
}

}  // namespace

const Setting& Settings::Get(absl::string_view name) const {
  return *absl::c_find_if(
      all, [&](const Setting& setting) { return setting.name == name; });
}

absl::StatusOr<Settings> Resolve(
    const Invocation& invocation, const Contexts& contexts,
    const std::string& contexts_path,
    const std::function<std::string(const std::string&)>& environment) {
  Settings settings;
  if (invocation.Has("context")) {
    settings.context = invocation.Get("context");
    settings.context_from = "--context";
  } else if (settings.context = environment("REHAI_CONTEXT");
             !settings.context.empty()) {
    settings.context_from = "$REHAI_CONTEXT";
  } else if (!contexts.current.empty()) {
    settings.context = contexts.current;
    settings.context_from = contexts_path;
  }
  Context context;
  if (!settings.context.empty()) {
    ASSIGN_OR_RETURN(context, contexts.Find(settings.context));
  }
  for (const std::string& name : SettingNames()) {
    Setting setting{.name = name};
    const std::string variable = VariableOf(name);
    const std::string from_environment =
        variable.empty() ? "" : environment(variable);
    if (invocation.Has(FlagOf(name))) {
      setting.value = invocation.Get(FlagOf(name));
      setting.from = absl::StrCat("--", FlagOf(name));
    } else if (!from_environment.empty()) {
      setting.value = from_environment;
      setting.from = absl::StrCat("$", variable);
    } else if (const auto found = context.find(name);
               found != context.end() && !found->second.empty()) {
      setting.value = IsFileSetting(name)
                          ? ResolvePath(FolderOf(contexts_path), found->second)
                          : found->second;
      setting.from = absl::StrCat("context ", settings.context);
    } else {
      setting.value = DefaultOf(name);
      setting.from = "default";
    }
    settings.all.push_back(setting);
  }
  return settings;
}

absl::StatusOr<Settings> ReadSettings(const Invocation& invocation) {
  const std::string path = ContextsPath();
  ASSIGN_OR_RETURN(const Contexts contexts, ReadContexts(path));
  return Resolve(invocation, contexts, path, [](const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  });
}

absl::StatusOr<Client::Options> ToClientOptions(const Settings& settings) {
  Client::Options options;
  options.server = settings.Get("server").value;
  options.certificate_file = settings.Get("cert").value;
  options.key_file = settings.Get("key").value;
  options.ca_file = settings.Get("ca").value;
  options.token_file = settings.Get("token_file").value;
  const Setting& timeout = settings.Get("timeout");
  if (!absl::ParseDuration(timeout.value, &options.timeout) ||
      options.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat(
        timeout.from == "--timeout" ? "--timeout"
                                    : absl::StrCat("timeout of ", timeout.from),
        " ", timeout.value,
        ": not a duration above zero; write it as 500ms, 30s, 5m or 1h"));
  }
  // A context's timeout is about answers; who watches says so for how long.
  if (timeout.from == "--timeout") options.watch_timeout = options.timeout;
  return options;
}

}  // namespace rehai::cli
