// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/node_view.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace rehai::integration {
namespace {

using ::nlohmann::json;

// The value at a path, or null.
json At(const json& node, const std::vector<std::string>& path) {
  const json* value = &node;
  for (const std::string& key : path) {
    if (!value->is_object()) return json();
    const auto found = value->find(key);
    if (found == value->end()) return json();
    value = &*found;
  }
  return *value;
}

std::string Word(const json& value) {
  if (value.is_null()) return "none";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::string SmallNode(const std::string& name) {
  return json({{"name", name},
               {"json_class", "Chef::Node"},
               {"chef_type", "node"},
               {"chef_environment", "_default"},
               {"run_list", {"recipe[kvm]"}},
               {"normal", {{"secret", "<s>"}}},
               {"default", json::object()},
               {"override", json::object()},
               {"automatic",
                {{"fqdn", name},
                 {"ohai_time", 1795527759.25},
                 {"virtualization", {{"system", "kvm"}, {"role", "host"}}}}}})
      .dump();
}

std::string OhaiNode() {
  return ReadFile("tests/data/ohai_node.json").value_or("");
}

std::string ShownIn(const std::string& node_json, const std::string& guest) {
  const json node = json::parse(node_json, nullptr, /*allow_exceptions=*/false);
  const json kvm =
      At(node, {"automatic", "virtualization", "kvm", "guests", guest});
  const json libvirt = At(node, {"automatic", "libvirt", "domains", guest});
  json rehai;
  for (const json& entry : At(node, {"automatic", "rehai", "guests"})) {
    if (At(entry, {"name"}) == guest) rehai = entry;
  }
  return absl::StrCat("kvm ",
                      kvm.is_null()
                          ? "none"
                          : absl::StrCat(Word(At(kvm, {"state"})), "/",
                                         Word(At(kvm, {"State"}))),
                      ", libvirt ", Word(At(libvirt, {"state"})), ", rehai ",
                      Word(At(rehai, {"state"})));
}

}  // namespace rehai::integration
