// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/node_check.h"

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/integration/node_view.h"

namespace rehai::fault {
namespace {

using ::nlohmann::json;

// The names of the guests in the trees that have all of them.
std::set<std::string> NamesIn(const json& node) {
  std::set<std::string> names;
  const json automatic = node.value("automatic", json::object());
  const json rehai = automatic.value("rehai", json::object());
  for (const json& guest : rehai.value("guests", json::object())) {
    names.insert(guest.value("name", ""));
  }
  const json kvm = automatic.value("virtualization", json::object())
                       .value("kvm", json::object());
  const json guests = kvm.value("guests", json::object());
  for (const auto& [name, guest] : guests.items()) names.insert(name);
  const json domains = automatic.value("libvirt", json::object())
                           .value("domains", json::object());
  for (const auto& [name, guest] : domains.items()) names.insert(name);
  return names;
}

std::string ExpectedOf(lab::GuestState state) {
  switch (state) {
    case lab::GuestState::kShutOff:
      return integration::kShownShutOff;
    case lab::GuestState::kRunning:
      return integration::kShownRunning;
    case lab::GuestState::kPaused:
      return integration::kShownPaused;
  }
  return "";
}

json Parse(const std::string& text) {
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::vector<std::string> WrongIn(const std::string& node_json,
                                 const std::vector<lab::ShownGuest>& guests) {
  const json node = Parse(node_json);
  if (!node.is_object()) return {"the node is no JSON"};
  std::vector<std::string> wrong;
  std::set<std::string> names = NamesIn(node);
  for (const lab::ShownGuest& guest : guests) {
    names.erase(guest.name);
    const std::string shown = integration::ShownIn(node_json, guest.name);
    const std::string expected = ExpectedOf(guest.state);
    if (shown == expected) continue;
    wrong.push_back(absl::StrCat("guest ", guest.name, " is shown as (", shown,
                                 ") and is (", expected, ")"));
  }
  for (const std::string& name : names) {
    wrong.push_back(absl::StrCat("guest ", name, " is shown and is not there"));
  }
  return wrong;
}

int GuestsShownIn(const std::string& node_json) {
  const json node = Parse(node_json);
  if (!node.is_object()) return -1;
  const json automatic = node.value("automatic", json::object());
  if (!automatic.contains("rehai")) return -1;
  return static_cast<int>(
      automatic["rehai"].value("guests", json::object()).size());
}

}  // namespace rehai::fault
