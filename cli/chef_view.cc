// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/chef_view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "cli/facts.h"
#include "cli/table.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

std::string Ago(const google::protobuf::Timestamp& moment, absl::Time now) {
  return absl::StrCat(Age(now - FromProto(moment)), " ago");
}

std::string In(const google::protobuf::Timestamp& moment, absl::Time now) {
  return absl::StrCat("in ", Age(FromProto(moment) - now));
}

// "8.8 %"
std::string Share(int64_t part, int64_t whole) {
  if (whole <= 0) return "-";
  return absl::StrFormat("%.1f %%", 100.0 * static_cast<double>(part) /
                                        static_cast<double>(whole));
}

// "50", "0.5": no more digits than it needs.
std::string Number(double number) { return absl::StrFormat("%.4g", number); }

std::string ClockText(absl::Duration offset) {
  if (absl::AbsDuration(offset) < absl::Seconds(2)) return "as ours";
  return absl::StrCat(
      Age(absl::AbsDuration(offset)),
      offset > absl::ZeroDuration() ? " ahead of ours" : " behind ours");
}

std::string StateText(const v1::ChefStatus& status, absl::Time now) {
  std::string text = ServerWord(status.state());
  if (status.has_state_since()) {
    absl::StrAppend(&text, " for ", Age(now - FromProto(status.state_since())));
  }
  return text;
}

std::string LatencyLine(const v1::ChefStatus& status) {
  if (!status.has_latency()) return "";
  std::string text = LatencyText(FromProto(status.latency()));
  if (status.has_best_latency()) {
    absl::StrAppend(&text, ", ", LatencyText(FromProto(status.best_latency())),
                    " at its best");
  }
  return text;
}

std::string SweepText(const v1::SweepStatus& sweep, absl::Time now) {
  std::string text;
  switch (sweep.method()) {
    case v1::SWEEP_METHOD_OFF:
      return "off";
    case v1::SWEEP_METHOD_SEARCH:
      text = "by search";
      break;
    case v1::SWEEP_METHOD_GET:
      text = "node by node";
      break;
    default:
      return "";
  }
  if (sweep.has_ended_at()) {
    absl::StrAppend(&text, ", last ", Ago(sweep.ended_at(), now), ": ",
                    Count(sweep.nodes(), "node"), ", ", sweep.doubtful(),
                    " in doubt");
  }
  if (sweep.has_next_at()) {
    absl::StrAppend(&text, "; next ", In(sweep.next_at(), now));
  }
  return text;
}

std::string RunsText(const v1::RunsStatus& runs) {
  if (runs.started() + runs.succeeded() + runs.failed() == 0) return "";
  return absl::StrCat(runs.in_flight(), " under way; ", runs.started(),
                      " begun, ", runs.succeeded(), " succeeded, ",
                      runs.failed(), " failed");
}

std::string RolledBackText(const v1::RunsStatus& runs) {
  if (runs.rolled_back() == 0) return "";
  return absl::StrCat(Count(runs.rolled_back(), "save"), " of chef-client's, ",
                      runs.restored(), " put back");
}

std::string StatusFacts(const v1::ChefStatus& status, absl::Time now,
                        bool colours) {
  Facts facts;
  facts.Add("Server", status.server_url());
  facts.Add("Client", status.client_name());
  facts.Add("State", StateText(status, now), ServerColour(status.state()));
  facts.Add("Error", status.error(), Colour::kRed);
  if (status.has_not_before()) {
    facts.Add("Asked to wait", In(status.not_before(), now), Colour::kYellow);
  }
  if (status.has_clock_offset()) {
    facts.Add("Clock", ClockText(FromProto(status.clock_offset())));
  }
  facts.Add("Latency", LatencyLine(status));
  facts.Add("Nodes", absl::StrCat(status.dirty(), " not up to date, ",
                                  status.parked(), " of these parked"));
  facts.Add("Under way",
            absl::StrCat(status.in_flight(), " of ", status.concurrency(),
                         " as its answers allow, ",
                         status.limits().max_in_flight(), " at most"));
  facts.Add(
      "Requests",
      absl::StrCat(status.requests(), ", ", BytesText(status.bytes_sent()),
                   " sent, ", BytesText(status.bytes_received()), " received"));
  facts.Add("Sweep", SweepText(status.sweep(), now));
  facts.Add("Search", status.sweep().search_error(), Colour::kYellow);
  facts.Add("Runs", RunsText(status.runs()));
  facts.Add("Rolled back", RolledBackText(status.runs()), Colour::kYellow);
  return facts.Render(colours);
}

// What each limit allows now.
std::string LimitText(const std::string& limit, const v1::ChefStatus& status) {
  const v1::ChefLimits& limits = status.limits();
  if (limit == "requests") {
    return absl::StrCat(Number(limits.requests_per_second()),
                        " a second, burst ", limits.request_burst());
  }
  if (limit == "bytes") {
    return absl::StrCat(BytesText(limits.bytes_per_second()),
                        " a second, burst ", BytesText(limits.byte_burst()));
  }
  if (limit == "share") {
    return absl::StrCat(Number(100 * limits.server_share()),
                        " % of the server's time");
  }
  if (limit == "concurrency") {
    return absl::StrCat(Count(status.concurrency(), "node"), " at once");
  }
  if (limit == "server") return "as it asks, and its outages";
  return "";  // a newer controller's
}

std::string LimitRows(const v1::ChefStatus& status, bool colours) {
  std::vector<std::string> limits = {"requests", "bytes", "share",
                                     "concurrency", "server"};
  double most = 0;
  for (const auto& [limit, seconds] : status.held_back_seconds()) {
    if (std::find(limits.begin(), limits.end(), limit) == limits.end()) {
      limits.push_back(limit);
    }
    most = std::max(most, seconds);
  }
  std::sort(limits.begin() + 5, limits.end());  // a map's order is nobody's
  Table table({{"LIMIT"}, {"ALLOWS"}, {"HELD BACK", true}});
  for (const std::string& limit : limits) {
    const auto held = status.held_back_seconds().find(limit);
    const double seconds =
        held == status.held_back_seconds().end() ? 0 : held->second;
    const bool binds_most = seconds > 0 && seconds == most;
    table.AddRow({{limit},
                  {LimitText(limit, status)},
                  {seconds == 0 ? "-" : LatencyText(absl::Seconds(seconds)),
                   binds_most ? Colour::kYellow : Colour::kPlain}});
  }
  return table.Render(colours);
}

std::string LaneRows(const v1::ChefStatus& status, bool colours) {
  Table table({{"LANE"}, {"WAITING", true}, {"OLDEST", true}, {"BEGUN", true}});
  for (const v1::LaneStatus& lane : status.lanes()) {
    table.AddRow({{LaneWord(lane.lane())},
                  {absl::StrCat(lane.waiting())},
                  {lane.waiting() == 0 ? "-" : Age(FromProto(lane.oldest()))},
                  {absl::StrCat(lane.begun())}});
  }
  return table.Render(colours);
}

struct CountRow {
  std::string word;
  int64_t count;
};

// A table of what was counted, without what never was; "" if all of it.
std::string CountRows(const std::string& what, const std::string& unit,
                      const std::vector<CountRow>& rows, bool colours) {
  Table table({{what}, {unit, true}});
  bool any = false;
  for (const CountRow& row : rows) {
    if (row.count == 0) continue;
    any = true;
    table.AddRow({{row.word}, {absl::StrCat(row.count)}});
  }
  return any ? table.Render(colours) : "";
}

template <typename Causes>
std::string CauseRows(const Causes& causes, bool colours) {
  std::vector<CountRow> rows;
  for (const v1::CauseCount& cause : causes) {
    rows.push_back({CauseWord(cause.cause()), cause.puts()});
  }
  return CountRows("SENT FOR", "NODES", rows, colours);
}

// The parts that are there, with an empty line between them.
std::string Paragraphs(std::vector<std::string> parts) {
  parts.erase(std::remove(parts.begin(), parts.end(), ""), parts.end());
  return absl::StrJoin(parts, "\n");
}

}  // namespace

std::string ChefStatusPage(const v1::ChefStatus& status, absl::Time now,
                           bool colours) {
  std::vector<CountRow> outcomes;
  for (const v1::OutcomeCount& outcome : status.outcomes()) {
    outcomes.push_back({WriteOutcomeWord(outcome.outcome()), outcome.count()});
  }
  std::vector<CountRow> overwriters;
  for (const v1::OverwriterCount& overwriter : status.overwriters()) {
    overwriters.push_back(
        {OverwriterWord(overwriter.overwriter()), overwriter.count()});
  }
  return Paragraphs(
      {StatusFacts(status, now, colours), LimitRows(status, colours),
       LaneRows(status, colours),
       CountRows("OUTCOME", "WRITES", outcomes, colours),
       CauseRows(status.causes(), colours),
       CountRows("OVERWRITTEN BY", "TIMES", overwriters, colours)});
}

std::string ChefCostPage(const v1::ChefCostResponse& cost, bool colours) {
  Facts facts;
  facts.Add("Host", cost.node());
  facts.Add("Node",
            absl::StrCat(cost.node_bytes(), " bytes, ",
                         Share(cost.node_bytes(), cost.max_node_bytes()),
                         " of at most ", cost.max_node_bytes()));
  facts.Add("Kept by Rehai",
            absl::StrCat(cost.our_bytes(), " bytes, ",
                         Share(cost.our_bytes(), cost.node_bytes())));
  Table paths({{"PATH"}, {"BYTES", true}, {"SHARE", true}, {"KEPT BY REHAI"}});
  for (const v1::PathCost& path : cost.paths()) {
    paths.AddRow({{path.path()},
                  {absl::StrCat(path.bytes())},
                  {Share(path.bytes(), cost.node_bytes())},
                  {path.ours() ? "yes" : ""}});
  }
  return Paragraphs({facts.Render(colours),
                     cost.paths().empty() ? "" : paths.Render(colours),
                     CauseRows(cost.causes(), colours)});
}

std::string ChefLimitsTable(const v1::ChefLimits& limits, bool colours) {
  Table table({{"LIMIT"}, {"VALUE", true}});
  table.AddRow(
      {{"requests_per_second"}, {Number(limits.requests_per_second())}});
  table.AddRow({{"request_burst"}, {absl::StrCat(limits.request_burst())}});
  table.AddRow(
      {{"bytes_per_second"}, {absl::StrCat(limits.bytes_per_second())}});
  table.AddRow({{"byte_burst"}, {absl::StrCat(limits.byte_burst())}});
  table.AddRow({{"max_in_flight"}, {absl::StrCat(limits.max_in_flight())}});
  table.AddRow({{"server_share"}, {Number(limits.server_share())}});
  return table.Render(colours);
}

std::string SyncDetails(const v1::SyncStatus& sync, absl::Time now,
                        bool colours) {
  Facts facts;
  if (sync.has_written_at()) facts.Add("Written", Ago(sync.written_at(), now));
  if (sync.has_verified_at()) {
    facts.Add("Verified", Ago(sync.verified_at(), now));
  }
  if (sync.last_outcome() != v1::WRITE_OUTCOME_UNSPECIFIED) {
    facts.Add("Last write", WriteOutcomeWord(sync.last_outcome()));
  }
  facts.Add("Error", sync.last_error(), Colour::kRed);
  if (sync.has_next_try_at())
    facts.Add("Next try", In(sync.next_try_at(), now));
  if (sync.overwrites() > 0) {
    facts.Add("Overwritten",
              absl::StrCat(Count(sync.overwrites(), "time"), ", last ",
                           Ago(sync.last_overwrite_at(), now), " by ",
                           OverwriterWord(sync.last_overwriter())));
  }
  if (sync.restored_saves() > 0) {
    facts.Add("Put back", absl::StrCat(Count(sync.restored_saves(), "save"),
                                       " of chef-client's"));
  }
  if (sync.has_run_started_at()) {
    facts.Add("Run", absl::StrCat("chef-client has been running for ",
                                  Age(now - FromProto(sync.run_started_at()))));
  }
  return facts.Render(colours);
}

}  // namespace rehai::cli
