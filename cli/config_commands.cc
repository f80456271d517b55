// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/config_commands.h"

#include <google/protobuf/struct.pb.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "cli/contexts.h"
#include "cli/program_output.h"
#include "cli/settings.h"
#include "cli/table.h"

namespace rehai::cli {
namespace {

using google::protobuf::Struct;

void Set(Struct& message, const std::string& key, const std::string& value) {
  (*message.mutable_fields())[key].set_string_value(value);
}

absl::StatusOr<ExitStatus> RunShow(const Invocation& invocation,
                                   OutputFormat format, Console& console) {
  ASSIGN_OR_RETURN(const Settings settings, ReadSettings(invocation));
  Struct message;
  Table table({{"SETTING"}, {"VALUE"}, {"FROM"}});
  const auto add = [&](const std::string& name, const std::string& value,
                       const std::string& from) {
    Struct& entry = *(*message.mutable_fields())[name].mutable_struct_value();
    Set(entry, "value", value);
    Set(entry, "from", from);
    table.AddRow({{name}, {value.empty() ? "-" : value}, {from}});
  };
  add("context", settings.context,
      settings.context.empty() ? "default" : settings.context_from);
  for (const Setting& setting : settings.all) {
    add(setting.name, setting.value, setting.from);
  }
  if (PrintForPrograms(message, format, console)) return kDone;
  console.Print(table.Render(console.look()));
  return kDone;
}

absl::StatusOr<ExitStatus> RunContexts(OutputFormat format, Console& console) {
  const std::string path = ContextsPath();
  ASSIGN_OR_RETURN(const Contexts contexts, ReadContexts(path));
  Struct message;
  Set(message, "current-context", contexts.current);
  Struct& all = *(*message.mutable_fields())["contexts"].mutable_struct_value();
  Table table({{"CURRENT"},
               {"NAME"},
               {"SERVER", false, /*cut=*/1},
               {"CERT", false, /*cut=*/2},
               {"TOKEN FILE", false, /*cut=*/3}});
  std::string names;
  for (const auto& [name, context] : contexts.named) {
    const auto get = [&context = context](const char* key) {
      const auto found = context.find(key);
      return found == context.end() ? std::string("-") : found->second;
    };
    Struct& entry = *(*all.mutable_fields())[name].mutable_struct_value();
    for (const auto& [key, value] : context) Set(entry, key, value);
    table.AddRow({{name == contexts.current ? "*" : ""},
                  {name},
                  {get("server")},
                  {get("cert")},
                  {get("token_file")}});
    absl::StrAppend(&names, name, "\n");
  }
  if (PrintForPrograms(message, format, console)) return kDone;
  if (format == OutputFormat::kName) {
    console.Print(names);
  } else if (names.empty()) {
    console.PrintLine(absl::StrCat("no contexts in ", path,
                                   "; rehaictl config set makes one"));
  } else {
    console.Print(table.Render(console.look()));
  }
  return kDone;
}

absl::StatusOr<ExitStatus> RunUse(const std::string& name, Console& console) {
  const std::string path = ContextsPath();
  ASSIGN_OR_RETURN(Contexts contexts, ReadContexts(path));
  RETURN_IF_ERROR(contexts.Find(name).status());
  contexts.current = name;
  RETURN_IF_ERROR(WriteContexts(path, contexts));
  console.PrintLine(absl::StrCat("context ", name, ": is the current one"));
  return kDone;
}

absl::StatusOr<ExitStatus> RunSet(const Invocation& invocation,
                                  Console& console) {
  const std::string& name = invocation.arguments[0];
  if (name.empty()) {
    return absl::InvalidArgumentError(
        "config set: the context's name is empty");
  }
  const std::string path = ContextsPath();
  ASSIGN_OR_RETURN(Contexts contexts, ReadContexts(path));
  Context& context = contexts.named[name];
  bool changed = false;
  for (const std::string& setting : SettingNames()) {
    const std::string flag = absl::StrReplaceAll(setting, {{"_", "-"}});
    if (!invocation.Has(flag)) continue;
    changed = true;
    std::string value = invocation.Get(flag);
    if (IsFileSetting(setting) && !value.empty()) {
      // What is relative to here now is not tomorrow.
      std::error_code error;
      value = std::filesystem::absolute(value, error).lexically_normal();
      if (error) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", flag, ": ", error.message()));
      }
    }
    if (value.empty()) {
      context.erase(setting);
    } else {
      context[setting] = value;
    }
  }
  if (!changed) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config set ", name,
        ": set what? give --server, --cert, --key, --ca, --token-file or "
        "--timeout"));
  }
  if (contexts.current.empty()) contexts.current = name;
  // What cannot be used is not kept.
  Invocation whole;
  whole.flags["context"] = {name};
  ASSIGN_OR_RETURN(const Settings settings,
                   Resolve(whole, contexts, path,
                           [](const std::string&) { return std::string(); }));
  RETURN_IF_ERROR(ToClientOptions(settings).status());
  RETURN_IF_ERROR(WriteContexts(path, contexts));
  console.PrintLine(absl::StrCat("context ", name, ": kept in ", path));
  return kDone;
}

absl::StatusOr<ExitStatus> RunDelete(const std::string& name,
                                     Console& console) {
  const std::string path = ContextsPath();
  ASSIGN_OR_RETURN(Contexts contexts, ReadContexts(path));
  RETURN_IF_ERROR(contexts.Find(name).status());
  contexts.named.erase(name);
  if (contexts.current == name) contexts.current.clear();
  RETURN_IF_ERROR(WriteContexts(path, contexts));
  console.PrintLine(absl::StrCat(
      "context ", name, ": deleted",
      contexts.current.empty() && !contexts.named.empty()
          ? "; none is the current one now, rehaictl config use makes one so"
          : ""));
  return kDone;
}

}  // namespace

absl::StatusOr<ExitStatus> RunConfig(const Invocation& invocation,
                                     OutputFormat format, Console& console) {
  const std::string& name = invocation.command;
  if (name == "config show") return RunShow(invocation, format, console);
  if (name == "config contexts") return RunContexts(format, console);
  if (name == "config use") return RunUse(invocation.arguments[0], console);
  if (name == "config set") return RunSet(invocation, console);
  if (name == "config delete") {
    return RunDelete(invocation.arguments[0], console);
  }
  return absl::InternalError(absl::StrCat(name, ": nobody runs it"));
}

}  // namespace rehai::cli
