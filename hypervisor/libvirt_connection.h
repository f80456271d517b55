// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_CONNECTION_H_
#define HYPERVISOR_LIBVIRT_CONNECTION_H_

#include <libvirt/libvirt.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "hypervisor/connection.h"
#include "hypervisor/event_loop.h"
#include "hypervisor/guest_reader.h"
#include "hypervisor/host_reader.h"
#include "hypervisor/listener_gate.h"
#include "hypervisor/subscription.h"

namespace rehai::hypervisor {

// A Connection over libvirt. libvirt 9.0 may stall a call for seconds while
// another is pending on its connection: hence one call at a time.
class LibvirtConnection final : public Connection {
 public:
  // Opens, sets keepalive and subscribes. Blocks without any bound; see
  // LibvirtDialer, which gives it one: closing `gate` says that the connection
  // is no longer wanted. It is closed when this fails or the connection ends.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(
      const std::string& uri, const DialOptions& options,
      std::shared_ptr<EventLoop> loop, std::shared_ptr<ListenerGate> gate);

  // Closes. With a hypervisor that does not answer this takes until keepalive
  // gives up.
  ~LibvirtConnection() override;

  absl::StatusOr<Inventory> Read(const ReadRequest& request) override;

 private:
  LibvirtConnection(virConnectPtr connection, std::string uri,
                    const DialOptions& options, std::shared_ptr<EventLoop> loop,
                    std::shared_ptr<ListenerGate> gate);
  absl::Status SetUp(const DialOptions& options);

  const virConnectPtr connection_;
  const std::string uri_;
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<ListenerGate> gate_;
  Subscription subscription_;
  GuestReader guests_;
  HostReader host_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_CONNECTION_H_
