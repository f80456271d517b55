// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/resync_operations.h"

#include <pthread.h>

#include <algorithm>
#include <optional>

#include "absl/random/distributions.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

constexpr size_t kMaxPlugins = 100;
constexpr size_t kMaxPluginName = 100;

constexpr char kRestarted[] = "the controller was restarted";
constexpr char kShuttingDown[] = "the controller shut down before it was done";

absl::Status UnknownOperation(const std::string& id) {
  return absl::NotFoundError(
      absl::StrCat("resync ", id,
                   ": there is none by this id; it is mistyped, or so old "
                   "that it is forgotten"));
}

struct Ending {
  v1::HostOutcome outcome = v1::HOST_OUTCOME_UNSPECIFIED;
  std::string error;
};

// What an error means for a host, where `otherwise` is what most mean.
Ending EndingOf(const absl::Status& status, v1::HostOutcome otherwise) {
  const std::string message(status.message());
  if (absl::IsNotFound(status)) return {v1::HOST_OUTCOME_REMOVED, message};
  if (absl::IsCancelled(status)) return {v1::HOST_OUTCOME_CANCELED, message};
  return {otherwise, message};
}

Ending EndingOf(const absl::StatusOr<chef::WriteResult>& result) {
  if (!result.ok()) {
    return EndingOf(result.status(), v1::HOST_OUTCOME_WRITE_FAILED);
  }
  switch (result->outcome) {
    case v1::WRITE_OUTCOME_WRITTEN:
    case v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED:
      return {v1::HOST_OUTCOME_WRITTEN, ""};
    case v1::WRITE_OUTCOME_UNCHANGED:
      return {v1::HOST_OUTCOME_UNCHANGED, ""};
    case v1::WRITE_OUTCOME_WOULD_WRITE:
      return {v1::HOST_OUTCOME_WRITE_FAILED,
              absl::StrCat("dry run: ", result->differences.size(),
                           " paths differ and were not written")};
    default:
      return {v1::HOST_OUTCOME_WRITE_FAILED,
              std::string(result->status.message())};
  }
}

std::string NoAgents(const HostId& host) {
  return absl::StrCat("host ", host.node,
                      ": this controller takes no agents, so nobody can run "
                      "Ohai there; see agents in docs/configuration.md");
}

// Why Ohai was not run on a host, or did not answer.
Ending EndingOfOhai(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return {v1::HOST_OUTCOME_NO_AGENT, message};
    case absl::StatusCode::kUnavailable:
      return {v1::HOST_OUTCOME_UNREACHABLE, message};
    case absl::StatusCode::kDeadlineExceeded:
      return {v1::HOST_OUTCOME_TIMED_OUT, message};
    default:
      return EndingOf(status, v1::HOST_OUTCOME_OHAI_FAILED);
  }
}

// "its node was not written", of a host whose time is over in this step.
absl::string_view LeftUndone(v1::HostProgress step) {
  switch (step) {
    case v1::HOST_PROGRESS_READING:
      return "its hypervisor was not read";
    case v1::HOST_PROGRESS_RUNNING_OHAI:
      return "its agent did not say what Ohai found";
    default:
      return "its node was not written";
  }
}

bool Has(const std::vector<v1::ResyncMode>& modes, v1::ResyncMode mode) {
  return std::find(modes.begin(), modes.end(), mode) != modes.end();
}

// What each host goes through, in this order.
absl::StatusOr<std::vector<v1::HostProgress>> StepsOf(
    const std::vector<v1::ResyncMode>& modes) {
  std::vector<v1::HostProgress> steps;
  if (Has(modes, v1::RESYNC_MODE_REREAD)) {
    steps.push_back(v1::HOST_PROGRESS_READING);
  }
  if (Has(modes, v1::RESYNC_MODE_REWRITE)) {
    steps.push_back(v1::HOST_PROGRESS_WRITING);
  }
  if (Has(modes, v1::RESYNC_MODE_OHAI)) {
    if (!steps.empty()) {
      return absl::InvalidArgumentError(
          "resync: OHAI goes alone; ask for the others in a resync of their "
          "own");
    }
    steps = {v1::HOST_PROGRESS_RUNNING_OHAI, v1::HOST_PROGRESS_WRITING};
  }
  if (steps.empty()) {
    return absl::InvalidArgumentError(
        "resync: no mode; ask for REREAD, REWRITE or both, or for OHAI");
  }
  return steps;
}

// True if Ohai takes it for an attribute, and not for a flag of its own.
bool IsPluginName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxPluginName && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view("_-./:").find(c) != absl::string_view::npos;
         });
}

absl::Status CheckPlugins(const std::vector<std::string>& plugins,
                          bool runs_ohai) {
  if (!plugins.empty() && !runs_ohai) {
    return absl::InvalidArgumentError(
        "resync: plugins are for OHAI only; ask for that, or leave them out");
  }
  if (plugins.size() > kMaxPlugins) {
    return absl::InvalidArgumentError(
        absl::StrCat("resync: ", plugins.size(), " plugins, and more than ",
                     kMaxPlugins, " are not taken; leave them out to run all"));
  }
  for (const std::string& plugin : plugins) {
    if (IsPluginName(plugin)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "resync: \"", absl::CHexEscape(plugin),
        "\" is no plugin of Ohai; name it as on ohai's command line: network"));
  }
  return absl::OkStatus();
}

std::string CountsOf(const v1::Operation& operation) {
  std::map<std::string, int> counts;
  for (const v1::HostResult& host : operation.hosts()) {
    ++counts[v1::HostOutcome_Name(host.outcome())];
  }
  std::string text;
  for (const auto& [outcome, count] : counts) {
    absl::StrAppend(&text, text.empty() ? "" : " ", outcome, ":", count);
  }
  return text;
}

}  // namespace

bool Matches(const v1::HostSelector& selector, const v1::Record& record) {
  const auto& nodes = selector.nodes();
  if (!nodes.empty() &&
      std::find(nodes.begin(), nodes.end(), record.node()) == nodes.end()) {
    return false;
  }
  return std::all_of(selector.labels().begin(), selector.labels().end(),
                     [&](const auto& label) {
                       const auto it = record.labels().find(label.first);
                       return it != record.labels().end() &&
                              it->second == label.second;
                     });
}

void ResyncOperations::Mailbox::Put(Answer answer) {
  MutexLock lock(mu);
  answers.push_back(std::move(answer));
  woken = true;
  cv.NotifyAll();
}

void ResyncOperations::Mailbox::Wake() {
  MutexLock lock(mu);
  woken = true;
  cv.NotifyAll();
}

ResyncOperations::ResyncOperations(Options options, const Inventory& inventory,
                                   Syncer& syncer, Reread reread,
                                   const Clock& clock, RunOhai run_ohai)
    : options_(std::move(options)),
      inventory_(inventory),
      syncer_(syncer),
      clock_(clock),
      mailbox_(std::make_shared<Mailbox>()),
      reread_(std::move(reread)),
      run_ohai_(std::move(run_ohai)),
      random_(MakeRandom(options_.seed)) {}

ResyncOperations::~ResyncOperations() { Stop(); }

void ResyncOperations::AddListener(Listener listener) {
  listeners_.push_back(std::move(listener));
}

void ResyncOperations::Restore(std::vector<v1::Operation> operations) {
  const absl::Time now = clock_.Now();
  MutexLock lock(mu_);
  for (v1::Operation& operation : operations) {
    if (!operation.has_ended_at()) {
      for (v1::HostResult& host : *operation.mutable_hosts()) {
        if (host.progress() == v1::HOST_PROGRESS_DONE) continue;
        host.set_progress(v1::HOST_PROGRESS_DONE);
        host.set_outcome(v1::HOST_OUTCOME_CANCELED);
        host.set_error(kRestarted);
      }
      operation.set_done(operation.total());
      operation.set_canceled(true);
      *operation.mutable_ended_at() = ToProto(now);
      changed_.insert(operation.id());
    }
    ended_.push_back(std::move(operation));
  }
  while (ended_.size() > static_cast<size_t>(options_.kept)) {
    ended_.pop_front();
  }
}

void ResyncOperations::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "resync");
    Run();
  });
}

void ResyncOperations::Run() {
  while (true) {
    const absl::Duration next_tick = Tick();
    Mailbox& mailbox = *mailbox_;
    MutexLock lock(mailbox.mu);
    while (!mailbox.stopping && !mailbox.woken && clock_.Uptime() < next_tick) {
      clock_.WaitUntil(next_tick, mailbox.mu, mailbox.cv);
    }
    mailbox.woken = false;
    if (mailbox.stopping) return;
  }
}

void ResyncOperations::Stop() {
  {
    MutexLock lock(mailbox_->mu);
    mailbox_->stopping = true;
    mailbox_->cv.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  const absl::Time wall_now = clock_.Now();
  {
    MutexLock lock(mu_);
    stopped_ = true;
    for (auto& [id, running] : running_) {
      for (int host = 0; host < running.operation.hosts_size(); ++host) {
        EndHost(running, host, v1::HOST_OUTCOME_CANCELED, kShuttingDown);
      }
    }
    EndOperations(wall_now);
  }
  Tell();
}

absl::Duration ResyncOperations::Tick() {
  while (true) {
    std::vector<Answer> answers;
    {
      MutexLock lock(mailbox_->mu);
      answers.swap(mailbox_->answers);
    }
    for (Answer& answer : answers) ReadOhai(answer);
    const absl::Duration now = clock_.Uptime();
    const absl::Time wall_now = clock_.Now();
    absl::Duration next_tick = absl::InfiniteDuration();
    std::vector<Call> calls;
    {
      MutexLock lock(mu_);
      for (Answer& answer : answers) TakeIn(std::move(answer), calls);
      for (auto& [id, running] : running_) {
        Expire(running, now);
        BeginHosts(running, now, calls);
        if (!running.deadlines.empty()) {
          next_tick = std::min(next_tick, running.deadlines.front().first);
        }
      }
      EndOperations(wall_now);
    }
    for (Call& call : calls) Make(std::move(call));
    Tell();
    // Calls may have been answered at once.
    if (calls.empty()) return next_tick;
  }
}

void ResyncOperations::Tell() {
  std::set<std::string> changed;
  std::vector<std::pair<std::string, std::string>> ended;
  {
    MutexLock lock(mu_);
    changed.swap(changed_);
    ended.swap(just_ended_);
  }
  for (const auto& [id, outcomes] : ended) {
    log::Info("resync ended", {{"id", id}, {"outcomes", outcomes}});
  }
  for (const std::string& id : changed) {
    for (Listener& listener : listeners_) listener(id);
  }
}

void ResyncOperations::Make(Call call) {
  switch (call.step) {
    case v1::HOST_PROGRESS_READING:
      return MakeReread(std::move(call));
    case v1::HOST_PROGRESS_RUNNING_OHAI:
      return MakeOhai(std::move(call));
    default:
      return MakeWrite(std::move(call));
  }
}

void ResyncOperations::MakeReread(Call call) {
  const HostId host{call.node};
  reread_(host, [mailbox = mailbox_,
                 call = std::move(call)](absl::Status status) mutable {
    Ending ending;
    if (!status.ok()) {
      ending = EndingOf(status, v1::HOST_OUTCOME_UNREACHABLE);
    }
    mailbox->Put({std::move(call), ending.outcome, ending.error});
  });
}

void ResyncOperations::MakeOhai(Call call) {
  const HostId host{call.node};
  if (run_ohai_ == nullptr) {
    mailbox_->Put({std::move(call), v1::HOST_OUTCOME_NO_AGENT, NoAgents(host)});
    return;
  }
  const std::vector<std::string> plugins = std::move(call.plugins);
  // Who answers has others to serve: what was found is read by our thread.
  run_ohai_(
      host, plugins,
      [mailbox = mailbox_, call = std::move(call),
       asked_at = clock_.Now()](absl::StatusOr<v1::OhaiResult> result) mutable {
        if (result.ok()) {
          mailbox->Put({.call = std::move(call),
                        .ohai = *std::move(result),
                        .asked_at = asked_at});
          return;
        }
        Ending ending = EndingOfOhai(result.status());
        mailbox->Put({std::move(call), ending.outcome, ending.error});
      });
}

void ResyncOperations::MakeWrite(Call call) {
  const HostId host{call.node};
  const absl::Duration since = call.commanded_at;
  std::optional<OhaiRun> ohai = std::exchange(call.ohai, std::nullopt);
  Syncer::RewriteDone done =
      [mailbox = mailbox_, call = std::move(call)](
          const absl::StatusOr<chef::WriteResult>& result) mutable {
        Ending ending = EndingOf(result);
        mailbox->Put({std::move(call), ending.outcome, ending.error});
      };
  if (ohai.has_value()) {
    syncer_.WriteOhai(host, *std::move(ohai), v1::LANE_USER, std::move(done));
  } else {
    syncer_.Rewrite(host, since, std::move(done));
  }
}

void ResyncOperations::ReadOhai(Answer& answer) const {
  if (!answer.ohai.has_value()) return;
  absl::StatusOr<OhaiRun> run =
      ReadOhaiResult(HostId{answer.call.node}, *answer.ohai, answer.asked_at,
                     options_.write_ohai_time);
  answer.ohai.reset();
  if (run.ok()) {
    answer.call.ohai = *std::move(run);
  } else {
    answer.outcome = v1::HOST_OUTCOME_OHAI_FAILED;
    answer.error = std::string(run.status().message());
  }
}

void ResyncOperations::TakeIn(Answer answer, std::vector<Call>& calls) {
  const auto it = running_.find(answer.call.id);
  if (it == running_.end()) return;
  Running& running = it->second;
  v1::HostResult& host = *running.operation.mutable_hosts(answer.call.host);
  // Its deadline has passed meanwhile.
  if (host.progress() != answer.call.step) return;
  const bool went_well = answer.outcome == v1::HOST_OUTCOME_UNSPECIFIED;
  if (went_well && answer.call.step != running.steps.back()) {
    const auto step =
        std::find(running.steps.begin(), running.steps.end(), answer.call.step);
    Call call = std::move(answer.call);
    call.step = *std::next(step);
    host.set_progress(call.step);
    changed_.insert(call.id);
    calls.push_back(std::move(call));
    return;
  }
  EndHost(running, answer.call.host,
          went_well ? v1::HOST_OUTCOME_UNCHANGED : answer.outcome,
          answer.error);
}

void ResyncOperations::Expire(Running& running, absl::Duration now) {
  while (!running.deadlines.empty()) {
    const auto [deadline, host] = running.deadlines.front();
    const v1::HostResult& result = running.operation.hosts(host);
    const bool is_done = result.progress() == v1::HOST_PROGRESS_DONE;
    if (!is_done && deadline > now) return;
    running.deadlines.pop_front();
    if (is_done) continue;
    EndHost(running, host, v1::HOST_OUTCOME_TIMED_OUT,
            absl::StrCat("host ", result.node(), ": ",
                         LeftUndone(result.progress()), " within ",
                         absl::FormatDuration(running.host_deadline),
                         "; see its conditions and sync status"));
  }
}

void ResyncOperations::BeginHosts(Running& running, absl::Duration now,
                                  std::vector<Call>& calls) {
  v1::Operation& operation = running.operation;
  const v1::HostProgress first = running.steps.front();
  while (running.next < operation.hosts_size() &&
         running.under_way < running.hosts_at_once) {
    const int host = running.next++;
    operation.mutable_hosts(host)->set_progress(first);
    ++running.under_way;
    running.deadlines.emplace_back(now + running.host_deadline, host);
    calls.push_back({operation.id(), host, operation.hosts(host).node(), first,
                     running.commanded_at, running.plugins});
    changed_.insert(operation.id());
  }
}

void ResyncOperations::EndHost(Running& running, int host,
                               v1::HostOutcome outcome,
                               const std::string& error) {
  v1::HostResult& result = *running.operation.mutable_hosts(host);
  if (result.progress() == v1::HOST_PROGRESS_DONE) return;
  if (result.progress() != v1::HOST_PROGRESS_WAITING) --running.under_way;
  result.set_progress(v1::HOST_PROGRESS_DONE);
  result.set_outcome(outcome);
  result.set_error(error);
  running.operation.set_done(running.operation.done() + 1);
  changed_.insert(running.operation.id());
}

void ResyncOperations::EndOperations(absl::Time now) {
  for (auto it = running_.begin(); it != running_.end();) {
    v1::Operation& operation = it->second.operation;
    if (operation.done() < operation.total()) {
      ++it;
      continue;
    }
    *operation.mutable_ended_at() = ToProto(now);
    just_ended_.emplace_back(operation.id(), CountsOf(operation));
    ended_.push_back(std::move(operation));
    it = running_.erase(it);
  }
  while (ended_.size() > static_cast<size_t>(options_.kept)) {
    ended_.pop_front();
  }
}

absl::StatusOr<std::vector<RecordPtr>> ResyncOperations::Select(
    const v1::HostSelector& selector) const {
  for (const std::string& node : selector.nodes()) {
    if (inventory_.Find(HostId{node}) == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("host ", node,
                       ": not in the fleet; check the name, or add the host "
                       "to the configuration"));
    }
  }
  std::vector<RecordPtr> selected;
  for (const RecordPtr& record : inventory_.View()->records) {
    if (Matches(selector, *record)) selected.push_back(record);
  }
  if (selected.empty()) {
    return absl::FailedPreconditionError(
        "resync: no host matches; see what hosts and labels there are");
  }
  return selected;
}

std::string ResyncOperations::NewId() {
  return absl::StrCat(
      absl::FormatTime("rs-%Y%m%d-%H%M%S-", clock_.Now(), absl::UTCTimeZone()),
      absl::Hex(absl::Uniform<uint32_t>(random_), absl::kZeroPad8));
}

absl::StatusOr<v1::Operation> ResyncOperations::Begin(
    const v1::HostSelector& selector, const std::vector<v1::ResyncMode>& modes,
    const std::vector<std::string>& ohai_plugins) {
  Running running;
  v1::Operation& operation = running.operation;
  for (const v1::ResyncMode mode :
       {v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE,
        v1::RESYNC_MODE_OHAI}) {
    if (Has(modes, mode)) operation.add_modes(mode);
  }
  ASSIGN_OR_RETURN(running.steps, StepsOf(modes));
  const bool runs_ohai = Has(modes, v1::RESYNC_MODE_OHAI);
  RETURN_IF_ERROR(CheckPlugins(ohai_plugins, runs_ohai));
  running.plugins = ohai_plugins;
  running.hosts_at_once =
      runs_ohai ? options_.ohai_hosts_at_once : options_.hosts_at_once;
  running.host_deadline =
      runs_ohai ? options_.ohai_host_deadline : options_.host_deadline;
  running.commanded_at = clock_.Uptime();
  ASSIGN_OR_RETURN(const std::vector<RecordPtr> hosts, Select(selector));
  *operation.mutable_selector() = selector;
  *operation.mutable_started_at() = ToProto(clock_.Now());
  operation.set_total(static_cast<int32_t>(hosts.size()));
  for (const RecordPtr& record : hosts) {
    v1::HostResult& host = *operation.add_hosts();
    host.set_node(record->node());
    host.set_progress(v1::HOST_PROGRESS_WAITING);
  }

  v1::Operation begun;
  {
    MutexLock lock(mu_);
    if (stopped_) {
      return absl::UnavailableError(
          "resync: the controller is shutting down; ask again");
    }
    if (running_.size() >= static_cast<size_t>(options_.running)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("resync: ", running_.size(),
                       " operations run already; wait for one, or cancel it"));
    }
    operation.set_id(NewId());
    begun = operation;
    running_.emplace(begun.id(), std::move(running));
  }
  log::Info("resync begun", {{"id", begun.id()}, {"hosts", begun.total()}});
  mailbox_->Wake();
  return begun;
}

absl::StatusOr<v1::Operation> ResyncOperations::Get(
    const std::string& id) const {
  MutexLock lock(mu_);
  const auto it = running_.find(id);
  if (it != running_.end()) return it->second.operation;
  for (const v1::Operation& operation : ended_) {
    if (operation.id() == id) return operation;
  }
  return UnknownOperation(id);
}

absl::StatusOr<v1::Operation> ResyncOperations::Cancel(const std::string& id) {
  const absl::Time wall_now = clock_.Now();
  {
    MutexLock lock(mu_);
    const auto it = running_.find(id);
    if (it != running_.end()) {
      Running& running = it->second;
      running.operation.set_canceled(true);
      while (running.next < running.operation.hosts_size()) {
        EndHost(running, running.next++, v1::HOST_OUTCOME_CANCELED, "");
      }
      changed_.insert(id);
      EndOperations(wall_now);
    }
  }
  mailbox_->Wake();  // the thread tells the listeners
  return Get(id);
}

}  // namespace rehai
