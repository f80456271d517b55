// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/fleet_commands.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/chef_view.h"
#include "cli/client.h"
#include "cli/field_table.h"
#include "cli/history_view.h"
#include "cli/views.h"
#include "cli/words.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/history.pb.h"

namespace rehai::cli {
namespace {

// As many as one call gives.
constexpr int64_t kMostFindings = 1000;

// Whoever names one host wants to know more of it.
std::string HostsText(const v1::ListHostsResponse& hosts, bool one_named,
                      const Look& look) {
  const absl::Time now = CommandRun::Now();
  std::string text = HostsTable(hosts, now, look);
  if (one_named && hosts.hosts_size() == 1) {
    const v1::Host& host = hosts.hosts(0);
    absl::StrAppend(&text, "\n", ConditionDetails(host, now, look.colours),
                    SyncDetails(host.sync(), now, look.colours));
  }
  return text;
}

// In place of an answer's table one of the fields of each of its entries.
template <typename Entries>
absl::Status ShowFields(const CommandRun& run, const Entries& entries,
                        Answer& answer) {
  if (!run.invocation.Has("fields") || IsStructured(run.format)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                   ReadList(run.invocation, "fields"));
  std::vector<const google::protobuf::Message*> rows;
  for (const auto& entry : entries) rows.push_back(&entry);
  ASSIGN_OR_RETURN(
      const std::string text,
      FieldTable(*Entries::value_type::descriptor(), rows, paths, run.look()));
  answer.table = [text](const Look&) { return text; };
  return absl::OkStatus();
}

// --as-of asks the history, which knows less.
absl::Status RefuseBesideAsOf(const Invocation& invocation,
                              const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    if (!invocation.Has(flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, ": not with --as-of"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Answer> AskHosts(const CommandRun& run,
                                v1::ListHostsRequest question) {
  // A name is all that a name needs.
  if (run.format == OutputFormat::kName) {
    question.mutable_read_mask()->Clear();
    question.mutable_read_mask()->add_paths("node");
  }
  ASSIGN_OR_RETURN(v1::ListHostsResponse hosts, run.client.ListHosts(question));
  const bool one_named = run.invocation.arguments.size() == 1;
  std::vector<std::string> names;
  for (const v1::Host& host : hosts.hosts()) names.push_back(host.node());
  Answer answer = MakeAnswer<v1::ListHostsResponse>(
      hosts, [one_named](const v1::ListHostsResponse& all, const Look& look) {
        return HostsText(all, one_named, look);
      });
  answer.names = std::move(names);
  answer.revision = hosts.revision();
  RETURN_IF_ERROR(ShowFields(run, hosts.hosts(), answer));
  return answer;
}

absl::StatusOr<Answer> AskGuests(const CommandRun& run,
                                 v1::ListGuestsRequest question) {
  if (run.format == OutputFormat::kName) {
    question.mutable_read_mask()->Clear();
    question.mutable_read_mask()->add_paths("guest.name");
    question.mutable_read_mask()->add_paths("guest.uuid");
  }
  ASSIGN_OR_RETURN(v1::ListGuestsResponse guests,
                   run.client.ListGuests(question));
  Answer answer = MakeAnswer<v1::ListGuestsResponse>(
      guests, [](const v1::ListGuestsResponse& all, const Look& look) {
        return GuestsTable(all, CommandRun::Now(), look);
      });
  answer.names = GuestNames(guests);
  answer.revision = guests.revision();
  RETURN_IF_ERROR(ShowFields(run, guests.guests(), answer));
  return answer;
}

absl::StatusOr<ExitStatus> RunHostsAsOf(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  RETURN_IF_ERROR(RefuseBesideAsOf(
      invocation, {"filter", "sort", "fields", "label", "watch"}));
  if (invocation.arguments.size() > 1) {
    return absl::InvalidArgumentError("--as-of: of one host, or of all");
  }
  const absl::Time now = CommandRun::Now();
  v1::ListHostsAsOfRequest request;
  ASSIGN_OR_RETURN(const absl::Time at,
                   ReadMoment(invocation, "as-of", now, now));
  *request.mutable_at() = ToProto(at);
  if (!invocation.arguments.empty()) request.set_node(invocation.arguments[0]);
  ASSIGN_OR_RETURN(v1::ListHostsAsOfResponse hosts,
                   run.client.ListHostsAsOf(request));
  std::vector<std::string> names;
  for (const v1::HostAsOf& host : hosts.hosts()) names.push_back(host.node());
  Answer answer =
      MakeAnswer<v1::ListHostsAsOfResponse>(std::move(hosts), HostsAsOfTable);
  answer.names = std::move(names);
  RETURN_IF_ERROR(Show(run, answer));
  return kDone;
}

absl::StatusOr<ExitStatus> RunGuestsAsOf(const CommandRun& run) {
  const Invocation& invocation = run.invocation;
  RETURN_IF_ERROR(RefuseBesideAsOf(
      invocation, {"filter", "sort", "fields", "label", "state", "watch"}));
  if (invocation.All("host").size() > 1) {
    return absl::InvalidArgumentError("--as-of: of one host, or of all");
  }
  const absl::Time now = CommandRun::Now();
  v1::ListGuestsAsOfRequest request;
  ASSIGN_OR_RETURN(const absl::Time at,
                   ReadMoment(invocation, "as-of", now, now));
  *request.mutable_at() = ToProto(at);
  request.set_node(invocation.Get("host"));
  request.set_guest_name(invocation.Get("name"));
  ASSIGN_OR_RETURN(v1::ListGuestsAsOfResponse guests,
                   run.client.ListGuestsAsOf(request));
  std::vector<std::string> names;
  for (const v1::GuestAsOf& guest : guests.guests()) {
    names.push_back(guest.guest().name());
  }
  Answer answer = MakeAnswer<v1::ListGuestsAsOfResponse>(std::move(guests),
                                                         GuestsAsOfTable);
  answer.names = std::move(names);
  RETURN_IF_ERROR(Show(run, answer));
  return kDone;
}

}  // namespace

absl::StatusOr<ExitStatus> RunHosts(const CommandRun& run) {
  if (run.invocation.Has("as-of")) return RunHostsAsOf(run);
  ASSIGN_OR_RETURN(const v1::ListHostsRequest question,
                   ReadHostQuestion(run.invocation));
  return ShowOrWatch(
      run, [&] { return AskHosts(run, question); }, &question.selector());
}

absl::StatusOr<ExitStatus> RunGuests(const CommandRun& run) {
  if (run.invocation.Has("as-of")) return RunGuestsAsOf(run);
  ASSIGN_OR_RETURN(const v1::ListGuestsRequest question,
                   ReadGuestQuestion(run.invocation));
  return ShowOrWatch(
      run, [&] { return AskGuests(run, question); }, &question.hosts());
}

absl::StatusOr<ExitStatus> RunGuest(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::GetGuestRequest request,
                   ReadGuestKey(run.invocation));
  ASSIGN_OR_RETURN(const v1::GetGuestResponse response,
                   run.client.GetGuest(request));
  RETURN_IF_ERROR(Show(
      run, MakeAnswer<v1::LocatedGuest>(
               response.guest(),
               [](const v1::LocatedGuest& guest, const Look& look) {
                 return GuestDetails(guest, CommandRun::Now(), look.colours);
               })));
  return kDone;
}

absl::StatusOr<ExitStatus> RunSummary(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::SummarizeRequest question,
                   ReadSummaryQuestion(run.invocation));
  ASSIGN_OR_RETURN(v1::SummarizeResponse summary,
                   run.client.Summarize(question));
  const std::vector<std::string> group_by(question.group_by().begin(),
                                          question.group_by().end());
  RETURN_IF_ERROR(Show(
      run, MakeAnswer<v1::SummarizeResponse>(
               std::move(summary),
               [&group_by](const v1::SummarizeResponse& all, const Look& look) {
                 return SummaryTable(all, group_by, look);
               })));
  return kDone;
}

absl::StatusOr<ExitStatus> RunFindings(const CommandRun& run) {
  v1::ListFindingsRequest question;
  ASSIGN_OR_RETURN(const std::vector<std::string> types,
                   ReadList(run.invocation, "type"));
  for (const std::string& word : types) {
    ASSIGN_OR_RETURN(const v1::FindingType type, ParseFinding("--type", word));
    question.add_types(type);
  }
  question.set_node(run.invocation.Get("host"));
  ASSIGN_OR_RETURN(const int64_t limit, ReadLimit(run.invocation, 100));
  question.set_max_findings(static_cast<int32_t>(
      limit == 0 ? kMostFindings : std::min(limit, kMostFindings)));
  return ShowOrWatch(run, [&]() -> absl::StatusOr<Answer> {
    ASSIGN_OR_RETURN(v1::ListFindingsResponse found,
                     run.client.ListFindings(question));
    const bool none = found.findings().empty();
    std::vector<std::string> names;
    std::string gist;
    for (const v1::Finding& finding : found.findings()) {
      names.push_back(
          absl::StrCat(FindingWord(finding.type()), "/", finding.subject()));
      absl::StrAppend(&gist, finding.SerializeAsString());
    }
    Answer answer = MakeAnswer<v1::ListFindingsResponse>(
        std::move(found),
        [](const v1::ListFindingsResponse& all, const Look& look) {
          return FindingsTable(all, CommandRun::Now(), look);
        });
    answer.names = std::move(names);
    answer.gist = std::move(gist);
    answer.status = none ? kDone : kDifferent;
    return answer;
  });
}

}  // namespace rehai::cli
