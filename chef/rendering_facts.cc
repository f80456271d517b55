// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering_facts.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace rehai::chef {
namespace {

enum class Kind {
  kLeaf,      // all below it is the same field
  kInner,     // has rows of its own below it
  kStamp,     // a leaf of the stamp
  kVolatile,  // a leaf that shows on volatile values only
};

// A '*' in the path stands for one key, and in the field for that key. Keys
// have no '/' in them, but for those that a '*' stands for.
struct Row {
  absl::string_view path;
  absl::string_view field;
  Kind kind = Kind::kLeaf;
};

// See kvm_extensions.cc.
constexpr Row kKvmRows[] = {
    {"", "", Kind::kInner},
    {"guest_cpu_total", "guests.vcpus"},
    {"guest_maxmemory_total", "guests.max_memory_kib"},
    {"guest_usedmemory_total", "guests.memory_kib"},
    {"guests", "guests", Kind::kInner},
    {"guests/*", "guests[*]", Kind::kInner},
    {"guests/*/Autostart", "guests[*].autostart"},
    {"guests/*/CPU time", "guests[*].cpu_time_ns", Kind::kVolatile},
    {"guests/*/CPU(s)", "guests[*].vcpus"},
    {"guests/*/Managed save", "guests[*].managed_save"},
    {"guests/*/Max memory", "guests[*].max_memory_kib"},
    {"guests/*/Messages", "guests[*].messages"},
    {"guests/*/Name", "guests[*].name"},
    {"guests/*/OS Type", "guests[*].os_type"},
    {"guests/*/Persistent", "guests[*].persistent"},
    {"guests/*/Security DOI", "facts.security_doi"},
    {"guests/*/Security label", "guests[*].security"},
    {"guests/*/Security model", "facts.security_model"},
    {"guests/*/State", "guests[*].state"},
    {"guests/*/UUID", "guests[*].uuid"},
    {"guests/*/Used memory", "guests[*].memory_kib"},
    {"guests/*/id", "guests[*].id"},
    {"guests/*/state", "guests[*].state"},
    {"guests/*/vncdisplay", "guests[*].graphics"},
    {"hardware", "facts", Kind::kInner},
    {"hardware/CPU frequency", "facts.mhz"},
    {"hardware/CPU model", "facts.cpu_model"},
    {"hardware/CPU socket(s)", "facts.sockets"},
    {"hardware/CPU(s)", "facts.cpus"},
    {"hardware/Core(s) per socket", "facts.cores"},
    {"hardware/Memory size", "facts.memory_kib"},
    {"hardware/NUMA cell(s)", "facts.numa_nodes"},
    {"hardware/Thread(s) per core", "facts.threads"},
    {"hardware/freecell", "facts.free_memory_kib", Kind::kVolatile},
};

// See ohai_libvirt.cc.
constexpr Row kLibvirtRows[] = {
    {"", "", Kind::kInner},
    {"domains", "guests", Kind::kInner},
    {"domains/*", "guests[*]", Kind::kInner},
    {"domains/*/cpu_time", "guests[*].cpu_time_ns", Kind::kVolatile},
    {"domains/*/id", "guests[*].id"},
    {"domains/*/max_mem", "guests[*].max_memory_kib"},
    {"domains/*/memory", "guests[*].memory_kib"},
    {"domains/*/nr_virt_cpu", "guests[*].vcpus"},
    {"domains/*/os_type", "guests[*].os_type"},
    {"domains/*/state", "guests[*].state"},
    {"domains/*/uuid", "guests[*].uuid"},
    {"libvirt_version", "facts.libvirt_version"},
    {"networks", "facts.networks", Kind::kInner},
    {"networks/*", "facts.networks[*]", Kind::kInner},
    {"networks/*/bridge_name", "facts.networks[*].bridge"},
    {"networks/*/uuid", "facts.networks[*].uuid"},
    {"nodeinfo", "facts", Kind::kInner},
    {"nodeinfo/cores", "facts.cores"},
    {"nodeinfo/cpus", "facts.cpus"},
    {"nodeinfo/memory", "facts.memory_kib"},
    {"nodeinfo/mhz", "facts.mhz"},
    {"nodeinfo/model", "facts.cpu_model"},
    {"nodeinfo/nodes", "facts.numa_nodes"},
    {"nodeinfo/sockets", "facts.sockets"},
    {"nodeinfo/threads", "facts.threads"},
    {"storage", "facts.storage_pools", Kind::kInner},
    {"storage/*", "facts.storage_pools[*]", Kind::kInner},
    {"storage/*/allocation", "facts.storage_pools[*].allocation_bytes"},
    {"storage/*/autostart", "facts.storage_pools[*].autostart"},
    {"storage/*/available", "facts.storage_pools[*].available_bytes"},
    {"storage/*/capacity", "facts.storage_pools[*].capacity_bytes"},
    {"storage/*/state", "facts.storage_pools[*].state"},
    {"storage/*/uuid", "facts.storage_pools[*].uuid"},
    {"storage/*/volumes", "facts.storage_pools[*].volumes", Kind::kInner},
    {"storage/*/volumes/*", "facts.storage_pools[*].volumes[*]", Kind::kInner},
    {"storage/*/volumes/*/allocation",
     "facts.storage_pools[*].volumes[*].allocation_bytes", Kind::kVolatile},
    {"storage/*/volumes/*/capacity",
     "facts.storage_pools[*].volumes[*].capacity_bytes"},
    {"storage/*/volumes/*/key", "facts.storage_pools[*].volumes[*].key"},
    {"storage/*/volumes/*/name", "facts.storage_pools[*].volumes[*].name"},
    {"storage/*/volumes/*/path", "facts.storage_pools[*].volumes[*].path"},
    {"storage/*/volumes/*/type", "facts.storage_pools[*].volumes[*].type"},
    {"uri", "facts.uri"},
};

// See rehai_attributes.cc, and AddStamp() in rendering.cc.
constexpr Row kRehaiRows[] = {
    {"", "", Kind::kInner},
    {"digest", "", Kind::kStamp},
    {"guests", "guests", Kind::kInner},
    {"guests/*", "guests[*]", Kind::kInner},
    {"guests/*/autostart", "guests[*].autostart"},
    {"guests/*/disks", "guests[*].disks"},
    {"guests/*/graphics", "guests[*].graphics"},
    {"guests/*/interfaces", "guests[*].interfaces"},
    {"guests/*/max_memory_kib", "guests[*].max_memory_kib"},
    {"guests/*/memory_kib", "guests[*].memory_kib"},
    {"guests/*/name", "guests[*].name"},
    {"guests/*/persistent", "guests[*].persistent"},
    {"guests/*/state", "guests[*].state"},
    {"guests/*/title", "guests[*].title"},
    {"guests/*/vcpus", "guests[*].vcpus"},
    {"host", "facts", Kind::kInner},
    {"host/cpus", "facts.cpus"},
    {"host/hostname", "facts.hostname"},
    {"host/hypervisor", "facts.hypervisor_type"},
    {"host/hypervisor_version", "facts.hypervisor_version"},
    {"host/libvirt_version", "facts.libvirt_version"},
    {"host/memory_kib", "facts.memory_kib"},
    {"host/uuid", "facts.uuid"},
    {"observed_at", "provenance.observed_at", Kind::kStamp},
    {"owns", ""},
    {"revision", "revision", Kind::kStamp},
    {"schema", ""},
    {"source", "provenance", Kind::kStamp},
    {"written_at", "", Kind::kStamp},
};

struct Tree {
  absl::string_view rendering;
  NodePath path;  // from a place's top
  const Row* begin;
  const Row* end;
  bool is_on;
};

std::vector<Tree> TreesFor(const RenderingOptions& options) {
  return {{"kvm_extensions",
           {"virtualization", "kvm"},
           std::begin(kKvmRows),
           std::end(kKvmRows),
           options.kvm_extensions},
          {"ohai_libvirt",
           {"libvirt"},
           std::begin(kLibvirtRows),
           std::end(kLibvirtRows),
           options.ohai_libvirt},
          {"rehai",
           {"rehai"},
           std::begin(kRehaiRows),
           std::end(kRehaiRows),
           options.rehai}};
}

bool IsWithin(const NodePath& path, const NodePath& tree) {
  return path.size() >= tree.size() &&
         std::equal(tree.begin(), tree.end(), path.begin());
}

// How many keys of `path` the row stands for; nullopt if it is another's.
std::optional<size_t> Fit(const Row& row, const NodePath& path,
                          std::vector<std::string>& stars) {
  stars.clear();
  if (row.path.empty()) return 0;
  const std::vector<absl::string_view> keys = absl::StrSplit(row.path, '/');
  if (keys.size() > path.size()) return std::nullopt;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == "*") {
      stars.push_back(path[i]);
    } else if (keys[i] != path[i]) {
      return std::nullopt;
    }
  }
  return keys.size();
}

struct Match {
  const Row* row = nullptr;
  size_t keys = 0;
  std::vector<std::string> stars;
};

Match LongestMatch(const Tree& tree, const NodePath& path) {
  Match longest;
  std::vector<std::string> stars;
  for (const Row* row = tree.begin; row != tree.end; ++row) {
    const std::optional<size_t> keys = Fit(*row, path, stars);
    if (!keys.has_value()) continue;
    if (longest.row != nullptr && *keys <= longest.keys) continue;
    longest = {row, *keys, stars};
  }
  return longest;
}

std::string Filled(absl::string_view field,
                   const std::vector<std::string>& stars) {
  std::string filled;
  size_t next = 0;
  for (const char c : field) {
    if (c == '*' && next < stars.size()) {
      filled += stars[next++];
    } else {
      filled += c;
    }
  }
  return filled;
}

AttributeMeaning MeaningIn(const Tree& tree, const NodePath& path,
                           bool place_is_on, const RenderingOptions& options) {
  const Match match = LongestMatch(tree, path);
  const Kind kind = match.row->kind;
  AttributeMeaning meaning;
  meaning.rendering = std::string(tree.rendering);
  meaning.is_volatile = kind == Kind::kVolatile;
  meaning.is_on = tree.is_on && place_is_on &&
                  (!meaning.is_volatile || options.volatile_values);
  meaning.is_stamp = kind == Kind::kStamp;
  meaning.is_known = kind != Kind::kInner || match.keys == path.size();
  meaning.field = Filled(match.row->field, match.stars);
  if (absl::StrContains(match.row->field, "guests[*]") ||
      absl::StrContains(match.row->path, "guests/*")) {
    meaning.guest = match.stars.front();
  }
  return meaning;
}

}  // namespace

std::optional<AttributeMeaning> MeaningOf(const NodePath& path,
                                          const RenderingOptions& options) {
  struct Place {
    NodePath path;
    bool is_on;
  };
  std::vector<Place> places = {{{"automatic"}, options.places.automatic}};
  if (!options.places.normal_prefix.empty()) {
    NodePath normal = {"normal"};
    normal.insert(normal.end(), options.places.normal_prefix.begin(),
                  options.places.normal_prefix.end());
    places.push_back({std::move(normal), true});
  }
  for (const Place& place : places) {
    for (const Tree& tree : TreesFor(options)) {
      NodePath top = place.path;
      top.insert(top.end(), tree.path.begin(), tree.path.end());
      if (!IsWithin(path, top)) continue;
      return MeaningIn(
          tree,
          NodePath(path.begin() + static_cast<ptrdiff_t>(top.size()),
                   path.end()),
          place.is_on, options);
    }
  }
  return std::nullopt;
}

std::vector<std::string> FactRows() {
  std::vector<std::string> rows;
  for (const Tree& tree : TreesFor({})) {
    for (const Row* row = tree.begin; row != tree.end; ++row) {
      rows.push_back(absl::StrCat(tree.rendering, " ", row->path));
    }
  }
  return rows;
}

std::string FactRowOf(absl::string_view rendering, const NodePath& in_tree) {
  for (const Tree& tree : TreesFor({})) {
    if (tree.rendering != rendering) continue;
    return absl::StrCat(rendering, " ", LongestMatch(tree, in_tree).row->path);
  }
  return "";
}

}  // namespace rehai::chef
