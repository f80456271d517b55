// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/history_commands.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/history_view.h"
#include "cli/moment.h"
#include "cli/views.h"
#include "cli/words.h"
#include "rehai/v1/audit.pb.h"
#include "rehai/v1/explain.pb.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/visibility.pb.h"

namespace rehai::cli {
namespace {

constexpr int64_t kLimit = 100;
constexpr int64_t kMostReceipts = 64;
constexpr absl::Duration kLongestWait = absl::Minutes(10);
constexpr absl::Duration kWait = absl::Seconds(30);

// The one host of --host; "" without it.
absl::StatusOr<std::string> OneHost(const Invocation& invocation) {
  const std::vector<std::string> hosts = invocation.All("host");
  if (hosts.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--host ", hosts[1], ": one host at most for ", invocation.command));
  }
  return hosts.empty() ? "" : hosts[0];
}

// By UUID if the word looks like one, else by name.
template <typename Request>
void SetGuest(const std::string& word, Request& request) {
  if (LooksLikeUuid(word)) {
    request.set_guest_uuid(word);
  } else {
    request.set_guest_name(word);
  }
}

absl::StatusOr<v1::WaitVisibleRequest> ReadWait(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  v1::WaitVisibleRequest request;
  SetGuest(invocation.arguments[0], request);
  ASSIGN_OR_RETURN(*request.mutable_node(), OneHost(invocation));
  ASSIGN_OR_RETURN(const std::vector<std::string> words,
                   ReadList(invocation, "for"));
  request.set_level(v1::VISIBILITY_LEVEL_VERIFIED);
  for (const std::string& word : words) {
    if (word == "absent") {
      request.set_absent(true);
      continue;
    }
    const absl::StatusOr<v1::VisibilityLevel> level = ParseLevel("--for", word);
    if (!level.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          level.status().message(), " (or absent, to wait until it is gone)"));
    }
    request.set_level(*level);
  }
  for (const std::string& word : invocation.All("state")) {
    ASSIGN_OR_RETURN(const v1::GuestState state, ParseState(word));
    request.add_states(state);
  }
  if (request.absent() && !request.states().empty()) {
    return absl::InvalidArgumentError(
        "--state: a guest that is absent has none; leave it away");
  }
  const absl::Duration timeout =
      run.watch_timeout == absl::InfiniteDuration() ? kWait : run.watch_timeout;
  if (timeout > kLongestWait) {
    return absl::InvalidArgumentError(
        absl::StrCat("--timeout ", absl::FormatDuration(timeout),
                     ": longer than the 10m that a wait may take"));
  }
  *request.mutable_timeout() = ToProto(timeout);
  return request;
}

ExitStatus StatusOf(const v1::Explanation& explanation) {
  for (const v1::ExplainReason& reason : explanation.reasons()) {
    if (reason.type() == v1::EXPLAIN_REASON_TYPE_HOST_UNKNOWN ||
        reason.type() == v1::EXPLAIN_REASON_TYPE_GUEST_UNKNOWN) {
      return kNotFound;
    }
  }
  switch (explanation.verdict()) {
    case v1::EXPLAIN_VERDICT_IN_PLACE:
    case v1::EXPLAIN_VERDICT_NOT_OURS:
    case v1::EXPLAIN_VERDICT_NOTHING:
      return kDone;
    case v1::EXPLAIN_VERDICT_UNREADABLE:
      return kRefused;
    default:
      return kDifferent;
  }
}

}  // namespace

absl::StatusOr<ExitStatus> RunHistory(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  v1::ListEventsRequest request;
  if (!invocation.arguments.empty()) SetGuest(invocation.arguments[0], request);
  ASSIGN_OR_RETURN(*request.mutable_node(), OneHost(invocation));
  ASSIGN_OR_RETURN(const std::vector<std::string> kinds,
                   ReadList(invocation, "kinds"));
  for (const std::string& word : kinds) {
    ASSIGN_OR_RETURN(const v1::EventKind kind, ParseEvent("--kinds", word));
    request.add_kinds(kind);
  }
  v1::ListEventsRequest period;
  RETURN_IF_ERROR(ReadPeriod(invocation, run.Now(), *period.mutable_from(),
                             *period.mutable_until()));
  if (invocation.Has("since")) *request.mutable_from() = period.from();
  if (invocation.Has("until")) *request.mutable_until() = period.until();
  request.set_oldest_first(invocation.Has("oldest-first"));
  ASSIGN_OR_RETURN(const int64_t limit, ReadLimit(invocation, kLimit));
  ASSIGN_OR_RETURN(v1::ListEventsResponse events,
                   run.client.ListEvents(request, limit));
  std::vector<std::string> names;
  for (const v1::HistoryEvent& event : events.events()) {
    const std::string& name =
        event.guest_uuid().empty() ? event.node() : event.guest_uuid();
    if (!absl::c_linear_search(names, name)) names.push_back(name);
  }
  Answer answer =
      MakeAnswer<v1::ListEventsResponse>(std::move(events), EventsTable);
  answer.names = std::move(names);
  RETURN_IF_ERROR(Show(run, answer));
  return kDone;
}

absl::StatusOr<ExitStatus> RunHistoryDiff(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  const absl::Time now = run.Now();
  const absl::TimeZone zone = absl::LocalTimeZone();
  ASSIGN_OR_RETURN(const absl::Time from,
                   ParseMoment("FROM", invocation.arguments[0], now, zone));
  absl::Time to = now;
  if (invocation.arguments.size() > 1) {
    ASSIGN_OR_RETURN(to, ParseMoment("TO", invocation.arguments[1], now, zone));
  }
  if (from >= to) {
    return absl::InvalidArgumentError(absl::StrCat(
        "FROM ", invocation.arguments[0], ": not before TO; swap them"));
  }
  v1::HistoryDiffRequest request;
  *request.mutable_from() = ToProto(from);
  *request.mutable_to() = ToProto(to);
  ASSIGN_OR_RETURN(*request.mutable_node(), OneHost(invocation));
  ASSIGN_OR_RETURN(v1::HistoryDiffResponse diff,
                   run.client.HistoryDiff(request));
  const bool same = diff.differences().empty();
  std::vector<std::string> names;
  for (const v1::GuestDifference& difference : diff.differences()) {
    names.push_back(difference.guest_uuid());
  }
  Answer answer =
      MakeAnswer<v1::HistoryDiffResponse>(std::move(diff), HistoryDiffTable);
  answer.names = std::move(names);
  RETURN_IF_ERROR(Show(run, answer));
  return same ? kDone : kDifferent;
}

absl::StatusOr<ExitStatus> RunReceipts(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  v1::GetReceiptsRequest request;
  ASSIGN_OR_RETURN(const std::string host, OneHost(invocation));
  if (host.empty() == invocation.arguments.empty()) {
    return absl::InvalidArgumentError(
        "receipts: of what? give either a guest or --host HOST");
  }
  if (host.empty()) {
    SetGuest(invocation.arguments[0], request);
  } else {
    request.set_node(host);
  }
  ASSIGN_OR_RETURN(const int64_t limit, ReadLimit(invocation, 16));
  request.set_max_receipts(static_cast<int32_t>(
      limit == 0 ? kMostReceipts : std::min(limit, kMostReceipts)));
  ASSIGN_OR_RETURN(v1::GetReceiptsResponse receipts,
                   run.client.GetReceipts(request));
  RETURN_IF_ERROR(Show(run, MakeAnswer<v1::GetReceiptsResponse>(
                                std::move(receipts), ReceiptsTable)));
  return kDone;
}

absl::StatusOr<ExitStatus> RunWait(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::WaitVisibleRequest request, ReadWait(run));
  absl::StatusOr<v1::WaitVisibleResponse> visible =
      run.client.WaitVisible(request);
  if (absl::IsDeadlineExceeded(visible.status())) {
    run.console.Complain(visible.status().message());
    return kDifferent;
  }
  RETURN_IF_ERROR(visible.status());
  RETURN_IF_ERROR(
      Show(run, MakeAnswer<v1::WaitVisibleResponse>(
                    *std::move(visible),
                    [](const v1::WaitVisibleResponse& response, const Look&) {
                      return WaitText(response);
                    })));
  return kDone;
}

absl::StatusOr<ExitStatus> RunExplain(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  const std::vector<std::string>& words = invocation.arguments;
  v1::ExplainRequest request;
  if (invocation.Has("guest")) {
    SetGuest(invocation.Get("guest"), request);
    if (words.size() > 1) {
      request.set_node(words[0]);
      request.set_path(words[1]);
    } else if (words.size() == 1) {
      request.set_path(words[0]);
    }
  } else if (words.empty()) {
    return absl::InvalidArgumentError(
        "explain: what? give a host, or --guest NAME");
  } else {
    request.set_node(words[0]);
    if (words.size() > 1) request.set_path(words[1]);
  }
  ASSIGN_OR_RETURN(const v1::ExplainResponse response,
                   run.client.Explain(request));
  RETURN_IF_ERROR(
      Show(run, MakeAnswer<v1::Explanation>(
                    response.explanation(),
                    [](const v1::Explanation& explanation, const Look& look) {
                      return ExplainText(explanation, CommandRun::Now(), look);
                    })));
  return StatusOf(response.explanation());
}

absl::StatusOr<ExitStatus> RunDiff(const CommandRun& run) {
  ASSIGN_OR_RETURN(v1::ResyncDiffResponse diff,
                   run.client.Diff(run.invocation.arguments[0]));
  const bool same = diff.differences().empty();
  RETURN_IF_ERROR(
      Show(run, MakeAnswer<v1::ResyncDiffResponse>(
                    std::move(diff),
                    [](const v1::ResyncDiffResponse& all, const Look& look) {
                      return DiffText(all, look.colours);
                    })));
  return same ? kDone : kDifferent;
}

absl::StatusOr<ExitStatus> RunAudit(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  v1::ListEntriesRequest request;
  request.set_caller(invocation.Get("caller"));
  request.set_command(invocation.Get("command"));
  v1::ListEntriesRequest period;
  RETURN_IF_ERROR(ReadPeriod(invocation, run.Now(), *period.mutable_from(),
                             *period.mutable_until()));
  if (invocation.Has("since")) *request.mutable_from() = period.from();
  if (invocation.Has("until")) *request.mutable_until() = period.until();
  ASSIGN_OR_RETURN(const int64_t limit, ReadLimit(invocation, kLimit));
  ASSIGN_OR_RETURN(v1::ListEntriesResponse entries,
                   run.client.ListAuditEntries(request, limit));
  RETURN_IF_ERROR(Show(run, MakeAnswer<v1::ListEntriesResponse>(
                                std::move(entries), AuditTable)));
  return kDone;
}

}  // namespace rehai::cli
