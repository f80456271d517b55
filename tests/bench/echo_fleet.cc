// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/echo_fleet.h"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"

namespace rehai::bench {
namespace {

// A watch. Begins with SYNCED.
class Stream final : public grpc::ServerWriteReactor<v1::FleetWatchResponse> {
 public:
  Stream(std::string filter, std::function<void(Stream*)> gone)
      : filter_(std::move(filter)), gone_(std::move(gone)) {}

  const std::string& filter() const { return filter_; }

  void Send(const v1::FleetWatchResponse& step) {
    {
      MutexLock lock(mu_);
      if (is_over_) return;
      if (is_writing_) {
        next_ = step;
        return;
      }
      is_writing_ = true;
      step_ = step;
    }
    StartWrite(&step_);
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mu_);
      is_writing_ = false;
      if (!ok) is_over_ = true;
      if (is_over_) {
        // Below.
      } else if (next_.has_value()) {
        step_ = *std::exchange(next_, std::nullopt);
        is_writing_ = true;
      } else {
        return;
      }
    }
    if (IsOver()) return Finish(grpc::Status::CANCELLED);
    StartWrite(&step_);
  }

  void OnCancel() override {
    {
      MutexLock lock(mu_);
      if (std::exchange(is_over_, true) || is_writing_) return;
    }
    Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    gone_(this);
    delete this;
  }

 private:
  bool IsOver() {
    MutexLock lock(mu_);
    return is_over_;
  }

  const std::string filter_;
  const std::function<void(Stream*)> gone_;
  v1::FleetWatchResponse step_;

  Mutex mu_;
  bool is_writing_ ABSL_GUARDED_BY(mu_) = false;
  bool is_over_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<v1::FleetWatchResponse> next_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

class EchoFleet::Service final : public v1::Fleet::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetGuest(grpc::CallbackServerContext* context,
                                     const v1::GetGuestRequest* request,
                                     v1::GetGuestResponse* response) override {
    *response = guest;
    return Finish(context);
  }

  grpc::ServerUnaryReactor* ListGuests(
      grpc::CallbackServerContext* context,
      const v1::ListGuestsRequest* request,
      v1::ListGuestsResponse* response) override {
    const auto page = pages.find(request->page_token());
    if (page != pages.end()) *response = page->second;
    return Finish(context);
  }

  grpc::ServerWriteReactor<v1::FleetWatchResponse>* Watch(
      grpc::CallbackServerContext* context,
      const v1::FleetWatchRequest* request) override {
    auto* const stream = new Stream(request->filter(), [this](Stream* gone) {
      MutexLock lock(mu_);
      streams_.erase(gone);
    });
    {
      MutexLock lock(mu_);
      streams_.insert(stream);
    }
    v1::FleetWatchResponse synced;
    synced.set_kind(v1::FleetWatchResponse::KIND_SYNCED);
    stream->Send(synced);
    return stream;
  }

  void Send(const std::string& filter, const v1::FleetWatchResponse& step) {
    // Held meanwhile, so that no stream goes away; they take no lock of ours.
    MutexLock lock(mu_);
    for (Stream* const stream : streams_) {
      if (stream->filter() == filter) stream->Send(step);
    }
  }

  // Set while nobody calls.
  v1::GetGuestResponse guest;
  std::map<std::string, v1::ListGuestsResponse> pages;

 private:
  static grpc::ServerUnaryReactor* Finish(
      grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  Mutex mu_;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mu_);
};

EchoFleet::EchoFleet() : service_(std::make_unique<Service>()) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

EchoFleet::~EchoFleet() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void EchoFleet::SetGuest(v1::GetGuestResponse response) {
  service_->guest = std::move(response);
}

void EchoFleet::SetPages(std::map<std::string, v1::ListGuestsResponse> pages) {
  service_->pages = std::move(pages);
}

void EchoFleet::Send(const std::string& filter,
                     const v1::FleetWatchResponse& step) {
  service_->Send(filter, step);
}

}  // namespace rehai::bench
