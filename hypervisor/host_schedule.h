// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_HOST_SCHEDULE_H_
#define HYPERVISOR_HOST_SCHEDULE_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai::hypervisor {

// HostSchedule decides what is to be done about one hypervisor next, and when.
// It is told what happened and does nothing itself: no I/O, no clock, no lock.
//
// - A host that is down is dialed after a wait that grows with each failure. A
//   connection that ends before it has settled counts as a failure too, so a
//   host that comes and goes is left alone for longer and longer.
// - A host that left discovery is read once more, if it is connected, and then
//   closed; after a while it is forgotten. If it returns before, it is dialed
//   at once. A host that moved to another URI is closed and dialed at once.
// - After each dial everything is read; again at every relist, whose moments
//   are spread over the interval by the host's name; and when somebody asks.
// - Volatile values are read with the first read of all, and then once per
//   interval of their own, spread likewise.
// - A hint is read at once: only the guests that hints name, or everything if
//   they name many. Those that follow wait until the event window has passed
//   since that read began, and are then read together. A hint or a question
//   that comes while a read is under way makes another read, because that one
//   may have looked before.
// - Guests that could not be read are tried again after a wait that grows.
// - While an agent speaks for the host, nobody else reads it: it is not dialed,
//   and an open connection is closed. What is wanted of it the agent is asked.
//
// All times are Clock::Uptime(). Not thread-safe; its owner lets one step run
// at a time and calls Next() between steps.
class HostSchedule {
 public:
  struct Options {
    BackoffOptions reconnect;
    absl::Duration relist_interval;  // > 0
    absl::Duration event_window;
    absl::Duration unknown_after;
    // Infinite: never.
    absl::Duration volatile_interval = absl::InfiniteDuration();
    // A host that left discovery is forgotten after this.
    absl::Duration keep_departed = absl::Hours(24);
  };

  // Those of the options that may change while it runs.
  struct Intervals {
    absl::Duration relist;
    absl::Duration event_window;
    absl::Duration volatile_values;
  };

  // Guests to be read for their hints; more make a read of everything.
  static constexpr size_t kMostTargeted = 64;
  // A host cannot make us remember more hinted guests than this.
  static constexpr size_t kMostHinted = 4096;

  enum class Step {
    kDial,
    kRead,
    kClose,           // the connection is dead or not wanted: take it down
    kDeclareUnknown,  // it has been down for too long to be relied on
    kAnnounce,        // the inventory is to be told what is not read
    kAsk,             // its agent: something is wanted, see reread_wanted()
    kForget,          // it left discovery long ago
  };

  struct NextStep {
    Step step;
    absl::Duration at;  // in the past: now

    friend bool operator==(const NextStep&, const NextStep&) = default;
  };

  // What hints told, until a read answers them.
  struct Hints {
    struct OfGuest {
      absl::Duration first_at;
      GuestEvent last_word = GuestEvent::kChanged;  // see last_word.h

      friend bool operator==(const OfGuest&, const OfGuest&) = default;
    };
    std::map<GuestId, OfGuest> guests;
    // When the host itself was.
    std::optional<absl::Duration> host;
    // More guests were told of than `guests` holds.
    bool has_more = false;
  };

  // A read that begins.
  struct Reading {
    ReadRequest request;
    absl::Duration begun;
    Hints hints;  // that it answers
  };

  // Due to be dialed at once.
  HostSchedule(const Options& options, const HostId& host, absl::Duration now);

  // The host was observed in a run before this one, and is down until it is
  // reached. Before its first step.
  void Restored(absl::Duration now);

  NextStep Next() const;

  // When a host that is down is to be dialed; infinite: it cannot be.
  absl::Duration dial_at() const {
    return dialable_ ? std::min(dial_at_, reread_at_)
                     : absl::InfiniteDuration();
  }
  // A host that is down is dialed at once, whatever came before. False if that
  // is no news.
  bool DialNow(absl::Duration now);

  // What discovery says. A host that returns is dialed at once, if it is not
  // connected still.
  void Leave(absl::Duration now);
  void Return(absl::Duration now);
  bool has_left() const { return left_at_.has_value(); }
  // It is reached at another URI now: an open connection is to be closed, and
  // failures of the old one count no more.
  void MovedUri(absl::Duration now);
  // False: it has no URI, so nobody but an agent can tell of it.
  void SetDialable(bool dialable) { dialable_ = dialable; }

  // False: nobody can tell of it as things are.
  bool is_reachable() const { return dialable_ || agent_speaks(); }

  // Its agent says how it is: it speaks for the host from now on. `taken_in`:
  // the host is observed by that. Returns for how long the host was down, if it
  // was.
  std::optional<absl::Duration> AgentSpoke(absl::Duration now,
                                           bool taken_in = true);
  // Its agent does not speak for it any more. It is dialed after `wait`.
  // Returns true if the agent did speak for it.
  bool AgentFellSilent(absl::Duration now, absl::Duration wait);
  bool agent_speaks() const { return agent_since_.has_value(); }
  // The agent is asked for what was wanted.
  void Asked(absl::Duration now);

  // The inventory is to be told something that is not read; it is told.
  void WantAnnounce(absl::Duration now);
  void Announced() { announce_at_ = absl::InfiniteDuration(); }

  // What the connection's listener hears.
  void Hinted(const GuestId& guest, GuestEvent event, absl::Duration now);
  void HostEvent(absl::Duration now);
  void Closed(absl::Duration now);

  // Somebody wants to know for sure: read everything now, dial at once.
  void WantReread(absl::Duration now);
  // True until a read begins that answers it, a dial fails, or the agent is
  // asked.
  bool reread_wanted() const { return reread_at_ < absl::InfiniteDuration(); }
  // The list of guests is to be read at `at`, or before.
  void WantRead(absl::Duration at) { look_at_ = std::min(look_at_, at); }

  // The next moment of an interval that changes is a moment of the new one;
  // what is due already stays due. Volatile values that were never read are due
  // now.
  Intervals intervals() const;
  void SetIntervals(const Intervals& intervals, absl::Duration now);

  // A dial ended well. Everything is to be read now.
  void Dialed(absl::Duration now);

  // A read begins; it answers all that was wanted until now.
  Reading BeginRead(absl::Duration now);
  bool is_connected() const { return connected_; }

  // Hints since the last read began.
  const Hints& hints() const { return hints_; }
  // The last word of the hints that the read answers and of those since, which
  // may tell of what it saw. kChanged also if there were none.
  GuestEvent LastWordOf(const GuestId& guest, const Reading& reading) const;
  // The read ended well, but for these guests. What it found is as old as its
  // begin, so times count from there. `taken_in`: the host has been observed.
  // Returns for how long the host was down, if it was.
  std::optional<absl::Duration> ReadEnded(
      const Reading& reading, const std::vector<std::string>& unread_uuids,
      absl::BitGenRef random, bool taken_in = true);

  // A dial or a read failed, or the dead connection is closed. Returns true if
  // the host was up, or thought to be, until now.
  bool Failed(absl::StatusCode code, absl::Duration now,
              absl::BitGenRef random);
  // The connection died and is not taken down yet.
  bool is_dead() const { return closed_at_.has_value(); }
  // A connection that is not wanted any more is closed.
  void ClosedUnwanted(absl::Duration now);

  // kDeclareUnknown is done.
  void DeclaredUnknown() { declared_unknown_ = true; }

  // How to show the host.
  v1::Presence presence() const;
  // How to show its connection, and since when it is so.
  struct Shown {
    v1::ConnectionState state;
    absl::Duration since;
  };
  Shown ShownAt(absl::Duration now) const;
  // Dials, reads and connections in a row that did not end well.
  int failures() const { return failures_; }

 private:
  // The host is not down any more. Returns for how long it was, if that is
  // known.
  std::optional<absl::Duration> EndDown(absl::Duration now);
  // The connection is gone, and all that was to be done with it.
  void Disconnect(absl::Duration now);
  absl::Duration HintDueAt(absl::Duration now) const;

  Options options_;
  // Where in each interval the host's moments are, in [0, 1). Set at
  // construction.
  const double phase_;

  bool observed_ = false;  // ever
  bool dialable_ = true;
  std::optional<absl::Duration> agent_since_;  // while it speaks
  absl::Duration volatile_at_ = absl::InfiniteDuration();
  bool connected_ = false;

  // What discovery says.
  std::optional<absl::Duration> left_at_;
  absl::Duration announce_at_ = absl::InfiniteDuration();

  // Of a host that is down.
  absl::Duration dial_at_;
  absl::Duration disconnected_at_;
  bool waits_longest_ = false;  // no failure makes its wait longer
  std::optional<absl::Duration> down_since_;
  bool restored_ = false;  // down for the restart, nobody knows how long
  bool declared_unknown_ = false;
  int failures_ = 0;   // since the last good read
  int unsettled_ = 0;  // connections in a row that did not last

  // Of a connection.
  std::optional<absl::Duration> closed_at_;     // dead, not taken down yet
  std::optional<absl::Duration> unwanted_at_;   // to be closed
  std::optional<absl::Duration> proven_since_;  // its first good read
  std::optional<absl::Duration> read_at_;       // its last one
  absl::Duration relist_at_ = absl::InfiniteDuration();
  int incomplete_reads_ = 0;  // in a row

  // What to read, and when. Infinite: not wanted.
  absl::Duration reread_at_ = absl::InfiniteDuration();
  absl::Duration look_at_ = absl::InfiniteDuration();
  absl::Duration hints_at_ = absl::InfiniteDuration();
  absl::Duration hints_read_at_ = -absl::InfiniteDuration();  // the last begun
  Hints hints_;
  std::set<GuestId> unread_;  // to be tried again
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_HOST_SCHEDULE_H_
