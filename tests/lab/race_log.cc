// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/race_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "tests/lab/exact_json.h"

namespace rehai::lab {
namespace {

using ::nlohmann::json;
using Exchange = SlowProxy::Exchange;

constexpr char kNodes[] = "/nodes/";

// As the numbers of today that they are: all have as many digits before the
// point.
bool IsEarlier(const std::string& a, const std::string& b) { return a < b; }

std::vector<Save> SavesOf(const std::vector<ChefClientRun::Log>& runs) {
  std::vector<Save> saves;
  for (const ChefClientRun::Log& run : runs) {
    if (run.saved.empty()) continue;
    Save save;
    save.node = run.node;
    save.ohai_time = run.ohai_time;
    save.begin = run.put_begin;
    save.end = run.put_end;
    saves.push_back(std::move(save));
  }
  std::sort(saves.begin(), saves.end(),
            [](const Save& a, const Save& b) { return a.begin < b.begin; });
  std::map<std::string, Save*> last;
  for (Save& save : saves) {
    if (Save*& before = last[save.node]; before != nullptr) {
      before->superseded_at = save.begin;
    }
    last[save.node] = &save;
  }
  return saves;
}

std::vector<Exchange> PutsOf(const std::vector<Exchange>& exchanges) {
  std::vector<Exchange> puts;
  for (const Exchange& exchange : exchanges) {
    if (exchange.method == "PUT" && exchange.status == 200 &&
        absl::StartsWith(exchange.path, kNodes)) {
      puts.push_back(exchange);
    }
  }
  std::sort(puts.begin(), puts.end(), [](const Exchange& a, const Exchange& b) {
    return a.forwarded_at < b.forwarded_at;
  });
  return puts;
}

// When the GET that came last before the PUT was answered.
absl::Time ReadBefore(const Exchange& put,
                      const std::vector<Exchange>& exchanges) {
  absl::Time read_at = absl::InfinitePast();
  for (const Exchange& exchange : exchanges) {
    if (exchange.method == "GET" && exchange.path == put.path &&
        exchange.answered_at <= put.received_at) {
      read_at = std::max(read_at, exchange.answered_at);
    }
  }
  return read_at;
}

// What the write did to each save of its node.
void Judge(const Write& write, std::vector<Save>& saves) {
  for (Save& save : saves) {
    if (save.node != write.node) continue;
    if (write.ohai_time == save.ohai_time) {
      save.repaired_at = std::min(save.repaired_at, write.end);
    } else if (IsEarlier(write.ohai_time, save.ohai_time)) {
      if (write.begin > save.end) save.rolled_back = true;
      if (write.begin <= save.end && write.end >= save.begin) {
        save.perhaps_rolled_back = true;
      }
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ForeignPart(const std::string& node) {
  ASSIGN_OR_RETURN(json tree, ParseExactly(node));
  json& automatic = tree["automatic"];
  automatic.erase("rehai");
  automatic.erase("libvirt");
  if (automatic.contains("virtualization")) {
    automatic["virtualization"].erase("kvm");
  }
  return DumpExactly(tree);
}

std::string OhaiTimeOf(const std::string& node) {
  const absl::StatusOr<json> tree = ParseExactly(node);
  if (!tree.ok()) return "";
  return SpellingOf(
      tree->value("automatic", json::object()).value("ohai_time", json()));
}

absl::StatusOr<Race> JudgeRace(
    const std::map<std::string, std::string>& first,
    const std::vector<ChefClientRun::Log>& runs,
    const std::vector<SlowProxy::Exchange>& exchanges) {
  Race race;
  race.saves = SavesOf(runs);
  // The foreign parts that there ever were: by node and ohai_time.
  std::map<std::pair<std::string, std::string>, std::string> foreign;
  for (const auto& [node, text] : first) {
    ASSIGN_OR_RETURN((foreign[{node, OhaiTimeOf(text)}]), ForeignPart(text));
  }
  for (const ChefClientRun::Log& run : runs) {
    if (run.saved.empty()) continue;
    ASSIGN_OR_RETURN((foreign[{run.node, run.ohai_time}]),
                     ForeignPart(run.saved));
  }
  for (const Exchange& put : PutsOf(exchanges)) {
    Write write;
    write.node =
        std::string(absl::StripPrefix(absl::string_view(put.path), kNodes));
    write.ohai_time = OhaiTimeOf(put.request_body);
    write.read_at = ReadBefore(put, exchanges);
    write.begin = put.forwarded_at;
    write.end = put.answered_at;
    ASSIGN_OR_RETURN(const std::string part, ForeignPart(put.request_body));
    const auto origin = foreign.find({write.node, write.ohai_time});
    if (origin == foreign.end()) {
      race.foreign_changes.push_back(
          absl::StrCat(write.node, ": nobody saved ohai_time ", write.ohai_time,
                       ", which a write carried"));
    } else if (part != origin->second) {
      race.foreign_changes.push_back(
          absl::StrCat(write.node, ": saved was ", origin->second,
                       "\nand a write made of it ", part));
    }
    Judge(write, race.saves);
    race.writes.push_back(std::move(write));
  }
  return race;
}

}  // namespace rehai::lab
