// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/arguments.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
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
#include "base/proto_time.h"
#include "base/spelling.h"
#include "base/status_macros.h"
#include "cli/moment.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

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

// --fields.
template <typename Request>
absl::Status ReadMask(const Invocation& invocation, Request& request) {
  ASSIGN_OR_RETURN(const std::vector<std::string> fields,
                   ReadList(invocation, "fields"));
  for (const std::string& field : fields) {
    request.mutable_read_mask()->add_paths(field);
  }
  return absl::OkStatus();
}

absl::Status ReadModes(const Invocation& invocation,
                       v1::ResyncStartRequest& request) {
  const bool reread = invocation.Has("reread");
  const bool rewrite = invocation.Has("rewrite");
  const bool verify = invocation.Has("verify-only");
  if (invocation.Has("ohai")) {
    if (reread || rewrite || verify) {
      return absl::InvalidArgumentError(
          absl::StrCat("--ohai: goes alone; do ",
                       reread    ? "--reread"
                       : rewrite ? "--rewrite"
                                 : "--verify-only",
                       " in a resync of its own"));
    }
    request.add_modes(v1::RESYNC_MODE_OHAI);
    return absl::OkStatus();
  }
  if (verify && rewrite) {
    return absl::InvalidArgumentError(
        "--verify-only: writes nothing, so --rewrite contradicts it");
  }
  if (reread || (!rewrite && !verify)) {
    request.add_modes(v1::RESYNC_MODE_REREAD);
  }
  if (verify) {
    request.add_modes(v1::RESYNC_MODE_VERIFY_ONLY);
  } else if (rewrite || !reread) {
    request.add_modes(v1::RESYNC_MODE_REWRITE);
  }
  return absl::OkStatus();
}

absl::Status ReadPace(const Invocation& invocation,
                      v1::ResyncStartRequest& request) {
  RETURN_IF_ERROR(ReadNumber<double>(invocation, "rate", [&](double n) {
    request.mutable_pace()->set_hosts_per_second(n);
  }));
  RETURN_IF_ERROR(ReadNumber<int32_t>(
      invocation, "concurrency",
      [&](int32_t n) { request.mutable_pace()->set_hosts_at_once(n); }));
  if (invocation.Has("host-timeout")) {
    ASSIGN_OR_RETURN(
        const absl::Duration timeout,
        ReadSpan(invocation, "host-timeout", absl::ZeroDuration()));
    *request.mutable_pace()->mutable_host_timeout() = ToProto(timeout);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsStructured(OutputFormat format) {
  return format == OutputFormat::kJson || format == OutputFormat::kYaml;
}

absl::StatusOr<OutputFormat> ReadOutputFormat(const Invocation& invocation) {
  const std::string word = invocation.Get("output", "table");
  if (word == "table") return OutputFormat::kTable;
  if (word == "wide") return OutputFormat::kWide;
  if (word == "json") return OutputFormat::kJson;
  if (word == "yaml") return OutputFormat::kYaml;
  if (word == "name") return OutputFormat::kName;
  const std::string meant =
      ClosestWord(word, {"table", "wide", "json", "yaml", "name"});
  return absl::InvalidArgumentError(
      absl::StrCat("--output ", word, ": no such format; ",
                   meant.empty() ? "table, wide, json, yaml or name"
                                 : absl::StrCat("did you mean ", meant, "?")));
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

absl::StatusOr<v1::ListHostsRequest> ReadHostQuestion(
    const Invocation& invocation) {
  v1::ListHostsRequest question;
  ASSIGN_OR_RETURN(*question.mutable_selector(),
                   ReadSelector(invocation, invocation.arguments));
  question.set_filter(invocation.Get("filter"));
  question.set_order_by(invocation.Get("sort"));
  RETURN_IF_ERROR(ReadMask(invocation, question));
  return question;
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
  if (const std::string filter = invocation.Get("filter"); !filter.empty()) {
    // Alone as it is, so that the place of an error in it is the writer's own.
    terms.push_back(terms.empty() ? filter : absl::StrCat("(", filter, ")"));
  }
  question.set_filter(absl::StrJoin(terms, " AND "));
  question.set_order_by(invocation.Get("sort"));
  RETURN_IF_ERROR(ReadMask(invocation, question));
  ASSIGN_OR_RETURN(const v1::HostSelector hosts,
                   ReadSelector(invocation, invocation.All("host")));
  if (hosts.ByteSizeLong() > 0) *question.mutable_hosts() = hosts;
  return question;
}

absl::StatusOr<v1::SummarizeRequest> ReadSummaryQuestion(
    const Invocation& invocation) {
  v1::SummarizeRequest question;
  ASSIGN_OR_RETURN(const std::vector<std::string> fields,
                   ReadList(invocation, "by"));
  for (const std::string& field : fields) question.add_group_by(field);
  question.set_filter(invocation.Get("filter"));
  ASSIGN_OR_RETURN(*question.mutable_hosts(),
                   ReadSelector(invocation, invocation.All("host")));
  return question;
}

absl::StatusOr<std::vector<std::string>> ReadList(const Invocation& invocation,
                                                  const std::string& flag) {
  std::vector<std::string> list;
  for (const std::string& words : invocation.All(flag)) {
    for (const absl::string_view word : absl::StrSplit(words, ',')) {
      const absl::string_view bare = absl::StripAsciiWhitespace(word);
      if (bare.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--", flag, " ", words,
            ": one of them is empty; write them with commas between"));
      }
      list.emplace_back(bare);
    }
  }
  return list;
}

bool LooksLikeUuid(absl::string_view word) {
  constexpr size_t kLength = 36;
  return word.size() == kLength &&
         std::count(word.begin(), word.end(), '-') == 4 &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return c == '-' || absl::ascii_isxdigit(c);
         });
}

absl::StatusOr<v1::GetGuestRequest> ReadGuestKey(const Invocation& invocation) {
  const size_t given = invocation.arguments.size() +
                       (invocation.Has("mac") ? 1 : 0) +
                       (invocation.Has("ip") ? 1 : 0);
  if (given != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "guest: which one? give ", given == 0 ? "" : "only one of ",
        "its name, its UUID, --mac or --ip"));
  }
  v1::GetGuestRequest request;
  if (invocation.Has("mac")) {
    request.set_mac(invocation.Get("mac"));
  } else if (invocation.Has("ip")) {
    request.set_ip(invocation.Get("ip"));
  } else if (LooksLikeUuid(invocation.arguments[0])) {
    request.set_uuid(invocation.arguments[0]);
  } else {
    request.set_name(invocation.arguments[0]);
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

absl::StatusOr<v1::ResyncStartRequest> ReadResyncStart(
    const Invocation& invocation) {
  v1::ResyncStartRequest request;
  ASSIGN_OR_RETURN(*request.mutable_selector(), ReadChosenHosts(invocation));
  RETURN_IF_ERROR(ReadModes(invocation, request));
  ASSIGN_OR_RETURN(const std::vector<std::string> plugins,
                   ReadList(invocation, "plugins"));
  if (!plugins.empty() && !invocation.Has("ohai")) {
    return absl::InvalidArgumentError(
        "--plugins: only with --ohai, which runs them");
  }
  for (const std::string& plugin : plugins) request.add_ohai_plugins(plugin);
  request.set_dry_run(invocation.Has("dry-run"));
  request.set_idempotency_key(invocation.Get("idempotency-key"));
  RETURN_IF_ERROR(ReadPace(invocation, request));
  if (invocation.Has("deadline")) {
    ASSIGN_OR_RETURN(const absl::Duration deadline,
                     ReadSpan(invocation, "deadline", absl::ZeroDuration()));
    *request.mutable_timeout() = ToProto(deadline);
  }
  return request;
}

absl::StatusOr<absl::Time> ReadMoment(const Invocation& invocation,
                                      const std::string& flag, absl::Time now,
                                      absl::Time otherwise) {
  if (!invocation.Has(flag)) return otherwise;
  return ParseMoment(absl::StrCat("--", flag), invocation.Get(flag), now,
                     absl::LocalTimeZone());
}

absl::Status ReadPeriod(const Invocation& invocation, absl::Time now,
                        google::protobuf::Timestamp& from,
                        google::protobuf::Timestamp& until) {
  ASSIGN_OR_RETURN(const absl::Time since,
                   ReadMoment(invocation, "since", now, absl::InfinitePast()));
  ASSIGN_OR_RETURN(const absl::Time end, ReadMoment(invocation, "until", now,
                                                    absl::InfiniteFuture()));
  if (since >= end) {
    return absl::InvalidArgumentError(
        absl::StrCat("--until ", invocation.Get("until"),
                     ": not after --since ", invocation.Get("since")));
  }
  if (since != absl::InfinitePast()) from = ToProto(since);
  if (end != absl::InfiniteFuture()) until = ToProto(end);
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> ReadSpan(const Invocation& invocation,
                                        const std::string& flag,
                                        absl::Duration otherwise) {
  if (!invocation.Has(flag)) return otherwise;
  return ParseSpan(absl::StrCat("--", flag), invocation.Get(flag));
}

absl::StatusOr<int64_t> ReadLimit(const Invocation& invocation,
                                  int64_t otherwise) {
  int64_t limit = otherwise;
  RETURN_IF_ERROR(
      ReadNumber<int64_t>(invocation, "limit", [&](int64_t n) { limit = n; }));
  if (limit < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--limit ", limit, ": below zero; 0 is for all"));
  }
  return limit;
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
