// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

json NodeInfo(const v1::HostFacts& facts) {
  return {
      {"cores", facts.cores()},       {"cpus", facts.cpus()},
      {"memory", facts.memory_kib()}, {"mhz", facts.mhz()},
      {"model", facts.cpu_model()},   {"nodes", facts.numa_nodes()},
      {"sockets", facts.sockets()},   {"threads", facts.threads()},
  };
}

json Domain(const v1::Guest& guest, bool volatile_values) {
  json domain = {
      {"id", guest.id()},
      {"os_type", guest.os_type()},
      {"uuid", guest.uuid()},
      {"max_mem", guest.max_memory_kib()},
      {"memory", guest.memory_kib()},
      {"nr_virt_cpu", guest.vcpus()},
      {"state", static_cast<int>(guest.state())},
  };
  if (volatile_values && guest.has_cpu_time_ns()) {
    domain["cpu_time"] = guest.cpu_time_ns();
  }
  return domain;
}

// A running guest writes to its volume, so what that takes is volatile.
json Volume(const v1::StorageVolume& volume, bool volatile_values) {
  json entry = {
      {"key", volume.key()},   {"name", volume.name()},
      {"path", volume.path()}, {"capacity", volume.capacity_bytes()},
      {"type", volume.type()},
  };
  if (volatile_values) entry["allocation"] = volume.allocation_bytes();
  return entry;
}

// A pool's sizes are what libvirt last counted; it does so when the pool is
// refreshed or a volume comes or goes, not while guests write.
json Pool(const v1::StoragePool& pool, bool volatile_values) {
  json entry = {
      {"autostart", pool.autostart()},
      {"uuid", pool.uuid()},
      {"allocation", pool.allocation_bytes()},
      {"available", pool.available_bytes()},
      {"capacity", pool.capacity_bytes()},
      {"state", pool.state()},
      {"volumes", json::object()},
  };
  for (const v1::StorageVolume& volume : pool.volumes()) {
    entry["volumes"][volume.name()] = Volume(volume, volatile_values);
  }
  return entry;
}

json Networks(const v1::HostFacts& facts) {
  json networks = json::object();
  for (const v1::Network& network : facts.networks()) {
    if (!network.active()) continue;
    json& entry = networks[network.name()];
    entry["uuid"] = network.uuid();
    // The plugin fails as a whole on a network without a bridge.
    if (!network.bridge().empty()) entry["bridge_name"] = network.bridge();
  }
  return networks;
}

json Storage(const v1::HostFacts& facts, bool volatile_values) {
  json storage = json::object();
  for (const v1::StoragePool& pool : facts.storage_pools()) {
    if (pool.state() == 0) continue;  // inactive
    storage[pool.name()] = Pool(pool, volatile_values);
  }
  return storage;
}

}  // namespace

json OhaiLibvirtTree(const v1::Record& record, bool volatile_values) {
  json tree = {{"domains", json::object()}};
  for (const v1::Guest& guest : record.guests()) {
    if (!guest.has_id()) continue;  // not active
    tree["domains"][guest.name()] = Domain(guest, volatile_values);
  }
  if (record.has_facts()) {
    const v1::HostFacts& facts = record.facts();
    tree["uri"] = facts.uri();
    tree["libvirt_version"] = facts.libvirt_version();
    tree["nodeinfo"] = NodeInfo(facts);
    tree["networks"] = Networks(facts);
    tree["storage"] = Storage(facts, volatile_values);
  }
  return tree;
}

}  // namespace rehai::chef
