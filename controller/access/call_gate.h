// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_CALL_GATE_H_
#define CONTROLLER_ACCESS_CALL_GATE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"

namespace rehai {

// CallGate lets calls in while there is room, and turns the others away at
// once: what waited in a queue would be answered when nobody wants it any more.
//
// - All calls together, and all streams together, are bounded.
// - A client's streams are bounded, and so is the rate at which it begins
//   calls. Calls of nobody in particular ("") have the bounds on the whole
//   only.
// - A refusal says when to try again, with jitter, so that those who were
// turned
//   away together do not come back together.
// - It remembers at most kMaxClients clients, and those only while they have a
//   stream or have lately called.
//
// Thread-safe. Leaf lock. Outlives its places.
class CallGate {
 public:
  // A limit of 0 or less: none.
  struct Limits {
    int max_calls = 4000;  // under way, streams included
    int max_streams = 2000;
    int max_streams_per_client = 100;
    double calls_per_second = 5000;  // of one client
    int call_burst = 10000;          // at once after a quiet time; 1 or more
  };

  enum Kind { kUnary, kStream };

  // What a call holds while it is under way.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept { *this = std::move(other); }
    Place& operator=(Place&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(kind_, other.kind_);
      std::swap(client_, other.client_);
      return *this;
    }
    ~Place() {
      if (gate_ != nullptr) gate_->Leave(kind_, client_);
    }

   private:
    friend class CallGate;
    CallGate* gate_ = nullptr;
    Kind kind_ = kUnary;
    std::string client_;
  };

  struct Counts {
    int calls = 0;  // under way, streams included
    int streams = 0;
    int64_t refused = 0;  // since the start
    size_t clients = 0;   // that are remembered
  };

  static constexpr size_t kMaxClients = 10'000;

  CallGate(const Limits& limits, const Clock& clock, Random random)
      : limits_(limits), clock_(clock), random_(random) {}

  // kResourceExhausted, with RetryAfter(): which limit, and how it is
  // configured.
  absl::StatusOr<Place> Enter(Kind kind, const std::string& client);

  Counts counts() const;

 private:
  struct Client {
    double tokens = 0;
    absl::Duration counted_at;  // Uptime() at which it had them
    int streams = 0;
  };

  // Ok, or the limit that is reached.
  absl::Status Check(Kind kind, const std::string& name, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Null if there is no room for another.
  Client* Remembered(const std::string& name, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Refill(Client& client, absl::Duration now) const;
  void ForgetIdle(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Refused(absl::string_view message, absl::Duration wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Leave(Kind kind, const std::string& client);

  const Limits limits_;
  const Clock& clock_;

  mutable Mutex mu_;
  Random random_ ABSL_GUARDED_BY(mu_);
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
  int streams_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t refused_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, Client> clients_ ABSL_GUARDED_BY(mu_);
  // Not before this are idle clients looked for again.
  absl::Duration forget_at_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
};

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_CALL_GATE_H_
