// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/filter.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "controller/query/rows.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class FilterTest : public testing::Test {
 protected:
  FilterTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"pb(
          node: "hv1.example.com"
          labels { key: "rack" value: "a1" }
          labels { key: "zone.name" value: "north" }
          revision: 4711
          provenance { kind: SOURCE_KIND_PULL }
          presence: PRESENCE_CURRENT
          facts {
            hostname: "hv1"
            hypervisor_type: "QEMU"
            hypervisor_version: "7.10.2"
            cpus: 32
            memory_kib: 134217728
          }
          guests {
            uuid: "6b29fc40-ca47-1067-b31d-00dd010662da"
            name: "web-01"
            id: 7
            state: GUEST_STATE_RUNNING
            state_reason: "booted"
            vcpus: 4
            max_vcpus: 8
            memory_kib: 4194304
            max_memory_kib: 8388608
            persistent: true
            title: "The shop"
            metadata_xml: "<owner>ops</owner>"
            disks { source: "/vm/web-01.qcow2" }
            disks { device: "cdrom" }
            interfaces {
              mac: "52:54:00:6b:3c:58"
              source: "br0"
              addresses: "10.0.0.7/24"
              addresses: "fe80::1/64"
            }
            interfaces { mac: "52:54:00:00:00:02" addresses: "192.168.1.9/24" }
          }
          conditions { type: "Unreachable" }
        )pb",
        &record_));
    *record_.mutable_confirmed_at() = ToProto(kNow - absl::Seconds(90));
    *record_.mutable_provenance()->mutable_observed_at() =
        ToProto(kNow - absl::Seconds(120));
    sync_.set_state(v1::SYNC_STATE_PARKED);
    *sync_.mutable_verified_at() = ToProto(kNow - absl::Hours(1));
    host_ = {.record = &record_, .running_guests = 1, .sync = &sync_};
    rows_ = GuestRows(record_);
  }

  bool MatchesGuest(const std::string& text) {
    const auto filter = Filter::Compile(text, Kind::kGuests);
    EXPECT_THAT(filter, IsOk()) << text;
    return filter.ok() &&
           filter->Matching(filter->Narrow(host_, kNow), host_, rows_, 0) == 1;
  }

  bool MatchesHost(const std::string& text) {
    const auto filter = Filter::Compile(text, Kind::kHosts);
    EXPECT_THAT(filter, IsOk()) << text;
    return filter.ok() && filter->MatchesHost(host_, kNow);
  }

  v1::Record record_;
  v1::SyncStatus sync_;
  HostRow host_;
  GuestRows rows_;
};

TEST_F(FilterTest, EveryFieldOfGuestsIsCompared) {
  const struct {
    const char* filter;
    bool matches;
  } cases[] = {
      {"", true},
      {"name = web-01", true},
      {"name = web-02", false},
      {"name != web-02", true},
      {"name = web-*", true},
      {"name = \"web-\\*\"", false},
      {"name = web-0?", true},
      {"name != web-*", false},
      {"name : eb-0", true},
      {"name > web-00", true},
      {"name < web-01", false},
      {"name <= web-01", true},
      {"uuid = 6B29FC40-CA47-1067-B31D-00DD010662DA", true},
      {"uuid = 6b29fc40ca471067b31d00dd010662da", true},
      {"uuid = 6b29*", true},
      {"uuid = 00000000-0000-0000-0000-000000000000", false},
      {"id = 7", true},
      {"id:*", true},
      {"id > 7", false},
      {"state = running", true},
      {"state = RUNNING", true},
      {"state = GUEST_STATE_RUNNING", true},
      {"state = shut-off", false},
      {"state != shut_off", true},
      {"state = (paused OR running)", true},
      {"state_reason = booted", true},
      {"vcpus >= 4", true},
      {"vcpus < 4", false},
      {"vcpus > 3", true},
      {"vcpus > 4", false},
      {"vcpus < 5", true},
      {"vcpus <= 4", true},
      {"vcpus <= 3", false},
      {"vcpus >= 5", false},
      {"vcpus : 4", true},
      {"vcpus < -9223372036854775808", false},
      {"vcpus >= -9223372036854775808", true},
      {"vcpus > 9223372036854775807", false},
      {"vcpus <= 9223372036854775807", true},
      {"max_vcpus = 8", true},
      {"memory = 4GiB", true},
      {"memory >= 4097MiB", false},
      {"memory < 4294967297", true},
      {"max_memory = 8g", true},
      {"autostart", false},
      {"NOT autostart", true},
      {"persistent = true", true},
      {"persistent != true", false},
      {"missing", false},
      {"-missing", true},
      {"title = \"The shop\"", true},
      {"title : shop", true},
      {"description = \"\"", true},
      {"description:*", false},
      {"metadata : \"<owner>ops\"", true},
      {"metadata : dev", false},
      {"mac = 52:54:00:6B:3C:58", true},
      {"mac = 52-54-00-6b-3c-58", true},
      {"mac = 52:54:00:00:00:02", true},
      {"mac != 52:54:00:00:00:02", false},
      {"mac != 52:54:00:00:00:03", true},
      {"mac = 52:54:*", true},
      {"interfaces.mac:\"6b:3c\"", true},
      {"mac:*", true},
      {"ip = 10.0.0.7", true},
      {"ip = 10.0.0.0/24", true},
      {"ip = 10.0.1.0/24", false},
      {"ip != 10.0.0.0/24", false},
      {"ip = fe80::/10", true},
      {"ip = FE80:0::1", true},
      {"ip = 192.168.*", true},
      {"ip:*", true},
      {"network = br0", true},
      {"disk = *.qcow2", true},
      {"disk : web-01", true},
      {"disk = \"\"", false},
      {"node = hv1.example.com", true},
      {"host = hv1.*", true},
      {"host.node = hv2", false},
      {"host.labels.rack = a1", true},
      {"host.labels.rack = \"a*\"", true},
      {"host.labels.rack != a1", false},
      {"host.labels.row = a1", false},
      {"host.labels.row = \"\"", false},
      {"host.labels.row != a1", true},
      {"host.labels.rack:*", true},
      {"host.labels.row:*", false},
      {"host.labels:rack", true},
      {"host.labels:row", false},
      {"host.labels:r*", true},
      {"host.labels:*", true},
      {"host.labels.zone.name = north", true},
      {"host.labels.\"zone.name\" = north", true},
      {"host.presence = current", true},
      {"host.hypervisor = QEMU", true},
      {"host.hypervisor_version >= 7.9", true},
      {"host.hypervisor_version < 7.9", false},
      {"host.hypervisor_version = 7.10.*", true},
      {"host.memory >= 128GiB", true},
      {"host.condition = Unreachable", true},
      {"host.sync = parked", true},
      {"age > 30s", true},
      {"age > 1m31s", false},
      {"age <= 90s", true},
      {"observed_at > 2027-01-15T07:57:59Z", true},
      {"observed_at < 2027-01-15T08:58:00+01:00", false},
      {"observed_at > 2027-01-15", true},
      {"source = pull", true},
      {"source = push", false},
      {"revision = 4711", true},
      // Words alone.
      {"web", true},
      {"eb-0", true},
      {"web-*", true},
      {"eb-*", false},
      {"db", false},
      {"\"missing\"", false},
      // Together.
      {"state = running AND vcpus = 4", true},
      {"state = running vcpus = 5", false},
      {"state = paused OR vcpus = 4", true},
      {"NOT (state = paused OR vcpus = 5)", true},
      {"host.labels.rack = b1 OR vcpus = 4", true},
      {"host.labels.rack = b1 AND vcpus = 4", false},
      {"host.labels.rack = a1 AND host.labels.zone.name = a1", false},
      {"host.labels.rack = (b1 OR a1) AND host.labels.zone.name = north", true},
      {"NOT host.labels.rack = b1 AND name = web-01", true},
      {"NOT (host.labels.rack = a1 OR name = x)", false},
      {"NOT (host.labels.rack = b1 OR name = x)", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MatchesGuest(c.filter), c.matches) << c.filter;
  }
}

TEST_F(FilterTest, EveryFieldOfHostsIsCompared) {
  const struct {
    const char* filter;
    bool matches;
  } cases[] = {
      {"", true},
      {"hv1", true},
      {"hv2", false},
      {"node = hv1.example.com", true},
      {"hostname = hv1", true},
      {"uuid:*", false},
      {"labels.rack = a1", true},
      {"presence = stale", false},
      {"presence = (stale OR current)", true},
      {"guest_count = 1", true},
      {"running_guest_count > 0", true},
      {"cpus >= 32", true},
      {"memory < 128GiB", false},
      {"free_memory > 0", false},
      {"NOT free_memory:*", true},
      {"hypervisor = qemu", false},
      {"hypervisor_version > 7.2", true},
      {"libvirt_version:*", false},
      {"condition : Unreach", true},
      {"condition = Unreach", false},
      {"condition:*", true},
      {"condition != Unreachable", false},
      {"sync = parked", true},
      {"sync.state != parked", false},
      {"applied_age > 59m", true},
      {"applied_age > 61m", false},
      {"age < 2m", true},
      {"source = SOURCE_KIND_PULL", true},
      {"revision > 4711", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MatchesHost(c.filter), c.matches) << c.filter;
  }
}

TEST_F(FilterTest, WhatIsNotKnownMatchesNothingButUnequal) {
  record_.clear_confirmed_at();
  record_.clear_facts();
  record_.mutable_guests(0)->clear_id();
  host_.sync = nullptr;
  for (const char* filter :
       {"age > 0s", "age < 1h", "host.cpus = 0", "host.cpus < 1", "id = 0",
        "host.sync = unspecified", "host.hypervisor_version < 9", "id:*"}) {
    EXPECT_FALSE(MatchesGuest(filter)) << filter;
  }
  EXPECT_TRUE(MatchesGuest("id != 7"));
  EXPECT_TRUE(MatchesGuest("age != 7s"));
}

TEST_F(FilterTest, ErrorsSayWhatIsWrongWhere) {
  const struct {
    const char* filter;
    const char* error;
  } cases[] = {
      {"stat = running",
       "character 1: unknown field stat; did you mean state?"},
      {"vcpus = 4 host.labls.rack = a", "character 11: unknown field"},
      {"qqqqqq = 1", "docs/query.md"},
      {"\"name\" = x", "character 1: unknown field"},
      {"labels.rack = a1", "unknown field labels.rack"},
      {"state = runing",
       "character 9: state is never runing; did you mean "
       "running?"},
      {"state = qqqqqq", "it is one of"},
      {"state > running", "character 1: state has no order"},
      {"mac < a", "mac has no order"},
      {"missing = maybe", "character 11: \"maybe\" is not true or false"},
      {"vcpus = four", "\"four\" is not a whole number"},
      {"vcpus = 4*", "\"4*\" is not a whole number"},
      {"memory > 4gigs", "\"4gigs\" is not a size"},
      {"age > soon", "\"soon\" is not a duration"},
      {"observed_at > yesterday", "\"yesterday\" is not a time"},
      {"ip = 10.0.0", "\"10.0.0\" is not an IP address"},
      {"ip = 10.0.0.0/33", "is not an IP address"},
      {"name < web*", "\"web*\" has wildcards"},
      {"host.labels = a1", "labels are many"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(
        Filter::Compile(c.filter, Kind::kGuests),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.error)))
        << c.filter;
  }
  EXPECT_THAT(Filter::Compile("state = running", Kind::kHosts),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unknown field state")));
}

TEST_F(FilterTest, AHostAloneDecidesWhatItCan) {
  const struct {
    const char* filter;
    Filter::Verdict verdict;
  } cases[] = {
      {"", Filter::Verdict::kYes},
      {"host.labels.rack = a1", Filter::Verdict::kYes},
      {"host.labels.rack = b1", Filter::Verdict::kNo},
      {"host.labels.rack = b1 AND vcpus = 4", Filter::Verdict::kNo},
      {"host.labels.rack = a1 AND vcpus = 4", Filter::Verdict::kDepends},
      {"host.labels.rack = a1 OR vcpus = 4", Filter::Verdict::kYes},
      {"NOT vcpus = 4", Filter::Verdict::kDepends},
      {"NOT node = hv2", Filter::Verdict::kYes},
  };
  for (const auto& c : cases) {
    const auto filter = Filter::Compile(c.filter, Kind::kGuests);
    ASSERT_THAT(filter, IsOk());
    EXPECT_EQ(filter->Narrow(host_, kNow).verdict, c.verdict) << c.filter;
  }
}

TEST_F(FilterTest, WhatEveryMatchHasIsAKeyToLookUp) {
  const struct {
    const char* filter;
    std::optional<FieldId> field;
    const char* text;
  } cases[] = {
      {"name = web-01", FieldId::kName, "web-01"},
      {"state = running AND name = web-01", FieldId::kName, "web-01"},
      {"uuid = 6B29FC40CA471067B31D00DD010662DA", FieldId::kUuid,
       "6b29fc40-ca47-1067-b31d-00dd010662da"},
      {"mac = 52-54-00-6B-3C-58", FieldId::kMac, "52:54:00:6b:3c:58"},
      {"ip = 10.0.0.7", FieldId::kIp, "10.0.0.7"},
      {"ip = 10.0.0.7/32", FieldId::kIp, "10.0.0.7"},
      {"", std::nullopt, ""},
      {"name = web-*", std::nullopt, ""},
      {"name != web-01", std::nullopt, ""},
      {"name : web-01", std::nullopt, ""},
      {"web-01", std::nullopt, ""},
      {"ip = 10.0.0.0/24", std::nullopt, ""},
      {"NOT name = web-01", std::nullopt, ""},
      {"name = web-01 OR name = web-02", std::nullopt, ""},
      {"node = hv1", std::nullopt, ""},
      {"host.uuid = 6b29fc40-ca47-1067-b31d-00dd010662da", std::nullopt, ""},
  };
  for (const auto& c : cases) {
    const auto filter = Filter::Compile(c.filter, Kind::kGuests);
    ASSERT_THAT(filter, IsOk());
    ASSERT_EQ(filter->key().has_value(), c.field.has_value()) << c.filter;
    if (!c.field.has_value()) continue;
    EXPECT_EQ(filter->key()->field, *c.field) << c.filter;
    EXPECT_EQ(filter->key()->text, c.text) << c.filter;
  }
}

TEST_F(FilterTest, TellsWhatItNeedsBesideTheRecord) {
  const auto plain = Filter::Compile("labels.rack = a1", Kind::kHosts);
  ASSERT_THAT(plain, IsOk());
  EXPECT_FALSE(plain->uses_sync());
  EXPECT_EQ(plain->volatile_field(), nullptr);
  const auto synced = Filter::Compile("sync = parked", Kind::kHosts);
  ASSERT_THAT(synced, IsOk());
  EXPECT_TRUE(synced->uses_sync());
  const auto aged = Filter::Compile("hv1 NOT age > 3s", Kind::kHosts);
  ASSERT_THAT(aged, IsOk());
  ASSERT_NE(aged->volatile_field(), nullptr);
  EXPECT_EQ(aged->volatile_field()->name, "age");
}

}  // namespace
}  // namespace rehai::query
