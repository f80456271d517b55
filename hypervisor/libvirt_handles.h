// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_HANDLES_H_
#define HYPERVISOR_LIBVIRT_HANDLES_H_

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>
#include <vector>

// Owners of what libvirt hands out. A connection that is closed while one of
// its objects is alive is leaked by libvirt: free them all before. Freeing one
// clears the thread's last libvirt error: fetch the error first. virConnectPtr
// has no owner here because its close can fail; see LibvirtConnection.
namespace rehai::hypervisor {

struct LibvirtDeleter {
  void operator()(virDomain* domain) const { virDomainFree(domain); }
  void operator()(virNetwork* network) const { virNetworkFree(network); }
  void operator()(virNetworkDHCPLease* lease) const {
    virNetworkDHCPLeaseFree(lease);
  }
  void operator()(virStoragePool* pool) const { virStoragePoolFree(pool); }
  void operator()(virStorageVol* volume) const { virStorageVolFree(volume); }
  void operator()(virDomainStatsRecordPtr* records) const {
    virDomainStatsRecordListFree(records);
  }
  void operator()(char* text) const { std::free(text); }
};

template <typename T>
using LibvirtHandle = std::unique_ptr<T, LibvirtDeleter>;

using DomainHandle = LibvirtHandle<virDomain>;
using NetworkHandle = LibvirtHandle<virNetwork>;
using LeaseHandle = LibvirtHandle<virNetworkDHCPLease>;
using StoragePoolHandle = LibvirtHandle<virStoragePool>;
using StorageVolumeHandle = LibvirtHandle<virStorageVol>;
// A null-terminated array of records, with the domains in them.
using StatsRecords = LibvirtHandle<virDomainStatsRecordPtr>;
using LibvirtText = LibvirtHandle<char>;

// Takes over an array that a virXxxListAll...() filled with `count` objects.
template <typename T>
std::vector<LibvirtHandle<T>> TakeList(T** objects, int count) {
  std::vector<LibvirtHandle<T>> handles;
  for (int i = 0; i < count; ++i) handles.emplace_back(objects[i]);
  std::free(objects);
  return handles;
}

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_HANDLES_H_
