// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "absl/strings/string_view.h"
#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

// One word each, so that they can be searched for in Chef.
absl::string_view StateWord(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_RUNNING:
      return "running";
    case v1::GUEST_STATE_BLOCKED:
      return "blocked";
    case v1::GUEST_STATE_PAUSED:
      return "paused";
    case v1::GUEST_STATE_SHUTTING_DOWN:
      return "shutting_down";
    case v1::GUEST_STATE_SHUT_OFF:
      return "shut_off";
    case v1::GUEST_STATE_CRASHED:
      return "crashed";
    case v1::GUEST_STATE_PM_SUSPENDED:
      return "pm_suspended";
    default:
      return "unknown";
  }
}

// Adds `key` if there is something to say.
void Add(json& entry, const char* key, const std::string& value) {
  if (!value.empty()) entry[key] = value;
}

json Disk(const v1::Disk& disk) {
  json entry = json::object();
  Add(entry, "target", disk.target());
  Add(entry, "device", disk.device());
  Add(entry, "source", disk.source());
  return entry;
}

json Interface(const v1::Interface& interface) {
  json entry = json::object();
  Add(entry, "mac", interface.mac());
  Add(entry, "type", interface.type());
  Add(entry, "source", interface.source());
  if (!interface.addresses().empty()) {
    entry["addresses"] = interface.addresses();
  }
  return entry;
}

json Graphics(const v1::Graphics& graphics) {
  json entry = json::object();
  Add(entry, "type", graphics.type());
  Add(entry, "listen", graphics.listen());
  if (graphics.has_port()) entry["port"] = graphics.port();
  return entry;
}

// Always an array, so that a reader need not ask whether it is there.
template <typename Messages, typename Render>
json Array(const Messages& messages, Render render) {
  json array = json::array();
  for (const auto& message : messages) array.push_back(render(message));
  return array;
}

json Guest(const v1::Guest& guest) {
  const absl::string_view state = StateWord(guest.state());
  json entry = {
      {"name", guest.name()},
      {"state", std::string(state)},
      {"vcpus", guest.vcpus()},
      {"memory_kib", guest.memory_kib()},
      {"max_memory_kib", guest.max_memory_kib()},
      {"autostart", guest.autostart()},
      {"persistent", guest.persistent()},
      {"disks", Array(guest.disks(), Disk)},
      {"interfaces", Array(guest.interfaces(), Interface)},
      {"graphics", Array(guest.graphics(), Graphics)},
  };
  Add(entry, "title", guest.title());
  return entry;
}

}  // namespace

json RehaiHostTree(const v1::HostFacts& facts) {
  json host = json::object();
  if (facts.cpus() > 0) host["cpus"] = facts.cpus();
  if (facts.memory_kib() > 0) host["memory_kib"] = facts.memory_kib();
  Add(host, "hostname", facts.hostname());
  Add(host, "uuid", facts.uuid());
  Add(host, "hypervisor", facts.hypervisor_type());
  Add(host, "hypervisor_version", facts.hypervisor_version());
  Add(host, "libvirt_version", facts.libvirt_version());
  return host;
}

json RehaiGuestsTree(const v1::Record& record) {
  json guests = json::object();
  for (const v1::Guest& guest : record.guests()) {
    guests[guest.uuid()] = Guest(guest);
  }
  return guests;
}

}  // namespace rehai::chef
