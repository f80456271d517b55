// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/host_refresh.h"

#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/client.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/request_signer.h"
#include "hypervisor/connection.h"
#include "hypervisor/deaf_listener.h"
#include "hypervisor/libvirt_dialer.h"
#include "rehai/v1/model.pb.h"

namespace rehai::bench {
namespace {

class Refresher final : public HostRefresh {
 public:
  Refresher(std::string node, std::string uri)
      : node_(std::move(node)), uri_(std::move(uri)), dialer_(Clock::Real()) {}

  absl::Status Open(const lab::Knife::Options& account) {
    ASSIGN_OR_RETURN(connection_, dialer_.Dial(uri_, {}, listener_));
    ASSIGN_OR_RETURN(const std::string key, ReadFile(account.client_key_file));
    ASSIGN_OR_RETURN(
        chef::RequestSigner signer,
        chef::RequestSigner::Create(account.client_name,
                                    absl::string_view(key.data(), key.size()),
                                    chef::SignVersion::k1_3));
    chef::Client::Options options;
    options.server_url = account.server_url;
    options.ca_file = account.ca_file;
    ASSIGN_OR_RETURN(client_, chef::Client::Create(options, std::move(signer),
                                                   Clock::Real()));
    writer_ = std::make_unique<chef::NodeWriter>(chef::NodeWriter::Options(),
                                                 *client_, Clock::Real());
    return absl::OkStatus();
  }

  absl::StatusOr<RefreshCost> Run() override {
    ASSIGN_OR_RETURN(
        hypervisor::Inventory inventory,
        connection_->Read({.everything = true, .changed = {}, .host = true}));
    v1::Record record;
    record.set_node(node_);
    *record.mutable_facts() = std::move(inventory.facts);
    for (v1::Guest& guest : inventory.guests) {
      *record.add_guests() = std::move(guest);
    }
    chef::NodeUpdate update;
    update.node = node_;
    update.rendering = chef::Render(
        record, {.kvm_extensions = true, .ohai_libvirt = true, .rehai = true});
    update.stamp.digest = update.rendering.digest;
    update.stamp.revision = ++revision_;
    update.stamp.source = absl::StrCat("pull ", uri_);
    std::promise<chef::WriteResult> promise;
    writer_->Write(std::move(update), [&](chef::WriteResult result) {
      promise.set_value(std::move(result));
    });
    const chef::WriteResult result = promise.get_future().get();
    if (result.outcome != v1::WRITE_OUTCOME_WRITTEN) {
      return absl::InternalError(absl::StrCat(
          "not written but ", v1::WriteOutcome_Name(result.outcome), ": ",
          result.status.message()));
    }
    return RefreshCost{.requests = result.cost.requests,
                       .bytes_sent = result.cost.bytes_sent,
                       .bytes_received = result.cost.bytes_received,
                       .window = result.window_end - result.window_begin};
  }

 private:
  const std::string node_;
  const std::string uri_;
  int64_t revision_ = 0;
  hypervisor::LibvirtDialer dialer_;
  hypervisor::DeafListener listener_;
  std::unique_ptr<hypervisor::Connection> connection_;
  std::unique_ptr<chef::Client> client_;
  std::unique_ptr<chef::NodeWriter> writer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HostRefresh>> HostRefresh::Create(
    const std::string& libvirt_uri, const lab::Knife::Options& account,
    const std::string& node) {
  auto refresher = std::make_unique<Refresher>(node, libvirt_uri);
  RETURN_IF_ERROR(refresher->Open(account));
  return refresher;
}

}  // namespace rehai::bench
