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

// Writes `key` if there is something to say.
void StringIfAny(absl::string_view key, const std::string& value,
                 JsonWriter& json) {
  if (!value.empty()) json.String(key, value);
}

void WriteDisk(const v1::Disk& disk, JsonWriter& json) {
  json.BeginObject();
  StringIfAny("device", disk.device(), json);
  StringIfAny("source", disk.source(), json);
  StringIfAny("target", disk.target(), json);
  json.EndObject();
}

void WriteInterface(const v1::Interface& interface, JsonWriter& json) {
  json.BeginObject();
  if (!interface.addresses().empty()) {
    json.BeginArray("addresses");
    for (const std::string& address : interface.addresses()) {
      json.Element(address);
    }
    json.EndArray();
  }
  StringIfAny("mac", interface.mac(), json);
  StringIfAny("source", interface.source(), json);
  StringIfAny("type", interface.type(), json);
  json.EndObject();
}

void WriteGraphics(const v1::Graphics& graphics, JsonWriter& json) {
  json.BeginObject();
  StringIfAny("listen", graphics.listen(), json);
  if (graphics.has_port()) json.Number("port", graphics.port());
  StringIfAny("type", graphics.type(), json);
  json.EndObject();
}

// Always an array, so that a reader need not ask whether it is there.
template <typename Messages, typename Write>
void WriteArray(absl::string_view key, const Messages& messages, Write write,
                JsonWriter& json) {
  json.BeginArray(key);
  for (const auto& message : messages) write(message, json);
  json.EndArray();
}

void WriteGuest(const v1::Guest& guest, JsonWriter& json) {
  json.BeginObject(guest.uuid());
  json.Boolean("autostart", guest.autostart());
  WriteArray("disks", guest.disks(), WriteDisk, json);
  WriteArray("graphics", guest.graphics(), WriteGraphics, json);
  WriteArray("interfaces", guest.interfaces(), WriteInterface, json);
  json.Number("max_memory_kib", guest.max_memory_kib());
  json.Number("memory_kib", guest.memory_kib());
  json.String("name", guest.name());
  json.Boolean("persistent", guest.persistent());
  json.String("state", StateWord(guest.state()));
  StringIfAny("title", guest.title(), json);
  json.Number("vcpus", guest.vcpus());
  json.EndObject();
}

}  // namespace

std::string RehaiHostTree(const v1::HostFacts& facts) {
  JsonWriter json;
  json.BeginObject();
  if (facts.cpus() > 0) json.Number("cpus", facts.cpus());
  StringIfAny("hostname", facts.hostname(), json);
  StringIfAny("hypervisor", facts.hypervisor_type(), json);
  StringIfAny("hypervisor_version", facts.hypervisor_version(), json);
  StringIfAny("libvirt_version", facts.libvirt_version(), json);
  if (facts.memory_kib() > 0) json.Number("memory_kib", facts.memory_kib());
  StringIfAny("uuid", facts.uuid(), json);
  json.EndObject();
  return std::move(json).Take();
}

std::string RehaiGuestsTree(const v1::Record& record) {
  std::map<absl::string_view, const v1::Guest*> guests;
  for (const v1::Guest& guest : record.guests()) guests[guest.uuid()] = &guest;
  JsonWriter json;
  json.BeginObject();
  for (const auto& [uuid, guest] : guests) WriteGuest(*guest, json);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace rehai::chef
