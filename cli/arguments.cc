// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/arguments.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/spelling.h"
#include "base/status_macros.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

constexpr char kDefaultServer[] = "127.0.0.1:7420";

std::string DefaultServer() {
  const char* const server = std::getenv("REHAI_SERVER");
  return server != nullptr && *server != '\0' ? server : kDefaultServer;
}

bool LooksLikeUuid(const std::string& word) {
  constexpr size_t kLength = 36;
  return word.size() == kLength &&
         std::count(word.begin(), word.end(), '-') == 4 &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return c == '-' || absl::ascii_isxdigit(c);
         });
}

}  // namespace

absl::StatusOr<OutputFormat> ReadOutputFormat(const Invocation& invocation) {
  const std::string word = invocation.Get("output", "table");
  if (word == "table") return OutputFormat::kTable;
  if (word == "json") return OutputFormat::kJson;
  if (word == "yaml") return OutputFormat::kYaml;
  const std::string meant = ClosestWord(word, {"table", "json", "yaml"});
  return absl::InvalidArgumentError(
      absl::StrCat("--output ", word, ": no such format; ",
                   meant.empty() ? "table, json or yaml"
                                 : absl::StrCat("did you mean ", meant, "?")));
}

absl::StatusOr<Client::Options> ReadClientOptions(
    const Invocation& invocation) {
  Client::Options options;
  options.server = invocation.Get("server", DefaultServer());
  options.certificate_file = invocation.Get("cert");
  options.key_file = invocation.Get("key");
  options.ca_file = invocation.Get("ca");
  if (invocation.Has("timeout")) {
    const std::string text = invocation.Get("timeout");
    absl::Duration timeout;
    if (!absl::ParseDuration(text, &timeout) ||
        timeout <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--timeout ", text,
                       ": not a duration above zero; write it as 500ms, 30s, "
                       "5m or 1h"));
    }
    options.timeout = options.watch_timeout = timeout;
  }
  return options;
}

absl::StatusOr<v1::HostSelector> ReadSelector(
    const Invocation& invocation, const std::vector<std::string>& nodes) {
  v1::HostSelector selector;
  for (const std::string& node : nodes) selector.add_nodes(node);
  for (const std::string& label : invocation.All("label")) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (parts.first.empty() || label.find('=') == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--label ", label, ": not a label; write it as KEY=VALUE"));
    }
    const auto [known, is_new] =
        selector.mutable_labels()->insert({parts.first, parts.second});
    if (!is_new && known->second != parts.second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--label ", label, ": no host can have it and ",
                       parts.first, "=", known->second, "; give one"));
    }
  }
  return selector;
}

absl::StatusOr<v1::GuestFilter> ReadGuestFilter(const Invocation& invocation) {
  v1::GuestFilter filter;
  for (const std::string& word : invocation.All("state")) {
    ASSIGN_OR_RETURN(const v1::GuestState state, ParseState(word));
    filter.add_states(state);
  }
  filter.set_name_glob(invocation.Get("name"));
  ASSIGN_OR_RETURN(*filter.mutable_hosts(),
                   ReadSelector(invocation, invocation.All("host")));
  return filter;
}

v1::GetGuestRequest ReadGuestKey(const std::string& word) {
  v1::GetGuestRequest request;
  if (LooksLikeUuid(word)) {
    request.set_uuid(word);
  } else {
    request.set_name(word);
  }
  return request;
}

absl::StatusOr<v1::HostSelector> ReadResyncSelector(
    const Invocation& invocation) {
  const bool some =
      !invocation.arguments.empty() || !invocation.All("label").empty();
  if (!some && !invocation.Has("all")) {
    return absl::InvalidArgumentError(
        "resync: which hosts? name them, or give --label KEY=VALUE or --all");
  }
  if (some && invocation.Has("all")) {
    return absl::InvalidArgumentError(
        "--all: contradicts the hosts or labels beside it; give either");
  }
  return ReadSelector(invocation, invocation.arguments);
}

std::vector<v1::ResyncMode> ReadModes(const Invocation& invocation) {
  const bool reread = invocation.Has("reread");
  const bool rewrite = invocation.Has("rewrite");
  std::vector<v1::ResyncMode> modes;
  if (reread || !rewrite) modes.push_back(v1::RESYNC_MODE_REREAD);
  if (rewrite || !reread) modes.push_back(v1::RESYNC_MODE_REWRITE);
  return modes;
}

absl::StatusOr<int64_t> ReadAfterRevision(const Invocation& invocation) {
  if (!invocation.Has("after")) return 0;
  int64_t revision;
  if (!absl::SimpleAtoi(invocation.Get("after"), &revision) || revision < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--after ", invocation.Get("after"),
        ": not a revision; take it from an earlier watch -o json"));
  }
  return revision;
}

}  // namespace rehai::cli
