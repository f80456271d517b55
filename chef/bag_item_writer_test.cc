// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Data bag items as NodeWriter writes them: alone, and after a node.

#include "chef/bag_item_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "chef/node_writer.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr char kNode[] =
    R"({"name":"hv1","automatic":{"ohai_time":7.50},"normal":{}})";

v1::Record HostWith(int vcpus) {
  v1::Record record;
  record.set_node("hv1");
  v1::Guest& guest = *record.add_guests();
  guest.set_name("web01");
  guest.set_uuid("u1");
  guest.set_vcpus(vcpus);
  return record;
}

RenderingOptions OnlyBag() {
  RenderingOptions options = {.kvm_extensions = true, .ohai_libvirt = true};
  options.places.automatic = false;
  options.places.data_bag = "vms";
  return options;
}

RenderingOptions NodeAndBag() {
  RenderingOptions options = OnlyBag();
  options.places.automatic = true;
  return options;
}

NodeUpdate UpdateOf(const RenderingOptions& options, int vcpus = 1) {
  NodeUpdate update;
  update.node = "hv1";
  update.rendering = Render(HostWith(vcpus), options);
  update.stamp.digest = update.rendering.digest;
  update.stamp.revision = 7;
  return update;
}

class BagItemWriterTest : public testing::Test {
 protected:
  BagItemWriterTest() {
    FakeChefServer::Options options;
    options.clock = &clock_;
    server_ = FakeChefServer::Start(options);
    const RsaKeyPair key = MakeRsaKeyPair();
    server_->AddClient("rehai", key.public_pem);
    server_->SetNode("hv1", kNode);
    server_->AddDataBag("vms");
    Client::Options client_options;
    client_options.server_url = server_->url();
    client_ = *Client::Create(
        client_options,
        *RequestSigner::Create("rehai", key.private_pkcs1, SignVersion::k1_3),
        clock_);
  }

  WriteResult Write(NodeUpdate update, NodeWriter::Options options = {}) {
    std::promise<WriteResult> promise;
    NodeWriter(options, *client_, clock_)
        .Write(std::move(update), [&promise](WriteResult result) {
          promise.set_value(std::move(result));
        });
    return promise.get_future().get();
  }

  json Item() {
    return json::parse(server_->Item("vms", "hv1").value_or("null"));
  }

  void FailNext(const std::string& method, int status) {
    FakeChefServer::Fault fault;
    fault.method = method;
    fault.status = status;
    server_->AddFault(fault);
  }

  FakeClock clock_;
  std::unique_ptr<FakeChefServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(BagItemWriterTest, AnItemIsMadeAndThenUpdated) {
  const WriteResult made = Write(UpdateOf(OnlyBag()));
  EXPECT_EQ(made.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(made.status, IsOk());
  EXPECT_EQ(made.confirmed.digest, UpdateOf(OnlyBag()).stamp.digest);
  EXPECT_EQ(made.confirmed.revision, 7);
  EXPECT_EQ(made.window_begin, absl::InfinitePast());
  EXPECT_EQ(Item()["id"], "hv1");
  EXPECT_EQ(Item()["node"], "hv1");
  EXPECT_EQ(Item()["rehai"]["guests"]["u1"]["vcpus"], 1);
  EXPECT_EQ(Item()["virtualization"]["kvm"]["guests"]["web01"]["CPU(s)"], "1");

  const WriteResult updated = Write(UpdateOf(OnlyBag(), 2));
  EXPECT_EQ(updated.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(updated.found.digest, made.confirmed.digest);
  EXPECT_EQ(Item()["rehai"]["guests"]["u1"]["vcpus"], 2);
  EXPECT_EQ(server_->Node("hv1"), kNode);
}

TEST_F(BagItemWriterTest, AnItemThatIsUpToDateIsNotWritten) {
  NodeUpdate update = UpdateOf(OnlyBag());
  update.confirmed = Write(update).confirmed;
  update.stamp.revision = 8;
  const WriteResult result = Write(update);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_EQ(result.cost.requests, 1);
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(BagItemWriterTest, ATreeThatIsSwitchedOffGoes) {
  Write(UpdateOf(OnlyBag()));
  RenderingOptions options = OnlyBag();
  options.ohai_libvirt = false;
  EXPECT_EQ(Write(UpdateOf(options)).outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_FALSE(Item().contains("libvirt"));
  options.rehai = false;
  EXPECT_EQ(Write(UpdateOf(options)).outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_FALSE(Item().contains("rehai"));
  EXPECT_EQ(Write(UpdateOf(options)).outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(BagItemWriterTest, AHandsChangeOfAnItemIsRepaired) {
  NodeUpdate update = UpdateOf(OnlyBag());
  update.confirmed = Write(update).confirmed;
  server_->SetItem("vms", "hv1", R"({"id":"hv1","rehai":{"guests":{}}})");
  const WriteResult result = Write(update);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
  EXPECT_EQ(result.overwriter, v1::OVERWRITER_SOMEBODY);
  EXPECT_TRUE(Item()["rehai"]["guests"].contains("u1"));
}

TEST_F(BagItemWriterTest, ABagThatDoesNotExistIsNotMade) {
  RenderingOptions options = OnlyBag();
  options.places.data_bag = "absent";
  const WriteResult result = Write(UpdateOf(options));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_REJECTED);
  EXPECT_THAT(result.status,
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("absent/hv1"),
                             HasSubstr("knife data bag create absent"))));
}

TEST_F(BagItemWriterTest, RefusalsKeepTheirClass) {
  FailNext("POST", 403);
  const WriteResult forbidden = Write(UpdateOf(OnlyBag()));
  EXPECT_EQ(forbidden.outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  EXPECT_THAT(forbidden.status, StatusIs(absl::StatusCode::kPermissionDenied,
                                         HasSubstr("on the data bag")));
  FailNext("POST", 503);
  EXPECT_EQ(Write(UpdateOf(OnlyBag())).outcome, v1::WRITE_OUTCOME_RETRY);
  FailNext("POST", 409);
  EXPECT_EQ(Write(UpdateOf(OnlyBag())).outcome, v1::WRITE_OUTCOME_RETRY);
  NodeWriter::Options small;
  small.max_node_bytes = 100;
  EXPECT_EQ(Write(UpdateOf(OnlyBag()), small).outcome,
            v1::WRITE_OUTCOME_TOO_LARGE);
  EXPECT_FALSE(server_->Item("vms", "hv1").has_value());
}

TEST_F(BagItemWriterTest, TheItemFollowsTheNode) {
  const WriteResult both = Write(UpdateOf(NodeAndBag()));
  EXPECT_EQ(both.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(both.cost.requests, 4);
  EXPECT_EQ(both.confirmed.ohai_time, "7.50");
  EXPECT_NE(both.window_begin, absl::InfinitePast());
  EXPECT_EQ(Item()["rehai"]["guests"],
            json::parse(*server_->Node("hv1"))["automatic"]["rehai"]["guests"]);
  EXPECT_EQ(Write(UpdateOf(NodeAndBag())).outcome, v1::WRITE_OUTCOME_UNCHANGED);

  // The item alone has to be written: that is a write.
  server_->SetItem("vms", "hv1", R"({"id":"hv1"})");
  NodeUpdate update = UpdateOf(NodeAndBag());
  update.confirmed = both.confirmed;
  EXPECT_EQ(Write(update).outcome, v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(BagItemWriterTest, AFailureOfEitherIsTheResult) {
  FailNext("PUT", 403);
  EXPECT_EQ(Write(UpdateOf(NodeAndBag())).outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  EXPECT_FALSE(server_->Item("vms", "hv1").has_value());
  FailNext("POST", 503);
  const WriteResult result = Write(UpdateOf(NodeAndBag()));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(*server_->Node("hv1"), HasSubstr("guests"));
}

TEST_F(BagItemWriterTest, WhatWasInTheNodeGoesWhenTheBagIsTheOnlyPlace) {
  Write(UpdateOf(NodeAndBag()));
  NodeUpdate update = UpdateOf(OnlyBag());
  const WriteResult moved = Write(update);
  EXPECT_EQ(moved.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(json::parse(*server_->Node("hv1"))["automatic"],
            json::parse(R"({"ohai_time":7.5,"virtualization":{}})"));
  // From then on the node is not even read.
  update.confirmed = moved.confirmed;
  EXPECT_EQ(Write(update).cost.requests, 1);
}

TEST_F(BagItemWriterTest, AHostWithoutANodeHasAnItem) {
  server_->RemoveNode("hv1");
  const WriteResult result = Write(UpdateOf(OnlyBag()));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(result.status, IsOk());
  EXPECT_FALSE(server_->Node("hv1").has_value());
  EXPECT_EQ(Write(UpdateOf(NodeAndBag())).outcome,
            v1::WRITE_OUTCOME_NODE_MISSING);
}

TEST_F(BagItemWriterTest, ANodeThatMayNotBeTouchedIsNoHindrance) {
  Write(UpdateOf(NodeAndBag()));
  FailNext("PUT", 403);  // of the node, where our trees were to go
  const WriteResult result = Write(UpdateOf(OnlyBag(), 2));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(result.status, IsOk());
  EXPECT_EQ(Item()["rehai"]["guests"]["u1"]["vcpus"], 2);
}

TEST_F(BagItemWriterTest, ADryRunShowsBothAndSendsNothing) {
  NodeWriter::Options options;
  options.dry_run = true;
  const WriteResult result = Write(UpdateOf(NodeAndBag()), options);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WOULD_WRITE);
  EXPECT_THAT(
      result.differences,
      AllOf(Contains(Field(&PathDifference::path,
                           "automatic.rehai.guests.u1.vcpus")),
            Contains(Field(&PathDifference::path, "rehai.guests.u1.vcpus"))));
  EXPECT_EQ(server_->counters().puts, 0);
  EXPECT_FALSE(server_->Item("vms", "hv1").has_value());
}

}  // namespace
}  // namespace rehai::chef
