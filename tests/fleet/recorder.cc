// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/recorder.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rehai/v1/fleet.grpc.pb.h"

namespace rehai::fleet {
namespace {

// The guests of two records, side by side in the order of their UUIDs.
void ForEachPair(
    const v1::Record& before, const v1::Record& after,
    absl::FunctionRef<void(const v1::Guest*, const v1::Guest*)> visit) {
  auto old = before.guests().begin();
  for (const v1::Guest& guest : after.guests()) {
    while (old != before.guests().end() && old->uuid() < guest.uuid()) {
      visit(&*old++, nullptr);
    }
    const bool both =
        old != before.guests().end() && old->uuid() == guest.uuid();
    visit(both ? &*old++ : nullptr, &guest);
  }
  while (old != before.guests().end()) visit(&*old++, nullptr);
}

}  // namespace

struct Recorder::Stream {
  explicit Stream(const std::string& address)
      : stub(v1::Fleet::NewStub(
            grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))),
        reader(stub->Watch(&context, v1::FleetWatchRequest())) {}

  const std::unique_ptr<v1::Fleet::Stub> stub;
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientReader<v1::FleetWatchResponse>> reader;
};

Recorder::Recorder(const std::string& address)
    : stream_(std::make_unique<Stream>(address)), thread_([this] { Run(); }) {}

Recorder::~Recorder() {
  stream_->context.TryCancel();
  thread_.join();
}

void Recorder::Run() {
  v1::FleetWatchResponse step;
  while (stream_->reader->Read(&step)) Take(step);
  const grpc::Status end = stream_->reader->Finish();
  MutexLock lock(mu_);
  end_ = absl::UnavailableError(
      absl::StrCat("the watch has ended: ", end.error_message()));
  changed_.NotifyAll();
}

void Recorder::Take(const v1::FleetWatchResponse& step) {
  if (step.kind() == v1::FleetWatchResponse::KIND_SYNCED) return;
  const absl::Duration at = Clock::Real().Uptime();
  MutexLock lock(mu_);
  const std::string& node = step.record().node();
  TakeGuests(node, step.record(), at);
  if (step.kind() == v1::FleetWatchResponse::KIND_HOST_REMOVED) {
    records_.erase(node);
  } else {
    records_[node] = step.record();
  }
  changed_.NotifyAll();
}

void Recorder::TakeGuests(const std::string& node, const v1::Record& record,
                          absl::Duration at) {
  ForEachPair(
      records_[node], record,
      [&](const v1::Guest* before, const v1::Guest* after) {
        if (after == nullptr) {
          Lose(node, before->uuid(), at);
        } else if (before == nullptr || before->state() != after->state()) {
          sightings_[after->uuid()].push_back({at, node, after->state()});
          places_[after->uuid()].insert(node);
        }
      });
}

void Recorder::Lose(const std::string& node, const std::string& uuid,
                    absl::Duration at) {
  sightings_[uuid].push_back({at, node, std::nullopt});
  std::set<std::string>& places = places_[uuid];
  places.erase(node);
  if (places.empty()) vanishings_.push_back({at, uuid, node});
}

absl::Status Recorder::Await(
    absl::Duration timeout,
    absl::FunctionRef<absl::Status(const Records&)> condition) {
  const absl::Duration deadline = Clock::Real().Uptime() + timeout;
  MutexLock lock(mu_);
  while (true) {
    const absl::Status status = condition(records_);
    if (status.ok()) return status;
    if (!end_.ok()) return end_;
    if (Clock::Real().Uptime() >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("not within ", absl::FormatDuration(timeout), ": ",
                       status.message()));
    }
    Clock::Real().WaitUntil(deadline, mu_, changed_);
  }
}

Recorder::Records Recorder::records() const {
  MutexLock lock(mu_);
  return records_;
}

std::vector<Recorder::Sighting> Recorder::SightingsOf(
    const std::string& uuid) const {
  MutexLock lock(mu_);
  const auto found = sightings_.find(uuid);
  return found == sightings_.end() ? std::vector<Sighting>() : found->second;
}

std::optional<absl::Duration> Recorder::ShownAt(
    const std::string& node, const std::string& uuid,
    std::optional<v1::GuestState> state, absl::Duration since) const {
  for (const Sighting& sighting : SightingsOf(uuid)) {
    if (sighting.at >= since && sighting.node == node &&
        sighting.state == state) {
      return sighting.at;
    }
  }
  return std::nullopt;
}

std::vector<Recorder::Vanishing> Recorder::vanishings() const {
  MutexLock lock(mu_);
  return vanishings_;
}

absl::Status AreCurrent(const Recorder::Records& records, size_t hosts) {
  const size_t current =
      std::count_if(records.begin(), records.end(), [](const auto& host) {
        return host.second.presence() == v1::PRESENCE_CURRENT;
      });
  if (current == hosts) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(current, " of ", hosts, " hosts are CURRENT"));
}

}  // namespace rehai::fleet
