// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_GUEST_XML_H_
#define TESTS_LAB_GUEST_XML_H_

#include <string>

namespace rehai::lab {

// libvirt's drivers that the lab has hypervisors with.
enum class Driver {
  kQemu,  // real QEMU processes, emulated: no /dev/kvm needed
  kTest,  // libvirt's simulation: as many guests as you like, no processes
};

enum class GuestState { kShutOff, kRunning, kPaused };

// A guest as small as it can be: no disk, so it idles in its firmware.
struct GuestSpec {
  std::string name = {};
  std::string uuid = {};  // empty: libvirt chooses
  int vcpus = 1;
  int memory_mib = 32;
  std::string title = {};
  std::string description = {};
  bool vnc = true;  // on a port that libvirt chooses, where the driver can
  bool network_interface = true;
};

// Its definition, for `virsh define`.
std::string GuestXml(Driver driver, const GuestSpec& guest);

}  // namespace rehai::lab

#endif  // TESTS_LAB_GUEST_XML_H_
