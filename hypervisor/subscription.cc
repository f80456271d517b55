// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/subscription.h"

#include <string>
#include <tuple>
#include <utility>

#include "hypervisor/libvirt_errors.h"
#include "hypervisor/lifecycle.h"

namespace rehai::hypervisor {
namespace {

// What libvirt carries for each callback: a share of the gate, so that an event
// delivered after the connection's end finds it.
using Opaque = std::shared_ptr<ListenerGate>;

void FreeOpaque(void* opaque) { delete static_cast<Opaque*>(opaque); }

ListenerGate& GateOf(void* opaque) { return **static_cast<Opaque*>(opaque); }

void Tell(void* opaque, virDomainPtr domain, GuestEvent event) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  if (virDomainGetUUIDString(domain, uuid) != 0) return;
  const GuestId guest{uuid};
  GateOf(opaque).Call(
      [&](Listener& listener) { listener.OnGuestEvent(guest, event); });
}

int OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail,
                void* opaque) {
  Tell(opaque, domain, FromLifecycle(event, detail));
  return 0;
}

// Any other domain event: whatever it carries, the answer is to read that
// guest. libvirt's callbacks differ in the arguments between the domain and the
// last.
template <typename... Arguments>
void OnGuest(virConnectPtr, virDomainPtr domain, Arguments... arguments) {
  void* const opaque =
      std::get<sizeof...(Arguments) - 1>(std::make_tuple(arguments...));
  Tell(opaque, domain, GuestEvent::kChanged);
}

// Any network or pool event.
template <typename Object, typename... Arguments>
void OnHost(virConnectPtr, Object*, Arguments... arguments) {
  void* const opaque =
      std::get<sizeof...(Arguments) - 1>(std::make_tuple(arguments...));
  GateOf(opaque).Call([](Listener& listener) { listener.OnHostEvent(); });
}

void OnClose(virConnectPtr, int reason, void* opaque) {
  std::string text = "the connection failed";
  if (reason == VIR_CONNECT_CLOSE_REASON_EOF) {
    text = "the hypervisor or its transport closed the connection";
  } else if (reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE) {
    text = "the hypervisor stopped answering";
  }
  GateOf(opaque).Call([&](Listener& listener) { listener.OnClosed(text); });
}

struct GuestEventKind {
  int id;
  virConnectDomainEventGenericCallback callback;
};

// Instantiates OnGuest() with the arguments of libvirt's `Callback` type.
template <typename Callback>
virConnectDomainEventGenericCallback For() {
  const Callback callback = &OnGuest;
  return VIR_DOMAIN_EVENT_CALLBACK(callback);
}

// The events after which something that we read may be different. The agent's
// coming tells that a guest has booted, and so has its address by now.
std::vector<GuestEventKind> OptionalGuestEvents() {
  return {
      {VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
       For<virConnectDomainEventMetadataChangeCallback>()},
      {VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
       For<virConnectDomainEventDeviceAddedCallback>()},
      {VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
       For<virConnectDomainEventDeviceRemovedCallback>()},
      {VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
       For<virConnectDomainEventDiskChangeCallback>()},
      {VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
       For<virConnectDomainEventTrayChangeCallback>()},
      {VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
       For<virConnectDomainEventBlockJobCallback>()},
      {VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
       For<virConnectDomainEventBalloonChangeCallback>()},
      {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
       For<virConnectDomainEventAgentLifecycleCallback>()},
      {VIR_DOMAIN_EVENT_ID_REBOOT, For<virConnectDomainEventGenericCallback>()},
  };
}

}  // namespace

Subscription::Subscription(virConnectPtr connection,
                           std::shared_ptr<ListenerGate> gate)
    : connection_(connection), gate_(std::move(gate)) {}

// Freed by libvirt with the callback. If a registration fails it is ours again.
void* Subscription::NewOpaque() const { return new Opaque(gate_); }

absl::Status Subscription::Start(absl::string_view subject, bool can_end) {
  // A driver inside this process takes the callback, forgets it and never frees
  // what comes with it.
  if (can_end) {
    void* const opaque = NewOpaque();
    if (virConnectRegisterCloseCallback(connection_, OnClose, opaque,
                                        FreeOpaque) != 0) {
      FreeOpaque(opaque);
      return LastLibvirtError(subject);
    }
    close_registered_ = true;
  }
  const absl::Status status = StartGuestEvents(subject);
  if (status.ok()) StartHostEvents();
  return status;
}

absl::Status Subscription::StartGuestEvents(absl::string_view subject) {
  const auto start = [this](const GuestEventKind& event) {
    void* const opaque = NewOpaque();
    const int callback = virConnectDomainEventRegisterAny(
        connection_, nullptr, event.id, event.callback, opaque, FreeOpaque);
    if (callback < 0) {
      FreeOpaque(opaque);
      return false;
    }
    guest_callbacks_.push_back(callback);
    return true;
  };
  if (!start({VIR_DOMAIN_EVENT_ID_LIFECYCLE,
              VIR_DOMAIN_EVENT_CALLBACK(OnLifecycle)})) {
    return LastLibvirtError(subject);
  }
  for (const GuestEventKind& event : OptionalGuestEvents()) start(event);
  return absl::OkStatus();
}

void Subscription::StartHostEvents() {
  const virConnectNetworkEventLifecycleCallback on_network = &OnHost;
  void* opaque = NewOpaque();
  int callback = virConnectNetworkEventRegisterAny(
      connection_, nullptr, VIR_NETWORK_EVENT_ID_LIFECYCLE,
      VIR_NETWORK_EVENT_CALLBACK(on_network), opaque, FreeOpaque);
  if (callback >= 0) {
    network_callbacks_.push_back(callback);
  } else {
    FreeOpaque(opaque);
  }
  const virConnectStoragePoolEventLifecycleCallback on_pool = &OnHost;
  const virConnectStoragePoolEventGenericCallback on_refresh = &OnHost;
  const std::pair<int, virConnectStoragePoolEventGenericCallback> events[] = {
      {VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
       VIR_STORAGE_POOL_EVENT_CALLBACK(on_pool)},
      {VIR_STORAGE_POOL_EVENT_ID_REFRESH, on_refresh}};
  for (const auto& [id, function] : events) {
    opaque = NewOpaque();
    callback = virConnectStoragePoolEventRegisterAny(
        connection_, nullptr, id, function, opaque, FreeOpaque);
    if (callback >= 0) {
      pool_callbacks_.push_back(callback);
    } else {
      FreeOpaque(opaque);
    }
  }
}

void Subscription::Stop() {
  // On a dead connection these fail, and drop their references all the same.
  for (const int id : guest_callbacks_) {
    virConnectDomainEventDeregisterAny(connection_, id);
  }
  for (const int id : network_callbacks_) {
    virConnectNetworkEventDeregisterAny(connection_, id);
  }
  for (const int id : pool_callbacks_) {
    virConnectStoragePoolEventDeregisterAny(connection_, id);
  }
  if (close_registered_) {
    virConnectUnregisterCloseCallback(connection_, OnClose);
  }
}

}  // namespace rehai::hypervisor
