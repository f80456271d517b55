// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fleet/fleet.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/process.h"

namespace rehai::fleet {
namespace {

// As little as Chef takes for a node.
std::string SmallNode(const std::string& name) {
  return absl::StrCat(
      R"({"name":")", name,
      R"(","chef_environment":"_default","json_class":"Chef::Node",)",
      R"("chef_type":"node","automatic":{"fqdn":")", name,
      R"(","ohai_time":1795527759.25},"normal":{},"default":{},)",
      R"("override":{},"run_list":[]})");
}

// The first difference between what is shown and what is so.
absl::Status SameInRecords(const Recorder::Records& records,
                           const std::vector<lab::GuestTruth>& truth) {
  size_t shown = 0;
  for (const auto& [node, record] : records) shown += record.guests_size();
  if (shown != truth.size()) {
    return absl::UnavailableError(absl::StrCat(
        "the records show ", shown, " guests and there are ", truth.size()));
  }
  for (const lab::GuestTruth& guest : truth) {
    const auto record = records.find(guest.node);
    if (record == records.end()) {
      return absl::UnavailableError(absl::StrCat("no record of ", guest.node));
    }
    std::optional<v1::GuestState> state;
    for (const v1::Guest& candidate : record->second.guests()) {
      if (candidate.uuid() == guest.uuid) state = candidate.state();
    }
    if (state != ApiState(guest.state)) {
      return absl::UnavailableError(absl::StrCat(
          guest.guest, " on ", guest.node, " is shown as ",
          state.has_value() ? v1::GuestState_Name(*state) : "absent"));
    }
  }
  return absl::OkStatus();
}

absl::Status SameInChef(const chef::FakeChefServer& server,
                        const std::vector<lab::GuestTruth>& truth) {
  std::map<std::string, std::string> nodes;
  for (const lab::GuestTruth& guest : truth) {
    std::string& node = nodes[guest.node];
    if (node.empty()) node = server.Node(guest.node).value_or("{}");
    const WriteLog::State state = ShownState(node, guest.uuid);
    if (state != ChefState(guest.state)) {
      return absl::UnavailableError(absl::StrCat(guest.guest, " is ",
                                                 state.value_or("absent"),
                                                 " in node ", guest.node));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Fleet>> Fleet::Start(Options options) {
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options)));
  const Options& wanted = fleet->options_;
  ASSIGN_OR_RETURN(fleet->lab_,
                   lab::Lab::Start({.test_hosts = wanted.hosts,
                                    .guests = wanted.guests,
                                    .linked_hosts = wanted.linked_hosts}));
  ASSIGN_OR_RETURN(fleet->chef_, StandInChef::Start());
  for (int i = 0; i < fleet->lab_->size(); ++i) {
    const std::string& node = fleet->lab_->host(i).node();
    fleet->chef_->server().SetNode(
        node, wanted.node == nullptr ? SmallNode(node) : wanted.node(node));
  }
  return fleet;
}

absl::Status Fleet::StartController(int hosts) {
  std::vector<lab::WatchedHost> watched = lab::FleetOf(*lab_);
  if (hosts >= 0) watched.resize(hosts);
  watched_ = watched.size();
  ASSIGN_OR_RETURN(
      controller_,
      lab::ControllerProcess::Start(
          chef_->account(),
          {.hosts = std::move(watched),
           .window = options_.window,
           // The stand-in is not to be spared.
           .more_sync = "  requests_per_second: 10000\n  server_share: 1\n",
           .kvm_extensions = false,
           .ohai_libvirt = false,
           .more_config = absl::StrCat(lab::PullSsh(*lab_), options_.pull,
                                       options_.more_config)}));
  recorder_ = std::make_unique<Recorder>(controller_->address());
  return absl::OkStatus();
}

void Fleet::StopController() {
  recorder_.reset();
  controller_.reset();
}

absl::Status Fleet::AwaitCurrent(absl::Duration timeout) {
  return recorder_->Await(timeout, [this](const Recorder::Records& records) {
    return AreCurrent(records, watched_);
  });
}

absl::Status Fleet::AwaitTruth(const std::vector<lab::GuestTruth>& truth,
                               absl::Duration timeout) {
  RETURN_IF_ERROR(
      recorder_->Await(timeout, [&](const Recorder::Records& records) {
        return SameInRecords(records, truth);
      }));
  return lab::WaitUntil(
      timeout, [&] { return SameInChef(chef_->server(), truth); },
      absl::Milliseconds(50));
}

absl::StatusOr<Footprint> Fleet::ControllerFootprint() {
  return FootprintOf(controller_->process().pid());
}

std::vector<lab::Host*> Fleet::hosts() {
  std::vector<lab::Host*> hosts;
  for (int i = 0; i < lab_->size(); ++i) hosts.push_back(&lab_->host(i));
  return hosts;
}

std::vector<lab::GuestTruth> Fleet::Truth() {
  std::vector<lab::GuestTruth> truth;
  for (const lab::Host* host : hosts()) {
    for (const lab::ShownGuest& guest : host->guests()) {
      truth.push_back({host->node(), guest.name, guest.uuid, guest.state});
    }
  }
  return truth;
}

v1::GuestState ApiState(lab::GuestState state) {
  switch (state) {
    case lab::GuestState::kShutOff:
      return v1::GUEST_STATE_SHUT_OFF;
    case lab::GuestState::kRunning:
      return v1::GUEST_STATE_RUNNING;
    case lab::GuestState::kPaused:
      return v1::GUEST_STATE_PAUSED;
  }
  return v1::GUEST_STATE_UNSPECIFIED;
}

std::string ChefState(lab::GuestState state) {
  switch (state) {
    case lab::GuestState::kShutOff:
      return "shut_off";
    case lab::GuestState::kRunning:
      return "running";
    case lab::GuestState::kPaused:
      return "paused";
  }
  return "";
}

}  // namespace rehai::fleet
