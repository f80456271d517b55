// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_PULLED_STREAM_H_
#define CONTROLLER_API_PULLED_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "controller/api/grpc_status.h"
#include "controller/api/watch_hub.h"

namespace rehai {

// PulledStream sends a watch to a gRPC client, a response when the last one has
// been taken: the watch is asked for its next response and not before, so no
// queue grows behind a slow reader.
//
// `Watch` has a type Response and
//   absl::StatusOr<std::optional<Response>> Next();  // nullopt: nothing now
//   bool ended() const;  // after Next() gave nullopt: nothing ever again
// It is used by one thread at a time. Between responses the stream costs
// nothing but a place in its hub, which wakes it when there may be news.
//
// Owns itself until gRPC is done with it, and longer while the hub wakes it.
template <typename Watch>
class PulledStream final
    : public grpc::ServerWriteReactor<typename Watch::Response>,
      public Waiter {
 public:
  // What a handler returns. `hub` must outlive the gRPC server.
  static PulledStream* Open(Watch watch, WatchHub& hub) {
    std::shared_ptr<PulledStream> stream(
        new PulledStream(std::move(watch), hub));
    PulledStream* const reactor = stream.get();
    reactor->self_ = stream;
    // First listed, then pulled: news in between wakes it again.
    hub.Add(std::move(stream));
    reactor->Wake();
    return reactor;
  }

  void Wake() override {
    {
      MutexLock lock(mu_);
      if (busy_) {
        woken_ = true;
        return;
      }
      busy_ = true;
    }
    Pull();
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Pull();
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }

  void OnCancel() override {
    {
      MutexLock lock(mu_);
      cancelled_ = true;
    }
    Wake();
  }

  void OnDone() override {
    hub_.Remove(this);
    const std::shared_ptr<PulledStream> last = std::move(self_);
  }

 private:
  PulledStream(Watch watch, WatchHub& hub)
      : hub_(hub), watch_(std::move(watch)) {}

  // Called by whoever set busy_ and by nobody else until it is false again.
  // Leaves it true while gRPC writes, and for ever once the stream is finished.
  void Pull() {
    while (true) {
      if (IsCancelled()) return this->Finish(grpc::Status::CANCELLED);
      if (hub_.stopping()) {
        return this->Finish(ToGrpc(absl::UnavailableError(
            "the controller is stopping; connect again and resume")));
      }
      absl::StatusOr<std::optional<typename Watch::Response>> next =
          watch_.Next();
      if (!next.ok()) return this->Finish(ToGrpc(next.status()));
      if (next->has_value()) {
        response_ = **std::move(next);
        return this->StartWrite(&response_);
      }
      if (watch_.ended()) return this->Finish(grpc::Status::OK);
      if (!MayGoOn()) return;
    }
  }

  bool IsCancelled() {
    MutexLock lock(mu_);
    return cancelled_;
  }

  // False: there was no news since the last pull, and the next Wake() pulls.
  bool MayGoOn() {
    MutexLock lock(mu_);
    if (!woken_) busy_ = false;
    return std::exchange(woken_, false);
  }

  WatchHub& hub_;
  Watch watch_;                        // the busy thread's
  typename Watch::Response response_;  // the busy thread's, then gRPC's
  std::shared_ptr<PulledStream> self_;

  Mutex mu_;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rehai

#endif  // CONTROLLER_API_PULLED_STREAM_H_
