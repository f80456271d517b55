// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/node_refresh.h"

#include <future>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/flag_words.h"
#include "agent/host_record.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "hypervisor/deaf_listener.h"

namespace rehai::agent {
namespace {

absl::Status HypervisorError(const absl::Status& status,
                             const std::string& uri) {
  const bool says_where = absl::StrContains(status.message(), uri);
  return absl::Status(
      status.code(),
      absl::StrCat(says_where ? "" : absl::StrCat("hypervisor ", uri, ": "),
                   InFlagWords(status.message())));
}

}  // namespace

NodeRefresh::NodeRefresh(Options options, hypervisor::Dialer& dialer,
                         chef::Client& client, const Clock& clock)
    : options_(std::move(options)),
      dialer_(dialer),
      client_(client),
      clock_(clock) {}

absl::StatusOr<v1::Record> NodeRefresh::Read() {
  const chef::RenderingOptions& rendering = options_.rendering;
  hypervisor::DialOptions dial;
  // Only what is going to be shown.
  dial.read.volumes = rendering.ohai_libvirt;
  dial.read.messages = rendering.kvm_extensions;
  // What happens after the one reading is the next run's to see.
  dial.events = false;
  hypervisor::DeafListener listener;
  auto connection = dialer_.Dial(options_.uri, dial, listener);
  if (!connection.ok())
    return HypervisorError(connection.status(), options_.uri);
  const hypervisor::ReadRequest request = {
      .everything = true,
      .changed = {},
      .host = true,
      .volatile_values = rendering.volatile_values};
  absl::Time begun = clock_.Now();
  auto found = (*connection)->Read(request);
  if (found.ok() && !found->unread_uuids.empty()) {
    begun = clock_.Now();
    found = (*connection)->Read(request);
  }
  if (!found.ok()) return HypervisorError(found.status(), options_.uri);
  if (!found->unread_uuids.empty()) {
    log::Warning(
        "guests could not be read, and are told with what the list "
        "of guests says",
        {{"guests", absl::StrJoin(found->unread_uuids, ",")}});
  }
  return HostRecord(client_.client_name(), options_.uri, *std::move(found),
                    begun);
}

absl::StatusOr<chef::WriteResult> NodeRefresh::Write(
    const v1::Record& record, std::vector<chef::Subtree> ohai) {
  chef::NodeUpdate update;
  update.ohai = std::move(ohai);
  update.rendering = chef::Render(record, options_.rendering);
  update.stamp.digest = update.rendering.digest;
  update.stamp.revision = record.revision();
  update.stamp.observed_at = FromProto(record.provenance().observed_at());
  update.stamp.source = absl::StrCat("once ", record.provenance().origin());
  return Write(std::move(update));
}

absl::StatusOr<chef::WriteResult> NodeRefresh::WriteOhai(
    std::vector<chef::Subtree> ohai) {
  chef::NodeUpdate update;
  update.ohai = std::move(ohai);
  return Write(std::move(update));
}

absl::StatusOr<chef::WriteResult> NodeRefresh::Write(chef::NodeUpdate update) {
  update.node = client_.client_name();
  chef::NodeWriter writer({.dry_run = options_.dry_run,
                           .tell_differences = true,
                           .max_node_bytes = options_.max_node_bytes},
                          client_, clock_);
  std::promise<chef::WriteResult> promise;
  writer.Write(std::move(update), [&promise](chef::WriteResult result) {
    promise.set_value(std::move(result));
  });
  chef::WriteResult result = promise.get_future().get();
  if (result.status.ok()) return result;
  return absl::Status(result.status.code(),
                      InFlagWords(result.status.message()));
}

}  // namespace rehai::agent
