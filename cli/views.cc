// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/views.h"

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "cli/facts.h"
#include "cli/table.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

// Those that are there.
std::string Words(const std::vector<std::string>& words,
                  absl::string_view between = " ") {
  std::vector<std::string> present;
  for (const std::string& word : words) {
    if (!word.empty()) present.push_back(word);
  }
  return absl::StrJoin(present, between);
}

// Those that are there, in brackets.
std::string Bracketed(const std::vector<std::string>& words) {
  const std::string text = Words(words, ", ");
  return text.empty() ? "" : absl::StrCat(" (", text, ")");
}

// The one thing an operator should know first: a condition that holds the
// writes, as it says what to do; else what ails the last write.
std::string Trouble(const v1::Host& host) {
  const v1::SyncStatus& sync = host.sync();
  if (!sync.last_error().empty() && sync.state() != v1::SYNC_STATE_HELD) {
    return sync.last_error();
  }
  if (host.conditions().empty()) {
    return sync.last_error();
  }
  const v1::Condition& first = host.conditions(0);
  const int others = host.conditions_size() - 1;
  return absl::StrCat(
      first.type(), ": ", first.message(),
      others > 0 ? absl::StrCat(" (and ", others, " more)") : "");
}

// In the order of their keys.
std::string LabelsText(const v1::Host& host) {
  const std::map<std::string, std::string> labels(host.labels().begin(),
                                                  host.labels().end());
  return absl::StrJoin(labels, ",", absl::PairFormatter("="));
}

// What a guest's state is to be doubted for.
std::vector<std::string> Doubts(const v1::LocatedGuest& located) {
  std::vector<std::string> doubts;
  if (located.presence() != v1::PRESENCE_CURRENT) {
    doubts.push_back(PresenceWord(located.presence()));
  }
  if (located.missing()) doubts.push_back("missing");
  return doubts;
}

// A state that may have changed since says so.
Cell StateCell(const v1::LocatedGuest& located) {
  const v1::GuestState state = located.guest().state();
  const std::vector<std::string> doubts = Doubts(located);
  if (doubts.empty()) return {StateWord(state), StateColour(state)};
  return {absl::StrCat(StateWord(state), Bracketed(doubts)),
          located.presence() == v1::PRESENCE_CURRENT
              ? Colour::kYellow
              : PresenceColour(located.presence())};
}

std::string OfAtMost(const std::string& now, const std::string& most) {
  return now == most ? now : absl::StrCat(now, " of at most ", most);
}

std::string DiskText(const v1::Disk& disk) {
  return absl::StrCat(
      disk.target(), " ", disk.source().empty() ? "no medium" : disk.source(),
      Bracketed({disk.device() == "disk" ? "" : disk.device(), disk.format(),
                 disk.bus(), disk.readonly() ? "read-only" : ""}));
}

std::string InterfaceText(const v1::Interface& interface) {
  return absl::StrCat(interface.mac(), " on ", interface.type(),
                      interface.source().empty() ? "" : " ", interface.source(),
                      Bracketed({interface.target(), interface.model()}),
                      interface.addresses().empty() ? "" : " ",
                      absl::StrJoin(interface.addresses(), " "));
}

std::string GraphicsText(const v1::Graphics& graphics) {
  if (!graphics.has_port()) {
    return absl::StrCat(graphics.type(), " (port chosen at start)");
  }
  return absl::StrCat(graphics.type(), " ", graphics.listen(),
                      graphics.listen().empty() ? "port " : ":",
                      graphics.port());
}

std::string SeenText(const v1::LocatedGuest& located, absl::Time now) {
  if (!located.has_confirmed_at()) return "";
  return absl::StrCat(AgeOf(located.confirmed_at(), true, now), " ago by ",
                      SourceWord(located.provenance().kind()),
                      located.provenance().origin().empty() ? "" : " ",
                      located.provenance().origin());
}

void AddDevices(const v1::Guest& guest, Facts& facts) {
  for (const v1::Disk& disk : guest.disks()) facts.Add("Disk", DiskText(disk));
  for (const v1::Interface& interface : guest.interfaces()) {
    facts.Add("Interface", InterfaceText(interface));
  }
  for (const v1::Graphics& graphics : guest.graphics()) {
    facts.Add("Graphics", GraphicsText(graphics));
  }
}

}  // namespace

std::string HostsTable(const v1::ListHostsResponse& response, absl::Time now,
                       const Look& look) {
  Table table({{"HOST", false, /*cut=*/1},
               {"PRESENCE"},
               {"RUNNING", true},
               {"GUESTS", true},
               {"SEEN", true},
               {"SOURCE"},
               {"SYNC"},
               {"CPUS", true, 0, /*wide=*/true},
               {"MEMORY", true, 0, /*wide=*/true},
               {"HYPERVISOR", false, 0, /*wide=*/true},
               {"LABELS", false, /*cut=*/3, /*wide=*/true},
               {"REVISION", true, 0, /*wide=*/true},
               {"TROUBLE", false, /*cut=*/2}});
  for (const v1::Host& host : response.hosts()) {
    table.AddRow(
        {{host.node()},
         {PresenceWord(host.presence()), PresenceColour(host.presence())},
         {absl::StrCat(host.running_guest_count())},
         {absl::StrCat(host.guest_count())},
         {AgeOf(host.confirmed_at(), host.has_confirmed_at(), now)},
         {SourceWord(host.provenance().kind())},
         {SyncWord(host.sync().state()), SyncColour(host.sync().state())},
         {host.has_facts() ? absl::StrCat(host.facts().cpus()) : "-"},
         {host.has_facts() ? MemoryText(host.facts().memory_kib()) : "-"},
         {Words({host.facts().hypervisor_type(),
                 host.facts().hypervisor_version()})},
         {LabelsText(host)},
         {absl::StrCat(host.revision())},
         {Trouble(host), Colour::kRed}});
  }
  return table.Render(look);
}

std::string ConditionDetails(const v1::Host& host, absl::Time now,
                             bool colours) {
  Facts facts;
  for (const v1::Condition& condition : host.conditions()) {
    facts.Add(
        "Condition",
        absl::StrCat(
            condition.type(), condition.has_since() ? " for " : "",
            condition.has_since() ? AgeOf(condition.since(), true, now) : "",
            ": ", condition.message()),
        Colour::kRed);
  }
  return facts.Render(colours);
}

std::string GuestsTable(const v1::ListGuestsResponse& response, absl::Time now,
                        const Look& look) {
  Table table({{"NAME", false, /*cut=*/1},
               {"STATE"},
               {"HOST", false, /*cut=*/2},
               {"VCPUS", true},
               {"MEMORY", true},
               {"SEEN", true},
               {"MAC", false, 0, /*wide=*/true},
               {"ADDRESSES", false, 0, /*wide=*/true},
               {"SOURCE", false, 0, /*wide=*/true},
               {"UUID", false, /*cut=*/3}});
  for (const v1::LocatedGuest& located : response.guests()) {
    const v1::Guest& guest = located.guest();
    std::vector<std::string> macs;
    std::vector<std::string> addresses;
    for (const v1::Interface& interface : guest.interfaces()) {
      macs.push_back(interface.mac());
      addresses.insert(addresses.end(), interface.addresses().begin(),
                       interface.addresses().end());
    }
    table.AddRow(
        {{guest.name()},
         StateCell(located),
         {located.node()},
         {absl::StrCat(guest.vcpus())},
         {MemoryText(guest.memory_kib())},
         {AgeOf(located.confirmed_at(), located.has_confirmed_at(), now)},
         {absl::StrJoin(macs, " ")},
         {absl::StrJoin(addresses, " ")},
         {SourceWord(located.provenance().kind())},
         {guest.uuid(), Colour::kDim}});
  }
  return table.Render(look);
}

std::vector<std::string> GuestNames(const v1::ListGuestsResponse& response) {
  std::map<std::string, int> count;
  for (const v1::LocatedGuest& located : response.guests()) {
    ++count[located.guest().name()];
  }
  std::vector<std::string> names;
  for (const v1::LocatedGuest& located : response.guests()) {
    const v1::Guest& guest = located.guest();
    names.push_back(count[guest.name()] == 1 ? guest.name() : guest.uuid());
  }
  return names;
}

std::string SummaryTable(const v1::SummarizeResponse& response,
                         const std::vector<std::string>& group_by,
                         const Look& look) {
  std::vector<Column> columns;
  for (const std::string& field : group_by) {
    columns.push_back({absl::AsciiStrToUpper(field), false, /*cut=*/1});
  }
  for (const char* header : {"GUESTS", "RUNNING", "VCPUS", "MEMORY", "HOSTS",
                             "CPUS", "HOST MEMORY"}) {
    columns.push_back({header, true});
  }
  for (const char* header : {"STORAGE", "FREE"}) {
    columns.push_back({header, true, 0, /*wide=*/true});
  }
  Table table(std::move(columns));
  const auto add = [&](std::vector<Cell> cells,
                       const v1::SummaryFigures& figures) {
    for (const std::string& text :
         {absl::StrCat(figures.guests()),
          absl::StrCat(figures.running_guests()),
          absl::StrCat(figures.running_vcpus()),
          MemoryText(figures.running_memory_kib()),
          absl::StrCat(figures.hosts()), absl::StrCat(figures.host_cpus()),
          MemoryText(figures.host_memory_kib()),
          MemoryText(
              static_cast<int64_t>(figures.storage_capacity_bytes() >> 10)),
          MemoryText(
              static_cast<int64_t>(figures.storage_available_bytes() >> 10))}) {
      cells.emplace_back(text);
    }
    table.AddRow(std::move(cells));
  };
  for (const v1::SummaryGroup& group : response.groups()) {
    std::vector<Cell> cells;
    for (size_t i = 0; i < group_by.size(); ++i) {
      const int at = static_cast<int>(i);
      const bool known = at < group.keys_size() && !group.keys(at).empty();
      cells.emplace_back(known ? group.keys(at) : "-");
    }
    add(std::move(cells), group.figures());
  }
  if (group_by.empty() || response.groups_size() > 1) {
    std::vector<Cell> cells(group_by.size(), Cell("all", Colour::kBold));
    add(std::move(cells), response.total());
  }
  return table.Render(look);
}

std::string GuestDetails(const v1::LocatedGuest& located, absl::Time now,
                         bool colours) {
  const v1::Guest& guest = located.guest();
  const auto yes_or_no = [](bool yes) { return yes ? "yes" : "no"; };
  Facts facts;
  facts.Add("Name", guest.name());
  facts.Add("UUID", guest.uuid());
  facts.Add("Host", absl::StrCat(located.node(), " (",
                                 PresenceWord(located.presence()), ")"));
  facts.Add("Seen", SeenText(located, now));
  facts.Add(
      "State",
      absl::StrCat(StateWord(guest.state()), Bracketed({guest.state_reason()})),
      StateColour(guest.state()));
  if (located.missing()) {
    facts.Add("Missing",
              "its host does not list it any more; it is on its way to another "
              "host or held by the brake; its host's conditions say which",
              Colour::kYellow);
  }
  facts.Add("vCPUs", OfAtMost(absl::StrCat(guest.vcpus()),
                              absl::StrCat(guest.max_vcpus())));
  facts.Add("Memory", OfAtMost(MemoryText(guest.memory_kib()),
                               MemoryText(guest.max_memory_kib())));
  facts.Add("Autostart", yes_or_no(guest.autostart()));
  facts.Add("Persistent", yes_or_no(guest.persistent()));
  if (guest.managed_save()) facts.Add("Managed save", "yes");
  facts.Add("Title", guest.title());
  facts.Add("Description", guest.description());
  facts.Add("Machine",
            Words({guest.os_type(), guest.architecture(), guest.machine()}));
  AddDevices(guest, facts);
  return facts.Render(colours);
}

std::string DiffText(const v1::ResyncDiffResponse& response, bool colours) {
  if (response.differences().empty()) {
    return absl::StrCat(Printable(response.node()),
                        ": Chef holds what Rehai believes\n");
  }
  std::string out;
  const auto add_line = [&](absl::string_view sign, const std::string& value,
                            Colour colour) {
    if (value.empty()) return;
    const std::string line = absl::StrCat("  ", sign, " ", Printable(value));
    absl::StrAppend(&out, colours ? Paint(line, colour) : line, "\n");
  };
  for (const v1::Difference& difference : response.differences()) {
    const std::string path = Printable(difference.path());
    absl::StrAppend(&out, colours ? Paint(path, Colour::kBold) : path, "\n");
    add_line("-", difference.before(), Colour::kRed);
    add_line("+", difference.after(), Colour::kGreen);
  }
  return out;
}

}  // namespace rehai::cli
