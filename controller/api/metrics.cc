// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/metrics.h"

#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/proto_time.h"
#include "controller/api/enum_samples.h"
#include "controller/api/metric_page.h"
#include "controller/api/source_metrics.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// The limits that a status may name in held_back_seconds.
constexpr const char* kLimits[] = {"requests", "bytes", "share", "concurrency",
                                   "server"};

// The conditions that a host may have; others are counted as they come.
constexpr const char* kConditions[] = {
    kUnreachable,     kMassDisappearance, kLeftDiscovery, kDuplicateHostUuid,
    kHostUuidChanged, kNodeClaimedTwice,  kBeforeRestart};

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
}

double UnixSeconds(absl::Time time) {
  return absl::ToDoubleSeconds(time - absl::UnixEpoch());
}

double UnixSeconds(const google::protobuf::Timestamp& time) {
  return UnixSeconds(FromProto(time));
}

void AddServer(const v1::ChefStatus& chef, MetricPage& page) {
  page.Gauge("rehai_chef_info", "The Chef server and the client we are to it.",
             {{{{"server_url", chef.server_url()},
                {"client_name", chef.client_name()}},
               1}});
  page.Gauge("rehai_chef_server_state",
             "1 for the state that the Chef server is in.",
             ByEnum<v1::ServerState>("state", [&](v1::ServerState state) {
               return chef.state() == state;
             }));
  if (chef.has_state_since()) {
    page.Gauge("rehai_chef_server_state_since_timestamp_seconds",
               "When the Chef server came into its state.",
               UnixSeconds(chef.state_since()));
  }
  if (chef.has_clock_offset()) {
    page.Gauge("rehai_chef_clock_offset_seconds",
               "The Chef server's clock less ours.",
               Seconds(chef.clock_offset()));
  }
  if (chef.has_latency()) {
    page.Gauge("rehai_chef_latency_seconds", "A request's usual time of late.",
               Seconds(chef.latency()));
  }
  if (chef.has_best_latency()) {
    page.Gauge("rehai_chef_best_latency_seconds",
               "A request's usual time at its best.",
               Seconds(chef.best_latency()));
  }
  if (chef.has_not_before()) {
    page.Gauge("rehai_chef_not_before_timestamp_seconds",
               "The Chef server asked for no request before this.",
               UnixSeconds(chef.not_before()));
  }
}

void AddLimits(const v1::ChefStatus& chef, MetricPage& page) {
  const v1::ChefLimits& limits = chef.limits();
  page.Gauge("rehai_chef_limit_requests_per_second",
             "Requests allowed per second.", limits.requests_per_second());
  page.Gauge("rehai_chef_limit_request_burst",
             "Requests allowed at once after a quiet time.",
             limits.request_burst());
  page.Gauge("rehai_chef_limit_bytes_per_second", "Bytes allowed per second.",
             static_cast<double>(limits.bytes_per_second()));
  page.Gauge("rehai_chef_limit_burst_bytes",
             "Bytes allowed at once after a quiet time.",
             static_cast<double>(limits.byte_burst()));
  page.Gauge("rehai_chef_limit_nodes_in_flight",
             "Nodes allowed under way at once.", limits.max_in_flight());
  page.Gauge("rehai_chef_limit_server_share_ratio",
             "The share of its time that the Chef server may be busy for us.",
             limits.server_share());
  page.Gauge("rehai_chef_nodes_in_flight", "Nodes under way.",
             chef.in_flight());
  page.Gauge("rehai_chef_concurrency_nodes",
             "Nodes that may be under way now, as the server's answers allow.",
             chef.concurrency());

  std::map<std::string, double> held_back;
  for (const char* limit : kLimits) held_back[limit] = 0;
  for (const auto& [limit, seconds] : chef.held_back_seconds()) {
    held_back[limit] = seconds;
  }
  std::vector<Sample> samples;
  samples.reserve(held_back.size());
  for (const auto& [limit, seconds] : held_back) {
    samples.push_back({{{"limit", limit}}, seconds});
  }
  page.Counter("rehai_chef_held_back_seconds_total",
               "For how long each limit held writes back.", std::move(samples));
}

void AddLanes(const v1::ChefStatus& chef, MetricPage& page) {
  std::map<v1::Lane, const v1::LaneStatus*> lanes;
  for (const v1::LaneStatus& lane : chef.lanes()) lanes[lane.lane()] = &lane;
  const auto by_lane = [&](auto value) {
    return ByEnum<v1::Lane>("lane", [&](v1::Lane lane) -> double {
      const auto found = lanes.find(lane);
      return found == lanes.end() ? 0 : value(*found->second);
    });
  };
  page.Gauge("rehai_chef_waiting_hosts", "Hosts that wait for their write.",
             by_lane([](const v1::LaneStatus& lane) {
               return static_cast<double>(lane.waiting());
             }));
  page.Gauge("rehai_chef_oldest_waiting_seconds",
             "For how long the oldest waiting host has been due.",
             by_lane([](const v1::LaneStatus& lane) {
               return Seconds(lane.oldest());
             }));
  page.Counter("rehai_chef_writes_begun_total", "Writes begun.",
               by_lane([](const v1::LaneStatus& lane) {
                 return static_cast<double>(lane.begun());
               }));
}

void AddWrites(const v1::ChefStatus& chef, MetricPage& page) {
  std::map<v1::WriteOutcome, int64_t> outcomes;
  for (const auto& count : chef.outcomes()) {
    outcomes[count.outcome()] += count.count();
  }
  std::map<v1::WriteCause, int64_t> causes;
  for (const auto& count : chef.causes()) causes[count.cause()] += count.puts();
  std::map<v1::Overwriter, int64_t> overwriters;
  for (const auto& count : chef.overwriters()) {
    overwriters[count.overwriter()] += count.count();
  }
  page.Gauge("rehai_chef_dirty_hosts",
             "Hosts whose node may not hold what we believe.",
             static_cast<double>(chef.dirty()));
  page.Gauge("rehai_chef_parked_hosts",
             "Dirty hosts whose writing stopped on an error that time does not "
             "heal.",
             static_cast<double>(chef.parked()));
  page.Counter("rehai_chef_writes_total", "Writes that ended, by outcome.",
               ByEnum<v1::WriteOutcome>("outcome", [&](v1::WriteOutcome key) {
                 return At(outcomes, key);
               }));
  page.Counter("rehai_chef_puts_total", "Nodes sent, by what for.",
               ByEnum<v1::WriteCause>("cause", [&](v1::WriteCause key) {
                 return At(causes, key);
               }));
  page.Counter("rehai_chef_overwrites_total",
               "Times that somebody had saved over what we had written.",
               ByEnum<v1::Overwriter>("overwriter", [&](v1::Overwriter key) {
                 return At(overwriters, key);
               }));
  page.Counter("rehai_chef_requests_total", "Requests to the Chef server.",
               static_cast<double>(chef.requests()));
  page.Counter("rehai_chef_sent_bytes_total",
               "Bytes of bodies sent to the Chef server.",
               static_cast<double>(chef.bytes_sent()));
  page.Counter("rehai_chef_received_bytes_total",
               "Bytes of bodies received from the Chef server, uncompressed.",
               static_cast<double>(chef.bytes_received()));
}

void AddSweep(const v1::SweepStatus& sweep, MetricPage& page) {
  page.Gauge("rehai_chef_sweep_method",
             "1 for the way in which sweeps look at nodes.",
             ByEnum<v1::SweepMethod>("method", [&](v1::SweepMethod method) {
               return sweep.method() == method;
             }));
  if (sweep.has_ended_at()) {
    page.Gauge("rehai_chef_sweep_ended_timestamp_seconds",
               "When the last sweep ended.", UnixSeconds(sweep.ended_at()));
    page.Gauge("rehai_chef_sweep_nodes", "Nodes that the last sweep looked at.",
               static_cast<double>(sweep.nodes()));
    page.Gauge("rehai_chef_sweep_doubtful_nodes",
               "Nodes that the last sweep had to read.",
               static_cast<double>(sweep.doubtful()));
  }
  if (sweep.has_next_at()) {
    page.Gauge("rehai_chef_sweep_next_timestamp_seconds",
               "When the next sweep begins.", UnixSeconds(sweep.next_at()));
  }
  page.Counter("rehai_chef_sweeps_total", "Sweeps that ended.",
               static_cast<double>(sweep.sweeps()));
  page.Counter("rehai_chef_searches_total", "Searches made for sweeps.",
               static_cast<double>(sweep.searches()));
}

void AddRuns(const v1::RunsStatus& runs, MetricPage& page) {
  page.Gauge("rehai_chef_runs_in_flight",
             "chef-client runs that reported their start and not their end.",
             runs.in_flight());
  page.Counter("rehai_chef_runs_started_total",
               "chef-client runs that reported their start.",
               static_cast<double>(runs.started()));
  page.Counter(
      "rehai_chef_runs_ended_total",
      "chef-client runs that reported their end.",
      {{{{"result", "succeeded"}}, static_cast<double>(runs.succeeded())},
       {{{"result", "failed"}}, static_cast<double>(runs.failed())}});
  page.Counter("rehai_chef_saves_rolled_back_total",
               "chef-client saves that a write of ours had rolled back.",
               static_cast<double>(runs.rolled_back()));
  page.Counter("rehai_chef_saves_restored_total",
               "Of the saves rolled back, those put back.",
               static_cast<double>(runs.restored()));
}

void AddListener(const RunListenerCounts& counts, MetricPage& page) {
  page.Counter("rehai_run_messages_received_total",
               "Messages that came with the right token.",
               static_cast<double>(counts.received));
  const std::pair<const char*, int64_t> results[] = {
      {"run_start", counts.run_starts},    {"run_end", counts.run_ends},
      {"passed_over", counts.passed_over}, {"malformed", counts.malformed},
      {"too_large", counts.too_large},     {"dropped", counts.dropped},
      {"refused", counts.refused}};
  std::vector<Sample> samples;
  for (const auto& [result, count] : results) {
    samples.push_back({{{"result", result}}, static_cast<double>(count)});
  }
  page.Counter("rehai_run_messages_total", "What became of messages.",
               std::move(samples));
  page.Gauge("rehai_run_messages_queued", "Messages that wait to be read.",
             static_cast<double>(counts.queued));
  page.Gauge("rehai_run_messages_queued_bytes",
             "Bytes of messages that wait to be read.",
             static_cast<double>(counts.queued_bytes));
  page.Gauge("rehai_run_messages_oldest_seconds",
             "For how long the oldest message has waited to be read.",
             absl::ToDoubleSeconds(counts.oldest));
}

void AddFleet(const FleetCounts& fleet, MetricPage& page) {
  page.Gauge("rehai_hosts", "Hosts, by how current what we believe is.",
             ByEnum<v1::Presence>("presence", [&](v1::Presence presence) {
               return At(fleet.hosts, presence);
             }));
  std::vector<Sample> guests = ByEnum<v1::GuestState>(
      "state", [&](v1::GuestState state) { return At(fleet.guests, state); });
  // The one enum whose zero is a value: libvirt's "no state".
  guests.push_back(
      {{{"state", "no_state"}},
       static_cast<double>(At(fleet.guests, v1::GUEST_STATE_UNSPECIFIED))});
  page.Gauge("rehai_guests", "Guests, by their state as last seen.",
             std::move(guests));
  page.Gauge("rehai_missing_guests",
             "Guests that their host's last complete list lacked: on their way "
             "to another host, or held by the brake.",
             static_cast<double>(fleet.missing_guests));
  std::map<std::string, int64_t> hosts_with = fleet.conditions;
  for (const char* type : kConditions) hosts_with.try_emplace(type, 0);
  std::vector<Sample> conditions;
  conditions.reserve(hosts_with.size());
  for (const auto& [type, count] : hosts_with) {
    conditions.push_back({{{"type", type}}, static_cast<double>(count)});
  }
  page.Gauge("rehai_host_conditions", "Hosts that have a condition, by type.",
             std::move(conditions));
  if (fleet.oldest_confirmed_at < absl::InfiniteFuture()) {
    page.Gauge("rehai_oldest_host_confirmed_timestamp_seconds",
               "When the host that was confirmed longest ago was.",
               UnixSeconds(fleet.oldest_confirmed_at));
  }
}

void AddState(const Store::Health& state, MetricPage& page) {
  page.Gauge("rehai_state_healthy", "1 while what changes is kept.",
             state.status.ok() ? 1 : 0);
  page.Gauge("rehai_state_began_anew",
             "1 if the last run's file was damaged and moved aside.",
             state.moved_aside.empty() ? 0 : 1);
  page.Gauge("rehai_state_waiting_entries", "What is not kept yet.",
             static_cast<double>(state.waiting));
  page.Gauge("rehai_state_oldest_waiting_seconds",
             "For how long the oldest of it has waited.",
             absl::ToDoubleSeconds(state.oldest));
  page.Gauge("rehai_state_size_bytes", "Size of the state's files.",
             static_cast<double>(state.bytes));
  page.Counter("rehai_state_commits_total", "Groups committed.",
               static_cast<double>(state.commits));
  page.Counter("rehai_state_dropped_total",
               "Events and audit entries that found no place to wait.",
               static_cast<double>(state.dropped));
}

void AddResyncs(const ResyncOperations::Counts& counts, MetricPage& page) {
  page.Gauge("rehai_resync_operations", "Resyncs that are remembered.",
             ByEnum<v1::OperationState>("state", [&](v1::OperationState state) {
               return At(counts.operations, state);
             }));
  page.Counter("rehai_resync_hosts_total",
               "Hosts whose part in a resync has ended.",
               ByEnum<v1::HostOutcome>("outcome", [&](v1::HostOutcome outcome) {
                 return counts.hosts[static_cast<size_t>(outcome)];
               }));
}

void AddVisibility(const VisibilityCounts& counts, MetricPage& page) {
  page.Gauge("rehai_visibility_waits",
             "Calls that wait until a guest is visible.",
             static_cast<double>(counts.waiting));
  const auto ended = [](const char* end, int64_t count) {
    return Sample{{{"end", end}}, static_cast<double>(count)};
  };
  page.Counter(
      "rehai_visibility_waits_total",
      "Calls that waited until a guest is visible, by how they ended.",
      {ended("answered", counts.answered), ended("expired", counts.expired),
       ended("refused", counts.refused)});
}

void AddReloads(const MetricsSnapshot& snapshot, MetricPage& page) {
  const auto outcome = [](const char* name, int64_t count) {
    return Sample{{{"outcome", name}}, static_cast<double>(count)};
  };
  page.Counter("rehai_config_reloads_total",
               "Times that the configuration was read again, by what came of "
               "it.",
               {outcome("taken", snapshot.reloads.taken),
                outcome("refused", snapshot.reloads.refused)});
  std::vector<Sample> expiries;
  for (const auto& [server, expires_at] : snapshot.certificates) {
    expiries.push_back({{{"server", server}}, UnixSeconds(expires_at)});
  }
  page.Gauge("rehai_tls_certificate_expiry_timestamp_seconds",
             "When the certificate of a server of the controller's expires.",
             expiries);
}

void AddCalls(const CallCounts& counts, MetricPage& page) {
  page.Gauge("rehai_api_calls", "Calls of the API under way.",
             static_cast<double>(counts.under_way));
  page.Gauge("rehai_api_streams", "Streams among the calls under way.",
             static_cast<double>(counts.streams));
  const auto refused = [](const char* why, int64_t count) {
    return Sample{{{"why", why}}, static_cast<double>(count)};
  };
  page.Counter("rehai_api_refused_calls_total",
               "Calls of the API that never reached their handler, by why.",
               {refused("limit", counts.over_limit),
                refused("unauthenticated", counts.unauthenticated),
                refused("permission", counts.not_permitted)});
}

void AddFindings(const std::map<v1::FindingType, int64_t>& findings,
                 MetricPage& page) {
  page.Gauge("rehai_findings", "What the standing checks find wrong.",
             ByEnum<v1::FindingType>("type", [&](v1::FindingType type) {
               return At(findings, type);
             }));
}

void AddProcess(const MetricsSnapshot& snapshot, MetricPage& page) {
  page.Gauge("process_start_time_seconds", "When the controller started.",
             UnixSeconds(snapshot.started_at));
  page.Counter("process_cpu_seconds_total", "CPU time, user and system.",
               absl::ToDoubleSeconds(snapshot.process.cpu_time));
  page.Gauge("process_resident_memory_bytes", "Memory in use.",
             static_cast<double>(snapshot.process.resident_bytes));
  page.Gauge("process_open_fds", "Open files and connections.",
             static_cast<double>(snapshot.process.open_files));
}

}  // namespace

FleetCounts CountFleet(const FleetView& view) {
  FleetCounts counts;
  for (const RecordPtr& record : view.records) {
    ++counts.hosts[record->presence()];
    for (const v1::Guest& guest : record->guests()) {
      ++counts.guests[guest.state()];
    }
    counts.missing_guests += record->missing_uuids_size();
    for (const v1::Condition& condition : record->conditions()) {
      ++counts.conditions[condition.type()];
    }
    if (record->has_confirmed_at()) {
      counts.oldest_confirmed_at = std::min(counts.oldest_confirmed_at,
                                            FromProto(record->confirmed_at()));
    }
  }
  return counts;
}

std::string MetricsText(const MetricsSnapshot& snapshot) {
  MetricPage page;
  AddServer(snapshot.chef, page);
  AddLimits(snapshot.chef, page);
  AddLanes(snapshot.chef, page);
  AddWrites(snapshot.chef, page);
  AddSweep(snapshot.chef.sweep(), page);
  AddRuns(snapshot.chef.runs(), page);
  if (snapshot.runs) AddListener(*snapshot.runs, page);
  if (snapshot.source) AddSource(*snapshot.source, page);
  AddFleet(snapshot.fleet, page);
  if (snapshot.state) AddState(*snapshot.state, page);
  AddResyncs(snapshot.resyncs, page);
  AddVisibility(snapshot.visibility, page);
  AddCalls(snapshot.calls, page);
  AddReloads(snapshot, page);
  AddFindings(snapshot.findings, page);
  AddProcess(snapshot, page);
  return page.Text();
}

}  // namespace rehai
