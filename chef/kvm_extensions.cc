// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

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

std::string Str(absl::string_view text) { return std::string(text); }

std::string Kib(int64_t kib) { return absl::StrCat(kib, " KiB"); }

void AddSecurity(const v1::Guest& guest, const v1::HostFacts& facts,
                 json& entry) {
  if (!facts.security_model().empty()) {
    entry["Security model"] = facts.security_model();
    entry["Security DOI"] = facts.security_doi();
  }
  if (!guest.security().label().empty()) {
    entry["Security label"] = absl::StrCat(
        guest.security().label(),
        guest.security().enforcing() ? " (enforcing)" : " (permissive)");
  }
}

// The plugin spells display N as the number 59NN, which is its port as long as
// there are fewer than a hundred displays. Ours is always the port.
void AddVncDisplay(const v1::Guest& guest, json& entry) {
  if (!guest.has_id()) return;
  for (const v1::Graphics& graphics : guest.graphics()) {
    if (graphics.type() == "vnc" && graphics.port() > 0) {
      entry["vncdisplay"] = graphics.port();
      return;
    }
  }
}

json GuestEntry(const v1::Guest& guest, const v1::HostFacts& facts,
                bool volatile_values) {
  const absl::string_view state = StateText(guest.state());
  json entry = {
      {"id", guest.has_id() ? absl::StrCat(guest.id()) : "-"},
      // The first word, as the plugin's readers know it: "shut".
      {"state", Str(state.substr(0, state.find(' ')))},
      {"Name", guest.name()},
      {"UUID", guest.uuid()},
      {"OS Type", guest.os_type()},
      {"State", Str(state)},
      {"CPU(s)", absl::StrCat(guest.vcpus())},
      {"Max memory", Kib(guest.max_memory_kib())},
      {"Used memory", Kib(guest.memory_kib())},
      {"Persistent", guest.persistent() ? "yes" : "no"},
      {"Autostart", guest.autostart() ? "enable" : "disable"},
      {"Managed save", guest.managed_save() ? "yes" : "no"},
  };
  if (volatile_values && guest.cpu_time_ns() > 0) {
    entry["CPU time"] = absl::StrFormat(
        "%.1fs", static_cast<double>(guest.cpu_time_ns()) / 1e9);
  }
  if (!guest.messages().empty()) {
    entry["Messages"] = absl::StrJoin(guest.messages(), "; ");
  }
  AddSecurity(guest, facts, entry);
  AddVncDisplay(guest, entry);
  return entry;
}

json Hardware(const v1::HostFacts& facts, bool volatile_values) {
  json hardware = {
      {"CPU model", facts.cpu_model()},
      {"CPU(s)", absl::StrCat(facts.cpus())},
      {"CPU frequency", absl::StrCat(facts.mhz(), " MHz")},
      {"CPU socket(s)", absl::StrCat(facts.sockets())},
      {"Core(s) per socket", absl::StrCat(facts.cores())},
      {"Thread(s) per core", absl::StrCat(facts.threads())},
      {"NUMA cell(s)", absl::StrCat(facts.numa_nodes())},
      {"Memory size", Kib(facts.memory_kib())},
  };
  if (volatile_values && facts.has_free_memory_kib()) {
    hardware["freecell"] = Kib(facts.free_memory_kib());
  }
  return hardware;
}

}  // namespace

json KvmExtensionsTree(const v1::Record& record, bool volatile_values) {
  json tree = {{"guests", json::object()}};
  int64_t cpus = 0;
  int64_t max_memory_kib = 0;
  int64_t memory_kib = 0;
  for (const v1::Guest& guest : record.guests()) {
    tree["guests"][guest.name()] =
        GuestEntry(guest, record.facts(), volatile_values);
    cpus += guest.vcpus();
    max_memory_kib += guest.max_memory_kib();
    memory_kib += guest.memory_kib();
  }
  if (!record.guests().empty()) {
    // The plugin says "kB" here and counts KiB; its readers parse that.
    tree["guest_cpu_total"] = cpus;
    tree["guest_maxmemory_total"] = absl::StrCat(max_memory_kib, " kB");
    tree["guest_usedmemory_total"] = absl::StrCat(memory_kib, " kB");
  }
  if (record.has_facts()) {
    tree["hardware"] = Hardware(record.facts(), volatile_values);
  }
  return tree;
}

}  // namespace rehai::chef
