// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/run_message.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "chef/node_document.h"
#include "chef/node_name.h"
#include "chef/subtree.h"

namespace rehai::chef {
namespace {

// Of a message's text, in ours.
constexpr size_t kLongestQuote = 100;

constexpr const char kStart[] = "run_start";
constexpr const char kEnd[] = "run_converge";

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("data collector message: ", what));
}

// The members of a message, and of the node in it, that are read here.
const std::vector<NodePath>& ReadPaths() {
  static const auto* const paths = new std::vector<NodePath>{
      {"message_version"}, {"message_type"},    {"type"},   {"node_name"},
      {"run_id"},          {"start_time"},      {"status"}, {"run_list"},
      {"node", "name"},    {"node", "run_list"}};
  return *paths;
}

// The value, parsed; discarded if it is not there.
nlohmann::json Parsed(const ScannedNode& message, const NodePath& path) {
  const absl::string_view value = message.Value(path).value_or("");
  return nlohmann::json::parse(value.begin(), value.end(), nullptr,
                               /*allow_exceptions=*/false);
}

absl::StatusOr<std::string> String(const ScannedNode& message,
                                   const NodePath& path) {
  nlohmann::json value = Parsed(message, path);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    return Bad(absl::StrCat("no \"", path.back(), "\", or it is no string"));
  }
  return std::move(value.get_ref<std::string&>());
}

absl::StatusOr<RunMessage::Kind> KindOf(const ScannedNode& message) {
  const auto type = String(message, {"message_type"});
  // Compliance reports come to the same place and have another head.
  if (!type.ok() && String(message, {"type"}).ok()) {
    return absl::UnimplementedError(
        "data collector message: not about a chef-client run");
  }
  RETURN_IF_ERROR(type.status());
  if (*type != kStart && *type != kEnd) {
    return absl::UnimplementedError(absl::StrCat(
        "data collector message: type ", Excerpt(*type, kLongestQuote)));
  }
  ASSIGN_OR_RETURN(const std::string version,
                   String(message, {"message_version"}));
  if (!absl::StartsWith(version, "1.") && !absl::StartsWith(version, "2.")) {
    return Bad(absl::StrCat("version ", Excerpt(version, kLongestQuote),
                            " is not known"));
  }
  return *type == kStart ? RunMessage::Kind::kStart : RunMessage::Kind::kEnd;
}

// What is said of the end of a run.
absl::Status ReadEnd(const ScannedNode& message, RunMessage& run) {
  ASSIGN_OR_RETURN(const std::string status, String(message, {"status"}));
  if (status != "success" && status != "failure") {
    return Bad("\"status\" is neither success nor failure");
  }
  run.success = status == "success";

  // A run that failed before it had its node says {}, or nothing.
  const absl::string_view document =
      message.Value(NodePath{"node"}).value_or("");
  if (!message.Value(NodePath{"node", "name"}).has_value()) {
    return run.success ? Bad("no \"node\" with a name") : absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string name, String(message, {"node", "name"}));
  if (name != run.node) return Bad("\"node\" is of another name");
  run.node_document = std::make_shared<const std::string>(document);

  // The run list that was converged. The node's is the one that it keeps.
  const nlohmann::json converged = Parsed(message, {"run_list"});
  const nlohmann::json kept = Parsed(message, {"node", "run_list"});
  run.saved = run.success && converged.is_array() && converged == kept;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunMessage> ParseRunMessage(absl::string_view body) {
  const auto message = ScannedNode::Scan(body, {}, ReadPaths());
  if (!message.ok()) return Bad(message.status().message());
  RunMessage run;
  ASSIGN_OR_RETURN(run.kind, KindOf(*message));
  ASSIGN_OR_RETURN(run.node, String(*message, {"node_name"}));
  RETURN_IF_ERROR(CheckNodeName(run.node));
  ASSIGN_OR_RETURN(run.run_id, String(*message, {"run_id"}));
  ASSIGN_OR_RETURN(const std::string started_at,
                   String(*message, {"start_time"}));
  if (!absl::ParseTime(absl::RFC3339_full, started_at, &run.started_at,
                       nullptr) ||
      // It takes "infinite-future" in every format.
      run.started_at == absl::InfinitePast() ||
      run.started_at == absl::InfiniteFuture()) {
    return Bad("\"start_time\" is no time");
  }
  if (run.kind == RunMessage::Kind::kEnd) {
    RETURN_IF_ERROR(ReadEnd(*message, run));
  }
  return run;
}

}  // namespace rehai::chef
