// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/saturating.h"
#include "chef/json_writer.h"
#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

// virsh's words for a guest's state.
absl::string_view StateText(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_RUNNING:
      return "running";
    case v1::GUEST_STATE_BLOCKED:
      return "idle";
    case v1::GUEST_STATE_PAUSED:
      return "paused";
    case v1::GUEST_STATE_SHUTTING_DOWN:
      return "in shutdown";
    case v1::GUEST_STATE_SHUT_OFF:
      return "shut off";
    case v1::GUEST_STATE_CRASHED:
      return "crashed";
    case v1::GUEST_STATE_PM_SUSPENDED:
      return "pmsuspended";
    default:
      return "no state";
  }
}

std::string Kib(int64_t kib) { return absl::StrCat(kib, " KiB"); }

void WriteSecurity(const v1::Guest& guest, const v1::HostFacts& facts,
                   JsonWriter& json) {
  if (!facts.security_model().empty()) {
    json.String("Security DOI", facts.security_doi());
  }
  if (!guest.security().label().empty()) {
    json.String("Security label",
                absl::StrCat(guest.security().label(),
                             guest.security().enforcing() ? " (enforcing)"
                                                          : " (permissive)"));
  }
  if (!facts.security_model().empty()) {
    json.String("Security model", facts.security_model());
  }
}

// The plugin spells display N as the number 59NN, which is its port as long as
// there are fewer than a hundred displays. Ours is always the port.
void WriteVncDisplay(const v1::Guest& guest, JsonWriter& json) {
  if (!guest.has_id()) return;
  for (const v1::Graphics& graphics : guest.graphics()) {
    if (graphics.type() == "vnc" && graphics.port() > 0) {
      json.Number("vncdisplay", graphics.port());
      return;
    }
  }
}

void WriteGuest(const v1::Guest& guest, const v1::HostFacts& facts,
                bool volatile_values, JsonWriter& json) {
  const absl::string_view state = StateText(guest.state());
  json.BeginObject(guest.name());
  json.String("Autostart", guest.autostart() ? "enable" : "disable");
  if (volatile_values && guest.cpu_time_ns() > 0) {
    json.String("CPU time",
                absl::StrFormat(
                    "%.1fs", static_cast<double>(guest.cpu_time_ns()) / 1e9));
  }
  json.String("CPU(s)", absl::StrCat(guest.vcpus()));
  json.String("Managed save", guest.managed_save() ? "yes" : "no");
  json.String("Max memory", Kib(guest.max_memory_kib()));
  if (!guest.messages().empty()) {
    json.String("Messages", absl::StrJoin(guest.messages(), "; "));
  }
  json.String("Name", guest.name());
  json.String("OS Type", guest.os_type());
  json.String("Persistent", guest.persistent() ? "yes" : "no");
  WriteSecurity(guest, facts, json);
  json.String("State", state);
  json.String("UUID", guest.uuid());
  json.String("Used memory", Kib(guest.memory_kib()));
  json.String("id", guest.has_id() ? absl::StrCat(guest.id()) : "-");
  // The first word, as the plugin's readers know it: "shut".
  json.String("state", state.substr(0, state.find(' ')));
  WriteVncDisplay(guest, json);
  json.EndObject();
}

void WriteTotals(const v1::Record& record, JsonWriter& json) {
  int64_t cpus = 0;
  int64_t max_memory_kib = 0;
  int64_t memory_kib = 0;
  for (const v1::Guest& guest : record.guests()) {
    cpus += guest.vcpus();
    max_memory_kib = SaturatingAdd(max_memory_kib, guest.max_memory_kib());
    memory_kib = SaturatingAdd(memory_kib, guest.memory_kib());
  }
  if (record.guests().empty()) return;
  // The plugin says "kB" here and counts KiB; its readers parse that.
  json.Number("guest_cpu_total", cpus);
  json.String("guest_maxmemory_total", absl::StrCat(max_memory_kib, " kB"));
  json.String("guest_usedmemory_total", absl::StrCat(memory_kib, " kB"));
}

void WriteHardware(const v1::HostFacts& facts, bool volatile_values,
                   JsonWriter& json) {
  json.BeginObject("hardware");
  json.String("CPU frequency", absl::StrCat(facts.mhz(), " MHz"));
  json.String("CPU model", facts.cpu_model());
  json.String("CPU socket(s)", absl::StrCat(facts.sockets()));
  json.String("CPU(s)", absl::StrCat(facts.cpus()));
  json.String("Core(s) per socket", absl::StrCat(facts.cores()));
  json.String("Memory size", Kib(facts.memory_kib()));
  json.String("NUMA cell(s)", absl::StrCat(facts.numa_nodes()));
  json.String("Thread(s) per core", absl::StrCat(facts.threads()));
  if (volatile_values && facts.has_free_memory_kib()) {
    json.String("freecell", Kib(facts.free_memory_kib()));
  }
  json.EndObject();
}

}  // namespace

std::string KvmExtensionsTree(const v1::Record& record, bool volatile_values) {
  std::map<absl::string_view, const v1::Guest*> guests;
  for (const v1::Guest& guest : record.guests()) guests[guest.name()] = &guest;
  JsonWriter json;
  json.BeginObject();
  WriteTotals(record, json);
  json.BeginObject("guests");
  for (const auto& [name, guest] : guests) {
    WriteGuest(*guest, record.facts(), volatile_values, json);
  }
  json.EndObject();
  if (record.has_facts()) WriteHardware(record.facts(), volatile_values, json);
  json.EndObject();
  return std::move(json).Take();
}

}  // namespace rehai::chef
