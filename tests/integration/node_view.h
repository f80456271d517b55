// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_NODE_VIEW_H_
#define TESTS_INTEGRATION_NODE_VIEW_H_

#include <string>

// What tests put on a Chef server, and what they read there.
namespace rehai::integration {

// A small node, as if chef-client had run once.
std::string SmallNode(const std::string& name);

// tests/data/ohai_node.json, a node of 120 kB named "hv1", byte for byte.
std::string OhaiNode();

// How the node's attribute trees show a guest, in a line: "kvm shut/shut off,
// libvirt none, rehai shut_off". kvm's two words are the attributes "state" and
// "State", libvirt's number is Ohai's.
std::string ShownIn(const std::string& node_json, const std::string& guest);

inline constexpr char kShownRunning[] =
    "kvm running/running, libvirt 1, rehai running";
inline constexpr char kShownPaused[] =
    "kvm paused/paused, libvirt 3, rehai paused";
// Ohai lists active guests only.
inline constexpr char kShownShutOff[] =
    "kvm shut/shut off, libvirt none, rehai shut_off";
inline constexpr char kShownNowhere[] = "kvm none, libvirt none, rehai none";

}  // namespace rehai::integration

#endif  // TESTS_INTEGRATION_NODE_VIEW_H_
