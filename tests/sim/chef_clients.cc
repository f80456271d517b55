// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/chef_clients.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sim/json_text.h"

namespace rehai::sim {
namespace {

std::string MadeUpAutomatic(const std::string& name,
                            const std::string& ohai_time, Dice& dice) {
  static constexpr const char* kOdd[] = {
      R"("load":1.50)",
      R"("big":1e400)",
      R"("zero":-0)",
      R"("long":12345678901234567890123)",
      R"("slash":"a\/b\u003c")",
      R"("twice":1,"twice":2)",
      R"("nothing":null)",
      R"("deep":{"a":[{},[],{"b":[1.0,1.00]}]})"};
  std::string odd;
  for (const char* member : kOdd) {
    if (dice.Chance(0.5)) absl::StrAppend(&odd, ",", member);
  }
  return absl::StrCat(R"({"fqdn":")", name, R"(.example.com", "ohai_time":)",
                      ohai_time, odd,
                      R"(,"virtualization":{"system":"kvm","role":"host"},)",
                      R"("uptime_seconds":)", dice.Pick(100000), "}");
}

}  // namespace

std::string MadeUpNode(const std::string& name, const std::string& ohai_time,
                       Dice& dice) {
  const std::string space = dice.Chance(0.3) ? "\n  " : "";
  return absl::StrCat(
      "{", space, R"("name":")", name, R"(",)", space,
      R"("chef_environment":"_default","json_class":"Chef::Node",)", space,
      R"("automatic":)", MadeUpAutomatic(name, ohai_time, dice), ",", space,
      R"("normal":{"tags":[],"note":"kept 1.10"},"chef_type":"node",)",
      R"("default":{"kvm":{"bridges":["br0"]}},"override":{},)",
      dice.Chance(0.3) ? R"("of_tomorrow":{"a":1.0E+2,"a":3},)" : "",
      R"("run_list":["role[hypervisor]"])", space, "}");
}

ChefClients::ChefClients(ChefServer& server, Dice& dice, Scheduler& scheduler,
                         Trace& trace, Listener listener)
    : server_(server),
      dice_(dice),
      scheduler_(scheduler),
      trace_(trace),
      listener_(std::move(listener)) {}

// By the host's own clock, which runs on whatever ours does.
std::string ChefClients::OhaiTime(const std::string& /*node*/) const {
  const int64_t micros = absl::ToInt64Microseconds(scheduler_.now());
  return absl::StrFormat("%d.%06d1", 1795527759 + micros / 1000000,
                         micros % 1000000);
}

void ChefClients::BeginRun(const std::string& node, bool reports) {
  if (runs_.contains(node) || server_.storm() == ChefServer::Storm::kOutage)
    return;
  const std::string id = absl::StrCat("run-", ++last_run_);
  const std::string started_at = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%SZ", scheduler_.clock().Now(), absl::UTCTimeZone());
  trace_.Add("chef-client: ", id, " of ", node, " begins");
  // Ohai has run before the node is read.
  const std::string read = With(server_.node(node).text, "automatic",
                                MadeUpAutomatic(node, OhaiTime(node), dice_));
  if (reports) {
    Report(node, absl::Milliseconds(100),
           absl::StrCat(R"({"message_version":"1.0.0","message_type":)",
                        R"("run_start","node_name":")", node, R"(","run_id":")",
                        id, R"(","start_time":")", started_at, "\"}"),
           "");
  }
  runs_[node] = {node, id, started_at, read, reports};
  scheduler_.After(dice_.Between(absl::Milliseconds(500), absl::Seconds(30)),
                   [this, node, id] { EndRun(node, id); });
}

void ChefClients::Tempt(const std::string& node) {
  const auto run = runs_.find(node);
  if (run == runs_.end() || !dice_.Chance(0.5)) return;
  scheduler_.After(dice_.Between(absl::ZeroDuration(), absl::Milliseconds(20)),
                   [this, node, id = run->second.id] { EndRun(node, id); });
}

void ChefClients::EndRun(const std::string& node, const std::string& id) {
  const auto run = runs_.find(node);
  if (run == runs_.end() || run->second.id != id) return;
  const auto [name, run_id, started_at, read, reports] = run->second;
  runs_.erase(run);
  const int kind = dice_.Pick(10);
  const bool fails = kind == 0 || server_.storm() == ChefServer::Storm::kOutage;
  const bool is_override = kind == 1;
  const std::string ohai_time(
      Find(read, {"automatic", "ohai_time"}).value_or(""));
  std::string view = With(read, "default", R"({"kvm":{"bridges":["br0"]}})");
  view = With(view, "override", "{}");
  const bool saves = !fails && !is_override;
  if (saves) server_.Save(node, view, ChefServer::Writer::kChefClient);
  if (!reports) return;
  const std::string run_list =
      is_override ? R"(["recipe[hotfix]"])"
                  : std::string(Find(view, {"run_list"}).value_or("[]"));
  Report(node, dice_.Between(absl::Milliseconds(35), absl::Milliseconds(80)),
         absl::StrCat(R"({"message_version":"1.1.0","message_type":)",
                      R"("run_converge","node_name":")", node,
                      R"(","run_id":")", id, R"(","start_time":")", started_at,
                      R"(","status":")", fails ? "failure" : "success",
                      R"(","run_list":)", run_list, R"(,"node":)", view, "}"),
         saves ? ohai_time : "");
}

void ChefClients::Report(const std::string& node, absl::Duration after,
                         std::string message,
                         const std::string& saved_ohai_time) {
  if (dice_.Chance(0.1)) return;  // lost
  if (dice_.Chance(0.1)) {
    after += dice_.Between(absl::ZeroDuration(), absl::Seconds(9));
  }
  scheduler_.After(after,
                   [this, node, message = std::move(message), saved_ohai_time] {
                     trace_.Add("chef-client: a message of ", node, " arrives");
                     if (listener_(message) && !saved_ohai_time.empty()) {
                       server_.Told(node, saved_ohai_time);
                     }
                   });
}

}  // namespace rehai::sim
