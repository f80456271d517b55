// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/source_view.h"

#include <google/protobuf/map.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "cli/facts.h"
#include "cli/quantile.h"
#include "cli/table.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

// Names in a line; confirm-discovery lists them all.
constexpr int kNames = 5;

using Names = google::protobuf::RepeatedPtrField<std::string>;

// "hv1, hv2 and 7 more"
std::string FirstOf(const Names& names) {
  const int shown = std::min(names.size(), kNames);
  std::string text = absl::StrJoin(names.begin(), names.begin() + shown, ", ");
  if (names.size() > shown) {
    absl::StrAppend(&text, " and ", names.size() - shown, " more");
  }
  return text;
}

std::string ConnectionsText(const v1::PullStatus& pull) {
  int64_t total = 0;
  std::vector<std::string> parts;
  for (const v1::ConnectionStateCount& count : pull.connections()) {
    total += count.count();
    if (count.count() > 0) {
      parts.push_back(
          absl::StrCat(count.count(), " ", ConnectionWord(count.state())));
    }
  }
  if (total == 0) return "none";
  return absl::StrCat(total, ": ", absl::StrJoin(parts, ", "));
}

// "18 failed (1 refused, 17 timeout)"
std::string ByReason(const google::protobuf::Map<std::string, int64_t>& counts,
                     absl::string_view what) {
  // A map's order is nobody's.
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(),
                                                      counts.end());
  std::sort(sorted.begin(), sorted.end());
  int64_t total = 0;
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : sorted) {
    if (count == 0) continue;
    total += count;
    reasons.push_back(absl::StrCat(count, " ", reason));
  }
  std::string text = absl::StrCat(total, " ", what);
  if (!reasons.empty()) {
    absl::StrAppend(&text, " (", absl::StrJoin(reasons, ", "), ")");
  }
  return text;
}

std::string DialsText(const v1::PullStatus& pull) {
  const std::string text =
      absl::StrCat(pull.dials(), ", ", ByReason(pull.failed_dials(), "failed"));
  return absl::StrCat(text, "; ", Count(pull.lost_connections(), "connection"),
                      " lost");
}

void AddPush(const v1::PushStatus& push, Facts& facts) {
  facts.Add("Agents",
            absl::StrCat(push.sessions(), " connected; ",
                         Count(push.opened_sessions(), "session"), ", ",
                         ByReason(push.ended_sessions(), "ended"), ", ",
                         ByReason(push.refused_sessions(), "refused")));
  facts.Add("Reports",
            absl::StrCat(push.reports(), ", ", push.full_reports(), " full, ",
                         push.full_demanded(), " not taken in"));
  if (push.ohai_runs() > 0) {
    facts.Add("Ohai", absl::StrCat(Count(push.ohai_runs(), "run"), ", ",
                                   push.failed_ohai_runs(), " failed"));
  }
  if (push.certificates_issued() > 0 || push.enrolments_refused() > 0) {
    facts.Add("Certificates",
              absl::StrCat(push.certificates_issued(), " issued, ",
                           push.enrolments_refused(), " refused"));
  }
}

std::string StatusFacts(const v1::SourceStatus& status, absl::Time now,
                        bool colours) {
  const v1::PullStatus& pull = status.pull();
  const v1::DiscoveryStatus& discovery = status.discovery();
  Facts facts;
  facts.Add("Connections", ConnectionsText(pull));
  facts.Add("Dials", DialsText(pull));
  facts.Add("Reads",
            absl::StrCat(pull.reads(), ", ", pull.failed_reads(), " failed"));
  if (pull.overdue_reads() > 0) {
    facts.Add("Overdue",
              absl::StrCat(Count(pull.overdue_reads(), "read"), " under way"),
              Colour::kYellow);
  }
  if (pull.waiting() > 0) {
    facts.Add("Waiting",
              absl::StrCat(Count(pull.waiting(), "host"),
                           " for a worker, the oldest for ",
                           LatencyText(FromProto(pull.oldest_due()))));
  }
  facts.Add("Events", absl::StrCat(pull.events(), " heard, ",
                                   pull.missed_events(), " missed"));
  if (status.has_push()) AddPush(status.push(), facts);
  facts.Add("Fleet", Count(discovery.hosts(), "host"));
  if (!discovery.held().empty()) {
    facts.Add(
        "Held",
        absl::StrCat(
            Count(discovery.held_size(), "host"), " not found any more, for ",
            AgeOf(discovery.held_since(), discovery.has_held_since(), now),
            ": ", FirstOf(discovery.held()),
            "; see rehaictl source confirm-discovery"),
        Colour::kRed);
  }
  facts.Add("Claimed twice", FirstOf(discovery.claimed_twice()), Colour::kRed);
  return facts.Render(colours);
}

std::string QuantileText(const v1::Histogram& histogram, double share) {
  const std::optional<absl::Duration> quantile = Quantile(histogram, share);
  if (!quantile) return "-";
  if (*quantile < absl::InfiniteDuration()) return LatencyText(*quantile);
  if (histogram.bounds().empty()) return "-";
  return absl::StrCat("> ", LatencyText(absl::Seconds(histogram.bounds(
                                histogram.bounds_size() - 1))));
}

std::string LatencyRows(const v1::SourceStatus& status, bool colours) {
  const v1::PullStatus& pull = status.pull();
  Table table({{"TIME"}, {"P50", true}, {"P99", true}, {"COUNT", true}});
  const auto add = [&](const char* what, const v1::Histogram& histogram) {
    table.AddRow({{what},
                  {QuantileText(histogram, 0.5)},
                  {QuantileText(histogram, 0.99)},
                  {absl::StrCat(histogram.count())}});
  };
  add("event to record", pull.event_to_record());
  add("dial", pull.dial_time());
  add("read", pull.read_time());
  if (status.has_push()) {
    add("report to record", status.push().report_to_record());
  }
  return table.Render(colours);
}

std::string ProviderRows(const v1::DiscoveryStatus& discovery, absl::Time now,
                         bool colours) {
  if (discovery.providers().empty()) return "";
  Table table({{"FOUND BY"}, {"HOSTS", true}, {"GOOD", true}, {"ERROR"}});
  for (const v1::DiscoveryProvider& provider : discovery.providers()) {
    table.AddRow({{provider.name()},
                  {absl::StrCat(provider.hosts())},
                  {AgeOf(provider.good_at(), provider.has_good_at(), now)},
                  {provider.error(), Colour::kRed}});
  }
  return table.Render(colours);
}

// Until when a moment is; "now" once it has come.
std::string Until(const google::protobuf::Timestamp& moment, absl::Time now) {
  const absl::Duration left = FromProto(moment) - now;
  return left <= absl::ZeroDuration() ? "now" : absl::StrCat("in ", Age(left));
}

// What went wrong and still holds: an error stays after the host is back.
std::string CurrentError(const v1::Connection& connection) {
  return connection.state() == v1::CONNECTION_STATE_UP
             ? ""
             : connection.last_error();
}

// Why an agent is of no use now; empty if it is.
std::string AgentError(const v1::AgentState& agent) {
  return agent.connected() ? agent.source_error() : agent.last_end();
}

}  // namespace

std::string SourceStatusPage(const v1::SourceStatus& status, absl::Time now,
                             bool colours) {
  std::string page = absl::StrCat(StatusFacts(status, now, colours), "\n",
                                  LatencyRows(status, colours));
  const std::string providers = ProviderRows(status.discovery(), now, colours);
  if (!providers.empty()) absl::StrAppend(&page, "\n", providers);
  return page;
}

std::string ConnectionsTable(const v1::ListConnectionsResponse& response,
                             absl::Time now, const Look& look) {
  Table table({{"HOST", false, /*cut=*/1},
               {"STATE"},
               {"SINCE", true},
               {"FAILURES", true},
               {"NEXT DIAL", true},
               {"READ", true},
               {"URI", false, 0, /*wide=*/true},
               {"FOUND BY", false, 0, /*wide=*/true},
               {"ERROR", false, /*cut=*/2}});
  for (const v1::Connection& connection : response.connections()) {
    table.AddRow(
        {{connection.node()},
         {ConnectionWord(connection.state()),
          ConnectionColour(connection.state())},
         {AgeOf(connection.since(), connection.has_since(), now)},
         {absl::StrCat(connection.failures())},
         {connection.has_next_dial_at() ? Until(connection.next_dial_at(), now)
                                        : "-"},
         {connection.has_read_time()
              ? LatencyText(FromProto(connection.read_time()))
              : "-"},
         {connection.uri()},
         {connection.found_by()},
         {CurrentError(connection), Colour::kRed}});
  }
  return table.Render(look);
}

std::string ConnectionDetails(const v1::Connection& connection, bool colours) {
  Facts facts;
  facts.Add("URI", connection.uri());
  facts.Add("Found by", connection.found_by());
  facts.Add("Host UUID", connection.host_uuid());
  facts.Add("Dials", absl::StrCat(connection.dials()));
  if (connection.has_dial_time()) {
    facts.Add("Last dial", LatencyText(FromProto(connection.dial_time())));
  }
  facts.Add("Reads", absl::StrCat(connection.reads()));
  facts.Add("Missed events", absl::StrCat(connection.missed_events()));
  facts.Add("Last error", connection.last_error(),
            CurrentError(connection).empty() ? Colour::kPlain : Colour::kRed);
  return facts.Render(colours);
}

std::string AgentsTable(const v1::ListAgentsResponse& response, absl::Time now,
                        const Look& look) {
  Table table({{"HOST", false, /*cut=*/1},
               {"STATE"},
               {"SINCE", true},
               {"VERSION"},
               {"REPORTS", true},
               {"LAST REPORT", true},
               {"CERTIFICATE ENDS", true},
               {"ADDRESS", false, 0, /*wide=*/true},
               {"ERROR", false, /*cut=*/2}});
  for (const v1::AgentState& agent : response.agents()) {
    table.AddRow(
        {{agent.node()},
         {agent.connected() ? "connected" : "away",
          !agent.connected()             ? Colour::kRed
          : agent.source_error().empty() ? Colour::kGreen
                                         : Colour::kYellow},
         {AgeOf(agent.since(), agent.has_since(), now)},
         {agent.agent_version().empty() ? "-" : agent.agent_version()},
         {absl::StrCat(agent.reports())},
         {AgeOf(agent.last_report_at(), agent.has_last_report_at(), now)},
         {agent.has_certificate_ends_at()
              ? Until(agent.certificate_ends_at(), now)
              : "-"},
         {agent.address()},
         {AgentError(agent), Colour::kRed}});
  }
  return table.Render(look);
}

std::string AgentDetails(const v1::AgentState& agent, bool colours) {
  Facts facts;
  facts.Add("Address", agent.address());
  facts.Add("Hostname", agent.hostname());
  facts.Add("Host UUID", agent.host_uuid());
  facts.Add("libvirt", agent.libvirt_version());
  facts.Add("Sessions", absl::StrCat(agent.sessions()));
  facts.Add("Epoch", absl::StrCat(agent.epoch()));
  facts.Add("Cannot read", agent.source_error(), Colour::kRed);
  facts.Add("Last end", agent.last_end(),
            agent.connected() ? Colour::kPlain : Colour::kRed);
  return facts.Render(colours);
}

std::string HeldHostsText(const v1::DiscoveryStatus& discovery,
                          absl::Time now) {
  if (discovery.held().empty()) {
    return "no host is held: discovery finds every host of the fleet\n";
  }
  std::string text = absl::StrCat(
      Count(discovery.held_size(), "host"), " not found any more, for ",
      AgeOf(discovery.held_since(), discovery.has_held_since(), now),
      "; held in the fleet until confirmed:\n");
  for (const std::string& node : discovery.held()) {
    absl::StrAppend(&text, "  ", Printable(node), "\n");
  }
  absl::StrAppend(&text,
                  "if they are gone for good:  rehaictl source "
                  "confirm-discovery --held=",
                  discovery.held_size(), "\n");
  return text;
}

}  // namespace rehai::cli
