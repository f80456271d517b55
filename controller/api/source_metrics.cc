// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/source_metrics.h"

#include <google/protobuf/map.h>

#include <cstddef>
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

// Why agents' sessions are known to be refused and to end; others as they come.
constexpr const char* kRefusals[] = {"identity", "unknown_host", "rate",
                                     "full",     "flapping",     "protocol"};
constexpr const char* kEnds[] = {"closed",   "silent",   "superseded",
                                 "protocol", "departed", "stopping"};

// A series for each of those known and of those counted.
template <size_t N>
std::vector<Sample> ByReason(
    const char* const (&known)[N],
    const google::protobuf::Map<std::string, int64_t>& counts) {
  std::map<std::string, int64_t> all;
  for (const char* reason : known) all[reason] = 0;
  for (const auto& [reason, count] : counts) all[reason] = count;
  std::vector<Sample> samples;
  samples.reserve(all.size());
  for (const auto& [reason, count] : all) {
    samples.push_back({{{"reason", reason}}, static_cast<double>(count)});
  }
  return samples;
}

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
  page.Gauge(
      "rehai_source_connections", "Connections to hosts, by state.",
      ByEnum<v1::ConnectionState>("state", [&](v1::ConnectionState state) {
        return At(connections, state);
      }));
  page.Counter("rehai_source_dials_total", "Dials, failed ones included.",
               static_cast<double>(pull.dials()));
  page.Counter("rehai_source_failed_dials_total",
               "Dials that failed, by what went wrong.",
               ByReason(kReasons, pull.failed_dials()));
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

void AddAgents(const v1::PushStatus& push, MetricPage& page) {
  const auto count = [&page](const char* name, const char* help,
                             int64_t value) {
    page.Counter(name, help, static_cast<double>(value));
  };
  page.Gauge("rehai_agent_sessions", "Sessions with agents that are open.",
             static_cast<double>(push.sessions()));
  count("rehai_agent_opened_sessions_total",
        "Sessions with agents that were opened.", push.opened_sessions());
  page.Counter("rehai_agent_refused_sessions_total",
               "Sessions that agents were refused, by why.",
               ByReason(kRefusals, push.refused_sessions()));
  page.Counter("rehai_agent_ended_sessions_total",
               "Sessions with agents that ended, by why.",
               ByReason(kEnds, push.ended_sessions()));
  count("rehai_agent_reports_total", "Reports of agents that were taken in.",
        push.reports());
  count("rehai_agent_full_reports_total", "Those of them that were full.",
        push.full_reports());
  count("rehai_agent_full_demanded_total",
        "Reports that were not taken in, as a full one was needed.",
        push.full_demanded());
  AddHistogram("rehai_agent_report_to_record_seconds",
               "From an agent's reading to the record that shows it.",
               push.report_to_record(), page);
  count("rehai_agent_ohai_runs_total", "Runs of Ohai, failed ones included.",
        push.ohai_runs());
  count("rehai_agent_failed_ohai_runs_total", "Runs of Ohai that failed.",
        push.failed_ohai_runs());
  count("rehai_agent_certificates_issued_total",
        "Certificates given to agents, new and renewed.",
        push.certificates_issued());
  count("rehai_agent_enrolments_refused_total",
        "Enrolments and renewals that ended without a certificate.",
        push.enrolments_refused());
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
  if (source.has_push()) AddAgents(source.push(), page);
  AddDiscovery(source.discovery(), page);
}

}  // namespace rehai
