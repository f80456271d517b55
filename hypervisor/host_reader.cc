// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/host_reader.h"

#include <libvirt/virterror.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "hypervisor/domain_xml.h"
#include "hypervisor/libvirt_errors.h"
#include "hypervisor/libvirt_uri.h"

namespace rehai::hypervisor {
namespace {

// libvirt's one-number versions: 9000000 is 9.0.0.
std::string VersionText(unsigned long version) {
  return absl::StrCat(version / 1000000, ".", version / 1000 % 1000, ".",
                      version % 1000);
}

template <typename Repeated>
void SortByName(Repeated& repeated) {
  std::sort(repeated.begin(), repeated.end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
}

}  // namespace

HostReader::HostReader(virConnectPtr connection, std::string uri,
                       ReadOptions options)
    : connection_(connection), uri_(std::move(uri)), options_(options) {}

void HostReader::Release() { dhcp_networks_.clear(); }

absl::Status HostReader::Missed(bool& due) const {
  const absl::Status status = LastLibvirtError(uri_);
  if (virConnectIsAlive(connection_) != 1) {
    return absl::UnavailableError(status.message());
  }
  if (!absl::IsUnimplemented(status)) {
    log::Debug("host fact not read",
               {{"uri", uri_}, {"error", status.message()}});
    due = true;
  }
  return absl::OkStatus();
}

absl::Status HostReader::Read(const ReadRequest& request) {
  if (machine_due_ || request.everything) RETURN_IF_ERROR(ReadMachine());
  const bool again = request.everything || request.host;
  if (networks_due_ || again) RETURN_IF_ERROR(ReadNetworks());
  const bool volumes = options_.volumes && request.volatile_values;
  if (pools_due_ || again || volumes) {
    RETURN_IF_ERROR(ReadPools(request.volatile_values));
  }
  facts_.clear_free_memory_kib();
  return request.volatile_values ? ReadFreeMemory() : absl::OkStatus();
}

absl::Status HostReader::ReadFreeMemory() {
  const unsigned long long bytes = virNodeGetFreeMemory(connection_);
  if (bytes == 0) {
    bool ignored = false;  // whoever wants it asks again anyway
    return Missed(ignored);
  }
  facts_.set_free_memory_kib(bytes / 1024);
  return absl::OkStatus();
}

absl::Status HostReader::ReadMachine() {
  machine_due_ = false;
  if (const LibvirtText name{virConnectGetHostname(connection_)}) {
    facts_.set_hostname(name.get());
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  if (const LibvirtText uri{virConnectGetURI(connection_)}) {
    facts_.set_uri(LocalUri(uri.get()));
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  virNodeInfo info;
  if (virNodeGetInfo(connection_, &info) == 0) {
    facts_.set_cpu_model(info.model);
    facts_.set_cpus(info.cpus);
    facts_.set_mhz(info.mhz);
    facts_.set_numa_nodes(info.nodes);
    facts_.set_sockets(info.sockets);
    facts_.set_cores(info.cores);
    facts_.set_threads(info.threads);
    facts_.set_memory_kib(info.memory);
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  RETURN_IF_ERROR(ReadVersions());
  return ReadCapabilities();
}

absl::Status HostReader::ReadVersions() {
  if (const char* type = virConnectGetType(connection_)) {
    facts_.set_hypervisor_type(type);
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  unsigned long version = 0;
  if (virConnectGetVersion(connection_, &version) == 0) {
    facts_.set_hypervisor_version(VersionText(version));
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  if (virConnectGetLibVersion(connection_, &version) == 0) {
    facts_.set_libvirt_version(VersionText(version));
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  return absl::OkStatus();
}

absl::Status HostReader::ReadCapabilities() {
  if (const LibvirtText xml{virConnectGetCapabilities(connection_)}) {
    const absl::StatusOr<std::string> uuid = HostUuidOfCapabilities(xml.get());
    if (uuid.ok()) facts_.set_uuid(*uuid);
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  virSecurityModel model = {};
  if (virNodeGetSecurityModel(connection_, &model) == 0) {
    facts_.set_security_model(model.model);
    facts_.set_security_doi(model.doi);
  } else {
    RETURN_IF_ERROR(Missed(machine_due_));
  }
  return absl::OkStatus();
}

std::optional<HostReader::Names> HostReader::ListNetworks(unsigned int filter) {
  virNetworkPtr* networks = nullptr;
  const int count = virConnectListAllNetworks(connection_, &networks, filter);
  if (count < 0) return std::nullopt;
  Names names;
  for (const NetworkHandle& network : TakeList(networks, count)) {
    names.insert(virNetworkGetName(network.get()));
  }
  return names;
}

absl::Status HostReader::ReadNetworks() {
  networks_due_ = false;
  virNetworkPtr* taken = nullptr;
  const int count = virConnectListAllNetworks(connection_, &taken, 0);
  if (count < 0) return Missed(networks_due_);
  std::vector<NetworkHandle> handles = TakeList(taken, count);
  const std::optional<Names> active =
      ListNetworks(VIR_CONNECT_LIST_NETWORKS_ACTIVE);
  if (!active.has_value()) return Missed(networks_due_);
  const std::optional<Names> autostart =
      ListNetworks(VIR_CONNECT_LIST_NETWORKS_AUTOSTART);
  if (!autostart.has_value()) return Missed(networks_due_);

  facts_.clear_networks();
  dhcp_networks_.clear();
  for (NetworkHandle& handle : handles) {
    v1::Network& network = *facts_.add_networks();
    network.set_name(virNetworkGetName(handle.get()));
    network.set_active(active->contains(network.name()));
    network.set_autostart(autostart->contains(network.name()));
    RETURN_IF_ERROR(ReadNetwork(std::move(handle), network));
  }
  SortByName(*facts_.mutable_networks());
  return absl::OkStatus();
}

absl::Status HostReader::ReadNetwork(NetworkHandle handle,
                                     v1::Network& network) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virNetworkGetUUIDString(handle.get(), uuid);
  network.set_uuid(uuid);
  const LibvirtText xml(virNetworkGetXMLDesc(handle.get(), 0));
  if (xml == nullptr) return Missed(networks_due_);
  const absl::StatusOr<NetworkDefinition> definition =
      ParseNetworkXml(xml.get());
  if (!definition.ok()) return absl::OkStatus();
  network.set_bridge(definition->bridge);
  if (network.active() && definition->serves_dhcp) {
    dhcp_networks_.push_back({network.name(), std::move(handle)});
  }
  return absl::OkStatus();
}

absl::Status HostReader::ReadPools(bool volatile_values) {
  pools_due_ = false;
  virStoragePoolPtr* taken = nullptr;
  int count = virConnectListAllStoragePools(connection_, &taken, 0);
  if (count < 0) return Missed(pools_due_);
  const std::vector<StoragePoolHandle> handles = TakeList(taken, count);
  count = virConnectListAllStoragePools(
      connection_, &taken, VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART);
  if (count < 0) return Missed(pools_due_);
  Names autostart;
  for (const StoragePoolHandle& pool : TakeList(taken, count)) {
    autostart.insert(virStoragePoolGetName(pool.get()));
  }

  facts_.clear_storage_pools();
  for (const StoragePoolHandle& handle : handles) {
    v1::StoragePool& pool = *facts_.add_storage_pools();
    pool.set_name(virStoragePoolGetName(handle.get()));
    pool.set_autostart(autostart.contains(pool.name()));
    RETURN_IF_ERROR(ReadPool(handle.get(), volatile_values, pool));
  }
  SortByName(*facts_.mutable_storage_pools());
  return absl::OkStatus();
}

absl::Status HostReader::ReadPool(virStoragePoolPtr handle,
                                  bool volatile_values, v1::StoragePool& pool) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  virStoragePoolGetUUIDString(handle, uuid);
  pool.set_uuid(uuid);
  virStoragePoolInfo info;
  if (virStoragePoolGetInfo(handle, &info) != 0) return Missed(pools_due_);
  pool.set_state(info.state);
  pool.set_capacity_bytes(info.capacity);
  pool.set_allocation_bytes(info.allocation);
  pool.set_available_bytes(info.available);
  const bool active = info.state != VIR_STORAGE_POOL_INACTIVE;
  if (!options_.volumes || !active) return absl::OkStatus();
  return ReadVolumes(handle, volatile_values, pool);
}

absl::Status HostReader::ReadVolumes(virStoragePoolPtr handle,
                                     bool volatile_values,
                                     v1::StoragePool& pool) {
  virStorageVolPtr* taken = nullptr;
  const int count = virStoragePoolListAllVolumes(handle, &taken, 0);
  if (count < 0) return Missed(pools_due_);
  for (const StorageVolumeHandle& volume : TakeList(taken, count)) {
    virStorageVolInfo info;
    const LibvirtText path(virStorageVolGetPath(volume.get()));
    if (path == nullptr || virStorageVolGetInfo(volume.get(), &info) != 0) {
      RETURN_IF_ERROR(Missed(pools_due_));
      continue;
    }
    v1::StorageVolume& facts = *pool.add_volumes();
    facts.set_name(virStorageVolGetName(volume.get()));
    facts.set_key(virStorageVolGetKey(volume.get()));
    facts.set_path(path.get());
    facts.set_type(info.type);
    facts.set_capacity_bytes(info.capacity);
    // It comes with the rest, but is not to be news on every read.
    if (volatile_values) facts.set_allocation_bytes(info.allocation);
  }
  SortByName(*pool.mutable_volumes());
  return absl::OkStatus();
}

absl::Status HostReader::AddAddresses(std::vector<v1::Guest>& guests) {
  // By network and MAC.
  absl::flat_hash_map<std::pair<std::string, std::string>, v1::Interface*>
      interfaces;
  Names networks;
  for (v1::Guest& guest : guests) {
    if (!guest.has_id()) continue;
    for (v1::Interface& interface : *guest.mutable_interfaces()) {
      if (interface.type() != "network") continue;
      networks.insert(interface.source());
      interfaces[{interface.source(), interface.mac()}] = &interface;
    }
  }
  for (const DhcpNetwork& network : dhcp_networks_) {
    if (!has_leases_) break;
    if (!networks.contains(network.name)) continue;
    virNetworkDHCPLeasePtr* taken = nullptr;
    const int count =
        virNetworkGetDHCPLeases(network.handle.get(), nullptr, &taken, 0);
    if (count < 0) {
      bool worth_another_try = false;
      RETURN_IF_ERROR(Missed(worth_another_try));
      has_leases_ = worth_another_try;
      continue;
    }
    for (const LeaseHandle& lease : TakeList(taken, count)) {
      if (lease->mac == nullptr || lease->ipaddr == nullptr) continue;
      const auto found =
          interfaces.find({network.name, absl::AsciiStrToLower(lease->mac)});
      if (found == interfaces.end()) continue;
      found->second->add_addresses(
          absl::StrCat(lease->ipaddr, "/", lease->prefix));
    }
  }
  for (auto& [key, interface] : interfaces) {
    auto& addresses = *interface->mutable_addresses();
    std::sort(addresses.begin(), addresses.end());
  }
  return absl::OkStatus();
}

}  // namespace rehai::hypervisor
