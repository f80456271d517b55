// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/node_refresh.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/fake_clock.h"
#include "chef/node_document.h"
#include "chef/request_signer.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kUri[] = "test:///default";
constexpr char kUuid[] = "11111111-1111-1111-1111-111111111111";
constexpr char kNode[] =
    R"({"name":"hv1", "run_list":["recipe[kvm]"], "automatic":{"a":1.50}})";

class NodeRefreshTest : public testing::Test {
 protected:
  NodeRefreshTest() {
    chef::FakeChefServer::Options options;
    options.clock = &clock_;
    server_ = chef::FakeChefServer::Start(options);
    server_->AddClient("hv1", TestKey().public_pem);
    server_->SetNode("hv1", kNode);
    options_.uri = kUri;
    options_.rendering.kvm_extensions = true;
    SetGuest(v1::GUEST_STATE_RUNNING);
    client_ = Connect(TestKey().private_pkcs1);
  }

  static const RsaKeyPair& TestKey() {
    static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
    return *key;
  }

  std::unique_ptr<chef::Client> Connect(const std::string& key) {
    chef::Client::Options options;
    options.server_url = server_->url();
    return *chef::Client::Create(
        options,
        *chef::RequestSigner::Create("hv1", key, chef::SignVersion::k1_3),
        clock_);
  }

  void SetGuest(v1::GuestState state) {
    v1::Guest guest;
    guest.set_uuid(kUuid);
    guest.set_name("web01");
    guest.set_state(state);
    dialer_.host(kUri).SetGuest(guest);
  }

  absl::StatusOr<chef::WriteResult> Run() {
    NodeRefresh refresh(options_, dialer_, *client_, clock_);
    const auto record = refresh.Read();
    if (!record.ok()) return record.status();
    return refresh.Write(*record);
  }

  std::string Value(const chef::NodePath& path) {
    const std::string node = server_->Node("hv1").value_or("");
    const auto value = chef::FindValue(node, path);
    if (!value.ok() || !value->has_value()) return "";
    return std::string(**value);
  }

  FakeClock clock_;
  hypervisor::FakeDialer dialer_;
  NodeRefresh::Options options_;
  std::unique_ptr<chef::FakeChefServer> server_;
  std::unique_ptr<chef::Client> client_;
};

TEST_F(NodeRefreshTest, WritesTheNodeThatTheClientIsNamedAs) {
  const auto result = Run();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(
      Value({"automatic", "virtualization", "kvm", "guests", "web01", "state"}),
      "\"running\"");
  EXPECT_EQ(Value({"automatic", "rehai", "source"}),
            "\"once test:///default\"");
  EXPECT_EQ(Value({"automatic", "a"}), "1.50");
}

TEST_F(NodeRefreshTest, SaysWhatChanged) {
  ASSERT_THAT(Run(), IsOk());
  SetGuest(v1::GUEST_STATE_PAUSED);
  const auto result = Run();
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(
      result->differences,
      Contains(AllOf(Field(&chef::PathDifference::path,
                           "automatic.virtualization.kvm.guests.web01.state"),
                     Field(&chef::PathDifference::before, "\"running\""),
                     Field(&chef::PathDifference::after, "\"paused\""))));
}

TEST_F(NodeRefreshTest, WhatIsThereIsNotWrittenAgain) {
  ASSERT_THAT(Run(), IsOk());
  clock_.Advance(absl::Hours(1));
  const auto result = Run();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_THAT(result->differences, IsEmpty());
  EXPECT_EQ(server_->counters().puts, 1);
}

TEST_F(NodeRefreshTest, WhatOhaiFoundGoesInBesideOurs) {
  NodeRefresh refresh(options_, dialer_, *client_, clock_);
  const auto record = refresh.Read();
  ASSERT_THAT(record, IsOk());
  const auto result = refresh.Write(
      *record, {{{"automatic", "virtualization"}, R"({"system":"kvm"})"}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(Value({"automatic", "virtualization", "system"}), "\"kvm\"");
  EXPECT_EQ(
      Value({"automatic", "virtualization", "kvm", "guests", "web01", "state"}),
      "\"running\"");
  EXPECT_EQ(server_->counters().puts, 1);
}

TEST_F(NodeRefreshTest, OhaisAloneLeavesOursAlone) {
  ASSERT_THAT(Run(), IsOk());
  const std::string ours = Value({"automatic", "virtualization", "kvm"});
  NodeRefresh refresh(options_, dialer_, *client_, clock_);
  const auto result = refresh.WriteOhai(
      {{{"automatic", "virtualization"}, R"({"system":"kvm","kvm":0})"}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(Value({"automatic", "virtualization", "system"}), "\"kvm\"");
  EXPECT_EQ(Value({"automatic", "virtualization", "kvm"}), ours);
  EXPECT_EQ(Value({"automatic", "a"}), "1.50");
}

TEST_F(NodeRefreshTest, ADryRunWritesNothing) {
  options_.dry_run = true;
  const auto result = Run();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->outcome, v1::WRITE_OUTCOME_WOULD_WRITE);
  EXPECT_THAT(result->differences, Not(IsEmpty()));
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(NodeRefreshTest, ANodeThatIsNotThereIsNotCreated) {
  server_->RemoveNode("hv1");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kNotFound,
                              AllOf(HasSubstr("node hv1"),
                                    HasSubstr("chef-client's first run"))));
  EXPECT_EQ(server_->Node("hv1"), std::nullopt);
  EXPECT_EQ(server_->counters().requests, 1);
}

TEST_F(NodeRefreshTest, AWrongKeyIsToldWithTheFlagForIt) {
  client_ = Connect(MakeRsaKeyPair().private_pkcs1);
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       AllOf(HasSubstr("\"hv1\""), HasSubstr("--client_key"),
                             Not(HasSubstr("chef.client")))));
}

TEST_F(NodeRefreshTest, AHypervisorThatCannotBeReachedIsNamed) {
  dialer_.host(kUri).FailDials(absl::UnavailableError("no socket"));
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kUnavailable,
                              AllOf(HasSubstr(kUri), HasSubstr("no socket"))));
  dialer_.host(kUri).AllowDials();
  dialer_.host(kUri).FailReads(absl::DeadlineExceededError("no answer"));
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kDeadlineExceeded,
                              AllOf(HasSubstr(kUri), HasSubstr("no answer"))));
  EXPECT_EQ(server_->counters().requests, 0);
}

TEST_F(NodeRefreshTest, AGuestThatCannotBeReadIsAskedForOnceMore) {
  dialer_.host(kUri).SetUnreadable(kUuid);
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(dialer_.host(kUri).reads(), 2);
}

TEST_F(NodeRefreshTest, ReadsVolatileValuesOnlyIfTheyAreWritten) {
  ASSERT_THAT(Run(), IsOk());
  EXPECT_FALSE(dialer_.host(kUri).last_request().volatile_values);
  EXPECT_TRUE(dialer_.host(kUri).last_request().everything);
  options_.rendering.volatile_values = true;
  ASSERT_THAT(Run(), IsOk());
  EXPECT_TRUE(dialer_.host(kUri).last_request().volatile_values);
}

}  // namespace
}  // namespace rehai::agent
