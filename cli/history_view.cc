// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/history_view.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "cli/facts.h"
#include "cli/words.h"
#include "google/protobuf/timestamp.pb.h"

namespace rehai::cli {
namespace {

using google::protobuf::Timestamp;

// How long after `from` it was; "-" if that is not known.
std::string After(const Timestamp& from, bool has_from, const Timestamp& at,
                  bool has_at) {
  if (!has_from || !has_at) return "-";
  return LatencyText(FromProto(at) - FromProto(from));
}

std::string GuestNameOf(const v1::HistoryEvent& event) {
  return event.guest_name().empty() ? event.guest_uuid() : event.guest_name();
}

Colour EventColour(v1::EventKind kind) {
  switch (kind) {
    case v1::EVENT_KIND_GUEST_CREATED:
    case v1::EVENT_KIND_GUEST_STARTED:
    case v1::EVENT_KIND_HOST_REACHABLE:
      return Colour::kGreen;
    case v1::EVENT_KIND_GUEST_GONE:
    case v1::EVENT_KIND_HOST_LEFT:
    case v1::EVENT_KIND_HOST_UNKNOWN:
      return Colour::kRed;
    case v1::EVENT_KIND_GUEST_MISSING:
    case v1::EVENT_KIND_HOST_UNREACHABLE:
    case v1::EVENT_KIND_HOST_CONDITION_BEGAN:
      return Colour::kYellow;
    default:
      return Colour::kPlain;
  }
}

// What there is to say beside the kind.
std::string EventDetail(const v1::HistoryEvent& event) {
  std::vector<std::string> parts;
  if (!event.detail().empty()) parts.push_back(event.detail());
  if (!event.other_node().empty()) {
    parts.push_back(absl::StrCat(
        event.kind() == v1::EVENT_KIND_GUEST_MOVED_IN ? "from " : "to ",
        event.other_node()));
  }
  if (!event.changed_fields().empty()) {
    parts.push_back(absl::StrJoin(event.changed_fields(), ", "));
  }
  return absl::StrJoin(parts, "; ");
}

std::string GuestState(const v1::GuestAsOf& guest) {
  return absl::StrCat(guest.node(), ", ", StateWord(guest.guest().state()));
}

std::string DifferenceText(const v1::GuestDifference& difference) {
  switch (difference.kind()) {
    case v1::DIFFERENCE_KIND_APPEARED:
      return absl::StrCat("on ", GuestState(difference.after()));
    case v1::DIFFERENCE_KIND_GONE:
      return absl::StrCat("was on ", GuestState(difference.before()));
    case v1::DIFFERENCE_KIND_MOVED:
      return absl::StrCat("from ", difference.before().node(), " to ",
                          GuestState(difference.after()));
    default:
      return absl::StrCat("on ", GuestState(difference.after()), ": ",
                          absl::StrJoin(difference.changed_fields(), ", "));
  }
}

Colour VerdictColour(v1::ExplainVerdict verdict) {
  switch (verdict) {
    case v1::EXPLAIN_VERDICT_IN_PLACE:
      return Colour::kGreen;
    case v1::EXPLAIN_VERDICT_NOT_OURS:
    case v1::EXPLAIN_VERDICT_NOTHING:
      return Colour::kPlain;
    default:
      return Colour::kRed;
  }
}

void AddSync(const v1::SyncStatus& sync, absl::Time now, Facts& facts) {
  if (sync.has_written_at()) {
    facts.Add("Written",
              absl::StrCat(AgeOf(sync.written_at(), true, now),
                           " ago: ", WriteOutcomeWord(sync.last_outcome())));
  }
  if (sync.has_verified_at()) {
    facts.Add("Verified",
              absl::StrCat(AgeOf(sync.verified_at(), true, now), " ago"));
  }
  facts.Add("Error", sync.last_error(), Colour::kRed);
  if (sync.overwrites() > 0) {
    facts.Add("Overwritten",
              absl::StrCat(Count(sync.overwrites(), "time"), ", last by ",
                           OverwriterWord(sync.last_overwriter()), " ",
                           AgeOf(sync.last_overwrite_at(), true, now), " ago"));
  }
  if (sync.has_next_try_at()) {
    facts.Add("Next try", TimeText(sync.next_try_at(), true));
  }
}

std::string Values(const v1::ExplainDifference& difference) {
  return absl::StrCat(
      difference.has_chef_value()
          ? absl::StrCat("  - ", Printable(difference.chef_value()), "\n")
          : "",
      difference.has_wanted_value()
          ? absl::StrCat("  + ", Printable(difference.wanted_value()), "\n")
          : "");
}

}  // namespace

std::string EventsTable(const v1::ListEventsResponse& response,
                        const Look& look) {
  Table table({{"TIME"},
               {"EVENT"},
               {"GUEST", false, /*cut=*/2},
               {"HOST", false, /*cut=*/1},
               {"SHOWN", true},
               {"DETAIL", false, /*cut=*/3},
               {"UUID", false, 0, /*wide=*/true},
               {"REVISION", true, 0, /*wide=*/true},
               {"SOURCE", false, 0, /*wide=*/true}});
  for (const v1::HistoryEvent& event : response.events()) {
    table.AddRow({{TimeText(event.at(), event.has_at())},
                  {EventWord(event.kind()), EventColour(event.kind())},
                  {GuestNameOf(event)},
                  {event.node()},
                  {After(event.at(), event.has_at(), event.shown_at(),
                         event.has_shown_at())},
                  {EventDetail(event)},
                  {event.guest_uuid()},
                  {absl::StrCat(event.revision())},
                  {SourceWord(event.source())}});
  }
  std::string out = table.Render(look);
  if (!response.next_page_token().empty()) {
    absl::StrAppend(&out, "There are more; --limit shows them.\n");
  } else if (response.has_complete_since()) {
    absl::StrAppend(&out, "All that is kept; complete since ",
                    TimeText(response.complete_since(), true), ".\n");
  }
  return out;
}

std::string GuestsAsOfTable(const v1::ListGuestsAsOfResponse& response,
                            const Look& look) {
  Table table({{"NAME", false, /*cut=*/1},
               {"STATE"},
               {"HOST", false, /*cut=*/2},
               {"VCPUS", true},
               {"MEMORY", true},
               {"SINCE"},
               {"UUID", false, /*cut=*/3}});
  for (const v1::GuestAsOf& guest : response.guests()) {
    const v1::GuestState state = guest.guest().state();
    table.AddRow(
        {{guest.guest().name()},
         {absl::StrCat(StateWord(state), guest.missing() ? " (missing)" : ""),
          StateColour(state)},
         {guest.node()},
         {absl::StrCat(guest.guest().vcpus())},
         {MemoryText(guest.guest().memory_kib())},
         {TimeText(guest.since().at(), guest.since().has_at())},
         {guest.guest().uuid(), Colour::kDim}});
  }
  return table.Render(look);
}

std::string HostsAsOfTable(const v1::ListHostsAsOfResponse& response,
                           const Look& look) {
  Table table({{"HOST", false, /*cut=*/1},
               {"PRESENCE"},
               {"SINCE"},
               {"LAST CHANGE"},
               {"CONDITIONS", false, /*cut=*/2}});
  for (const v1::HostAsOf& host : response.hosts()) {
    std::vector<std::string> conditions;
    for (const v1::Condition& condition : host.host().conditions()) {
      conditions.push_back(condition.type());
    }
    const v1::Presence presence = host.host().presence();
    table.AddRow({{host.node()},
                  {PresenceWord(presence), PresenceColour(presence)},
                  {TimeText(host.since().at(), host.since().has_at())},
                  {EventWord(host.since().kind())},
                  {absl::StrJoin(conditions, ", "), Colour::kRed}});
  }
  return table.Render(look);
}

std::string HistoryDiffTable(const v1::HistoryDiffResponse& response,
                             const Look& look) {
  if (response.differences().empty()) return "no guest differs\n";
  Table table({{"CHANGE"},
               {"GUEST", false, /*cut=*/1},
               {"WHAT", false, /*cut=*/2},
               {"UUID", false, /*cut=*/3}});
  for (const v1::GuestDifference& difference : response.differences()) {
    const v1::GuestAsOf& newest =
        difference.has_after() ? difference.after() : difference.before();
    table.AddRow({{DifferenceWord(difference.kind())},
                  {newest.guest().name()},
                  {DifferenceText(difference)},
                  {difference.guest_uuid(), Colour::kDim}});
  }
  return table.Render(look);
}

std::string ReceiptsTable(const v1::GetReceiptsResponse& response,
                          const Look& look) {
  Table table({{"REVISION", true},
               {"HOST", false, /*cut=*/1},
               {"LEVEL"},
               {"OBSERVED"},
               {"RECEIVED", true},
               {"WRITTEN", true},
               {"VERIFIED", true},
               {"SEARCHABLE", true}});
  for (const v1::Receipt& receipt : response.receipts()) {
    const auto after = [&](const Timestamp& at, bool present) {
      return After(receipt.observed_at(), receipt.has_observed_at(), at,
                   present);
    };
    table.AddRow(
        {{absl::StrCat(receipt.revision())},
         {receipt.node()},
         {LevelWord(receipt.level())},
         {TimeText(receipt.observed_at(), receipt.has_observed_at())},
         {after(receipt.received_at(), receipt.has_received_at())},
         {after(receipt.written_at(), receipt.has_written_at())},
         {after(receipt.verified_at(), receipt.has_verified_at())},
         {after(receipt.searchable_at(), receipt.has_searchable_at())}});
  }
  return table.Render(look);
}

std::string WaitText(const v1::WaitVisibleResponse& response) {
  const v1::Receipt& receipt = response.receipt();
  std::string out =
      response.has_guest()
          ? absl::StrCat(Printable(response.guest().guest().name()), ": ",
                         StateWord(response.guest().guest().state()), " on ",
                         Printable(response.guest().node()))
          : absl::StrCat("gone", receipt.node().empty() ? "" : " from ",
                         Printable(receipt.node()));
  absl::StrAppend(&out, ", ", LevelWord(receipt.level()));
  const auto add = [&](absl::string_view what, const Timestamp& at,
                       bool present) {
    if (!present || !receipt.has_observed_at()) return;
    absl::StrAppend(&out, ", ", what, " after ",
                    After(receipt.observed_at(), true, at, true));
  };
  add("written", receipt.written_at(), receipt.has_written_at());
  add("verified", receipt.verified_at(), receipt.has_verified_at());
  add("searchable", receipt.searchable_at(), receipt.has_searchable_at());
  return absl::StrCat(out, "\n");
}

std::string ExplainText(const v1::Explanation& explanation, absl::Time now,
                        const Look& look) {
  Facts facts;
  facts.Add("Node", explanation.node());
  facts.Add("Path", absl::StrJoin(explanation.path(), "."));
  facts.Add("Verdict", VerdictWord(explanation.verdict()),
            VerdictColour(explanation.verdict()));
  facts.Add("Summary", explanation.summary());
  if (explanation.has_chef_value()) {
    facts.Add("In Chef", explanation.chef_value());
  }
  if (explanation.has_wanted_value() &&
      explanation.wanted_value() != explanation.chef_value()) {
    facts.Add("Wanted", explanation.wanted_value());
  }
  if (explanation.has_fact()) {
    const v1::ExplainFact& fact = explanation.fact();
    facts.Add("From", fact.field());
    facts.Add("Told by", absl::StrCat(SourceWord(fact.provenance().kind()), " ",
                                      fact.provenance().origin()));
    facts.Add("Seen",
              fact.has_confirmed_at()
                  ? absl::StrCat(AgeOf(fact.confirmed_at(), true, now),
                                 " ago, ", PresenceWord(fact.presence()))
                  : "");
  }
  for (const v1::ExplainReason& reason : explanation.reasons()) {
    facts.Add("Reason",
              absl::StrCat(
                  ReasonWord(reason.type()),
                  reason.has_since()
                      ? absl::StrCat(" since ", TimeText(reason.since(), true))
                      : "",
                  ": ", reason.message()),
              Colour::kYellow);
  }
  AddSync(explanation.sync(), now, facts);
  if (explanation.has_next_check_at()) {
    facts.Add("Next check", TimeText(explanation.next_check_at(), true));
  }
  std::string out = facts.Render(look.colours);
  if (explanation.difference_count() > 0) {
    absl::StrAppend(&out, "\n",
                    Count(explanation.difference_count(), "difference"), ":\n");
  }
  for (const v1::ExplainDifference& difference : explanation.differences()) {
    absl::StrAppend(&out, Printable(difference.path()), "\n",
                    Values(difference));
  }
  return out;
}

std::string FindingsTable(const v1::ListFindingsResponse& response,
                          absl::Time now, const Look& look) {
  if (!response.has_checked_at()) return "the fleet has not been checked yet\n";
  if (response.findings().empty()) {
    return absl::StrCat("nothing found, ",
                        AgeOf(response.checked_at(), true, now), " ago\n");
  }
  Table table({{"TYPE"},
               {"FOR", true},
               {"HOSTS", false, /*cut=*/1},
               {"MESSAGE", false, /*cut=*/2},
               {"SUBJECT", false, 0, /*wide=*/true}});
  for (const v1::Finding& finding : response.findings()) {
    table.AddRow({{FindingWord(finding.type()), Colour::kRed},
                  {AgeOf(finding.since(), finding.has_since(), now)},
                  {absl::StrJoin(finding.nodes(), ", ")},
                  {finding.message()},
                  {finding.subject()}});
  }
  const int more = response.total_size() - response.findings_size();
  return absl::StrCat(
      table.Render(look),
      more > 0 ? absl::StrCat("and ", more, " more; --limit shows them\n")
               : "");
}

std::string AuditTable(const v1::ListEntriesResponse& response,
                       const Look& look) {
  Table table({{"TIME"},
               {"CALLER", false, /*cut=*/1},
               {"ROLE"},
               {"COMMAND"},
               {"OUTCOME", false, /*cut=*/2},
               {"REQUEST", false, /*cut=*/3},
               {"TOOK", true, 0, /*wide=*/true},
               {"ADDRESS", false, 0, /*wide=*/true}});
  for (const v1::AuditEntry& entry : response.entries()) {
    table.AddRow({{TimeText(entry.at(), entry.has_at())},
                  {entry.caller()},
                  {entry.role()},
                  {entry.command()},
                  {entry.outcome(),
                   entry.outcome() == "OK" ? Colour::kGreen : Colour::kRed},
                  {entry.request()},
                  {LatencyText(FromProto(entry.duration()))},
                  {entry.address()}});
  }
  return absl::StrCat(table.Render(look),
                      response.next_page_token().empty()
                          ? ""
                          : "There are more; --limit shows them.\n");
}

}  // namespace rehai::cli
