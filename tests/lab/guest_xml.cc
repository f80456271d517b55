// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/guest_xml.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace rehai::lab {
namespace {

std::string Element(const char* name, const std::string& text) {
  if (text.empty()) return "";
  return absl::StrCat(
      "<", name, ">",
      absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}}),
      "</", name, ">\n");
}

std::string Devices(Driver driver, const GuestSpec& guest) {
  std::string devices;
  if (driver == Driver::kQemu) {
    // A USB controller is all that makes the firmware slower.
    absl::StrAppend(&devices, "<controller type='usb' model='none'/>\n");
  }
  if (guest.network_interface) {
    // QEMU's own network stack: nothing of the machine's network is touched.
    absl::StrAppend(&devices, driver == Driver::kQemu
                                  ? "<interface type='user'/>\n"
                                  : "<interface type='network'>"
                                    "<source network='default'/>"
                                    "</interface>\n");
  }
  if (guest.vnc) {
    // The test driver chooses no ports.
    absl::StrAppend(&devices, "<graphics type='vnc' listen='127.0.0.1' ",
                    driver == Driver::kQemu ? "autoport='yes'" : "port='5901'",
                    "/>\n");
  }
  return devices;
}

}  // namespace

std::string GuestXml(Driver driver, const GuestSpec& guest) {
  const bool qemu = driver == Driver::kQemu;
  return absl::StrCat(
      "<domain type='", qemu ? "qemu" : "test", "'>\n",
      Element("name", guest.name), Element("uuid", guest.uuid),
      Element("title", guest.title), Element("description", guest.description),
      "<memory unit='MiB'>", guest.memory_mib, "</memory>\n", "<vcpu>",
      guest.vcpus, "</vcpu>\n",
      qemu ? "<os><type arch='x86_64' machine='pc'>hvm</type></os>\n"
           : "<os><type>hvm</type></os>\n",
      "<devices>\n", Devices(driver, guest), "</devices>\n</domain>\n");
}

}  // namespace rehai::lab
