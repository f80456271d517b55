// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/contexts.h"

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/spelling.h"
#include "base/status_macros.h"

namespace rehai::cli {
namespace {

constexpr char kCurrent[] = "current-context";
constexpr char kContexts[] = "contexts";
constexpr size_t kMaxBytes = 1 << 20;

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Reads one document; the errors know where they are.
class Reader {
 public:
  explicit Reader(const std::string& file_name) : file_name_(file_name) {}

  absl::StatusOr<Contexts> Read(const YAML::Node& root) const {
    Contexts contexts;
    if (root.IsNull()) return contexts;
    if (!root.IsMap()) return Wrong(root, "the file", "not a mapping");
    for (const auto& entry : root) {
      const std::string key = entry.first.Scalar();
      if (key == kCurrent) {
        ASSIGN_OR_RETURN(contexts.current, Text(entry.second, key));
      } else if (key == kContexts) {
        RETURN_IF_ERROR(ReadNamed(entry.second, contexts));
      } else {
        return Unknown(entry.first, key, {kCurrent, kContexts});
      }
    }
    return contexts;
  }

 private:
  absl::Status ReadNamed(const YAML::Node& node, Contexts& contexts) const {
    if (node.IsNull()) return absl::OkStatus();
    if (!node.IsMap()) return Wrong(node, kContexts, "not a mapping of names");
    for (const auto& entry : node) {
      const std::string name = entry.first.Scalar();
      ASSIGN_OR_RETURN(const Context context, ReadOne(entry.second, name));
      if (!contexts.named.emplace(name, context).second) {
        return Wrong(entry.first, name, "there twice; keep one");
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Context> ReadOne(const YAML::Node& node,
                                  const std::string& name) const {
    Context context;
    if (node.IsNull()) return context;
    if (!node.IsMap()) return Wrong(node, name, "not a mapping of settings");
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      if (!absl::c_linear_search(SettingNames(), key)) {
        return Unknown(entry.first, key, SettingNames());
      }
      ASSIGN_OR_RETURN(const std::string value, Text(entry.second, key));
      if (!context.emplace(key, value).second) {
        return Wrong(entry.first, key, "there twice; keep one");
      }
    }
    return context;
  }

  absl::StatusOr<std::string> Text(const YAML::Node& node,
                                   const std::string& key) const {
    if (node.IsNull()) return "";
    if (!node.IsScalar()) return Wrong(node, key, "not a text");
    return node.Scalar();
  }

  absl::Status Unknown(const YAML::Node& at, const std::string& key,
                       const std::vector<std::string>& known) const {
    const std::string meant = ClosestWord(key, known);
    return Wrong(
        at, key,
        meant.empty()
            ? absl::StrCat("unknown; there are ", absl::StrJoin(known, ", "))
            : absl::StrCat("unknown; did you mean ", meant, "?"));
  }

  absl::Status Wrong(const YAML::Node& at, absl::string_view key,
                     absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(
        file_name_, ":", at.Mark().line + 1, ": ", key, ": ", what));
  }

  const std::string& file_name_;
};

}  // namespace

const std::vector<std::string>& SettingNames() {
  static const auto* const names = new std::vector<std::string>{
      "server", "cert", "key", "ca", "token_file", "timeout"};
  return *names;
}

bool IsFileSetting(absl::string_view name) {
  return name != "server" && name != "timeout";
}

absl::StatusOr<Context> Contexts::Find(const std::string& name) const {
  const auto found = named.find(name);
  if (found != named.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, context] : named) names.push_back(known);
  const std::string meant = ClosestWord(name, names);
  return absl::NotFoundError(absl::StrCat(
      "context ", name, ": no such context; ",
      !meant.empty() ? absl::StrCat("did you mean ", meant, "?")
      : names.empty()
          ? "there are none; rehaictl config set makes one"
          : absl::StrCat("there are ", absl::StrJoin(names, ", "))));
}

std::string ContextsPath() {
  if (const std::string path = Variable("REHAICTL_CONFIG"); !path.empty()) {
    return path;
  }
  if (const std::string folder = Variable("XDG_CONFIG_HOME");
      !folder.empty() && folder[0] == '/') {
    return absl::StrCat(folder, "/rehai/rehaictl.yaml");
  }
  const std::string home = Variable("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.config/rehai/rehaictl.yaml");
}

absl::StatusOr<Contexts> ParseContexts(const std::string& file_name,
                                       const std::string& text) {
  // yaml-cpp throws; nobody beyond this function need know.
  try {
    return Reader(file_name).Read(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        file_name, ":", error.mark.line + 1, ": not YAML: ", error.msg));
  }
}

std::string FormatContexts(const Contexts& contexts) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  if (!contexts.current.empty()) {
    out << YAML::Key << kCurrent << YAML::Value << YAML::DoubleQuoted
        << contexts.current;
  }
  out << YAML::Key << kContexts << YAML::Value << YAML::BeginMap;
  for (const auto& [name, context] : contexts.named) {
    out << YAML::Key << YAML::DoubleQuoted << name << YAML::Value
        << YAML::BeginMap;
    for (const std::string& key : SettingNames()) {
      const auto found = context.find(key);
      if (found == context.end()) continue;
      out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted
          << found->second;
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap << YAML::EndMap;
  return absl::StrCat(out.c_str(), "\n");
}

absl::StatusOr<Contexts> ReadContexts(const std::string& path) {
  if (path.empty()) return Contexts();
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxBytes);
  if (absl::IsNotFound(text.status())) return Contexts();
  RETURN_IF_ERROR(text.status());
  return ParseContexts(path, *text);
}

absl::Status WriteContexts(const std::string& path, const Contexts& contexts) {
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "config: nowhere to keep it; set HOME or REHAICTL_CONFIG");
  }
  std::error_code error;
  const std::string folder = FolderOf(path);
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all,
                                 error);
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("config: ", folder, ": ", error.message()));
  }
  return WriteFileAtomically(path, FormatContexts(contexts), 0600);
}

}  // namespace rehai::cli
