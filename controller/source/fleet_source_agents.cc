// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What agents say of their hosts, and what they are asked.

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_host.h"
#include "controller/source/list_difference.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

absl::Status SpeaksNoMore(const HostId& host) {
  return absl::AbortedError(
      absl::StrCat("host ", host.node,
                   ": this session of its agent's is over; begin another"));
}

// The guests of which a report says, or lets see, that they are not there.
std::vector<GuestId> Lacking(const v1::Record& before,
                             const v1::Observation& seen) {
  if (seen.full()) return CompareLists(before, seen).lacking;
  std::vector<GuestId> lacking;
  for (const std::string& uuid : seen.removed_uuids()) {
    lacking.push_back({uuid});
  }
  return lacking;
}

}  // namespace

absl::StatusOr<AgentHosts::Admission> FleetSource::Came(
    const HostId& id, int64_t last_session, std::shared_ptr<Agent> agent) {
  Admission admission;
  std::shared_ptr<Agent> before;
  {
    MutexLock lock(mu_);
    if (stopping_) return Stopped(id);
    Host* const host = Find(id);
    if (host == nullptr) return NoSuchHost(id);
    hypervisor::HostSchedule& schedule = host->standing.schedule();
    if (schedule.has_left()) return NotWatched(id);
    const absl::Duration now = clock_.Uptime();
    const absl::Duration wait = host->push.comings.NextAt() - now;
    if (wait > absl::ZeroDuration()) {
      admission.come_back_after = wait * absl::Uniform(random_, 1.0, 1.5);
      return admission;
    }
    host->push.comings.Take(now);
    before = std::exchange(host->push.agent, std::move(agent));
    host->push.session = ++last_session_;
    admission.session = host->push.session;
    admission.resumes = last_session != 0 && host->told_by == last_session &&
                        !host->push.behind && !host->push.owes_list;
    host->push.came_at = now;
    host->push.resumes = admission.resumes;
    // What the session before was asked, this one is.
    for (auto& [request, done] : std::exchange(host->push.asked, {})) {
      host->waiting.push_back(std::move(done));
    }
    if (!host->waiting.empty()) schedule.WantReread(now);
    Enqueue(*host);
  }
  if (before != nullptr) {
    log::Warning("another session of this host's agent ended the one before",
                 {{"host", id.node}});
    before->Dismiss(absl::AbortedError(absl::StrCat(
        "host ", id.node,
        ": another session of its agent has come; is a second agent running, "
        "or a second host with its identity?")));
  }
  return admission;
}

// An agent's first report may have been read long before it, or have been long
// on its way, and a worker may have read the host since. How long it was on its
// way nobody knows, but it was not said before its session began.
bool FleetSource::MayBeOlder(const Host& host, const v1::Observation& seen,
                             const std::vector<int64_t>& answers) const {
  if (host.push.resumes || host.told_by == host.push.session) return false;
  // What was asked for since was read since.
  for (const int64_t request : answers) {
    if (request > host.request_before_pull) return false;
  }
  const absl::Duration age =
      clock_.Now() - FromProto(seen.provenance().observed_at());
  return host.push.came_at - age < host.pulled_at;
}

FleetSource::Host* FleetSource::FindSpoken(const HostId& id, int64_t session) {
  Host* const host = Find(id);
  if (host == nullptr || host->push.session != session) return nullptr;
  return host;
}

absl::Status FleetSource::Saw(const HostId& id, int64_t session,
                              v1::Observation seen,
                              const std::vector<int64_t>& answers) {
  seen.set_node(id.node);
  const RecordPtr found_before = inventory_.Find(id);
  const v1::Record& before =
      found_before != nullptr ? *found_before : v1::Record::default_instance();
  ASSIGN_OR_RETURN(const Heard heard,
                   HearReport(id, session, before, answers, seen));
  if (heard.verdict == Verdict::kBelieved) {
    RETURN_IF_ERROR(inventory_.Observe(seen).status());
  }

  std::vector<Done> served;
  {
    MutexLock lock(mu_);
    Host* const host = FindSpoken(id, session);
    if (host == nullptr) return absl::OkStatus();
    if (heard.verdict == Verdict::kBelieved) {
      host->told_by = session;
      if (seen.full()) host->push.behind = host->push.owes_list = false;
    }
    // A worker may have told of the host as it was before.
    if (heard.had_worker || heard.verdict == Verdict::kDoubted) {
      host->standing.WantPresence(clock_.Uptime());
    }
    auto& asked = host->push.asked;
    const auto is_open = [&](const auto& request) {
      return std::find(answers.begin(), answers.end(), request.first) ==
             answers.end();
    };
    const auto answered =
        std::stable_partition(asked.begin(), asked.end(), is_open);
    for (auto request = answered; request != asked.end(); ++request) {
      served.push_back(std::move(request->second));
    }
    asked.erase(answered, asked.end());
    Enqueue(*host);
  }
  if (heard.away.has_value()) {
    log::Info("host's agent speaks for it",
              {{"host", id.node},
               {"agent", seen.provenance().origin()},
               {"away", absl::FormatDuration(*heard.away)}});
  }
  const absl::Status taken =
      heard.verdict == Verdict::kBelieved ? absl::OkStatus() : InDoubt(id);
  for (Done& done : served) done(taken);
  return absl::OkStatus();
}

absl::StatusOr<FleetSource::Heard> FleetSource::HearReport(
    const HostId& id, int64_t session, const v1::Record& before,
    const std::vector<int64_t>& answers, v1::Observation& seen) {
  const std::vector<GuestId> lacking = Lacking(before, seen);
  Heard heard;
  MutexLock lock(mu_);
  Host* const host = FindSpoken(id, session);
  if (host == nullptr) return SpeaksNoMore(id);
  auto& push = host->push;
  hypervisor::HostSchedule& schedule = host->standing.schedule();
  const absl::Duration now = clock_.Uptime();
  if (seen.has_facts()) {
    HostIdentities::Verdict verdict =
        identities_.Answered(id, seen.facts().uuid());
    push.believed = verdict.believed;
    Note(std::move(verdict.findings), id);
  }
  heard.had_worker = host->taken;
  const bool is_usable =
      (seen.full() || !push.behind) && !MayBeOlder(*host, seen, answers);
  heard.verdict =
      push.believed && is_usable ? Verdict::kBelieved : Verdict::kDoubted;
  if (heard.verdict == Verdict::kDoubted) push.behind = true;
  if (push.believed && !is_usable) schedule.WantReread(now);

  if (!schedule.agent_speaks() || push.observed_for != session) {
    push.observation_session = ++last_session_;
    push.observed_for = session;
    push.sequence = 0;
  }
  if (!schedule.agent_speaks()) host->standing.missed().Lost(now);
  heard.away = schedule.AgentSpoke(now, heard.verdict == Verdict::kBelieved);
  seen.set_session(push.observation_session);
  seen.set_sequence(++push.sequence);
  // What is not taken in is no word of anybody's absence.
  if (heard.verdict == Verdict::kBelieved) {
    ExplainGone(*host, before, lacking, seen);
  }
  Enqueue(*host);
  return heard;
}

void FleetSource::ExplainGone(Host& host, const v1::Record& before,
                              const std::vector<GuestId>& lacking,
                              v1::Observation& seen) {
  const absl::Duration now = clock_.Uptime();
  // An agent may name as many as it likes.
  absl::flat_hash_set<std::string> removed(seen.removed_uuids().begin(),
                                           seen.removed_uuids().end());
  std::map<GuestId, Host::Push::Lacking> moving;
  for (const GuestId& guest : lacking) {
    const auto told = host.push.moving.find(guest);
    const bool has_ended =
        removed.contains(guest.uuid) ||
        (told != host.push.moving.end() && told->second.has_ended);
    // The agent has waited for nothing yet; its event came by its own way.
    if (!IsMissing(before, guest)) moves_.Missed(host.id, guest, now);
    const absl::Duration until = moves_.MovingUntil(host.id, guest, now);
    if (until > now) {
      removed.erase(guest.uuid);
      seen.add_moving_uuids(guest.uuid);
      moving[guest] = {.until = until, .has_ended = has_ended};
      host.standing.schedule().WantRead(until);
    } else if (has_ended) {
      removed.insert(guest.uuid);
    }
  }
  seen.mutable_removed_uuids()->Assign(removed.begin(), removed.end());
  if (!seen.full()) moving.merge(host.push.moving);
  host.push.moving = std::move(moving);
}

void FleetSource::Ask(Host& host) {
  std::shared_ptr<Agent> agent;
  std::optional<int64_t> request;
  std::vector<GuestId> gone;
  {
    MutexLock lock(mu_);
    hypervisor::HostSchedule& schedule = host.standing.schedule();
    if (!schedule.agent_speaks()) return;
    const absl::Duration now = clock_.Uptime();
    absl::Duration moving_until = absl::InfiniteDuration();
    for (auto entry = host.push.moving.begin();
         entry != host.push.moving.end();) {
      auto& [guest, lacking] = *entry;
      lacking.until = moves_.MovingUntil(host.id, guest, now);
      if (lacking.until > now) {
        moving_until = std::min(moving_until, lacking.until);
        ++entry;
        continue;
      }
      // Another host spoke of it and did not show it. Nobody has told its end,
      // so it takes a full list to make it gone.
      if (lacking.has_ended) {
        gone.push_back(guest);
      } else {
        schedule.WantReread(now);
      }
      entry = host.push.moving.erase(entry);
    }
    if (schedule.reread_wanted()) {
      agent = host.push.agent;
      request = ++last_request_;
      host.push.owes_list = true;
      for (Done& done : std::exchange(host.waiting, {})) {
        host.push.asked.emplace_back(*request, std::move(done));
      }
    }
    schedule.Asked(now);
    schedule.WantRead(moving_until);
  }
  if (!gone.empty()) inventory_.EndMoves(host.id, gone);
  if (agent != nullptr) agent->AskReread(*request);
}

void FleetSource::CannotRead(const HostId& id, int64_t session,
                             const absl::Status& why) {
  Silenced silenced;
  {
    MutexLock lock(mu_);
    Host* const host = FindSpoken(id, session);
    if (host == nullptr) return;
    silenced = FallSilent(*host, why);
  }
  Tell(id, why, std::move(silenced));
}

void FleetSource::Went(const HostId& id, int64_t session,
                       const absl::Status& why) {
  Silenced silenced;
  {
    MutexLock lock(mu_);
    Host* const host = FindSpoken(id, session);
    if (host == nullptr) return;
    host->push.agent = nullptr;
    host->push.session = 0;
    silenced = FallSilent(*host, why);
  }
  Tell(id, why, std::move(silenced));
}

FleetSource::Silenced FleetSource::FallSilent(Host& host,
                                              const absl::Status& why) {
  Silenced silenced;
  const absl::Duration now = clock_.Uptime();
  hypervisor::HostSchedule& schedule = host.standing.schedule();
  silenced.spoke = schedule.AgentFellSilent(now, options_.fallback_after);
  host.standing.Failed(why);
  if (!silenced.spoke && schedule.is_reachable()) return silenced;
  // The agent has said what became of these and will not say it again.
  if (!host.push.moving.empty() || host.push.owes_list) {
    host.push.behind = true;
  }
  host.push.moving.clear();
  // Who waits for the agent waits for the next dial, if there is one.
  for (auto& [request, done] : std::exchange(host.push.asked, {})) {
    host.waiting.push_back(std::move(done));
  }
  if (!schedule.is_reachable()) {
    silenced.abandoned = std::exchange(host.waiting, {});
  } else if (!host.waiting.empty()) {
    schedule.WantReread(now);
  }
  host.standing.WantPresence(now);
  Enqueue(host);
  return silenced;
}

void FleetSource::Tell(const HostId& id, const absl::Status& why,
                       Silenced silenced) {
  if (silenced.spoke) {
    log::Warning(
        "host's agent does not speak for it any more",
        {{"host", id.node},
         {"error", why.message()},
         {"dialed_after", absl::FormatDuration(options_.fallback_after)}});
  }
  for (Done& done : silenced.abandoned) done(why);
}

}  // namespace rehai
