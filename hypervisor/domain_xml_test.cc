// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/domain_xml.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What libvirt 9.0 with QEMU 7.2 answered, less a few devices.
constexpr char kRunning[] = R"(<domain type='qemu' id='1'>
  <name>web01</name>
  <uuid>ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101</uuid>
  <title>Shop &amp; co</title>
  <description>front end, rack 7</description>
  <metadata>
    <app:owner xmlns:app="http://example.org/app/1">
      <app:team>web</app:team>
    </app:owner>
    <app:note xmlns:app="http://example.org/app/1">two  words</app:note>
  </metadata>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>49152</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
  <resource>
    <partition>/machine</partition>
  </resource>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/lib/libvirt/images/web01.qcow2' index='2'/>
      <backingStore type='file' index='3'>
        <format type='raw'/>
        <source file='/var/lib/libvirt/images/base.img'/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu'/>
      <target dev='hdc' bus='ide'/>
      <readonly/>
      <alias name='ide0-1-0'/>
    </disk>
    <controller type='pci' index='0' model='pci-root'>
      <alias name='pci.0'/>
    </controller>
    <interface type='bridge'>
      <mac address='52:54:00:6B:3C:58'/>
      <source network='default' portid='b1c4' bridge='virbr0'/>
      <target dev='vnet3'/>
      <model type='virtio'/>
      <alias name='net0'/>
    </interface>
    <graphics type='vnc' port='15900' autoport='yes' listen='127.0.0.1'>
      <listen type='address' address='127.0.0.1'/>
    </graphics>
    <memballoon model='virtio'>
      <alias name='balloon0'/>
    </memballoon>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes'>
    <label>+0:+0</label>
    <imagelabel>+0:+0</imagelabel>
  </seclabel>
  <seclabel type='dynamic' model='apparmor' relabel='yes'>
    <label>libvirt-ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101</label>
    <imagelabel>libvirt-ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101</imagelabel>
  </seclabel>
</domain>)";

TEST(DomainXmlTest, ARunningGuestIsReadWhole) {
  v1::Guest expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      uuid: "ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101"
      name: "web01"
      id: 1
      vcpus: 1
      max_vcpus: 2
      max_memory_kib: 65536
      memory_kib: 49152
      title: "Shop & co"
      description: "front end, rack 7"
      os_type: "hvm"
      architecture: "x86_64"
      machine: "pc-i440fx-7.2"
      disks {
        device: "disk" type: "file" target: "vda" bus: "virtio"
        source: "/var/lib/libvirt/images/web01.qcow2" format: "qcow2"
      }
      disks {
        device: "cdrom" type: "file" target: "hdc" bus: "ide" readonly: true
      }
      interfaces {
        mac: "52:54:00:6b:3c:58" type: "bridge" source: "virbr0"
        target: "vnet3" model: "virtio"
      }
      graphics { type: "vnc" port: 15900 listen: "127.0.0.1" }
      security {
        model: "apparmor"
        label: "libvirt-ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101"
      })",
                                                            &expected));
  expected.set_metadata_xml(
      "<app:owner xmlns:app=\"http://example.org/app/1\">"
      "<app:team>web</app:team></app:owner>"
      "<app:note xmlns:app=\"http://example.org/app/1\">two  words</app:note>");
  EXPECT_THAT(ParseDomainXml(kRunning), IsOkAndHolds(EqualsProto(expected)));
}

// A guest with `body` beside the least that a guest has.
absl::StatusOr<v1::Guest> ParseGuest(const std::string& body) {
  return ParseDomainXml(
      absl::StrCat("<domain type='kvm'><name>db02</name>"
                   "<uuid>1b671a64-40d5-491e-99b0-da01ff1f3341</uuid>",
                   body, "</domain>"));
}

absl::StatusOr<v1::Guest> ParseGuestWithDevices(const std::string& devices) {
  return ParseGuest(
      absl::StrCat("<memory>1</memory><devices>", devices, "</devices>"));
}

TEST(DomainXmlTest, AnAutoPortOfAGuestThatIsOffIsAbsent) {
  auto guest = ParseGuestWithDevices(
      "<graphics type='vnc' port='-1' autoport='yes'>"
      "<listen type='address' address='0.0.0.0'/></graphics>"
      "<graphics type='spice' autoport='yes'/>");
  ASSERT_THAT(guest, IsOk());
  EXPECT_FALSE(guest->has_id());
  ASSERT_THAT(guest->graphics(), SizeIs(2));
  EXPECT_FALSE(guest->graphics(0).has_port());
  EXPECT_EQ(guest->graphics(0).listen(), "0.0.0.0");
  EXPECT_FALSE(guest->graphics(1).has_port());
}

TEST(DomainXmlTest, CpusAndMemoryNotSaidAreTheMost) {
  auto guest = ParseGuest("<memory unit='GiB'>2</memory><vcpu>4</vcpu>");
  ASSERT_THAT(guest, IsOk());
  EXPECT_EQ(guest->vcpus(), 4);
  EXPECT_EQ(guest->max_vcpus(), 4);
  EXPECT_EQ(guest->memory_kib(), 2097152);
  EXPECT_EQ(ParseGuest("<memory>1</memory>")->vcpus(), 1);
}

struct Size {
  const char* unit;
  const char* value;
  int64_t kib;
};

class DomainXmlSizeTest : public testing::TestWithParam<Size> {};

TEST_P(DomainXmlSizeTest, IsCountedInKib) {
  const Size size = GetParam();
  auto guest = ParseGuest(
      absl::StrCat("<memory unit='", size.unit, "'>", size.value, "</memory>"));
  ASSERT_THAT(guest, IsOk());
  EXPECT_EQ(guest->max_memory_kib(), size.kib);
}

INSTANTIATE_TEST_SUITE_P(
    Units, DomainXmlSizeTest,
    testing::Values(Size{"b", "1025", 2}, Size{"bytes", "2048", 2},
                    Size{"KB", "1000", 977}, Size{"k", "7", 7},
                    Size{"KiB", " 8 ", 8}, Size{"MB", "1024", 1000000},
                    Size{"M", "3", 3072}, Size{"MiB", "3", 3072},
                    Size{"GB", "1", 976563}, Size{"G", "1", 1048576},
                    Size{"TiB", "1", 1073741824}, Size{"T", "2", 2147483648},
                    Size{"PiB", "1", 1099511627776},
                    Size{"EiB", "8", 9007199254740992}));

TEST(DomainXmlTest, DiskSourcesNameWhatTheirTypeMeans) {
  auto guest = ParseGuestWithDevices(
      "<disk type='block' device='lun'><source dev='/dev/sdb'/></disk>"
      "<disk type='volume'><source pool='fast' volume='v1'/></disk>"
      "<disk type='network'><source protocol='rbd' name='pool/img'>"
      "<host name='mon1' port='6789'/><host name='mon2'/></source></disk>"
      "<disk type='network'><source protocol='rbd' name='pool/img'/></disk>"
      "<disk type='file' device='cdrom'/>");
  ASSERT_THAT(guest, IsOk());
  ASSERT_THAT(guest->disks(), SizeIs(5));
  EXPECT_EQ(guest->disks(0).source(), "/dev/sdb");
  EXPECT_EQ(guest->disks(0).device(), "lun");
  EXPECT_EQ(guest->disks(1).source(), "fast/v1");
  EXPECT_EQ(guest->disks(1).device(), "disk");
  EXPECT_EQ(guest->disks(2).source(), "rbd://mon1:6789/pool/img");
  EXPECT_EQ(guest->disks(3).source(), "rbd:pool/img");
  EXPECT_EQ(guest->disks(4).source(), "");
}

TEST(DomainXmlTest, InterfaceSourcesNameWhatTheirTypeMeans) {
  auto guest = ParseGuestWithDevices(
      "<interface type='network'><source network='lan'/></interface>"
      "<interface type='direct'><source dev='eth0' mode='vepa'/></interface>"
      "<interface type='user'/>");
  ASSERT_THAT(guest, IsOk());
  ASSERT_THAT(guest->interfaces(), SizeIs(3));
  EXPECT_EQ(guest->interfaces(0).source(), "lan");
  EXPECT_EQ(guest->interfaces(1).source(), "eth0");
  EXPECT_EQ(guest->interfaces(2).source(), "");
}

TEST(DomainXmlTest, AUuidIsMadeCanonical) {
  const std::string shouting =
      absl::StrReplaceAll(kRunning, {{"ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101",
                                      " EE29B1C40C1D4F6A9D3B0A54F1E2C101 "}});
  EXPECT_EQ(ParseDomainXml(shouting)->uuid(),
            "ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101");
}

TEST(DomainXmlTest, GarbageIsRefusedAndNeverBelieved) {
  for (const std::string& xml :
       {std::string(), std::string("not xml"), std::string("<domain>"),
        std::string("<network/>"), std::string("<domain/>"),
        std::string("<domain><name>a</name><uuid>12</uuid></domain>"),
        std::string("\0\xff<domain", 9), std::string(kRunning, 900)}) {
    EXPECT_THAT(ParseDomainXml(xml),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << xml;
  }
  for (const char* body :
       {"", "<memory>lots</memory>", "<memory>-1</memory>",
        "<memory unit='furlong'>1</memory>", "<memory unit=''>1</memory>",
        "<memory unit='EiB'>18446744073709551615</memory>",
        "<memory>1</memory><vcpu>many</vcpu>",
        "<memory>1</memory><vcpu current='few'>2</vcpu>"}) {
    EXPECT_THAT(ParseGuest(body), StatusIs(absl::StatusCode::kInvalidArgument))
        << body;
  }
}

TEST(DomainXmlTest, EntitiesAreNotExpanded) {
  auto guest = ParseDomainXml(
      "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
      "<domain><name>a&e;b</name><memory>1</memory>"
      "<uuid>1b671a64-40d5-491e-99b0-da01ff1f3341</uuid></domain>");
  ASSERT_THAT(guest, IsOk());
  EXPECT_EQ(guest->name(), "a&e;b");
}

TEST(DomainXmlTest, DeepNestingIsHarmless) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<x>";
  for (int i = 0; i < 100000; ++i) deep += "</x>";
  auto guest =
      ParseGuest("<memory>1</memory><metadata>" + deep + "</metadata>");
  ASSERT_THAT(guest, IsOk());
  EXPECT_THAT(guest->metadata_xml(), HasSubstr("<x><x><x>"));
}

TEST(DomainXmlTest, TextThatIsNotUtf8IsRepairedSoThatItCanBeSent) {
  const auto guest = ParseDomainXml(
      "<domain><name>caf\xE9</name>"
      "<uuid>ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101</uuid>"
      "<title>&#xD800;&#233;</title><memory>1</memory><devices>"
      "<disk type='file'><source file='/a&#x110000;b'/></disk></devices>"
      "</domain>");
  ASSERT_THAT(guest, IsOk());
  EXPECT_EQ(guest->name(), "caf\uFFFD");
  EXPECT_THAT(guest->title(), AllOf(HasSubstr("\uFFFD"), HasSubstr("\u00E9")));
  v1::Guest received;
  EXPECT_TRUE(received.ParseFromString(guest->SerializeAsString()));
}

TEST(DomainXmlTest, AMessageQuotesOnlyTheBeginOfWhatIsWrong) {
  const auto guest = ParseDomainXml(
      absl::StrCat("<domain><name>a</name>"
                   "<uuid>ee29b1c4-0c1d-4f6a-9d3b-0a54f1e2c101</uuid><memory>",
                   std::string(100'000, 'x'), "</memory></domain>"));
  EXPECT_EQ(guest.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(guest.status().message().size(), 1000u);
}

TEST(NetworkXmlTest, BridgeAndDhcpAreFound) {
  auto network = ParseNetworkXml(
      "<network><name>default</name><bridge name='virbr0'/>"
      "<ip address='192.168.122.1'><dhcp><range start='1' end='2'/></dhcp></ip>"
      "</network>");
  ASSERT_THAT(network, IsOk());
  EXPECT_EQ(network->bridge, "virbr0");
  EXPECT_TRUE(network->serves_dhcp);

  network = ParseNetworkXml("<network><ip address='10.0.0.1'/></network>");
  ASSERT_THAT(network, IsOk());
  EXPECT_EQ(network->bridge, "");
  EXPECT_FALSE(network->serves_dhcp);
  EXPECT_THAT(ParseNetworkXml("<domain/>"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CapabilitiesTest, TheHostsUuidIsFoundWhereThereIsOne) {
  EXPECT_THAT(
      HostUuidOfCapabilities("<capabilities><host>"
                             "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"
                             "</host></capabilities>"),
      IsOkAndHolds("4dea22b3-1d52-d8f3-2516-782e98ab3fa0"));
  EXPECT_THAT(HostUuidOfCapabilities("<capabilities><host/></capabilities>"),
              IsOkAndHolds(""));
  EXPECT_THAT(HostUuidOfCapabilities("<host/>"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::hypervisor
