// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How long a guest's change takes to be written to Chef while a resync rewrites
// every node of the fleet, beside what it takes on a quiet day.
// docs/benchmarks.md says how to read it.

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/request_signer.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "tests/bench/forwarding_sink.h"
#include "tests/bench/latencies.h"
#include "tests/bench/load_generator.h"
#include "tests/bench/result_line.h"
#include "tests/bench/sample_fleet.h"
#include "tests/bench/target.h"

ABSL_FLAG(int, nodes, 300, "Nodes of the fleet, all of them rewritten.");
ABSL_FLAG(int, guests, 6, "Guests per host.");
ABSL_FLAG(int, node_bytes, 10240, "Bytes of a node.");
ABSL_FLAG(double, changes_per_second, 8, "Hosts that change, one guest each.");
ABSL_FLAG(int, changes, 100, "Changes measured, quiet and busy alike.");
ABSL_FLAG(std::string, target, "standin", "\"standin\" or \"goiardi\".");
ABSL_FLAG(std::string, stand_in_folder, "",
          "Not for you: this process is to be the stand-in server.");

namespace rehai::bench {
namespace {

using nlohmann::ordered_json;

constexpr absl::Duration kPatience = absl::Minutes(5);

// Measures the changes that are awaited, from when they were observed to when
// the server has confirmed them.
class TimingSink final : public ForwardingSink {
 public:
  TimingSink(chef::NodeWriter& writer, chef::NodeSearch& search)
      : ForwardingSink(writer, &search) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override {
    const std::string node = update.node;
    const Revision revision = update.stamp.revision;
    ForwardingSink::Write(std::move(update),
                          [this, node, revision, done = std::move(done)](
                              chef::WriteResult result) mutable {
                            if (result.status.ok()) OnWritten(node, revision);
                            done(std::move(result));
                          });
  }

  // Any revision after `before` of the node is what is awaited.
  void Expect(const std::string& node, Revision before, absl::Duration at) {
    MutexLock lock(mu_);
    awaited_[node] = {before, at};
  }
  // What was measured since the last time, once nothing is awaited.
  absl::StatusOr<Latencies> Take() {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (!awaited_.empty()) {
      if (Clock::Real().Uptime() >= deadline) {
        return absl::DeadlineExceededError(
            absl::StrCat(awaited_.size(), " changes were not written within ",
                         absl::FormatDuration(kPatience)));
      }
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    return std::exchange(measured_, Latencies());
  }

 private:
  struct Awaited {
    Revision before = 0;
    absl::Duration at;
  };

  void OnWritten(const std::string& node, Revision revision) {
    MutexLock lock(mu_);
    const auto it = awaited_.find(node);
    if (it == awaited_.end() || revision <= it->second.before) return;
    measured_.Add(Clock::Real().Uptime() - it->second.at);
    awaited_.erase(it);
    if (awaited_.empty()) changed_.NotifyAll();
  }

  Mutex mu_;
  CondVar changed_;
  std::map<std::string, Awaited> awaited_ ABSL_GUARDED_BY(mu_);
  Latencies measured_ ABSL_GUARDED_BY(mu_);
};

absl::StatusOr<std::unique_ptr<chef::Client>> MakeClient(
    const lab::Knife::Options& account) {
  ASSIGN_OR_RETURN(const std::string key, ReadFile(account.client_key_file));
  ASSIGN_OR_RETURN(
      chef::RequestSigner signer,
      chef::RequestSigner::Create(account.client_name,
                                  absl::string_view(key.data(), key.size()),
                                  chef::SignVersion::k1_3));
  chef::Client::Options options;
  options.server_url = account.server_url;
  options.ca_file = account.ca_file;
  return chef::Client::Create(options, std::move(signer), Clock::Real());
}

// The controller from the inventory to the wire, with its own limits.
class Course {
 public:
  Course(std::unique_ptr<chef::Client> client,
         const SampleFleet::Options& options)
      : fleet_(options),
        client_(std::move(client)),
        writer_({}, *client_, Clock::Real()),
        search_(chef::SearchedStampPath(options.renderings), *client_,
                Clock::Real()),
        sink_(writer_, search_),
        inventory_(Clock::Real()),
        syncer_(SyncerOptions(options), inventory_, sink_, Clock::Real()),
        operations_(
            {}, inventory_, syncer_,
            [](const HostId&, absl::AnyInvocable<void(absl::Status)> done) {
              done(absl::OkStatus());
            },
            Clock::Real()) {
    inventory_.AddListener(
        [this](const Change& change) { syncer_.OnChange(change); });
    operations_.AddListener([this](const std::string&) {
      MutexLock lock(mu_);
      stepped_.NotifyAll();
    });
    for (int host = 0; host < fleet_.hosts(); ++host) {
      inventory_.AddHost(HostId{fleet_.NodeName(host)}, {});
    }
    rounds_.assign(static_cast<size_t>(fleet_.hosts()), 0);
    syncer_.Start();
    operations_.Start();
  }
  ~Course() {
    operations_.Stop();
    syncer_.Stop();
  }

  // Every node is written once.
  absl::Status Fill() {
    for (int host = 0; host < fleet_.hosts(); ++host) {
      RETURN_IF_ERROR(ChangeHost(host));
    }
    return sink_.Take().status();
  }

  // So many changes, at their pace. Their latencies.
  absl::StatusOr<Latencies> Measure(int changes) {
    const absl::Duration interval =
        absl::Seconds(1 / absl::GetFlag(FLAGS_changes_per_second));
    absl::Duration due = Clock::Real().Uptime();
    for (int i = 0; i < changes; ++i) {
      // Never one that is awaited: the fleet is larger than the window.
      RETURN_IF_ERROR(ChangeHost(next_));
      next_ = (next_ + 37) % fleet_.hosts();
      due += interval;
      MutexLock lock(mu_);
      while (Clock::Real().Uptime() < due) {
        Clock::Real().WaitUntil(due, mu_, stepped_);
      }
    }
    return sink_.Take();
  }

  absl::StatusOr<std::string> BeginRewrite() {
    v1::ResyncStartRequest request;
    request.add_modes(v1::RESYNC_MODE_REWRITE);
    // Those at the end of the queue are not to run out of time.
    request.mutable_pace()->mutable_host_timeout()->set_seconds(600);
    ASSIGN_OR_RETURN(const ResyncOperations::Begun begun,
                     operations_.Begin(request, "bench:fairness"));
    return begun.operation.id();
  }
  absl::StatusOr<v1::Operation> Get(const std::string& id) {
    return operations_.Get(id);
  }
  absl::StatusOr<v1::Operation> AwaitEnd(const std::string& id) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (Clock::Real().Uptime() < deadline) {
      ASSIGN_OR_RETURN(v1::Operation operation, operations_.Get(id));
      if (operation.has_ended_at()) return operation;
      MutexLock lock(mu_);
      Clock::Real().WaitUntil(
          std::min(deadline, Clock::Real().Uptime() + absl::Seconds(1)), mu_,
          stepped_);
    }
    return absl::DeadlineExceededError(
        absl::StrCat("resync ", id, " did not end"));
  }

 private:
  static Syncer::Options SyncerOptions(const SampleFleet::Options& fleet) {
    Syncer::Options options;
    options.renderings = fleet.renderings;
    options.sweep_interval = absl::ZeroDuration();
    return options;
  }

  absl::Status ChangeHost(int host) {
    const std::string node = fleet_.NodeName(host);
    const v1::Observation observation = fleet_.Observation(
        host, rounds_[static_cast<size_t>(host)]++, Clock::Real().Now());
    const Revision before = inventory_.Find(HostId{node})->revision();
    sink_.Expect(node, before, Clock::Real().Uptime());
    return inventory_.Observe(observation).status();
  }

  const SampleFleet fleet_;
  const std::unique_ptr<chef::Client> client_;
  chef::NodeWriter writer_;
  chef::NodeSearch search_;
  TimingSink sink_;
  Inventory inventory_;
  Syncer syncer_;
  ResyncOperations operations_;
  std::vector<int> rounds_;
  int next_ = 0;

  Mutex mu_;
  CondVar stepped_;
};

// Somebody puts every node back to what it was before anything of ours was in
// it, so that each needs a PUT.
absl::Status TakeOutOurs(Target& target, const SampleFleet& fleet) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LoadGenerator> hand,
                   LoadGenerator::Create(target.account(), 4));
  std::vector<LoadGenerator::NodeBody> bodies;
  for (int host = 0; host < fleet.hosts(); ++host) {
    ASSIGN_OR_RETURN(std::string body, fleet.Node(host));
    bodies.push_back({fleet.NodeName(host), std::move(body)});
  }
  return hand->Run(bodies).status();
}

absl::StatusOr<ordered_json> Run() {
  const std::string name = absl::GetFlag(FLAGS_target);
  if (name != "standin" && name != "goiardi") {
    return absl::InvalidArgumentError(
        absl::StrCat("--target=", name, ": there are standin and goiardi"));
  }
  SampleFleet::Options options;
  options.hosts = absl::GetFlag(FLAGS_nodes);
  options.guests_per_host = absl::GetFlag(FLAGS_guests);
  options.node_bytes = static_cast<size_t>(absl::GetFlag(FLAGS_node_bytes));
  const SampleFleet fleet(options);
  const int changes = absl::GetFlag(FLAGS_changes);
  if (options.hosts < 10 || changes < 1 ||
      absl::GetFlag(FLAGS_changes_per_second) <= 0) {
    return absl::InvalidArgumentError(
        "--nodes is 10 at least, --changes 1 and --changes_per_second above 0");
  }

  ASSIGN_OR_RETURN(
      const std::unique_ptr<Target> target,
      name == "goiardi" ? StartGoiardi() : StartStandIn("/proc/self/exe"));
  for (int host = 0; host < options.hosts; ++host) {
    ASSIGN_OR_RETURN(const std::string node, fleet.Node(host));
    RETURN_IF_ERROR(
        target->CreateNode(absl::string_view(node.data(), node.size())));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<chef::Client> client,
                   MakeClient(target->account()));
  Course course(std::move(client), options);
  Progress("every node is written a first time");
  RETURN_IF_ERROR(course.Fill());

  Progress("changes on a quiet day");
  ASSIGN_OR_RETURN(const Latencies quiet, course.Measure(changes));

  RETURN_IF_ERROR(TakeOutOurs(*target, fleet));
  Progress("changes during a rewrite of every node");
  ASSIGN_OR_RETURN(const std::string id, course.BeginRewrite());
  ASSIGN_OR_RETURN(const Latencies busy, course.Measure(changes));
  ASSIGN_OR_RETURN(const v1::Operation then, course.Get(id));
  ASSIGN_OR_RETURN(const v1::Operation ended, course.AwaitEnd(id));
  ordered_json outcomes = ordered_json::object();
  for (const v1::HostOutcomeCount& count : ended.progress().outcomes()) {
    outcomes[v1::HostOutcome_Name(count.outcome())] = count.hosts();
  }
  const absl::Duration took =
      FromProto(ended.ended_at()) - FromProto(ended.started_at());
  return ordered_json{
      {"benchmark", "fairness"},
      {"machine", Machine()},
      {"inputs",
       {{"target", name},
        {"nodes", options.hosts},
        {"node_bytes", options.node_bytes},
        {"changes_per_second", absl::GetFlag(FLAGS_changes_per_second)},
        {"window_ms", 200}}},
      {"quiet_ms", quiet.ToJson()},
      {"busy_ms", busy.ToJson()},
      {"rewrite",
       {{"seconds", Rounded(absl::ToDoubleSeconds(took))},
        {"done_when_measured", then.done()},
        {"outcomes", outcomes}}},
      {"p99_ratio", Rounded(absl::ToDoubleSeconds(busy.Percentile(99)) /
                            absl::ToDoubleSeconds(quiet.Percentile(99)))}};
}

}  // namespace
}  // namespace rehai::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures how long changes take to be written, on a quiet day and while "
      "a "
      "resync rewrites every node.");
  absl::ParseCommandLine(argc, argv);
  rehai::log::Configure(rehai::log::Level::kWarning, rehai::log::Format::kText);
  if (const std::string folder = absl::GetFlag(FLAGS_stand_in_folder);
      !folder.empty()) {
    return rehai::bench::ServeAsStandIn(folder).ok() ? 0 : 1;
  }
  return rehai::bench::Finish(rehai::bench::Run());
}
