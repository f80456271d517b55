// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_dialer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"

namespace rehai::hypervisor {
namespace {

// The same, sharing nothing: a status counts those who have it in Debian's
// absl, where ThreadSanitizer does not see it.
absl::Status OfItsOwn(const absl::Status& status) {
  return absl::Status(status.code(), status.message());
}

}  // namespace

class FakeHost::FakeConnection final : public Connection {
 public:
  FakeConnection(FakeHost& host, Listener& listener)
      : host_(host), gate_(std::make_shared<ListenerGate>(listener)) {}

  ~FakeConnection() override {
    gate_->Close();
    MutexLock lock(host_.mu_);
    std::erase(host_.live_, this);
    --host_.open_connections_;
    host_.changed_.NotifyAll();
  }

  absl::StatusOr<Inventory> Read(const ReadRequest& request) override {
    return host_.Read(*this, request);
  }

  const std::shared_ptr<ListenerGate>& gate() const { return gate_; }

 private:
  FakeHost& host_;
  const std::shared_ptr<ListenerGate> gate_;
};

void FakeHost::SetGuest(v1::Guest guest) {
  MutexLock lock(mu_);
  std::erase(unreadable_, guest.uuid());
  const std::string uuid = guest.uuid();
  guests_[uuid] = std::move(guest);
}

void FakeHost::RemoveGuest(const std::string& uuid) {
  MutexLock lock(mu_);
  std::erase(unreadable_, uuid);
  guests_.erase(uuid);
}

void FakeHost::SetFacts(v1::HostFacts facts) {
  MutexLock lock(mu_);
  facts_ = std::move(facts);
}

void FakeHost::SetUnreadable(const std::string& uuid) {
  MutexLock lock(mu_);
  guests_.erase(uuid);
  std::erase(unreadable_, uuid);
  unreadable_.push_back(uuid);
}

void FakeHost::FailDials(absl::Status status) {
  MutexLock lock(mu_);
  dial_status_ = std::move(status);
}

void FakeHost::AllowDials() { FailDials(absl::OkStatus()); }

void FakeHost::HoldDials() {
  MutexLock lock(mu_);
  dials_held_ = true;
}

void FakeHost::ReleaseDials() {
  MutexLock lock(mu_);
  dials_held_ = false;
  changed_.NotifyAll();
}

void FakeHost::FailReads(absl::Status status) {
  MutexLock lock(mu_);
  read_status_ = std::move(status);
}

void FakeHost::AllowReads() { FailReads(absl::OkStatus()); }

void FakeHost::HoldReads() {
  MutexLock lock(mu_);
  reads_held_ = true;
}

void FakeHost::ReleaseReads() {
  MutexLock lock(mu_);
  reads_held_ = false;
  changed_.NotifyAll();
}

std::vector<std::shared_ptr<ListenerGate>> FakeHost::Gates() const {
  MutexLock lock(mu_);
  std::vector<std::shared_ptr<ListenerGate>> gates;
  for (const FakeConnection* connection : live_) {
    gates.push_back(connection->gate());
  }
  return gates;
}

void FakeHost::EmitGuestEvent(const GuestId& guest, GuestEvent event) {
  for (const auto& gate : Gates()) {
    gate->Call(
        [&](Listener& listener) { listener.OnGuestEvent(guest, event); });
  }
}

void FakeHost::EmitHostEvent() {
  for (const auto& gate : Gates()) {
    gate->Call([](Listener& listener) { listener.OnHostEvent(); });
  }
}

void FakeHost::Drop(const std::string& reason) {
  const auto gates = Gates();
  {
    MutexLock lock(mu_);
    live_.clear();
    changed_.NotifyAll();
  }
  for (const auto& gate : gates) {
    gate->Call([&](Listener& listener) { listener.OnClosed(reason); });
  }
}

int FakeHost::dials() const {
  MutexLock lock(mu_);
  return dials_;
}

int FakeHost::reads() const {
  MutexLock lock(mu_);
  return reads_;
}

int FakeHost::open_connections() const {
  MutexLock lock(mu_);
  return open_connections_;
}

ReadRequest FakeHost::last_request() const {
  MutexLock lock(mu_);
  return last_request_;
}

bool FakeHost::Await(const int& value, int count, bool exactly,
                     absl::Duration patience) const {
  const Clock& clock = Clock::Real();
  const absl::Duration deadline = clock.Uptime() + patience;
  MutexLock lock(mu_);
  while (exactly ? value != count : value < count) {
    if (clock.Uptime() >= deadline) return false;
    clock.WaitUntil(deadline, mu_, changed_);
  }
  return true;
}

// The counters are only read under the lock that Await() takes, which the
// analysis cannot see through a reference.
bool FakeHost::AwaitDials(int count, absl::Duration patience) const
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return Await(dials_, count, /*exactly=*/false, patience);
}

bool FakeHost::AwaitReads(int count, absl::Duration patience) const
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return Await(reads_, count, /*exactly=*/false, patience);
}

bool FakeHost::AwaitOpenConnections(int count, absl::Duration patience) const
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return Await(open_connections_, count, /*exactly=*/true, patience);
}

absl::StatusOr<std::unique_ptr<Connection>> FakeHost::Dial(Listener& listener) {
  MutexLock lock(mu_);
  ++dials_;
  changed_.NotifyAll();
  while (dials_held_) changed_.Wait(mu_);
  if (!dial_status_.ok()) return OfItsOwn(dial_status_);
  auto connection = std::make_unique<FakeConnection>(*this, listener);
  live_.push_back(connection.get());
  ++open_connections_;
  changed_.NotifyAll();
  return connection;
}

namespace {

void ClearVolatile(Inventory& inventory) {
  inventory.facts.clear_free_memory_kib();
  for (v1::StoragePool& pool : *inventory.facts.mutable_storage_pools()) {
    for (v1::StorageVolume& volume : *pool.mutable_volumes()) {
      volume.clear_allocation_bytes();
    }
  }
  for (v1::Guest& guest : inventory.guests) guest.clear_cpu_time_ns();
}

}  // namespace

absl::StatusOr<Inventory> FakeHost::Read(const FakeConnection& connection,
                                         const ReadRequest& request) {
  MutexLock lock(mu_);
  ++reads_;
  last_request_ = request;
  Inventory inventory;
  inventory.facts = facts_;
  for (const auto& [uuid, guest] : guests_) inventory.guests.push_back(guest);
  inventory.unread_uuids = unreadable_;
  if (!request.volatile_values) ClearVolatile(inventory);
  const absl::Status status = OfItsOwn(read_status_);
  changed_.NotifyAll();
  const auto dropped = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return std::find(live_.begin(), live_.end(), &connection) == live_.end();
  };
  while (reads_held_ && !dropped()) changed_.Wait(mu_);
  if (dropped()) return absl::UnavailableError("the connection is closed");
  if (!status.ok()) return status;
  return inventory;
}

FakeHost& FakeDialer::host(const std::string& uri) {
  MutexLock lock(mu_);
  std::unique_ptr<FakeHost>& host = hosts_[uri];
  if (host == nullptr) host = std::make_unique<FakeHost>();
  return *host;
}

absl::StatusOr<std::unique_ptr<Connection>> FakeDialer::Dial(
    const std::string& uri, const DialOptions& options, Listener& listener) {
  FakeHost* host = nullptr;
  {
    MutexLock lock(mu_);
    const auto found = hosts_.find(uri);
    if (found == hosts_.end()) {
      return absl::UnavailableError(absl::StrCat(uri, ": no such fake host"));
    }
    host = found->second.get();
  }
  return host->Dial(listener);
}

}  // namespace rehai::hypervisor
