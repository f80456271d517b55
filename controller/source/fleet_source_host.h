// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_
#define CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "controller/source/fleet_source.h"

// What FleetSource keeps of its hosts; for its own files only.
namespace rehai {

struct FleetSource::Host final : public hypervisor::Listener {
  Host(FleetSource& source, const FoundHost& found, absl::Duration now);

  void OnGuestEvent(const GuestId& guest,
                    hypervisor::GuestEvent event) override;
  void OnHostEvent() override;
  void OnClosed(const std::string& reason) override;

  // Set at construction.
  FleetSource& source;
  const HostId id;

  // Guarded by the source's lock.
  HostStanding standing;
  std::string closed_because;
  std::vector<Done> waiting;  // for a read that has not begun
  bool taken = false;         // by a worker, so in no lane
  std::optional<hypervisor::HostSchedule::NextStep>
      queued;  // how it is in its lane

  // Touched by the worker that has the host.
  std::unique_ptr<hypervisor::Connection> connection;
  std::string uri;     // last dialed
  std::string origin;  // the same, as it may be shown
  int64_t session = 0;
  int64_t sequence = 0;
  // Guests that the last observation named as on their way.
  std::set<GuestId> moving;

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

// Why a host is not read: it left discovery; the source stops.
absl::Status NotWatched(const HostId& host);
absl::Status Stopped(const HostId& host);

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_FLEET_SOURCE_HOST_H_
