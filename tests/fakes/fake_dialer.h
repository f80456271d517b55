// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_DIALER_H_
#define TESTS_FAKES_FAKE_DIALER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "hypervisor/connection.h"
#include "hypervisor/listener_gate.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai::hypervisor {

// One scripted hypervisor. Nothing happens by itself: setting a guest emits no
// event and an event changes no guest, so that a test can show what is done on
// a hint alone, and what without one. Thread-safe.
class FakeHost {
 public:
  // What the reads that begin from now on find.
  void SetGuest(v1::Guest guest);
  void RemoveGuest(const std::string& uuid);
  void SetFacts(v1::HostFacts facts);
  // A guest that is listed but cannot be read, until it is set or removed.
  void SetUnreadable(const std::string& uuid);

  // Dials fail, or work again.
  void FailDials(absl::Status status);
  void AllowDials();
  // Dials block until released; a real dialer would return kDeadlineExceeded.
  void HoldDials();
  void ReleaseDials();

  // Reads fail (the connection stays open), or work again.
  void FailReads(absl::Status status);
  void AllowReads();
  // Reads block until released or dropped. A held read has already taken what
  // it will return, so changes made meanwhile are not in it.
  void HoldReads();
  void ReleaseReads();

  // Told to the listeners of all open connections, on the calling thread.
  void EmitGuestEvent(const GuestId& guest,
                      GuestEvent event = GuestEvent::kChanged);
  void EmitHostEvent();
  // Ends all open connections: their reads return kUnavailable from now on,
  // and their listeners are told, on the calling thread.
  void Drop(const std::string& reason);

  // Dials and reads that have begun, held and failed ones included.
  int dials() const;
  int reads() const;
  // Connections dialed and not yet destroyed, dropped ones included.
  int open_connections() const;
  // Of the read that began last.
  ReadRequest last_request() const;

  // Waits until that many have begun. False after `patience` of real time.
  bool AwaitDials(int count, absl::Duration patience = absl::Seconds(30)) const;
  bool AwaitReads(int count, absl::Duration patience = absl::Seconds(30)) const;
  // Waits until exactly that many connections are open.
  bool AwaitOpenConnections(int count,
                            absl::Duration patience = absl::Seconds(30)) const;

 private:
  friend class FakeDialer;
  class FakeConnection;

  absl::StatusOr<std::unique_ptr<Connection>> Dial(Listener& listener);
  absl::StatusOr<Inventory> Read(const FakeConnection& connection,
                                 const ReadRequest& request);
  bool Await(const int& value, int count, bool exactly,
             absl::Duration patience) const;
  // The gates of open connections, taken under the lock and called outside.
  std::vector<std::shared_ptr<ListenerGate>> Gates() const;

  mutable Mutex mu_;
  mutable CondVar changed_;
  // By UUID, the order in which reads return them.
  std::map<std::string, v1::Guest> guests_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> unreadable_ ABSL_GUARDED_BY(mu_);
  v1::HostFacts facts_ ABSL_GUARDED_BY(mu_);
  absl::Status dial_status_ ABSL_GUARDED_BY(mu_);
  absl::Status read_status_ ABSL_GUARDED_BY(mu_);
  bool dials_held_ ABSL_GUARDED_BY(mu_) = false;
  bool reads_held_ ABSL_GUARDED_BY(mu_) = false;
  int dials_ ABSL_GUARDED_BY(mu_) = 0;
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  int open_connections_ ABSL_GUARDED_BY(mu_) = 0;
  ReadRequest last_request_ ABSL_GUARDED_BY(mu_);
  // Open and not dropped.
  std::vector<FakeConnection*> live_ ABSL_GUARDED_BY(mu_);
};

// Dials scripted hosts. A URI that the test has not named with host() is
// unreachable. Must outlive its connections. Thread-safe.
class FakeDialer final : public Dialer {
 public:
  // The host behind `uri`, made reachable and empty at the first call.
  FakeHost& host(const std::string& uri);

  absl::StatusOr<std::unique_ptr<Connection>> Dial(const std::string& uri,
                                                   const DialOptions& options,
                                                   Listener& listener) override;

 private:
  Mutex mu_;
  std::map<std::string, std::unique_ptr<FakeHost>> hosts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::hypervisor

#endif  // TESTS_FAKES_FAKE_DIALER_H_
