// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Our renderings beside what their readers get today, of real QEMU guests:
// Ohai's own libvirt plugin, and virsh, from whose output kvm_extensions is
// made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "tests/compat/readings.h"
#include "tests/lab/guest_xml.h"
#include "tests/lab/lab.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::nlohmann::json;
using ::testing::MatchesRegex;

// A hypervisor with guests in each state that operators put them in, VNC ports
// that libvirt chose, guests that libvirt has a word to say about, and a pool.
class QemuConformanceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto lab = lab::Lab::Start({.qemu_hosts = 1, .ssh = false});
    ASSERT_THAT(lab, IsOk());
    lab_ = lab->release();
    Define({.name = "off", .vcpus = 3});
    Define({.name = "no-vnc", .vnc = false});
    Define({.name = "my guest"});
    Define({.name = "saved"});
    // QEMU means to drop this machine type, and libvirt says so.
    Virsh(
        {"define", "/dev/stdin"},
        absl::StrReplaceAll(lab::GuestXml(lab::Driver::kQemu, {.name = "old"}),
                            {{"machine='pc'", "machine='pc-i440fx-1.7'"}}));
    for (const char* guest : {"no-vnc", "my guest", "saved", "old"}) {
      Virsh({"start", guest});
    }
    Virsh({"create", "/dev/stdin"},
          lab::GuestXml(lab::Driver::kQemu, {.name = "transient"}));
    Virsh({"suspend", "my guest"});
    Virsh({"managedsave", "saved"});
    Virsh({"autostart", "old"});
    const std::string pool = lab_->folder() / "pool";
    Virsh({"pool-define-as", "images", "dir", "--target", pool});
    Virsh({"pool-build", "images"});
    Virsh({"pool-start", "images"});
    Virsh({"vol-create-as", "images", "web01.img", "5M"});
  }
  static void TearDownTestSuite() { delete std::exchange(lab_, nullptr); }

  void SetUp() override { ASSERT_NE(lab_, nullptr); }

  static void Virsh(std::vector<std::string> arguments,
                    const std::string& input = "") {
    EXPECT_THAT(lab_->host(0).Virsh(std::move(arguments), input), IsOk());
  }
  static void Define(const lab::GuestSpec& guest) {
    EXPECT_THAT(lab_->host(0).Define(guest), IsOk());
  }

  static std::string uri() { return lab_->host(0).uri(); }

  static lab::Lab* lab_;
};

lab::Lab* QemuConformanceTest::lab_ = nullptr;

TEST_F(QemuConformanceTest, OhaiLibvirtIsWhatOhaiYields) {
  auto theirs = OhaiTree(uri());
  ASSERT_THAT(theirs, IsOk());
  auto ours = OurTree(
      uri(), {.ohai_libvirt = true, .rehai = false, .volatile_values = true});
  ASSERT_THAT(ours, IsOk());

  // We are not beside the hypervisor, where Ohai is.
  (*theirs)["uri"] = "qemu:///system";
  ASSERT_EQ((*theirs)["domains"].size(), 4);  // the active ones
  ASSERT_EQ((*theirs)["storage"]["images"]["volumes"].size(), 1);
  for (json* tree : {&*theirs, &*ours}) {
    // What went on between the two readings.
    for (json& domain : (*tree)["domains"]) {
      EXPECT_TRUE(domain["cpu_time"].is_number_unsigned());
      domain.erase("cpu_time");
    }
    for (const char* changing : {"allocation", "available"}) {
      json& pool = (*tree)["storage"]["images"];
      EXPECT_TRUE(pool[changing].is_number_unsigned());
      pool.erase(changing);
    }
  }
  EXPECT_EQ(ours->dump(), theirs->dump()) << json::diff(*theirs, *ours).dump(1);
}

TEST_F(QemuConformanceTest, KvmExtensionsIsWhatVirshSays) {
  auto theirs = VirshTree(uri());
  ASSERT_THAT(theirs, IsOk());
  auto ours = OurTree(
      uri(), {.kvm_extensions = true, .rehai = false, .volatile_values = true});
  ASSERT_THAT(ours, IsOk());

  // What only QEMU's driver has.
  json& guests = (*theirs)["guests"];
  ASSERT_EQ(guests.size(), 6);
  EXPECT_FALSE(guests["no-vnc"].contains("vncdisplay"));
  EXPECT_GT(guests["my guest"]["vncdisplay"], 5900);
  EXPECT_NE(guests["my guest"]["vncdisplay"], guests["old"]["vncdisplay"]);
  EXPECT_EQ(guests["saved"]["Managed save"], "yes");
  EXPECT_EQ(guests["transient"]["Persistent"], "no");
  EXPECT_EQ(guests["my guest"]["Security model"], "none");
  EXPECT_FALSE(guests["off"].contains("Messages"));
  EXPECT_THAT(guests["old"]["Messages"].get<std::string>(),
              MatchesRegex("tainted: .*; deprecated configuration: .*"));

  for (json* tree : {&*theirs, &*ours}) {
    // What went on between the two readings.
    for (json& guest : (*tree)["guests"]) {
      if (guest["id"] != "-") {
        EXPECT_THAT(guest["CPU time"].get<std::string>(),
                    MatchesRegex("[0-9]+\\.[0-9]s"));
      }
      guest.erase("CPU time");
    }
    EXPECT_THAT((*tree)["hardware"]["freecell"].get<std::string>(),
                MatchesRegex("[0-9]+ KiB"));
    (*tree)["hardware"].erase("freecell");
  }
  EXPECT_EQ(ours->dump(), theirs->dump()) << json::diff(*theirs, *ours).dump(1);
}

}  // namespace
}  // namespace rehai
