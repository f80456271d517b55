// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Against libvirt's test driver inside this process: real libvirt objects,
// calls and events, without a daemon. Its default host is shared by all
// connections of the process, so the tests change it through one of their own.

#include "hypervisor/libvirt_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "hypervisor/libvirt_dialer.h"
#include "hypervisor/libvirt_handles.h"
#include "hypervisor/recording_listener.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUri[] = "test:///default";
constexpr char kWebUuid[] = "1b671a64-40d5-491e-99b0-da01ff1f3341";

std::string DomainXml(const std::string& name, const std::string& uuid) {
  return absl::StrCat(
      "<domain type='test'><name>", name, "</name><uuid>", uuid,
      "</uuid><title>first</title><memory unit='MiB'>64</memory><vcpu>2</vcpu>"
      "<os><type>hvm</type></os></domain>");
}

const v1::Guest* FindGuest(const Inventory& inventory,
                           const std::string& uuid) {
  for (const v1::Guest& guest : inventory.guests) {
    if (guest.uuid() == uuid) return &guest;
  }
  return nullptr;
}

class LibvirtConnectionTest : public testing::Test {
 protected:
  LibvirtConnectionTest()
      : loop_(*EventLoop::Get()), admin_(virConnectOpen(kUri)) {
    EXPECT_NE(admin_, nullptr);
  }
  // The host is forgotten with its last connection.
  ~LibvirtConnectionTest() override {
    connection_.reset();
    EXPECT_EQ(virConnectClose(admin_), 0);
  }

  void Dial(ReadOptions read = {}, const std::string& uri = kUri) {
    DialOptions options;
    options.read = read;
    auto connection = dialer_.Dial(uri, options, listener_);
    ASSERT_THAT(connection, IsOk());
    connection_ = *std::move(connection);
  }

  Inventory Read(const ReadRequest& request = {}) {
    auto inventory = connection_->Read(request);
    EXPECT_THAT(inventory, IsOk());
    return inventory.ok() ? *inventory : Inventory();
  }

  DomainHandle DefineWeb() {
    return DomainHandle(
        virDomainDefineXML(admin_, DomainXml("web01", kWebUuid).c_str()));
  }

  // Held, so that the loop does not stop with the tested connection.
  const std::shared_ptr<EventLoop> loop_;
  const virConnectPtr admin_;
  LibvirtDialer dialer_{Clock::Real()};
  RecordingListener listener_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(LibvirtConnectionTest, TheFirstReadHasEveryGuestAndTheHostsFacts) {
  DefineWeb();
  Dial();
  const Inventory inventory = Read();

  ASSERT_THAT(inventory.guests, SizeIs(2));
  EXPECT_THAT(inventory.unread_uuids, IsEmpty());
  const v1::Guest* web = FindGuest(inventory, kWebUuid);
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->name(), "web01");
  EXPECT_EQ(web->state(), v1::GUEST_STATE_SHUT_OFF);
  EXPECT_FALSE(web->has_id());
  EXPECT_TRUE(web->persistent());
  EXPECT_FALSE(web->autostart());
  EXPECT_EQ(web->max_memory_kib(), 65536);
  const v1::Guest& running =
      inventory.guests[web == &inventory.guests[0] ? 1 : 0];
  EXPECT_EQ(running.name(), "test");
  EXPECT_EQ(running.state(), v1::GUEST_STATE_RUNNING);
  EXPECT_EQ(running.id(), 1);
  EXPECT_EQ(running.interfaces(0).source(), "default");
  EXPECT_EQ(running.security().model(), "testSecurity");
  EXPECT_TRUE(running.security().enforcing());

  const v1::HostFacts& facts = inventory.facts;
  EXPECT_FALSE(facts.hostname().empty());
  EXPECT_EQ(facts.uri(), kUri);
  EXPECT_EQ(facts.hypervisor_type(), "TEST");
  EXPECT_EQ(facts.libvirt_version()[0], '9');
  EXPECT_EQ(facts.cpus(), 16);
  EXPECT_EQ(facts.memory_kib(), 3145728);
  ASSERT_THAT(facts.networks(), SizeIs(1));
  EXPECT_EQ(facts.networks(0).bridge(), "virbr0");
  EXPECT_TRUE(facts.networks(0).active());
  ASSERT_THAT(facts.storage_pools(), SizeIs(1));
  EXPECT_EQ(facts.storage_pools(0).state(), VIR_STORAGE_POOL_RUNNING);
}

TEST_F(LibvirtConnectionTest, StartAndDestroyArriveAsHintsAndReadsShowThem) {
  const DomainHandle web = DefineWeb();
  Dial();
  Read();

  ASSERT_EQ(virDomainCreate(web.get()), 0);
  ASSERT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  Inventory inventory = Read();
  const v1::Guest* guest = FindGuest(inventory, kWebUuid);
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(guest->state(), v1::GUEST_STATE_RUNNING);
  EXPECT_EQ(guest->state_reason(), "booted");
  EXPECT_TRUE(guest->has_id());

  ASSERT_EQ(virDomainDestroy(web.get()), 0);
  ASSERT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  inventory = Read();
  guest = FindGuest(inventory, kWebUuid);
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(guest->state(), v1::GUEST_STATE_SHUT_OFF);
  EXPECT_EQ(guest->state_reason(), "destroyed");
  EXPECT_FALSE(guest->has_id());
}

TEST_F(LibvirtConnectionTest, WithoutEventsReadsShowWhatNoHintTells) {
  const DomainHandle web = DefineWeb();
  DialOptions options;
  options.events = false;
  RecordingListener silent;
  const auto connection = dialer_.Dial(kUri, options, silent);
  ASSERT_THAT(connection, IsOk());
  // Told after it would have been: libvirt goes by the order of subscriptions.
  Dial();

  ASSERT_EQ(virDomainCreate(web.get()), 0);
  ASSERT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  EXPECT_FALSE(silent.has_guest_events());
  const auto inventory = (*connection)->Read({});
  ASSERT_THAT(inventory, IsOk());
  const v1::Guest* const guest = FindGuest(*inventory, kWebUuid);
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(guest->state(), v1::GUEST_STATE_RUNNING);
}

TEST_F(LibvirtConnectionTest, AnUndefinedGuestIsAHintAndThenAbsent) {
  const DomainHandle web = DefineWeb();
  Dial();
  ASSERT_NE(FindGuest(Read(), kWebUuid), nullptr);
  ASSERT_EQ(virDomainUndefine(web.get()), 0);
  ASSERT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  const Inventory inventory = Read();
  EXPECT_EQ(FindGuest(inventory, kWebUuid), nullptr);
  EXPECT_THAT(inventory.unread_uuids, IsEmpty());
}

TEST_F(LibvirtConnectionTest, ChangesWithoutAnEventAreSeenByTheNextRead) {
  const DomainHandle web = DefineWeb();
  Dial();
  Read();
  ASSERT_EQ(virDomainSetAutostart(web.get(), 1), 0);
  EXPECT_TRUE(FindGuest(Read(), kWebUuid)->autostart());
  EXPECT_FALSE(listener_.has_guest_events());

  ASSERT_EQ(virDomainCreate(web.get()), 0);
  ASSERT_EQ(virDomainManagedSave(web.get(), 0), 0);
  EXPECT_TRUE(FindGuest(Read(), kWebUuid)->managed_save());
  ASSERT_EQ(virDomainManagedSaveRemove(web.get(), 0), 0);

  ASSERT_EQ(virDomainCreate(web.get()), 0);
  ASSERT_EQ(virDomainUndefine(web.get()), 0);
  EXPECT_FALSE(FindGuest(Read(), kWebUuid)->persistent());
}

// The title is in the definition, which costs a call for each guest: it is not
// read again unless there is a reason.
TEST_F(LibvirtConnectionTest, DefinitionsAreReadAgainOnlyWhenTheyMayDiffer) {
  const DomainHandle web = DefineWeb();
  Dial();
  EXPECT_EQ(FindGuest(Read(), kWebUuid)->title(), "first");
  ASSERT_EQ(virDomainSetMetadata(web.get(), VIR_DOMAIN_METADATA_TITLE, "second",
                                 nullptr, nullptr, 0),
            0);
  ASSERT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  EXPECT_EQ(FindGuest(Read(), kWebUuid)->title(), "first");
  ReadRequest changed;
  changed.changed = {GuestId{kWebUuid}};
  EXPECT_EQ(FindGuest(Read(changed), kWebUuid)->title(), "second");

  ASSERT_EQ(virDomainSetMetadata(web.get(), VIR_DOMAIN_METADATA_TITLE, "third",
                                 nullptr, nullptr, 0),
            0);
  ReadRequest everything;
  everything.everything = true;
  EXPECT_EQ(FindGuest(Read(everything), kWebUuid)->title(), "third");

  ASSERT_EQ(virDomainSetMetadata(web.get(), VIR_DOMAIN_METADATA_TITLE, "fourth",
                                 nullptr, nullptr, 0),
            0);
  ASSERT_EQ(virDomainCreate(web.get()), 0);
  EXPECT_EQ(FindGuest(Read(), kWebUuid)->title(), "fourth");
}

TEST_F(LibvirtConnectionTest, NetworkAndPoolChangesAreHintsToReadTheHost) {
  Dial();
  EXPECT_THAT(Read().facts.networks(), SizeIs(1));
  const NetworkHandle network(virNetworkDefineXML(
      admin_, "<network><name>another</name><bridge name='br7'/></network>"));
  ASSERT_NE(network, nullptr);
  ASSERT_TRUE(listener_.AwaitHostEvent());
  EXPECT_THAT(Read().facts.networks(), SizeIs(1));
  ReadRequest host;
  host.host = true;
  const Inventory inventory = Read(host);
  ASSERT_THAT(inventory.facts.networks(), SizeIs(2));
  EXPECT_EQ(inventory.facts.networks(0).name(), "another");
  EXPECT_EQ(inventory.facts.networks(0).bridge(), "br7");
  EXPECT_FALSE(inventory.facts.networks(0).active());
}

TEST_F(LibvirtConnectionTest, VolumesAndVolatileValuesAreReadOnlyWhenAskedFor) {
  const StoragePoolHandle pool(
      virStoragePoolLookupByName(admin_, "default-pool"));
  const StorageVolumeHandle volume(virStorageVolCreateXML(
      pool.get(),
      "<volume><name>disk7</name><capacity>1048576</capacity></volume>", 0));
  ASSERT_NE(volume, nullptr);

  Dial();
  Inventory inventory = Read();
  EXPECT_THAT(inventory.facts.storage_pools(0).volumes(), IsEmpty());
  EXPECT_FALSE(inventory.facts.has_free_memory_kib());
  EXPECT_FALSE(inventory.guests[0].has_cpu_time_ns());

  DefineWeb();
  Dial({.volumes = true, .messages = true});
  inventory = Read({.everything = true});
  EXPECT_FALSE(inventory.facts.has_free_memory_kib());
  EXPECT_FALSE(inventory.guests[0].has_cpu_time_ns());
  ASSERT_THAT(inventory.facts.storage_pools(0).volumes(), SizeIs(1));
  EXPECT_EQ(inventory.facts.storage_pools(0).volumes(0).allocation_bytes(), 0u);

  inventory = Read({.volatile_values = true});
  ASSERT_THAT(inventory.facts.storage_pools(0).volumes(), SizeIs(1));
  const v1::StorageVolume& found = inventory.facts.storage_pools(0).volumes(0);
  EXPECT_EQ(found.name(), "disk7");
  EXPECT_EQ(found.capacity_bytes(), 1048576);
  EXPECT_FALSE(found.path().empty());
  EXPECT_TRUE(inventory.facts.has_free_memory_kib());
  for (const v1::Guest& guest : inventory.guests) {
    EXPECT_EQ(guest.has_cpu_time_ns(), guest.has_id()) << guest.name();
  }
  // Those of one read are not taken for those of the next.
  EXPECT_FALSE(Read().facts.has_free_memory_kib());
}

TEST_F(LibvirtConnectionTest, GuestsThatComeAndGoCostNoOtherGuest) {
  const DomainHandle web = DefineWeb();
  Dial();
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    while (!stop) {
      const DomainHandle brief(virDomainCreateXML(
          admin_,
          DomainXml("brief", "2c671a64-40d5-491e-99b0-da01ff1f3342").c_str(),
          0));
      if (brief != nullptr) virDomainDestroy(brief.get());
    }
  });
  for (int i = 0; i < 300; ++i) {
    const Inventory inventory = Read();
    ASSERT_NE(FindGuest(inventory, kWebUuid), nullptr);
    ASSERT_GE(inventory.guests.size(), 2u);
  }
  stop = true;
  churn.join();
}

TEST_F(LibvirtConnectionTest, NoEventReachesAListenerThatIsGone) {
  const DomainHandle web = DefineWeb();
  // Subscribed all the while: libvirt may lose all later events of a driver
  // whose last subscriber leaves while some are queued.
  Dial();
  auto listener = std::make_unique<RecordingListener>();
  auto connection = dialer_.Dial(kUri, {}, *listener);
  ASSERT_THAT(connection, IsOk());
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    while (!stop) {
      virDomainCreate(web.get());
      virDomainDestroy(web.get());
    }
  });
  EXPECT_TRUE(listener->AwaitGuestEvent({kWebUuid}));
  connection->reset();
  listener.reset();
  // The churn goes on and is heard of, by who is still there.
  EXPECT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  EXPECT_TRUE(listener_.AwaitGuestEvent({kWebUuid}));
  stop = true;
  churn.join();
}

TEST_F(LibvirtConnectionTest, AStaticHostIsReadFromItsFile) {
  const std::string path = testing::TempDir() + "/node.xml";
  std::ofstream(path)
      << "<node><cpu><nodes>1</nodes><sockets>1</sockets>"
         "<cores>8</cores><threads>1</threads><active>8</active>"
         "<mhz>2600</mhz><model>x86_64</model></cpu>"
         "<memory>33554432</memory>"
      << DomainXml("solo", kWebUuid) << "</node>";
  Dial({}, "test://" + path);
  const Inventory inventory = Read();
  EXPECT_EQ(inventory.facts.cpus(), 8);
  ASSERT_THAT(inventory.guests, SizeIs(1));
  EXPECT_EQ(inventory.guests[0].name(), "solo");
}

}  // namespace
}  // namespace rehai::hypervisor
