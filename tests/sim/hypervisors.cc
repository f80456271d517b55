// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/hypervisors.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hypervisor/last_word.h"

namespace rehai::sim {
namespace {

using Health = Hypervisors::Health;

// What the list of guests tells of one; see hypervisor::Connection.
std::string Listing(const v1::Guest& guest) {
  return absl::StrCat(guest.name(), "/", guest.id(), "/", guest.state(), "/",
                      guest.state_reason());
}

v1::Guest ListedOnly(const v1::Guest& guest) {
  v1::Guest listed;
  listed.set_uuid(guest.uuid());
  listed.set_name(guest.name());
  if (guest.has_id()) listed.set_id(guest.id());
  listed.set_state(guest.state());
  listed.set_state_reason(guest.state_reason());
  listed.set_persistent(guest.persistent());
  return listed;
}

bool IsActive(v1::GuestState state) {
  return state != v1::GUEST_STATE_SHUT_OFF;
}

const char* NameOf(Health health) {
  switch (health) {
    case Health::kWell:
      return "well";
    case Health::kDown:
      return "down";
    case Health::kHung:
      return "hung";
    case Health::kSlow:
      return "slow";
    case Health::kBroken:
      return "listing nothing";
  }
  return "?";
}

}  // namespace

class Hypervisors::Connection final : public hypervisor::Connection {
 public:
  Connection(Hypervisors& all, Host& host, hypervisor::Listener& listener,
             int64_t number)
      : all_(all), host_(host), listener_(&listener), number_(number) {
    host_.connections.insert(this);
  }
  ~Connection() override { host_.connections.erase(this); }

  absl::StatusOr<hypervisor::Inventory> Read(
      const hypervisor::ReadRequest& request) override {
    return all_.Read(host_, *this, request);
  }

  hypervisor::Listener& listener() { return *listener_; }
  int64_t number() const { return number_; }
  bool is_dead = false;
  std::map<std::string, v1::Guest> known;

 private:
  Hypervisors& all_;
  Host& host_;
  hypervisor::Listener* const listener_;
  const int64_t number_;
};

Hypervisors::Hypervisors(int hosts, Dice& dice, Scheduler& scheduler,
                         Strands& strands, Trace& trace)
    : dice_(dice), scheduler_(scheduler), strands_(strands), trace_(trace) {
  hosts_.resize(hosts);
  for (int i = 0; i < hosts; ++i) {
    hosts_[i].node = absl::StrCat("hv", i);
    hosts_[i].uri = absl::StrCat("sim://hv", i, "/system");
    hosts_[i].uuid = absl::StrFormat("aaaaaaaa-0000-4000-8000-%012d", i);
    hosts_[i].answers_as = hosts_[i].uuid;
    hosts_[i].health_since = -absl::InfiniteDuration();
  }
}

Hypervisors::Host* Hypervisors::FindHost(const std::string& node) {
  for (Host& host : hosts_) {
    if (host.node == node) return &host;
  }
  return nullptr;
}

int64_t Hypervisors::VersionOf(const v1::Guest& guest) {
  int64_t version = 0;
  if (guest.title().empty() ||
      !absl::SimpleAtoi(guest.title().substr(1), &version)) {
    return 0;
  }
  return version;
}

void Hypervisors::Touch(Host& host, v1::Guest& guest) {
  guest.set_title(absl::StrCat("v", ++last_version_));
  // So that the list shows each.
  guest.set_state_reason(guest.title());
  host.versions[guest.uuid()][last_version_] = scheduler_.now();
}

void Hypervisors::Define(Host& host, const std::string& uuid,
                         const std::string& name, v1::GuestState state) {
  v1::Guest& guest = host.guests[uuid];
  guest.set_uuid(uuid);
  guest.set_name(name);
  guest.set_persistent(true);
  guest.set_vcpus(2);
  guest.set_max_vcpus(2);
  guest.set_max_memory_kib(1 << 20);
  guest.set_memory_kib(1 << 20);
  guest.set_state(state);
  if (IsActive(state)) guest.set_id(++last_version_ % 1000 + 1);
  Touch(host, guest);
  trace_.Add(host.node, ": defines ", name, " ", guest.title());
  host.last_absent[uuid] = scheduler_.now();
  Tell(host, uuid, hypervisor::GuestEvent::kPresent, true);
}

void Hypervisors::SetState(Host& host, const std::string& uuid,
                           v1::GuestState state) {
  v1::Guest& guest = host.guests.at(uuid);
  if (IsActive(state) && !guest.has_id()) {
    guest.set_id(++last_version_ % 1000 + 1);
  }
  if (!IsActive(state)) guest.clear_id();
  guest.set_state(state);
  Touch(host, guest);
  trace_.Add(host.node, ": ", guest.name(), " state ", state, " ",
             guest.title());
  Tell(host, uuid, hypervisor::GuestEvent::kChanged, true);
}

void Hypervisors::SetMemory(Host& host, const std::string& uuid,
                            int64_t memory_kib) {
  v1::Guest& guest = host.guests.at(uuid);
  guest.set_memory_kib(memory_kib);
  trace_.Add(host.node, ": ", guest.name(), " has ", memory_kib, " KiB");
  // Nothing in the list shows it, so a lost event would be lost until a relist.
  Tell(host, uuid, hypervisor::GuestEvent::kChanged, false);
}

void Hypervisors::Undefine(Host& host, const std::string& uuid) {
  trace_.Add(host.node, ": undefines ", host.guests.at(uuid).name());
  host.guests.erase(uuid);
  host.last_absent[uuid] = scheduler_.now();
  Tell(host, uuid, hypervisor::GuestEvent::kUndefined, true);
}

void Hypervisors::Migrate(Host& from, Host& to, const std::string& uuid) {
  v1::Guest guest = from.guests.at(uuid);
  trace_.Add(from.node, ": ", guest.name(), " migrates to ", to.node);
  // It is made there, and its memory copied, before it goes on there.
  to.last_absent[uuid] = scheduler_.now();
  guest.set_state(v1::GUEST_STATE_PAUSED);
  guest.set_id(++last_version_ % 1000 + 1);
  Touch(to, guest);
  to.guests[uuid] = guest;
  Tell(to, uuid, hypervisor::GuestEvent::kPresent, false);
  from.leaving.insert(uuid);
  const absl::Duration copying =
      dice_.Between(absl::Milliseconds(100), absl::Seconds(3));
  scheduler_.After(copying, [this, &from, &to, uuid] {
    from.leaving.erase(uuid);
    const auto before = from.guests.find(uuid);
    if (before == from.guests.end() || !to.guests.contains(uuid)) return;
    const v1::GuestState state = before->second.state();
    trace_.Add(from.node, ": has migrated ", before->second.name());
    from.guests.erase(before);
    from.last_absent[uuid] = scheduler_.now();
    SetState(to, uuid, state);
    Tell(from, uuid, hypervisor::GuestEvent::kMigratedAway, false);
  });
}

void Hypervisors::SetHealth(Host& host, Health health) {
  if (host.health == health) return;
  trace_.Add(host.node, ": is ", NameOf(health));
  if (host.health == Health::kSlow) {
    host.slow_until = scheduler_.now() + absl::Minutes(1);
  }
  if (health == Health::kSlow) host.slow_until = absl::InfiniteDuration();
  host.health = health;
  host.health_since = scheduler_.now();
  if (health == Health::kDown) DropConnections(host, "end of file");
}

void Hypervisors::DropConnections(Host& host, const std::string& why) {
  std::map<int64_t, Connection*> open;
  for (Connection* connection : host.connections) {
    if (!connection->is_dead) open[connection->number()] = connection;
  }
  for (const auto& [number, connection] : open) {
    connection->is_dead = true;
    connection->listener().OnClosed(why);
  }
  if (!open.empty() && on_event_ != nullptr) on_event_();
}

void Hypervisors::Tell(Host& host, const std::string& uuid,
                       hypervisor::GuestEvent event, bool may_get_lost) {
  if (hypervisor::SaysGone(event, /*was_persistent=*/true)) {
    host.last_event[uuid] = scheduler_.now();
  }
  if (may_get_lost && dice_.Chance(lost_events_)) {
    host.untold_at = scheduler_.now();
    trace_.Add(host.node, ": an event gets lost");
    return;
  }
  scheduler_.After(dice_.Between(absl::ZeroDuration(), absl::Milliseconds(15)),
                   [this, &host, uuid, event] {
                     if (host.health == Health::kHung) return;
                     std::map<int64_t, Connection*> open;
                     for (Connection* connection : host.connections) {
                       if (!connection->is_dead)
                         open[connection->number()] = connection;
                     }
                     for (const auto& [number, connection] : open) {
                       connection->listener().OnGuestEvent(GuestId{uuid},
                                                           event);
                     }
                     if (!open.empty() && on_event_ != nullptr) on_event_();
                   });
}

absl::StatusOr<std::unique_ptr<hypervisor::Connection>> Hypervisors::Dial(
    const std::string& uri, const hypervisor::DialOptions& options,
    hypervisor::Listener& listener) {
  Host* found = nullptr;
  for (Host& host : hosts_) {
    if (host.uri == uri) found = &host;
  }
  if (found == nullptr) return absl::UnavailableError("no such machine");
  Host& host = *found;
  trace_.Add(host.node, ": is dialed");
  if (host.health == Health::kHung) {
    strands_.Sleep(options.connect_timeout);
    return absl::DeadlineExceededError("no answer");
  }
  strands_.Sleep(
      dice_.Between(absl::Milliseconds(20), absl::Milliseconds(200)));
  if (host.health == Health::kDown) {
    return absl::UnavailableError("connection refused");
  }
  return std::make_unique<Connection>(*this, host, listener,
                                      ++last_connection_);
}

absl::StatusOr<hypervisor::Inventory> Hypervisors::Read(
    Host& host, Connection& connection,
    const hypervisor::ReadRequest& request) {
  host.reads[scheduler_.clock().Now()] = scheduler_.now();
  const bool is_slow = host.health == Health::kSlow;
  const absl::Duration step =
      is_slow ? dice_.Between(absl::Milliseconds(500), absl::Seconds(4))
              : dice_.Between(absl::Milliseconds(1), absl::Milliseconds(10));
  if (host.health == Health::kHung) {
    strands_.Sleep(absl::Seconds(15));
    connection.is_dead = true;
    return absl::DeadlineExceededError("no answer within 15s");
  }
  strands_.Sleep(step);
  if (connection.is_dead) return absl::UnavailableError("connection lost");
  hypervisor::Inventory found;
  found.facts.set_hostname(host.node);
  found.facts.set_uuid(host.answers_as);
  found.facts.set_cpus(8);
  found.facts.set_memory_kib(1 << 25);
  if (host.health == Health::kBroken) {
    for (const auto& [uuid, guest] : host.guests) {
      host.last_unlisted[uuid] = scheduler_.now();
    }
  } else {
    const std::set<GuestId> changed(request.changed.begin(),
                                    request.changed.end());
    std::map<std::string, v1::Guest> known;
    for (const auto& [uuid, guest] : host.guests) {
      const auto before = connection.known.find(uuid);
      const bool is_known = before != connection.known.end() &&
                            Listing(before->second) == Listing(guest);
      if (is_known && !request.everything && !changed.contains({uuid})) {
        found.guests.push_back(before->second);
        known[uuid] = before->second;
      } else if (is_slow && dice_.Chance(0.1)) {
        found.guests.push_back(ListedOnly(guest));
        found.unread_uuids.push_back(uuid);
      } else {
        found.guests.push_back(guest);
        known[uuid] = guest;
      }
    }
    connection.known = std::move(known);
  }
  strands_.Sleep(step);
  if (connection.is_dead) return absl::UnavailableError("connection lost");
  return found;
}

}  // namespace rehai::sim
