// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "chef/json_writer.h"
#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

void WriteDomain(const v1::Guest& guest, bool volatile_values,
                 JsonWriter& json) {
  json.BeginObject(guest.name());
  if (volatile_values && guest.has_cpu_time_ns()) {
    json.Number("cpu_time", guest.cpu_time_ns());
  }
  json.Number("id", guest.id());
  json.Number("max_mem", guest.max_memory_kib());
  json.Number("memory", guest.memory_kib());
  json.Number("nr_virt_cpu", guest.vcpus());
  json.String("os_type", guest.os_type());
  json.Number("state", static_cast<int>(guest.state()));
  json.String("uuid", guest.uuid());
  json.EndObject();
}

void WriteNetworks(const v1::HostFacts& facts, JsonWriter& json) {
  std::map<absl::string_view, const v1::Network*> active;
  for (const v1::Network& network : facts.networks()) {
    if (network.active()) active[network.name()] = &network;
  }
  json.BeginObject("networks");
  for (const auto& [name, network] : active) {
    json.BeginObject(name);
    // The plugin fails as a whole on a network without a bridge.
    if (!network->bridge().empty()) {
      json.String("bridge_name", network->bridge());
    }
    json.String("uuid", network->uuid());
    json.EndObject();
  }
  json.EndObject();
}

void WriteNodeInfo(const v1::HostFacts& facts, JsonWriter& json) {
  json.BeginObject("nodeinfo");
  json.Number("cores", facts.cores());
  json.Number("cpus", facts.cpus());
  json.Number("memory", facts.memory_kib());
  json.Number("mhz", facts.mhz());
  json.String("model", facts.cpu_model());
  json.Number("nodes", facts.numa_nodes());
  json.Number("sockets", facts.sockets());
  json.Number("threads", facts.threads());
  json.EndObject();
}

// A running guest writes to its volume, so what that takes is volatile.
void WriteVolume(const v1::StorageVolume& volume, bool volatile_values,
                 JsonWriter& json) {
  json.BeginObject(volume.name());
  if (volatile_values) json.Number("allocation", volume.allocation_bytes());
  json.Number("capacity", volume.capacity_bytes());
  json.String("key", volume.key());
  json.String("name", volume.name());
  json.String("path", volume.path());
  json.Number("type", volume.type());
  json.EndObject();
}

// A pool's sizes are what libvirt last counted; it does so when the pool is
// refreshed or a volume comes or goes, not while guests write.
void WritePool(const v1::StoragePool& pool, bool volatile_values,
               JsonWriter& json) {
  std::map<absl::string_view, const v1::StorageVolume*> volumes;
  for (const v1::StorageVolume& volume : pool.volumes()) {
    volumes[volume.name()] = &volume;
  }
  json.BeginObject(pool.name());
  json.Number("allocation", pool.allocation_bytes());
  json.Boolean("autostart", pool.autostart());
  json.Number("available", pool.available_bytes());
  json.Number("capacity", pool.capacity_bytes());
  json.Number("state", pool.state());
  json.String("uuid", pool.uuid());
  json.BeginObject("volumes");
  for (const auto& [name, volume] : volumes) {
    WriteVolume(*volume, volatile_values, json);
  }
  json.EndObject();
  json.EndObject();
}

void WriteStorage(const v1::HostFacts& facts, bool volatile_values,
                  JsonWriter& json) {
  std::map<absl::string_view, const v1::StoragePool*> active;
  for (const v1::StoragePool& pool : facts.storage_pools()) {
    if (pool.state() != 0) active[pool.name()] = &pool;
  }
  json.BeginObject("storage");
  for (const auto& [name, pool] : active) {
    WritePool(*pool, volatile_values, json);
  }
  json.EndObject();
}

}  // namespace

std::string OhaiLibvirtTree(const v1::Record& record, bool volatile_values) {
  std::map<absl::string_view, const v1::Guest*> active;
  for (const v1::Guest& guest : record.guests()) {
    if (guest.has_id()) active[guest.name()] = &guest;
  }
  JsonWriter json;
  json.BeginObject();
  json.BeginObject("domains");
  for (const auto& [name, guest] : active) {
    WriteDomain(*guest, volatile_values, json);
  }
  json.EndObject();
  if (record.has_facts()) {
    const v1::HostFacts& facts = record.facts();
    json.String("libvirt_version", facts.libvirt_version());
    WriteNetworks(facts, json);
    WriteNodeInfo(facts, json);
    WriteStorage(facts, volatile_values, json);
    json.String("uri", facts.uri());
  }
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace rehai::chef
