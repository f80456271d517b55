// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_HYPERVISORS_H_
#define TESTS_SIM_HYPERVISORS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hypervisor/connection.h"
#include "rehai/v1/model.pb.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/strands.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// The hypervisors of the fleet: what is true, and how it can be asked for. Each
// change of a guest gives it a new version, which its title says, so that a
// picture of it can be told from an older one. Remembers what was true when.
//
// Dial() and Read() sleep in virtual time as libvirt's calls block.
class Hypervisors final : public hypervisor::Dialer {
 public:
  enum class Health {
    kWell,
    kDown,    // refuses, and has lost its connections
    kHung,    // answers nothing
    kSlow,    // takes seconds
    kBroken,  // answers, and lists nothing
  };

  class Connection;

  struct Host {
    std::string node;
    std::string uri;
    std::string uuid;
    std::string answers_as;  // the libvirt host UUID that it tells
    std::map<std::string, v1::Guest> guests;
    std::set<std::string> leaving;  // those of them that are being migrated
    Health health = Health::kWell;
    absl::Duration health_since;
    std::set<Connection*> connections;
    // When each guest was last not there; and when a read last did not list it
    // though it was.
    std::map<std::string, absl::Duration> last_absent;
    std::map<std::string, absl::Duration> last_unlisted;
    // When each last ended being there, of which an event may have told: no
    // other event counts against the brake.
    std::map<std::string, absl::Duration> last_event;
    // When each version of a guest began.
    std::map<std::string, std::map<int64_t, absl::Duration>> versions;
    // When reads began: wall time and uptime.
    std::map<absl::Time, absl::Duration> reads;
    // Until when it was slow; infinite while it is.
    absl::Duration slow_until = -absl::InfiniteDuration();
    // The last change that no event told of.
    absl::Duration untold_at = -absl::InfiniteDuration();
  };

  Hypervisors(int hosts, Dice& dice, Scheduler& scheduler, Strands& strands,
              Trace& trace);

  std::vector<Host>& hosts() { return hosts_; }
  Host* FindHost(const std::string& node);

  // Called after something was told to a listener.
  void SetOnEvent(absl::AnyInvocable<void()> on_event) {
    on_event_ = std::move(on_event);
  }
  // This share of events gets lost.
  void SetLostEvents(double share) { lost_events_ = share; }

  // Changes, with their events.
  void Define(Host& host, const std::string& uuid, const std::string& name,
              v1::GuestState state);
  void SetState(Host& host, const std::string& uuid, v1::GuestState state);
  void SetMemory(Host& host, const std::string& uuid, int64_t memory_kib);
  void Undefine(Host& host, const std::string& uuid);
  void Migrate(Host& from, Host& to, const std::string& uuid);
  void SetHealth(Host& host, Health health);
  // libvirtd restarts: its connections are gone.
  void DropConnections(Host& host, const std::string& why);

  absl::StatusOr<std::unique_ptr<hypervisor::Connection>> Dial(
      const std::string& uri, const hypervisor::DialOptions& options,
      hypervisor::Listener& listener) override;

  static int64_t VersionOf(const v1::Guest& guest);

 private:
  void Touch(Host& host, v1::Guest& guest);
  void Tell(Host& host, const std::string& uuid, hypervisor::GuestEvent event,
            bool may_get_lost);
  absl::StatusOr<hypervisor::Inventory> Read(
      Host& host, Connection& connection,
      const hypervisor::ReadRequest& request);

  Dice& dice_;
  Scheduler& scheduler_;
  Strands& strands_;
  Trace& trace_;
  std::vector<Host> hosts_;
  absl::AnyInvocable<void()> on_event_;
  double lost_events_ = 0;
  int64_t last_version_ = 0;
  int64_t last_connection_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_HYPERVISORS_H_
