// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/source_metrics.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/proto_time.h"
#include "controller/api/enum_samples.h"

namespace rehai {
namespace {

// What a dial is known to fail for; others are counted as they come.
constexpr const char* kReasons[] = {"unreachable", "refused", "timeout",
                                    "bad_uri"};

// Is there from the start, empty.
void AddHistogram(const std::string& name, const std::string& help,
                  const v1::Histogram& histogram, MetricPage& page) {
  Distribution distribution;
  distribution.count = static_cast<uint64_t>(histogram.count());
  distribution.sum = histogram.sum_seconds();
  for (int i = 0; i < histogram.bounds_size(); ++i) {
    distribution.buckets.push_back(
        {histogram.bounds(i),
         i < histogram.cumulative_counts_size()
             ? static_cast<uint64_t>(histogram.cumulative_counts(i))
             : distribution.count});
  }
  page.Histogram(name, help, distribution);
}

void AddConnections(const v1::PullStatus& pull, MetricPage& page) {
  std::map<v1::ConnectionState, int64_t> connections;
  for (const auto& count : pull.connections()) {
    connections[count.state()] += count.count();
  }
  std::map<std::string, int64_t> failed;
  for (const char* reason : kReasons) failed[reason] = 0;
  for (const auto& [reason, count] : pull.failed_dials()) {
    failed[reason] = count;
  }
  std::vector<Sample> failed_dials;
  failed_dials.reserve(failed.size());
  for (const auto& [reason, count] : failed) {
    failed_dials.push_back({{{"reason", reason}}, static_cast<double>(count)});
  }
  page.Gauge(
      "rehai_source_connections", "Connections to hosts, by state.",
      ByEnum<v1::ConnectionState>("state", [&](v1::ConnectionState state) {
        return At(connections, state);
      }));
  page.Counter("rehai_source_dials_total", "Dials, failed ones included.",
               static_cast<double>(pull.dials()));
  page.Counter("rehai_source_failed_dials_total",
               "Dials that failed, by what went wrong.",
               std::move(failed_dials));
  page.Counter("rehai_source_lost_connections_total",
               "Connections that were up and broke.",
               static_cast<double>(pull.lost_connections()));
  AddHistogram("rehai_source_dial_seconds", "Time of a dial that went well.",
               pull.dial_time(), page);
}

void AddReads(const v1::PullStatus& pull, MetricPage& page) {
  page.Counter("rehai_source_reads_total", "Reads of hosts that went well.",
               static_cast<double>(pull.reads()));
  page.Counter("rehai_source_failed_reads_total", "Reads that failed.",
               static_cast<double>(pull.failed_reads()));
  page.Gauge("rehai_source_overdue_reads",
             "Reads under way for so long that their place went to another "
             "host.",
             pull.overdue_reads());
  AddHistogram("rehai_source_read_seconds", "Time of a read that went well.",
               pull.read_time(), page);
  page.Gauge("rehai_source_waiting_hosts", "Hosts that wait for a worker.",
             static_cast<double>(pull.waiting()));
  page.Gauge("rehai_source_oldest_due_seconds",
             "For how long the oldest waiting host has been due.",
             absl::ToDoubleSeconds(FromProto(pull.oldest_due())));
}

void AddEvents(const v1::PullStatus& pull, MetricPage& page) {
  page.Counter("rehai_source_events_total", "Events heard from hosts.",
               static_cast<double>(pull.events()));
  page.Counter("rehai_source_missed_events_total",
               "Changes that a complete read found and no event had told of.",
               static_cast<double>(pull.missed_events()));
  AddHistogram("rehai_source_event_to_record_seconds",
               "From an event to the record that shows it.",
               pull.event_to_record(), page);
}

void AddDiscovery(const v1::DiscoveryStatus& discovery, MetricPage& page) {
  std::vector<Sample> hosts;
  std::vector<Sample> good;
  std::vector<Sample> good_at;
  for (const v1::DiscoveryProvider& provider : discovery.providers()) {
    const std::pair<std::string, std::string> label = {"provider",
                                                       provider.name()};
    hosts.push_back({{label}, static_cast<double>(provider.hosts())});
    good.push_back({{label}, provider.error().empty() ? 1.0 : 0.0});
    if (provider.has_good_at()) {
      good_at.push_back({{label},
                         absl::ToDoubleSeconds(FromProto(provider.good_at()) -
                                               absl::UnixEpoch())});
    }
  }
  page.Gauge("rehai_discovery_hosts", "Hosts of the fleet.",
             static_cast<double>(discovery.hosts()));
  page.Gauge("rehai_discovery_held_hosts",
             "Hosts that are not found any more and that the brake holds.",
             discovery.held_size());
  page.Gauge("rehai_discovery_claimed_twice",
             "Node names with several URIs, whose nodes are not written.",
             discovery.claimed_twice_size());
  page.Gauge("rehai_discovery_provider_hosts",
             "Hosts that a provider found when it last could be used.",
             std::move(hosts));
  page.Gauge("rehai_discovery_provider_good",
             "1 if a provider's last look could be used, else 0.",
             std::move(good));
  page.Gauge("rehai_discovery_provider_good_timestamp_seconds",
             "When a provider last could be used.", std::move(good_at));
}

}  // namespace

void AddSource(const v1::SourceStatus& source, MetricPage& page) {
  AddConnections(source.pull(), page);
  AddReads(source.pull(), page);
  AddEvents(source.pull(), page);
  AddDiscovery(source.discovery(), page);
}

}  // namespace rehai
