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

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/compat/readings.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::nlohmann::json;
using ::testing::MatchesRegex;

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

// What the test driver should have said; see above.
void CorrectOsType(json& os_type) {
  EXPECT_EQ(os_type, "linux");
  os_type = "hvm";
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

  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
};

TEST_F(RenderingConformanceTest, OhaiLibvirtIsWhatOhaiYields) {
  auto theirs_read = OhaiTree(libvirtd_->uri());
  ASSERT_THAT(theirs_read, IsOk());
  json& theirs = *theirs_read;
  auto ours_read =
      OurTree(libvirtd_->uri(),
              {.ohai_libvirt = true, .rehai = false, .volatile_values = true});
  ASSERT_THAT(ours_read, IsOk());
  json& ours = *ours_read;

  // On a hypervisor Ohai needs no socket= in its URI.
  theirs["uri"] = "test:///default";
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

TEST_F(RenderingConformanceTest, KvmExtensionsIsWhatVirshSays) {
  auto theirs_read = VirshTree(libvirtd_->uri());
  ASSERT_THAT(theirs_read, IsOk());
  json& theirs = *theirs_read;
  auto ours_read = OurTree(
      libvirtd_->uri(),
      {.kvm_extensions = true, .rehai = false, .volatile_values = true});
  ASSERT_THAT(ours_read, IsOk());
  json& ours = *ours_read;

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
