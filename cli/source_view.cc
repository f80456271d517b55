// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/source_view.h"

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

// A sentence in a table's last column; naming the host shows the whole.
constexpr size_t kErrorWidth = 60;
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

std::string DialsText(const v1::PullStatus& pull) {
  // A map's order is nobody's.
  std::vector<std::pair<std::string, int64_t>> failed(
      pull.failed_dials().begin(), pull.failed_dials().end());
  std::sort(failed.begin(), failed.end());
  int64_t total = 0;
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : failed) {
    if (count == 0) continue;
    total += count;
    reasons.push_back(absl::StrCat(count, " ", reason));
  }
  std::string text = absl::StrCat(pull.dials(), ", ", total, " failed");
  if (!reasons.empty()) {
    absl::StrAppend(&text, " (", absl::StrJoin(reasons, ", "), ")");
  }
  return absl::StrCat(text, "; ", Count(pull.lost_connections(), "connection"),
                      " lost");
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

std::string LatencyRows(const v1::PullStatus& pull, bool colours) {
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

}  // namespace

std::string SourceStatusPage(const v1::SourceStatus& status, absl::Time now,
                             bool colours) {
  std::string page = absl::StrCat(StatusFacts(status, now, colours), "\n",
                                  LatencyRows(status.pull(), colours));
  const std::string providers = ProviderRows(status.discovery(), now, colours);
  if (!providers.empty()) absl::StrAppend(&page, "\n", providers);
  return page;
}

std::string ConnectionsTable(const v1::ListConnectionsResponse& response,
                             absl::Time now, bool colours) {
  Table table({{"HOST"},
               {"STATE"},
               {"SINCE", true},
               {"FAILURES", true},
               {"NEXT DIAL", true},
               {"READ", true},
               {"ERROR"}});
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
         {Shortened(CurrentError(connection), kErrorWidth), Colour::kRed}});
  }
  return table.Render(colours);
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
