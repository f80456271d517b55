// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_CONNECTION_H_
#define HYPERVISOR_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// The edge to one hypervisor. The pull source and the agent see it through
// these interfaces; LibvirtDialer (libvirt_dialer.h) is the real one, tests
// have FakeDialer (tests/fakes/fake_dialer.h).
namespace rehai::hypervisor {

// What to read beyond what costs nothing. Each costs round trips per guest or
// pool, so it is asked for only when a rendering shows it.
struct ReadOptions {
  bool volumes = false;   // volumes of active storage pools
  bool messages = false;  // taint and deprecation messages per guest
};

struct DialOptions {
  // Give up a dial after this, whatever the transport does meanwhile.
  absl::Duration connect_timeout = absl::Seconds(15);
  // A silent peer is given up after about interval x (count + 1); that also
  // ends a call that waits for it.
  absl::Duration keepalive_interval = absl::Seconds(5);
  int keepalive_count = 3;
  // A read that takes longer is ended, and its connection with it.
  absl::Duration read_timeout = absl::Seconds(15);
  // The program that stands for ssh in URIs of that transport which bring no
  // command= of their own. Empty: ssh itself.
  std::string ssh_command = {};
  ReadOptions read;
  // Off: the listener is told nothing. For who reads once and ends: coming and
  // going, the subscriptions are thirty round trips.
  bool events = true;
};

// What an event says beside that something changed.
enum class GuestEvent {
  kChanged,
  // It is there: defined, started or resumed.
  kPresent,
  // It does not run any more; a transient one is gone by that.
  kStopped,
  // Its definition is removed; one that runs goes on until it stops.
  kUndefined,
  // It has been migrated to another host; this one forgets it, or has.
  kMigratedAway,
};

// Told what happens on a connection. Called on the libvirt event loop's thread,
// which serves every host: only take a note and return. Never called after the
// connection's destructor has returned.
//
// Not everything that changes is told: some changes have no event (autostart),
// and libvirt can lose events (9.0's drivers deliver none any more if their
// last subscriber left while some were queued). Read now and then without a
// hint.
class Listener {
 public:
  virtual ~Listener() = default;
  // Something happened to a guest. A hint: read it to know what.
  virtual void OnGuestEvent(const GuestId& guest, GuestEvent event) = 0;
  // Something happened to the host's networks or pools. A hint too.
  virtual void OnHostEvent() = 0;
  // The connection is dead. At most once.
  virtual void OnClosed(const std::string& reason) = 0;
};

// What a read found: an Observation without the parts that its reader adds
// (node, session, sequence, provenance). Always the complete list of guests.
struct Inventory {
  v1::HostFacts facts;
  std::vector<v1::Guest> guests;  // sorted by UUID
  std::vector<std::string>
      unread_uuids;  // in guests with what the list tells, and no more:
                     // vanished or failed while being read
};

struct ReadRequest {
  // Read every guest's definition and the host's facts again, not only what
  // changed.
  bool everything = false;
  // Guests to read again even if the list shows no change.
  std::vector<GuestId> changed = {};
  // Read the host's facts (networks, pools) again.
  bool host = false;
  // Read what changes all the time too: guests' CPU time, the host's free
  // memory, what volumes take up. Without it these are absent (0 where a field
  // is always there), which means not read.
  bool volatile_values = false;
};

// An open connection. One call at a time; the destructor may block as long as a
// call may. Calls end with the connection: when keepalive gives up, they return
// kUnavailable. No call takes much longer than options.read_timeout.
class Connection {
 public:
  virtual ~Connection() = default;

  // The complete inventory in few round trips: lists and states always; guest
  // definitions and host facts the first time, when asked for, and for guests
  // whose listing differs from the last read.
  // kUnavailable: the connection is dead or the hypervisor did not answer;
  // kDeadlineExceeded: it did not within options.read_timeout, and the
  // connection is dead now.
  virtual absl::StatusOr<Inventory> Read(const ReadRequest& request) = 0;
};

// Opens connections. Thread-safe.
class Dialer {
 public:
  virtual ~Dialer() = default;

  // Blocks up to options.connect_timeout. Events, if wanted, are subscribed
  // before it returns, so a Read() that follows misses nothing. `listener` must
  // outlive the connection. kInvalidArgument: the URI can never work;
  // kUnauthenticated: the far side refused us or its host key is not the known
  // one; kDeadlineExceeded; kUnavailable: anything that time may heal.
  virtual absl::StatusOr<std::unique_ptr<Connection>> Dial(
      const std::string& uri, const DialOptions& options,
      Listener& listener) = 0;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_CONNECTION_H_
