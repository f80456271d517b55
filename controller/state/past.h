// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_PAST_H_
#define CONTROLLER_STATE_PAST_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Which audit entries; the newest come first. All that is set must match.
struct AuditQuery {
  std::string caller = {};  // exactly
  // "Resync.Start", or "Resync" for all commands of a service.
  std::string command = {};
  absl::Time from = absl::InfinitePast();     // at or after
  absl::Time until = absl::InfiniteFuture();  // before
  // Only entries before that one; 0: the newest too. AuditPage::next.
  int64_t before = 0;
  int limit = 100;
};

struct AuditPage {
  std::vector<v1::AuditEntry> entries;
  int64_t next = 0;  // `before` of the next page; 0: this is the last
};

// Which events. All that is set must match.
struct EventQuery {
  std::string node = {};
  std::string guest_uuid = {};
  std::string guest_name = {};
  std::vector<v1::EventKind> kinds = {};      // any of them; empty: all
  absl::Time from = absl::InfinitePast();     // at or after
  absl::Time until = absl::InfiniteFuture();  // before
  bool oldest_first = false;
  // Only events that follow that one in the order asked for; 0: all.
  int64_t after = 0;
  int limit = 100;
};

// A page ends at its limit, or before that when its events are large.
struct EventPage {
  std::vector<v1::HistoryEvent> events;  // with shown_at
  bool more = false;
  // Of what happened before, only the newest of each guest and host is kept;
  // InfiniteFuture if nothing is kept yet.
  absl::Time complete_since = absl::InfiniteFuture();
};

// Which guests or hosts were there at a moment. All that is set must match.
struct AsOfQuery {
  enum Whose { kGuests, kHosts };
  Whose whose = kGuests;
  absl::Time at = absl::UnixEpoch();
  std::string node = {};
  std::string guest_uuid = {};
  std::string guest_name = {};
  // Only those that follow this one in the order of (guest's UUID, node).
  std::string after_guest = {};
  std::string after_node = {};
  int limit = 100;
};

// What was where; how that differs is for others to say.
struct GuestAtTwoTimes {
  std::string uuid;
  // Its newest event on each host that had it then, in the order of the nodes.
  std::vector<v1::HistoryEvent> before;
  std::vector<v1::HistoryEvent> after;
};

// Guests to which something happened after `from`, and not after `to`, in the
// order of their UUIDs.
struct TwoTimesQuery {
  absl::Time from;
  absl::Time to;
  std::string after_guest = {};  // only those that follow this UUID
  int limit = 100;
};

struct TwoTimesPage {
  std::vector<GuestAtTwoTimes> guests;
  bool more = false;
  absl::Time complete_since = absl::InfiniteFuture();
};

// Past reads what was kept of what happened. What was put into the Store is in
// it once it is committed, a moment later.
//
// Each question is answered once, later, on a thread of the Past's or at once
// on the caller's; `done` must return fast. Errors: kFailedPrecondition,
// nothing is kept; kResourceExhausted, too many questions wait;
// kDeadlineExceeded, the answer took too long; kOutOfRange, a moment before
// what is kept; kUnavailable, the file cannot be read now, or this is stopped;
// kDataLoss, it is damaged.
//
// Thread-safe.
class Past {
 public:
  template <typename Answer>
  using Done = absl::AnyInvocable<void(absl::StatusOr<Answer>)>;

  virtual ~Past() = default;

  virtual void ListAudit(AuditQuery query, Done<AuditPage> done) = 0;
  virtual void ListEvents(EventQuery query, Done<EventPage> done) = 0;
  // The newest event of each that was there; it has the guest or host in it.
  virtual void ListAsOf(AsOfQuery query, Done<EventPage> done) = 0;
  virtual void ListAtTwoTimes(TwoTimesQuery query, Done<TwoTimesPage> done) = 0;
};

// Where nothing is kept. Thread-safe.
class NullPast final : public Past {
 public:
  void ListAudit(AuditQuery /*query*/, Done<AuditPage> done) override {
    done(NothingKept());
  }
  void ListEvents(EventQuery /*query*/, Done<EventPage> done) override {
    done(NothingKept());
  }
  void ListAsOf(AsOfQuery /*query*/, Done<EventPage> done) override {
    done(NothingKept());
  }
  void ListAtTwoTimes(TwoTimesQuery /*query*/,
                      Done<TwoTimesPage> done) override {
    done(NothingKept());
  }

 private:
  static absl::Status NothingKept() {
    return absl::FailedPreconditionError(
        "history: nothing is kept; set state.dir in the configuration");
  }
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_PAST_H_
