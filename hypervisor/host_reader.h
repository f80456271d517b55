// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_HOST_READER_H_
#define HYPERVISOR_HOST_READER_H_

#include <libvirt/libvirt.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "hypervisor/connection.h"
#include "hypervisor/libvirt_handles.h"
#include "rehai/v1/model.pb.h"

namespace rehai::hypervisor {

// Reads what a hypervisor says about itself, its networks and its storage
// pools, and keeps it until asked to read again. A fact that cannot be read
// costs that fact: it stays as it was and is tried again with the next read,
// unless the driver has no such call. Not thread-safe.
class HostReader {
 public:
  // `connection` must outlive it; Release() must come before its close.
  HostReader(virConnectPtr connection, std::string uri, ReadOptions options);

  // Reads what is due. kUnavailable: the connection is dead.
  absl::Status Read(const ReadRequest& request);

  // As of the last Read(). Volatile values are of that very read, or absent.
  const v1::HostFacts& facts() const { return facts_; }

  // Adds the addresses that this host's networks have leased to the interfaces
  // of running guests: one call for each network that has such guests and
  // serves DHCP, however many guests there are. kUnavailable: the connection is
  // dead.
  absl::Status AddAddresses(std::vector<v1::Guest>& guests);

  // Frees what is held of the connection.
  void Release();

 private:
  using Names = absl::flat_hash_set<std::string>;
  struct DhcpNetwork {
    std::string name;
    NetworkHandle handle;
  };

  // To be called after a call failed. OK if it can be done without: `due` is
  // then set if another try makes sense.
  absl::Status Missed(bool& due) const;
  absl::Status ReadMachine();
  absl::Status ReadCapabilities();
  absl::Status ReadVersions();
  absl::Status ReadNetworks();
  // The names that pass the filter; nullopt if the call failed.
  std::optional<Names> ListNetworks(unsigned int filter);
  absl::Status ReadNetwork(NetworkHandle handle, v1::Network& network);
  absl::Status ReadPools(bool volatile_values);
  absl::Status ReadPool(virStoragePoolPtr handle, bool volatile_values,
                        v1::StoragePool& pool);
  absl::Status ReadVolumes(virStoragePoolPtr handle, bool volatile_values,
                           v1::StoragePool& pool);
  absl::Status ReadFreeMemory();

  const virConnectPtr connection_;
  const std::string uri_;
  const ReadOptions options_;

  v1::HostFacts facts_;
  bool machine_due_ = true;
  bool networks_due_ = true;
  bool pools_due_ = true;
  // Active ones. Kept so that asking for leases is one call.
  std::vector<DhcpNetwork> dhcp_networks_;
  bool has_leases_ = true;  // false: the driver cannot tell them
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_HOST_READER_H_
