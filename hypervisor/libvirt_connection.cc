// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_connection.h"

#include <libvirt/virterror.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "hypervisor/libvirt_errors.h"
#include "hypervisor/libvirt_uri.h"

namespace rehai::hypervisor {

namespace {

// libvirt passes on what ssh says only if it is reading when ssh ends. An ssh
// that ends at once, as on a refused connection, may be found gone before that,
// and its reason is lost. To ask again is cheap and mostly gets it.
constexpr int kMaxOpens = 4;

bool LostItsReason(const absl::Status& status) {
  return absl::StrContains(status.message(), "client socket is closed") ||
         absl::StrContains(status.message(), "Cannot write data: Broken pipe");
}

// See Leaked().
std::atomic<int> leaked_connections{0};

// `wanted` turns not open when nobody waits for the connection any more.
absl::StatusOr<virConnectPtr> OpenReadOnly(const std::string& uri,
                                           const std::string& ssh_command,
                                           const ListenerGate& wanted) {
  const std::string complete = WithoutPrompts(uri, ssh_command);
  absl::Status status;
  for (int i = 0; i < kMaxOpens; ++i) {
    // No credentials callback: libvirt's own would prompt on standard input.
    const virConnectPtr opened =
        virConnectOpenAuth(complete.c_str(), nullptr, VIR_CONNECT_RO);
    if (opened != nullptr) return opened;
    status = LastLibvirtError(uri);
    if (!LostItsReason(status) || !wanted.IsOpen()) break;
  }
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> LibvirtConnection::Open(
    const std::string& uri, const DialOptions& options, Environment environment,
    std::shared_ptr<ListenerGate> gate) {
  const absl::StatusOr<virConnectPtr> opened =
      OpenReadOnly(uri, options.ssh_command, *gate);
  if (!opened.ok()) {
    gate->Close();
    return opened.status();
  }
  auto connection = absl::WrapUnique(new LibvirtConnection(
      *opened, uri, options, std::move(environment), std::move(gate)));
  RETURN_IF_ERROR(connection->SetUp(options));
  return connection;
}

LibvirtConnection::LibvirtConnection(virConnectPtr connection, std::string uri,
                                     const DialOptions& options,
                                     Environment environment,
                                     std::shared_ptr<ListenerGate> gate)
    : connection_(connection),
      uri_(std::move(uri)),
      read_timeout_(options.read_timeout),
      environment_(std::move(environment)),
      gate_(std::move(gate)),
      subscription_(connection, gate_),
      guests_(connection, uri_, options.read),
      host_(connection, uri_, options.read) {}

absl::Status LibvirtConnection::SetUp(const DialOptions& options) {
  const int interval =
      std::max<int>(1, absl::ToInt64Seconds(absl::Ceil(
                           options.keepalive_interval, absl::Seconds(1))));
  // Drivers inside this process have nothing to keep alive, and cannot end.
  bool can_end = true;
  if (virConnectSetKeepAlive(connection_, interval, options.keepalive_count) <
      0) {
    const absl::Status status = LastLibvirtError(uri_);
    if (!absl::IsUnimplemented(status)) return status;
    can_end = false;
  }
  if (!options.events) return absl::OkStatus();
  return subscription_.Start(uri_, can_end);
}

LibvirtConnection::~LibvirtConnection() {
  gate_->Close();
  int references = 0;
  {
    CallWatch::Call call(*environment_.watch, read_timeout_);
    subscription_.Stop();
    host_.Release();
    references = virConnectClose(connection_);
  }
  if (references != 0) {
    ++leaked_connections;
    log::Error("libvirt connection leaked",
               {{"uri", uri_}, {"references", references}});
  }
}

int LibvirtConnection::Leaked() { return leaked_connections; }

absl::StatusOr<Inventory> LibvirtConnection::Read(const ReadRequest& request) {
  CallWatch::Call call(*environment_.watch, read_timeout_);
  absl::StatusOr<Inventory> inventory = ReadAll(request);
  const bool over_time = call.End();
  // Values that can be done without are missing, with no error, from a read
  // under which the connection has ended. One that got all its answers at the
  // last moment is as good as any.
  const bool whole = inventory.ok() && virConnectIsAlive(connection_) == 1;
  if (whole) return inventory;
  if (over_time) {
    return absl::DeadlineExceededError(absl::StrCat(
        uri_, ": no complete answer to a read within ",
        absl::FormatDuration(read_timeout_),
        ", so the connection was ended; check the host's libvirt daemon and "
        "storage, or raise pull.read_timeout"));
  }
  if (!inventory.ok()) return inventory;
  return absl::UnavailableError(
      absl::StrCat(uri_, ": the connection ended during a read"));
}

absl::StatusOr<Inventory> LibvirtConnection::ReadAll(
    const ReadRequest& request) {
  Inventory inventory;
  RETURN_IF_ERROR(host_.Read(request));
  inventory.facts = host_.facts();
  RETURN_IF_ERROR(guests_.Read(request, inventory));
  RETURN_IF_ERROR(host_.AddAddresses(inventory.guests));
  return inventory;
}

}  // namespace rehai::hypervisor
