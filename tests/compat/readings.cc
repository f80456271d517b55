// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/compat/readings.h"

#include <regex>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "hypervisor/connection.h"
#include "hypervisor/deaf_listener.h"
#include "hypervisor/libvirt_dialer.h"
#include "rehai/v1/model.pb.h"
#include "tests/lab/process.h"
#include "tests/lab/virsh.h"

namespace rehai {
namespace {

using ::nlohmann::json;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// "Key:   value" lines; the value is all after the first colon. Of several
// messages all but the first are indented lines of their own.
json Fields(const std::string& text) {
  static const std::regex kField("(\\S[^:]*):\\s*(.*?)\\s*");
  static const std::regex kMore("\\s+(.*?)\\s*");
  json fields = json::object();
  std::string key;
  for (const std::string& line : Lines(text)) {
    std::smatch match;
    if (std::regex_match(line, match, kField)) {
      key = match[1].str();
      fields[key] = match[2].str();
    } else if (std::regex_match(line, match, kMore) && !key.empty()) {
      fields[key] =
          absl::StrCat(fields[key].get<std::string>(), "; ", match[1].str());
    }
  }
  return fields;
}

// The first number in a text like "2097152 KiB".
int64_t Number(const std::string& text) {
  static const std::regex kNumber("[0-9]+");
  std::smatch match;
  int64_t number = 0;
  if (std::regex_search(text, match, kNumber)) {
    (void)absl::SimpleAtoi(match[0].str(), &number);
  }
  return number;
}

// One guest, as `virsh dominfo` and `virsh vncdisplay` say.
absl::StatusOr<json> VirshGuest(const std::string& uri, const std::string& id,
                                const std::string& name) {
  ASSIGN_OR_RETURN(const std::string info,
                   lab::RunVirsh(uri, {"dominfo", name}));
  json guest = Fields(info);
  guest.erase("Id");
  guest["id"] = id;
  const auto display = lab::RunVirsh(uri, {"vncdisplay", name});
  if (id != "-" && display.ok()) {
    // "127.0.0.1:7", ":7"
    guest["vncdisplay"] =
        5900 + Number(display->substr(display->rfind(':') + 1));
  }
  return guest;
}

}  // namespace

absl::StatusOr<json> OurTree(const std::string& uri,
                             const chef::RenderingOptions& options) {
  hypervisor::DeafListener listener;
  hypervisor::LibvirtDialer dialer(Clock::Real());
  hypervisor::DialOptions dial;
  dial.read = {.volumes = true, .messages = true};
  ASSIGN_OR_RETURN(const auto connection, dialer.Dial(uri, dial, listener));
  ASSIGN_OR_RETURN(auto inventory, connection->Read({.volatile_values = true}));
  v1::Record record;
  *record.mutable_facts() = std::move(inventory.facts);
  for (v1::Guest& guest : inventory.guests) {
    *record.add_guests() = std::move(guest);
  }
  const chef::Rendering rendering = chef::Render(record, options);
  if (rendering.subtrees.size() != 1) {
    return absl::InvalidArgumentError("not one tree is switched on");
  }
  return json::parse(rendering.subtrees[0].json.value_or("null"));
}

absl::StatusOr<json> OhaiTree(const std::string& uri) {
  ASSIGN_OR_RETURN(
      const std::string output,
      lab::OutputOf({.argv = {"ruby", "tests/compat/ohai_libvirt.rb", uri}}));
  return json::parse(output, nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<json> VirshTree(const std::string& uri) {
  ASSIGN_OR_RETURN(const std::string list,
                   lab::RunVirsh(uri, {"list", "--all"}));
  ASSIGN_OR_RETURN(const std::string hardware,
                   lab::RunVirsh(uri, {"nodeinfo"}));
  ASSIGN_OR_RETURN(const std::string freecell,
                   lab::RunVirsh(uri, {"freecell"}));
  json tree = {{"guests", json::object()}, {"hardware", Fields(hardware)}};
  tree["hardware"]["freecell"] = Fields(freecell)["Total"];
  int64_t cpus = 0;
  int64_t max_memory = 0;
  int64_t memory = 0;
  for (const std::string& line : Lines(list)) {
    // Columns are at least three spaces apart.
    static const std::regex kRow("\\s*(\\S+)\\s{3,}(.+?)\\s{3,}(.+?)\\s*");
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) {
      return absl::InternalError(absl::StrCat("virsh list says: ", line));
    }
    ASSIGN_OR_RETURN(json guest, VirshGuest(uri, row[1], row[2]));
    const std::string state = row[3];
    guest["state"] = state.substr(0, state.find(' '));
    cpus += Number(guest["CPU(s)"]);
    max_memory += Number(guest["Max memory"]);
    memory += Number(guest["Used memory"]);
    tree["guests"][row[2].str()] = std::move(guest);
  }
  tree["guest_cpu_total"] = cpus;
  tree["guest_maxmemory_total"] = absl::StrCat(max_memory, " kB");
  tree["guest_usedmemory_total"] = absl::StrCat(memory, " kB");
  return tree;
}

}  // namespace rehai
