// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/resync_operations.h"

#include <pthread.h>

#include <algorithm>
#include <tuple>

#include "absl/random/distributions.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

absl::Status UnknownOperation(const std::string& id) {
  return absl::NotFoundError(
      absl::StrCat("resync ", id,
                   ": there is none by this id; it is mistyped, or so old "
                   "that it is forgotten"));
}

absl::Status HasEnded(const OperationRun& run, absl::string_view doing_what) {
  if (!run.ended()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "resync ", run.operation().id(), ": it has ended and cannot be ",
      doing_what, "; begin a new one"));
}

// "WRITTEN:12 TIMED_OUT:1", for the log.
std::string CountsOf(const v1::ResyncProgress& progress) {
  std::string text;
  for (const v1::HostOutcomeCount& count : progress.outcomes()) {
    absl::StrAppend(&text, text.empty() ? "" : " ",
                    v1::HostOutcome_Name(count.outcome()), ":", count.hosts());
  }
  return text;
}

// Of an operation without an end, the end of time.
absl::Time EndOf(const v1::Operation& operation) {
  return operation.has_ended_at() ? FromProto(operation.ended_at())
                                  : absl::InfiniteFuture();
}

}  // namespace

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

void ResyncOperations::AddKeeper(Keeper keeper) {
  keepers_.push_back(std::move(keeper));
}

void ResyncOperations::Restore(std::vector<v1::Operation> operations) {
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  MutexLock lock(mu_);
  for (v1::Operation& operation : operations) {
    const std::string id = operation.id();
    Entry entry = {OperationRun::Restored(std::move(operation), now, wall_now,
                                          options_.restart_grace)};
    if (entry.run.ended()) {
      entry.told = entry.kept = entry.run.version();
      entry.end_logged = true;
    }
    operations_.insert_or_assign(id, std::move(entry));
  }
  ForgetOld(wall_now);
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
  {
    MutexLock lock(mu_);
    stopped_ = true;
  }
  Tell(/*keep_all=*/true);
}

absl::Duration ResyncOperations::Tick() {
  while (true) {
    std::vector<Answer> answers;
    {
      MutexLock lock(mailbox_->mu);
      answers.swap(mailbox_->answers);
    }
    for (Answer& answer : answers) ReadOhai(answer);
    absl::Duration next_tick = absl::InfiniteDuration();
    std::vector<Call> calls = Decide(std::move(answers), next_tick);
    for (Call& call : calls) Make(std::move(call));
    next_tick = std::min(next_tick, Tell(/*keep_all=*/false));
    // Calls may have been answered at once.
    if (calls.empty()) return next_tick;
  }
}

std::vector<ResyncOperations::Call> ResyncOperations::Decide(
    std::vector<Answer> answers, absl::Duration& next_tick) {
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  std::vector<Call> calls;
  MutexLock lock(mu_);
  if (stopped_) return calls;
  for (Answer& answer : answers) {
    TakeIn(std::move(answer), now, wall_now, calls);
  }
  for (auto& [id, entry] : operations_) {
    OperationRun& run = entry.run;
    if (run.ended()) continue;
    for (const OperationRun::Step step : run.Advance(
             now, wall_now,
             [this](const std::string& node) { return IsFresh(node); })) {
      calls.push_back(CallFor(run, step));
    }
    next_tick = std::min(next_tick, run.next_due());
  }
  ForgetOld(wall_now);
  return calls;
}

ResyncOperations::Call ResyncOperations::CallFor(
    const OperationRun& run, OperationRun::Step step) const {
  const v1::Operation& operation = run.operation();
  return {.id = operation.id(),
          .step = step,
          .node = run.node(step.host),
          .is_one_of_many = operation.total() >= options_.many_hosts,
          .is_dry = operation.dry_run(),
          .commanded_at = run.commanded_at(),
          .plugins = {operation.ohai_plugins().begin(),
                      operation.ohai_plugins().end()}};
}

bool ResyncOperations::IsFresh(const std::string& node) const {
  const RecordPtr record = inventory_.Find(HostId{node});
  return record == nullptr || !IsBeforeRestart(*record);
}

void ResyncOperations::TakeIn(Answer answer, absl::Duration now,
                              absl::Time wall_now, std::vector<Call>& calls) {
  const auto it = operations_.find(answer.call.id);
  if (it == operations_.end()) return;
  OperationRun& run = it->second.run;
  if (answer.was_read) {
    // Its deadline may have passed meanwhile.
    if (run.IsAt(answer.call.step)) calls.push_back(std::move(answer.call));
    return;
  }
  const std::optional<OperationRun::Step> next =
      run.OnEnding(answer.call.step, std::move(answer.ending), now, wall_now);
  if (!next.has_value()) return;
  Call call = std::move(answer.call);
  call.step = *next;
  call.was_read = false;
  calls.push_back(std::move(call));
}

absl::Duration ResyncOperations::Tell(bool keep_all) {
  const absl::Duration now = clock_.Uptime();
  absl::Duration next = absl::InfiniteDuration();
  std::vector<std::string> changed;
  std::vector<v1::Operation> to_keep;
  std::vector<v1::Operation> ended;
  {
    MutexLock lock(mu_);
    for (auto& [id, entry] : operations_) {
      const OperationRun& run = entry.run;
      if (std::exchange(entry.told, run.version()) != run.version()) {
        changed.push_back(id);
      }
      if (run.ended() && !std::exchange(entry.end_logged, true)) {
        ended.push_back(run.Summary(now));
      }
      if (entry.kept == run.version() || keepers_.empty()) continue;
      const absl::Duration due = entry.kept_at + options_.keep_interval;
      if (!keep_all && entry.kept >= run.state_version() && due > now) {
        next = std::min(next, due);
        continue;
      }
      entry.kept = run.version();
      entry.kept_at = now;
      to_keep.push_back(run.Since(0, now));
    }
  }
  for (const v1::Operation& operation : ended) {
    log::Info("resync ended", {{"id", operation.id()},
                               {"outcomes", CountsOf(operation.progress())}});
  }
  for (v1::Operation& operation : to_keep) {
    for (Keeper& keeper : keepers_) keeper(operation);
  }
  for (const std::string& id : changed) {
    for (Listener& listener : listeners_) listener(id);
  }
  return next;
}

// The calls.

void ResyncOperations::Make(Call call) {
  switch (call.step.progress) {
    case v1::HOST_PROGRESS_READING:
      return MakeReread(std::move(call));
    case v1::HOST_PROGRESS_RUNNING_OHAI:
      return MakeOhai(std::move(call));
    default:
      break;
  }
  if (!call.was_read && !IsFresh(call.node)) return MakeReread(std::move(call));
  if (call.step.progress == v1::HOST_PROGRESS_VERIFYING) {
    return MakeLook(std::move(call));
  }
  MakeWrite(std::move(call));
}

void ResyncOperations::MakeReread(Call call) {
  const HostId host{call.node};
  reread_(host, [mailbox = mailbox_,
                 call = std::move(call)](absl::Status status) mutable {
    const bool was_asked = call.step.progress == v1::HOST_PROGRESS_READING;
    call.was_read = true;
    mailbox->Put({.call = std::move(call),
                  .ending = EndingOfReread(status),
                  .was_read = status.ok() && !was_asked});
  });
}

void ResyncOperations::MakeOhai(Call call) {
  const HostId host{call.node};
  if (run_ohai_ == nullptr) {
    mailbox_->Put(
        {.call = std::move(call), .ending = EndingWithoutAgents(host)});
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
        mailbox->Put(
            {.call = std::move(call), .ending = EndingOfOhai(result.status())});
      });
}

v1::Lane ResyncOperations::LaneOf(const Call& call) {
  return call.is_one_of_many ? v1::LANE_REPAIR : v1::LANE_USER;
}

void ResyncOperations::MakeWrite(Call call) {
  const HostId host{call.node};
  const absl::Duration since = call.commanded_at;
  const v1::Lane lane = LaneOf(call);
  std::optional<OhaiRun> ohai = std::exchange(call.ohai, std::nullopt);
  Syncer::RewriteDone done =
      [mailbox = mailbox_, call = std::move(call)](
          const absl::StatusOr<chef::WriteResult>& result) mutable {
        mailbox->Put(
            {.call = std::move(call), .ending = EndingOfWrite(result)});
      };
  if (ohai.has_value()) {
    // Few at once, and each has cost its host seconds.
    syncer_.WriteOhai(host, *std::move(ohai), v1::LANE_USER, std::move(done));
  } else {
    syncer_.Rewrite(host, since, lane, std::move(done));
  }
}

void ResyncOperations::MakeLook(Call call) {
  const HostId host{call.node};
  const v1::Lane lane = LaneOf(call);
  syncer_.Diff(host, lane,
               [mailbox = mailbox_, call = std::move(call)](
                   const absl::StatusOr<std::vector<chef::PathDifference>>&
                       differences) mutable {
                 const bool is_dry = call.is_dry;
                 mailbox->Put({.call = std::move(call),
                               .ending = EndingOfLook(differences, is_dry)});
               });
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
    answer.ending = {v1::HOST_OUTCOME_OHAI_FAILED,
                     std::string(run.status().message())};
  }
}

// The operators' side.

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

const ResyncOperations::Entry* ResyncOperations::FindByKey(
    const std::string& key) const {
  if (key.empty()) return nullptr;
  for (const auto& [id, entry] : operations_) {
    if (entry.run.operation().idempotency_key() == key) return &entry;
  }
  return nullptr;
}

int ResyncOperations::CountRunning() const {
  return static_cast<int>(std::count_if(
      operations_.begin(), operations_.end(),
      [](const auto& entry) { return !entry.second.run.ended(); }));
}

absl::StatusOr<ResyncOperations::Begun> ResyncOperations::Begin(
    const v1::ResyncStartRequest& request, const std::string& started_by) {
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  ASSIGN_OR_RETURN(v1::Operation operation,
                   PlanResync(request, options_.defaults, wall_now));
  operation.set_started_by(started_by);
  // Outside the lock. Who asks again gets what there is, whatever has become of
  // the hosts.
  const absl::StatusOr<std::vector<RecordPtr>> hosts =
      Select(request.selector());
  if (hosts.ok()) {
    for (const RecordPtr& record : *hosts) {
      v1::HostResult& host = *operation.add_hosts();
      host.set_node(record->node());
      host.set_progress(v1::HOST_PROGRESS_WAITING);
    }
  }
  v1::Operation begun;
  {
    MutexLock lock(mu_);
    ForgetOld(wall_now);
    if (const Entry* known = FindByKey(request.idempotency_key())) {
      RETURN_IF_ERROR(CheckSameRequest(known->run.operation(), operation));
      return Begun{known->run.Since(0, now), /*existed=*/true};
    }
    RETURN_IF_ERROR(hosts.status());
    if (stopped_) {
      return absl::UnavailableError(
          "resync: the controller is shutting down; ask again");
    }
    if (const int running = CountRunning(); running >= options_.running) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "resync: ", running,
          " operations run or are paused already; wait for one, or cancel it"));
    }
    operation.set_id(NewId());
    const auto it = operations_.emplace(
        operation.id(), Entry{OperationRun(operation, now, wall_now)});
    begun = it.first->second.run.Since(0, now);
  }
  log::Info("resync begun", {{"id", begun.id()},
                             {"hosts", begun.total()},
                             {"by", begun.started_by()}});
  mailbox_->Wake();
  return Begun{std::move(begun)};
}

absl::StatusOr<v1::Operation> ResyncOperations::Begin(
    const v1::HostSelector& selector, const std::vector<v1::ResyncMode>& modes,
    const std::vector<std::string>& ohai_plugins) {
  v1::ResyncStartRequest request;
  *request.mutable_selector() = selector;
  for (const v1::ResyncMode mode : modes) request.add_modes(mode);
  for (const std::string& plugin : ohai_plugins) {
    request.add_ohai_plugins(plugin);
  }
  ASSIGN_OR_RETURN(Begun begun, Begin(request, ""));
  return std::move(begun.operation);
}

absl::StatusOr<v1::Operation> ResyncOperations::Get(
    const std::string& id) const {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  const auto it = operations_.find(id);
  if (it == operations_.end()) return UnknownOperation(id);
  return it->second.run.Since(0, now);
}

absl::StatusOr<v1::Operation> ResyncOperations::Change(
    const std::string& id,
    absl::FunctionRef<absl::Status(OperationRun&)> change) {
  {
    MutexLock lock(mu_);
    const auto it = operations_.find(id);
    if (it == operations_.end()) return UnknownOperation(id);
    RETURN_IF_ERROR(change(it->second.run));
  }
  mailbox_->Wake();  // the thread tells the listeners
  return Get(id);
}

absl::StatusOr<v1::Operation> ResyncOperations::Pause(const std::string& id) {
  return Change(id, [](OperationRun& run) {
    const absl::Status ended = HasEnded(run, "paused");
    if (ended.ok()) run.Pause();
    return ended;
  });
}

absl::StatusOr<v1::Operation> ResyncOperations::Resume(const std::string& id) {
  return Change(id, [now = clock_.Uptime()](OperationRun& run) {
    const absl::Status ended = HasEnded(run, "resumed");
    if (ended.ok()) run.Resume(now);
    return ended;
  });
}

absl::StatusOr<v1::Operation> ResyncOperations::Cancel(const std::string& id) {
  return Change(
      id, [now = clock_.Uptime(), wall_now = clock_.Now()](OperationRun& run) {
        run.Cancel(now, wall_now);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::optional<v1::Operation>> ResyncOperations::TakeChange(
    const std::string& id, int64_t& version) const {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  const auto it = operations_.find(id);
  if (it == operations_.end()) return UnknownOperation(id);
  const OperationRun& run = it->second.run;
  if (run.version() == version) return std::nullopt;
  return run.Since(std::exchange(version, run.version()), now);
}

std::vector<v1::Operation> ResyncOperations::List(
    const std::set<v1::OperationState>& states) const {
  const absl::Duration now = clock_.Uptime();
  std::vector<v1::Operation> operations;
  {
    MutexLock lock(mu_);
    for (const auto& [id, entry] : operations_) {
      if (states.empty() || states.count(entry.run.operation().state()) > 0) {
        operations.push_back(entry.run.Summary(now));
      }
    }
  }
  const auto key = [](const v1::Operation& operation) {
    return std::make_tuple(operation.started_at().seconds(),
                           operation.started_at().nanos(),
                           absl::string_view(operation.id()));
  };
  std::sort(operations.begin(), operations.end(),
            [&](const v1::Operation& a, const v1::Operation& b) {
              return key(a) > key(b);
            });
  return operations;
}

ResyncOperations::Counts ResyncOperations::counts() const {
  Counts counts;
  MutexLock lock(mu_);
  counts.hosts = forgotten_hosts_;
  for (const auto& [id, entry] : operations_) {
    ++counts.operations[entry.run.operation().state()];
    const OutcomeCounts& ended = entry.run.ended_here();
    for (size_t i = 0; i < ended.size(); ++i) counts.hosts[i] += ended[i];
  }
  return counts;
}

void ResyncOperations::Forget(std::map<std::string, Entry>::iterator it) {
  const OutcomeCounts& ended = it->second.run.ended_here();
  for (size_t i = 0; i < ended.size(); ++i) forgotten_hosts_[i] += ended[i];
  operations_.erase(it);
}

void ResyncOperations::ForgetOld(absl::Time wall_now) {
  int ended = 0;
  for (auto it = operations_.begin(); it != operations_.end();) {
    const auto here = it++;
    const absl::Time end = EndOf(here->second.run.operation());
    if (end + options_.kept_for < wall_now) {
      Forget(here);
    } else if (end < absl::InfiniteFuture()) {
      ++ended;
    }
  }
  for (; ended > options_.kept; --ended) {
    Forget(std::min_element(operations_.begin(), operations_.end(),
                            [](const auto& a, const auto& b) {
                              return EndOf(a.second.run.operation()) <
                                     EndOf(b.second.run.operation());
                            }));
  }
}

}  // namespace rehai
