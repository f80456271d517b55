// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/arguments.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
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

bool Parse(const std::string& text, double& number) {
  return absl::SimpleAtod(text, &number) && std::isfinite(number);
}
bool Parse(const std::string& text, int32_t& number) {
  return absl::SimpleAtoi(text, &number);
}
bool Parse(const std::string& text, int64_t& number) {
  return absl::SimpleAtoi(text, &number);
}

// Gives the flag's number to `set`, of the type that it takes. What is too much
// or too little is the controller's to say.
template <typename Number>
absl::Status ReadNumber(const Invocation& invocation, const std::string& flag,
                        const std::function<void(Number)>& set) {
  if (!invocation.Has(flag)) return absl::OkStatus();
  const std::string text = invocation.Get(flag);
  Number number;
  if (!Parse(text, number)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", flag, " ", text, ": not a ",
        std::is_same_v<Number, double> ? "number" : "whole number",
        "; write it as ", std::is_same_v<Number, double> ? "0.5" : "100"));
  }
  set(number);
  return absl::OkStatus();
}

// As a filter has text that is not a plain word.
std::string Quoted(const std::string& text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
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

absl::StatusOr<v1::ListGuestsRequest> ReadGuestQuestion(
    const Invocation& invocation) {
  v1::ListGuestsRequest question;
  std::vector<std::string> states;
  for (const std::string& word : invocation.All("state")) {
    ASSIGN_OR_RETURN(const v1::GuestState state, ParseState(word));
    states.push_back(absl::StrCat("state = ", v1::GuestState_Name(state)));
  }
  std::vector<std::string> terms;
  if (!states.empty()) {
    terms.push_back(absl::StrCat("(", absl::StrJoin(states, " OR "), ")"));
  }
  if (const std::string name = invocation.Get("name"); !name.empty()) {
    terms.push_back(absl::StrCat("name = ", Quoted(name)));
  }
  question.set_filter(absl::StrJoin(terms, " AND "));
  ASSIGN_OR_RETURN(*question.mutable_hosts(),
                   ReadSelector(invocation, invocation.All("host")));
  return question;
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

absl::StatusOr<v1::HostSelector> ReadChosenHosts(const Invocation& invocation) {
  const bool some =
      !invocation.arguments.empty() || !invocation.All("label").empty();
  if (!some && !invocation.Has("all")) {
    return absl::InvalidArgumentError(absl::StrCat(
        invocation.command,
        ": which hosts? name them, or give --label KEY=VALUE or --all"));
  }
  if (some && invocation.Has("all")) {
    return absl::InvalidArgumentError(
        "--all: contradicts the hosts or labels beside it; give either");
  }
  return ReadSelector(invocation, invocation.arguments);
}

absl::StatusOr<std::vector<v1::ConnectionState>> ReadConnectionStates(
    const Invocation& invocation) {
  std::vector<v1::ConnectionState> states;
  for (const std::string& words : invocation.All("state")) {
    for (const absl::string_view word : absl::StrSplit(words, ',')) {
      ASSIGN_OR_RETURN(const v1::ConnectionState state,
                       ParseConnectionState(word));
      states.push_back(state);
    }
  }
  return states;
}

absl::StatusOr<int> ReadHeld(const Invocation& invocation) {
  int held = 0;
  RETURN_IF_ERROR(
      ReadNumber<int32_t>(invocation, "held", [&](int32_t n) { held = n; }));
  if (held <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--held ", invocation.Get("held"),
        ": not above zero; give how many hosts you have seen to be held"));
  }
  return held;
}

absl::StatusOr<std::vector<v1::ResyncMode>> ReadModes(
    const Invocation& invocation) {
  const bool reread = invocation.Has("reread");
  const bool rewrite = invocation.Has("rewrite");
  std::vector<v1::ResyncMode> modes;
  if (invocation.Has("ohai")) {
    if (reread || rewrite) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--ohai: goes alone; do ", reread ? "--reread" : "--rewrite",
          " in a resync of its own"));
    }
    modes.push_back(v1::RESYNC_MODE_OHAI);
    return modes;
  }
  if (reread || !rewrite) modes.push_back(v1::RESYNC_MODE_REREAD);
  if (rewrite || !reread) modes.push_back(v1::RESYNC_MODE_REWRITE);
  return modes;
}

absl::StatusOr<std::vector<std::string>> ReadPlugins(
    const Invocation& invocation) {
  std::vector<std::string> plugins;
  for (const std::string& words : invocation.All("plugins")) {
    for (const absl::string_view word : absl::StrSplit(words, ',')) {
      if (word.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--plugins ", words,
            ": a name is empty; give Ohai plugins with commas between, as in "
            "network,filesystem"));
      }
      plugins.emplace_back(word);
    }
  }
  if (!plugins.empty() && !invocation.Has("ohai")) {
    return absl::InvalidArgumentError(
        "--plugins: only with --ohai, which runs them");
  }
  return plugins;
}

absl::StatusOr<v1::ChefLimits> ReadLimits(const Invocation& invocation) {
  v1::ChefLimits limits;
  RETURN_IF_ERROR(
      ReadNumber<double>(invocation, "requests_per_second",
                         [&](double n) { limits.set_requests_per_second(n); }));
  RETURN_IF_ERROR(
      ReadNumber<int32_t>(invocation, "request_burst",
                          [&](int32_t n) { limits.set_request_burst(n); }));
  RETURN_IF_ERROR(
      ReadNumber<int64_t>(invocation, "bytes_per_second",
                          [&](int64_t n) { limits.set_bytes_per_second(n); }));
  RETURN_IF_ERROR(ReadNumber<int64_t>(
      invocation, "byte_burst", [&](int64_t n) { limits.set_byte_burst(n); }));
  RETURN_IF_ERROR(
      ReadNumber<int32_t>(invocation, "max_in_flight",
                          [&](int32_t n) { limits.set_max_in_flight(n); }));
  RETURN_IF_ERROR(ReadNumber<double>(invocation, "server_share", [&](double n) {
    limits.set_server_share(n);
  }));
  return limits;
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
