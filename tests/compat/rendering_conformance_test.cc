// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Our renderings beside what their readers get today, of one hypervisor at one
// moment: Ohai's own libvirt plugin, and virsh, from whose output
// kvm_extensions is made.
//
// The hypervisor is libvirt's test driver, which has two oddities: its CPU time
// is the time of day, for guests that are off too; and it calls every guest's
// OS type "linux", whatever the guest's definition says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "chef/rendering.h"
#include "hypervisor/connection.h"
#include "hypervisor/libvirt_dialer.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::nlohmann::json;
using ::testing::MatchesRegex;

class IgnoreEvents final : public hypervisor::Listener {
 public:
  void OnGuestEvent(const GuestId&) override {}
  void OnHostEvent() override {}
  void OnClosed(const std::string&) override {}
};

std::string GuestXml(const std::string& name, int vnc_port) {
  const std::string graphics =
      vnc_port == 0 ? ""
                    : absl::StrCat("<graphics type='vnc' port='", vnc_port,
                                   "' autoport='no' listen='127.0.0.1'/>");
  return absl::StrCat("<domain type='test'><name>", name,
                      "</name><memory unit='KiB'>2097152</memory>"
                      "<currentMemory unit='KiB'>1048576</currentMemory>"
                      "<vcpu current='1'>3</vcpu>"
                      "<os><type arch='i686'>hvm</type></os><devices>",
                      graphics, "</devices></domain>");
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// "Key:   value" lines; the value is all after the first colon.
json Fields(const std::string& text) {
  static const std::regex kField("([^:]+):\\s*(.*?)\\s*");
  json fields = json::object();
  for (const std::string& line : Lines(text)) {
    std::smatch match;
    if (std::regex_match(line, match, kField)) {
      fields[match[1].str()] = match[2].str();
    }
  }
  return fields;
}

// What the test driver should have said; see above.
void CorrectOsType(json& os_type) {
  EXPECT_EQ(os_type, "linux");
  os_type = "hvm";
}

int Number(const std::string& text) {
  int number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text.substr(0, text.find(' ')), &number))
      << text;
  return number;
}

// A hypervisor with guests in each state that the test driver has, among them
// one without VNC, names that need quoting, and a volume.
class RenderingConformanceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = lab::FlatLibvirtd::Start();
    ASSERT_THAT(started, IsOk());
    libvirtd_ = *std::move(started);
    Define("web01", 5907);
    Define("my guest", 5912);
    Define("xIdy", 0);
    Define("off", 5913);
    for (const char* name : {"web01", "my guest", "xIdy"}) {
      Virsh({"start", name});
    }
    Virsh({"suspend", "my guest"});
    Virsh({"autostart", "web01"});
    Virsh({"vol-create-as", "default-pool", "web01.img", "5M"});
  }

  std::string Virsh(std::vector<std::string> arguments) {
    const auto output = libvirtd_->Virsh(std::move(arguments));
    EXPECT_THAT(output, IsOk());
    return output.value_or("");
  }

  void Define(const std::string& name, int vnc_port) {
    const std::string file = absl::StrCat(testing::TempDir(), "/guest.xml");
    ASSERT_THAT(WriteFileAtomically(file, GuestXml(name, vnc_port), 0600),
                IsOk());
    Virsh({"define", file});
  }

  // Our tree, read and rendered as the controller and the agent do it.
  json Rendered(const chef::RenderingOptions& options) {
    IgnoreEvents listener;
    hypervisor::LibvirtDialer dialer(Clock::Real());
    hypervisor::DialOptions dial;
    dial.read = {.volumes = true, .messages = true, .volatile_values = true};
    const auto connection = dialer.Dial(libvirtd_->uri(), dial, listener);
    EXPECT_THAT(connection, IsOk());
    if (!connection.ok()) return json();
    auto inventory = (*connection)->Read(hypervisor::ReadRequest());
    EXPECT_THAT(inventory, IsOk());
    if (!inventory.ok()) return json();
    v1::Record record;
    *record.mutable_facts() = std::move(inventory->facts);
    for (v1::Guest& guest : inventory->guests) {
      *record.add_guests() = std::move(guest);
    }
    const chef::Rendering rendering = chef::Render(record, options);
    EXPECT_EQ(rendering.subtrees.size(), 1);
    return json::parse(rendering.subtrees.at(0).json.value_or("null"));
  }

  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
};

TEST_F(RenderingConformanceTest, OhaiLibvirtIsWhatOhaiYields) {
  const auto output = lab::OutputOf(
      {.argv = {"ruby", "tests/compat/ohai_libvirt.rb", libvirtd_->uri()}});
  ASSERT_THAT(output, IsOk());
  json theirs = json::parse(*output);
  json ours =
      Rendered({.ohai_libvirt = true, .rehai = false, .volatile_values = true});

  ASSERT_EQ(theirs["domains"].size(), 4);  // the test driver's own "test" too
  ASSERT_EQ(theirs["storage"]["default-pool"]["volumes"].size(), 1);
  for (json* tree : {&theirs, &ours}) {
    for (json& domain : (*tree)["domains"]) {
      EXPECT_TRUE(domain["cpu_time"].is_number_unsigned());
      domain.erase("cpu_time");
    }
  }
  for (json& domain : theirs["domains"]) CorrectOsType(domain["os_type"]);
  EXPECT_EQ(ours.dump(), theirs.dump()) << json::diff(theirs, ours).dump(1);
}

// What kvm_extensions makes of virsh's output, without its failures.
class VirshReader {
 public:
  explicit VirshReader(lab::FlatLibvirtd& libvirtd) : libvirtd_(libvirtd) {}

  json Tree() {
    json tree = {{"guests", json::object()}};
    int cpus = 0;
    int max_memory = 0;
    int memory = 0;
    for (const std::string& line : Lines(Run({"list", "--all"}))) {
      // Columns are at least three spaces apart.
      static const std::regex kRow("\\s*(\\S+)\\s{3,}(.+?)\\s{3,}(.+?)\\s*");
      std::smatch row;
      if (!std::regex_match(line, row, kRow)) {
        ADD_FAILURE() << line;
        continue;
      }
      json guest = Guest(row[1], row[2]);
      const std::string state = row[3];
      guest["state"] = state.substr(0, state.find(' '));
      cpus += Number(guest["CPU(s)"]);
      max_memory += Number(guest["Max memory"]);
      memory += Number(guest["Used memory"]);
      tree["guests"][row[2].str()] = guest;
    }
    tree["guest_cpu_total"] = cpus;
    tree["guest_maxmemory_total"] = absl::StrCat(max_memory, " kB");
    tree["guest_usedmemory_total"] = absl::StrCat(memory, " kB");
    tree["hardware"] = Fields(Run({"nodeinfo"}));
    tree["hardware"]["freecell"] = Fields(Run({"freecell"}))["Total"];
    return tree;
  }

 private:
  std::string Run(std::vector<std::string> arguments) {
    const auto output = libvirtd_.Virsh(std::move(arguments));
    EXPECT_THAT(output, IsOk());
    return output.value_or("");
  }

  json Guest(const std::string& id, const std::string& name) {
    json guest = Fields(Run({"dominfo", name}));
    guest.erase("Id");
    guest["id"] = id;
    const auto display = libvirtd_.Virsh({"vncdisplay", name});
    if (id != "-" && display.ok()) {
      guest["vncdisplay"] =
          5900 + Number(display->substr(display->find(':') + 1));
    }
    return guest;
  }

  lab::FlatLibvirtd& libvirtd_;
};

TEST_F(RenderingConformanceTest, KvmExtensionsIsWhatVirshSays) {
  json theirs = VirshReader(*libvirtd_).Tree();
  json ours = Rendered(
      {.kvm_extensions = true, .rehai = false, .volatile_values = true});

  ASSERT_EQ(theirs["guests"].size(), 5);
  EXPECT_EQ(theirs["guests"]["my guest"]["vncdisplay"], 5912);
  EXPECT_EQ(theirs["guests"]["off"]["state"], "shut");
  for (json* tree : {&theirs, &ours}) {
    for (json& guest : (*tree)["guests"]) {
      if (guest["id"] != "-") {
        EXPECT_THAT(guest["CPU time"].get<std::string>(),
                    MatchesRegex("[0-9]+\\.[0-9]s"));
      }
      guest.erase("CPU time");
    }
  }
  for (json& guest : theirs["guests"]) CorrectOsType(guest["OS Type"]);
  EXPECT_EQ(ours.dump(), theirs.dump()) << json::diff(theirs, ours).dump(1);
}

}  // namespace
}  // namespace rehai
