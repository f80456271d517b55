// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_
#define CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "controller/source/dial_rate.h"
#include "controller/source/fleet_source.h"

// What FleetSource keeps of its hosts; for its own files only.
namespace rehai {

struct FleetSource::Host final : public hypervisor::Listener {
  Host(FleetSource& source, const FoundHost& found, absl::Duration now);

  void OnGuestEvent(const GuestId& guest,
                    hypervisor::GuestEvent event) override;
  void OnHostEvent() override;
  void OnClosed(const std::string& reason) override;

  // Those who wait to hear that the host was read, from whomever.
  std::vector<Done> TakeWaiting();

  // Set at construction.
  FleetSource& source;
  const HostId id;

  // Guarded by the source's lock.
  HostStanding standing;
  // Of a host that discovery has not found again since the restart: the UUID
  // with which it was believed, and where.
  struct Evidence {
    std::string uuid;
    v1::Provenance provenance;
  };
  std::optional<Evidence> restored;
  std::string closed_because;
  std::vector<Done> waiting;  // for a read that has not begun
  bool taken = false;         // by a worker, so in no lane
  std::optional<hypervisor::HostSchedule::NextStep>
      queued;  // how it is in its lane

  // Its agent, with a session or without; it speaks if the schedule says so.
  struct Push {
    explicit Push(DialRate rate) : comings(rate) {}

    std::shared_ptr<Agent> agent;  // null: no session
    int64_t session = 0;           // of the agent
    absl::Duration came_at;        // when that began
    bool resumes = false;          // it went on where the last one was
    DialRate comings;
    // Order what it says among all that is told of the host. The first is new
    // whenever it begins to speak, in the session `observed_for` of its own.
    int64_t observation_session = 0;
    int64_t observed_for = 0;
    int64_t sequence = 0;
    bool believed = true;
    // Something that it said was not taken in, so only a full report will do.
    bool behind = false;
    // It was asked for a full report that has not come. If it falls silent
    // first, it does not know any more that it was asked.
    bool owes_list = false;
    // Guests that it lacks and that may be on their way, until then.
    struct Lacking {
      absl::Duration until;
      bool has_ended = false;  // by what the agent heard
    };
    std::map<GuestId, Lacking> moving;
    // Who waits for which request to be answered.
    std::vector<std::pair<int64_t, Done>> asked;
  } push;
  // The agent's session that told last what was taken in; 0: no agent's.
  int64_t told_by = 0;
  // When the last read that was taken in began, not by an agent.
  absl::Duration pulled_at = -absl::InfiniteDuration();
  // The last request of any agent before that was taken in.
  int64_t request_before_pull = 0;

  // Touched by the worker that has the host.
  std::unique_ptr<hypervisor::Connection> connection;
  std::string uri;     // last dialed
  std::string origin;  // the same, as it may be shown
  int64_t session = 0;
  int64_t sequence = 0;
  // Guests that the last list lacked and whose end events had told.
  std::set<GuestId> ended;

 private:
  void Note(absl::FunctionRef<void(absl::Duration now)> what);
};

struct FleetSource::Task {
  Host* host = nullptr;  // null once it is forgotten
  hypervisor::HostSchedule::Step step = hypervisor::HostSchedule::Step::kRead;
  Lanes::Begun begun;
  // Of a read, which may be a dial's second half.
  hypervisor::HostSchedule::Reading reading;
  absl::Duration read_time;
  std::vector<Done> served;
};

// Why a host is not read: it left discovery; the source stops; there is
// none; it has no URI and no agent.
absl::Status NotWatched(const HostId& host);
absl::Status Stopped(const HostId& host);
absl::Status NoSuchHost(const HostId& host);
absl::Status NobodyToAsk(const HostId& host);
// It was read, and nothing of that was taken in.
absl::Status InDoubt(const HostId& host);

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_
