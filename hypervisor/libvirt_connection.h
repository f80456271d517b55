// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_CONNECTION_H_
#define HYPERVISOR_LIBVIRT_CONNECTION_H_

#include <libvirt/libvirt.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hypervisor/call_watch.h"
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
  // What connections share.
  struct Environment {
    std::shared_ptr<EventLoop> loop;
    std::shared_ptr<CallWatch> watch;
  };

  // Opens, sets keepalive and subscribes. Blocks without any bound; see
  // LibvirtDialer, which gives it one: closing `gate` says that the connection
  // is no longer wanted. It is closed when this fails or the connection ends.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(
      const std::string& uri, const DialOptions& options,
      Environment environment, std::shared_ptr<ListenerGate> gate);

  // Closes, which is a call like others: a hypervisor that does not answer is
  // given up after options.read_timeout at the latest.
  ~LibvirtConnection() override;

  // kDeadlineExceeded: it took longer than options.read_timeout. The connection
  // is dead then; its listener is told as of any other end.
  absl::StatusOr<Inventory> Read(const ReadRequest& request) override;

  // Connections of this process that libvirt would not let go of when they were
  // closed, with their descriptors and ssh processes: a bug, if it is not 0.
  static int Leaked();

 private:
  LibvirtConnection(virConnectPtr connection, std::string uri,
                    const DialOptions& options, Environment environment,
                    std::shared_ptr<ListenerGate> gate);
  absl::Status SetUp(const DialOptions& options);
  absl::StatusOr<Inventory> ReadAll(const ReadRequest& request);

  const virConnectPtr connection_;
  const std::string uri_;
  const absl::Duration read_timeout_;
  const Environment environment_;
  const std::shared_ptr<ListenerGate> gate_;
  Subscription subscription_;
  GuestReader guests_;
  HostReader host_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_CONNECTION_H_
