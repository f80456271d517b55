// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/chef_world.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/sim/json_text.h"

namespace rehai::sim {
namespace {

constexpr absl::Duration kRequestTimeout = absl::Seconds(10);
constexpr absl::string_view kNodes = "/nodes/";

std::string NodeOf(const chef::Request& request) {
  const absl::string_view path = request.path;
  return std::string(absl::StartsWith(path, kNodes) ? path.substr(kNodes.size())
                                                    : absl::string_view());
}

std::string TextAt(absl::string_view json,
                   const std::vector<absl::string_view>& path) {
  return std::string(Find(json, path).value_or(""));
}

int64_t NumberAt(absl::string_view json,
                 const std::vector<absl::string_view>& path) {
  int64_t number = 0;
  return absl::SimpleAtoi(TextAt(json, path), &number) ? number : 0;
}

// What a write of ours says, without what differs with each write.
std::string OursOf(absl::string_view node) {
  const auto automatic = Find(node, {"automatic"});
  if (!automatic.has_value()) return "";
  const absl::string_view rehai = Find(*automatic, {"rehai"}).value_or("");
  std::string text;
  for (const absl::string_view key :
       {"schema", "host", "guests", "owns", "digest"}) {
    absl::StrAppend(&text, key, "=", Tight(Find(rehai, {key}).value_or("")),
                    "\n");
  }
  return absl::StrCat(text, Tight(TextAt(*automatic, {"libvirt"})), "\n",
                      Tight(TextAt(*automatic, {"virtualization", "kvm"})));
}

std::string DigestOf(absl::string_view node) {
  return TextAt(node, {"automatic", "rehai", "digest"});
}

// The number of "v17"; 0 if it is none.
int64_t VersionIn(absl::string_view title) {
  int64_t version = 0;
  if (title.size() < 4 || title[1] != 'v') return 0;
  return absl::SimpleAtoi(title.substr(2, title.size() - 3), &version) ? version
                                                                       : 0;
}

chef::Response Json(int status, std::string body) {
  chef::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

chef::Response Refusal(int status) {
  return Json(status,
              absl::StrCat(R"({"error":["sim says )", status, R"("]})"));
}

// What a search for Rehai's stamps finds of a node.
std::string RowOf(absl::string_view name, absl::string_view node) {
  std::string row = absl::StrCat(R"({"url":"/nodes/)", name, R"(","data":{)");
  const absl::string_view automatic = Find(node, {"automatic"}).value_or("{}");
  for (const auto& [key, path] :
       {std::pair<absl::string_view, std::vector<absl::string_view>>{
            "ohai_time", {"ohai_time"}},
        {"digest", {"rehai", "digest"}},
        {"revision", {"rehai", "revision"}}}) {
    const std::string value = TextAt(automatic, path);
    absl::StrAppend(&row, "\"", key, "\":", value.empty() ? "null" : value,
                    ",");
  }
  return absl::StrCat(row, R"("name":")", name, "\"}}");
}

// True if a node that came of `look` lacks nothing foreign of it; or brings
// back the levels of a save.
bool KeepsForeign(absl::string_view look, absl::string_view put,
                  const std::deque<ChefServer::Saved>& saves) {
  if (ForeignPart(look) == ForeignPart(put)) return true;
  for (const ChefServer::Saved& saved : saves) {
    if (saved.told_at == absl::InfiniteDuration()) continue;
    // Its four levels, and beside them what the server had.
    std::string restored(look);
    for (const absl::string_view level :
         {"automatic", "normal", "default", "override"}) {
      if (const auto value = Find(saved.text, {level})) {
        restored = With(restored, level, *value);
      }
    }
    if (ForeignPart(restored) == ForeignPart(put)) return true;
  }
  return false;
}

}  // namespace

double OhaiTimeOf(const std::string& node) {
  double time = 0;
  return absl::SimpleAtod(TextAt(node, {"automatic", "ohai_time"}), &time)
             ? time
             : 0;
}

ChefServer::ChefServer(Dice& dice, Scheduler& scheduler, Trace& trace)
    : dice_(dice), scheduler_(scheduler), trace_(trace) {}

void ChefServer::AddNode(const std::string& name, std::string text) {
  nodes_[name].text = std::move(text);
  nodes_[name].serial = ++last_serial_;
}

void ChefServer::SetStorm(Storm storm) {
  if (storm == storm_) return;
  trace_.Add("chef: storm ", static_cast<int>(storm));
  storm_ = storm;
}

void ChefServer::ForgetRevisions() {
  for (auto& [name, node] : nodes_) node.sent_revision = 0;
}

void ChefServer::Store(const std::string& name, std::string text,
                       Writer writer) {
  Node& node = nodes_.at(name);
  const std::string before = OursOf(node.text);
  const bool had_ours = !DigestOf(node.text).empty();
  node.text = std::move(text);
  node.row.clear();
  node.serial = ++last_serial_;
  if (writer == Writer::kController) {
    node.overwritten_at.reset();
  } else if (had_ours && OursOf(node.text) != before) {
    node.overwritten_at = scheduler_.now();
    if (on_overwrite_ != nullptr) on_overwrite_(name, scheduler_.now());
  }
  // The index hears of it later.
  const absl::Duration lag =
      storm_ == Storm::kLag
          ? dice_.Between(absl::Seconds(1), absl::Seconds(25))
          : dice_.Between(absl::Milliseconds(100), absl::Seconds(3));
  scheduler_.After(lag, [this, name, serial = node.serial] {
    Node& indexed = nodes_.at(name);
    if (indexed.serial < serial) return;
    indexed.is_indexed =
        Find(indexed.text, {"automatic", "rehai", "schema"}).has_value();
  });
}

void ChefServer::Save(const std::string& name, std::string text,
                      Writer writer) {
  trace_.Add("chef: ", writer == Writer::kHand ? "somebody" : "chef-client",
             " saves ", name);
  Node& node = nodes_.at(name);
  if (writer == Writer::kHand) node.last_hand_at = scheduler_.now();
  Store(name, std::move(text), writer);
  if (writer != Writer::kChefClient) return;
  node.saves.push_back(
      {.text = node.text,
       .ohai_time = TextAt(node.text, {"automatic", "ohai_time"}),
       .serial = node.serial,
       .at = scheduler_.now()});
  if (node.saves.size() > 8) node.saves.pop_front();
}

void ChefServer::Told(const std::string& name, const std::string& ohai_time) {
  for (Saved& saved : nodes_.at(name).saves) {
    if (saved.ohai_time == ohai_time) saved.told_at = scheduler_.now();
  }
}

ChefServer::Fate ChefServer::Draw(const chef::Request& request) {
  Fate fate;
  fate.until_applied =
      dice_.Between(absl::Milliseconds(2), absl::Milliseconds(15));
  absl::Duration back =
      dice_.Between(absl::Milliseconds(2), absl::Milliseconds(15));
  if (storm_ == Storm::kSlow) {
    fate.until_applied +=
        dice_.Between(absl::Milliseconds(200), absl::Seconds(6));
    back += dice_.Between(absl::ZeroDuration(), absl::Seconds(3));
  }
  fate.until_answered = fate.until_applied + back;
  if (request.method == "PUT" && dice_.Chance(raced_)) fate.is_raced = true;
  const double trouble = storm_ == Storm::kErrors   ? 0.3
                         : storm_ == Storm::kOutage ? 1.0
                                                    : 0.0;
  if (dice_.Chance(trouble)) {
    const int kind = storm_ == Storm::kOutage ? dice_.Pick(2) : dice_.Pick(6);
    switch (kind) {
      case 0:  // refused or reset before it was carried out
        fate.is_applied = fate.is_answered = false;
        fate.lost_as = absl::StatusCode::kUnavailable;
        break;
      case 1:  // no answer, and nothing done
        fate.is_applied = fate.is_answered = false;
        fate.until_answered = kRequestTimeout;
        break;
      case 2:  // done, and the answer lost
        fate.is_answered = false;
        fate.until_answered = kRequestTimeout;
        break;
      case 3:  // done after it was given up
        fate.is_answered = false;
        fate.until_applied = dice_.Between(kRequestTimeout, absl::Seconds(35));
        fate.until_answered = kRequestTimeout;
        break;
      case 4: {
        static constexpr int kStatuses[] = {401, 403, 404, 409, 413, 429,
                                            429, 500, 502, 503, 503, 504};
        fate.status = kStatuses[dice_.Pick(12)];
        // Some fail on the way back.
        fate.is_applied = fate.status >= 502 && dice_.Chance(0.3);
        break;
      }
      default:
        fate.is_truncated = dice_.Chance(0.2);
        break;
    }
  }
  const bool may_stumble = stumbles_ && trouble == 0 &&
                           request.method != "POST" &&
                           scheduler_.now() > stumbled_at_ + absl::Minutes(2);
  if (may_stumble && dice_.Chance(0.05)) Stumble(fate);
  // A client that is answered too late has gone.
  if (fate.until_answered >= kRequestTimeout) {
    fate.is_answered = false;
    fate.until_answered = kRequestTimeout;
  }
  return fate;
}

// So seldom that no wait grows by it, and what is promised of quiet times
// holds.
void ChefServer::Stumble(Fate& fate) {
  trace_.Add("chef: stumbles");
  stumbled_at_ = scheduler_.now();
  fate.is_applied = fate.is_raced = false;
  if (dice_.Chance(0.5)) {
    fate.status = 500;
  } else {
    fate.is_answered = false;
    fate.lost_as = absl::StatusCode::kUnavailable;
  }
}

chef::Response ChefServer::Carry(const chef::Request& request) {
  if (request.method == "POST") return Search(request);
  const std::string name = NodeOf(request);
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return Refusal(404);
  return Json(200, it->second.text);
}

chef::Response ChefServer::Search(const chef::Request& request) {
  std::string rows;
  int count = 0;
  // A fleet of the simulation's is one page.
  for (auto& [name, node] : nodes_) {
    if (!node.is_indexed) continue;
    ++count;
    if (node.row.empty()) node.row = RowOf(name, node.text);
    absl::StrAppend(&rows, rows.empty() ? "" : ",", node.row);
  }
  trace_.Add("chef: a search finds ", count);
  return Json(200, absl::StrCat("{\"total\":", count, ",\"start\":0,\"rows\":[",
                                rows, "]}"));
}

void ChefServer::ApplyPut(const std::string& name, const std::string& text,
                          int64_t base, bool is_late) {
  Node& node = nodes_.at(name);
  trace_.Add("chef: ", is_late ? "late " : "", "PUT of ", name,
             " takes effect, revision ",
             NumberAt(text, {"automatic", "rehai", "revision"}));
  if (is_late) node.last_late_put_at = scheduler_.now();
  const double brought = OhaiTimeOf(text);
  std::vector<Saved> undone;
  for (const Saved& saved : node.saves) {
    if (saved.serial > base && OhaiTimeOf(saved.text) > brought) {
      undone.push_back(saved);
    }
  }
  Store(name, text, Writer::kController);
  if (undone.empty()) return;
  ++counts_.rolled_back;
  trace_.Add("chef: that rolls a save of ", name, " back");
  if (on_rollback_ != nullptr) on_rollback_(name, undone.back());
}

std::unique_ptr<ChefServer::Client> ChefServer::Connect(
    const ServerLimits& limits) {
  return std::make_unique<Client>(*this, limits);
}

ChefServer::Client::Client(ChefServer& server, const ServerLimits& limits)
    : server_(server),
      limits_(limits),
      allowance_(limits.request_burst),
      allowance_at_(server.scheduler_.now()) {}

void ChefServer::Client::Send(chef::Request request, Done done) {
  if (is_dead_) return done(absl::CancelledError("the client has gone"));
  const std::string name = NodeOf(request);
  Trace& trace = server_.trace_;
  Counts& counts = server_.counts_;
  trace.Add("rehai: ", request.method, " ", request.path);
  JudgeLoad(request);
  int64_t base = 0;
  if (request.method == "PUT") {
    ++counts.puts;
    base = looks_[name].serial;
    JudgePut(name, request.body);
  } else if (request.method == "GET") {
    ++counts.gets;
  } else {
    ++counts.searches;
  }

  const int64_t id = ++last_id_;
  pending_[id] = {name, std::move(done)};
  ++under_way_[name];
  const Fate fate = server_.Draw(request);
  const absl::Duration begun = server_.scheduler_.now();
  // The server goes on whatever becomes of its client.
  auto response = std::make_shared<chef::Response>();
  auto look = std::make_shared<Look>();
  ChefServer& server = server_;
  server.scheduler_.After(
      fate.until_applied, [&server, request, name, base, fate, response, look] {
        if (request.method == "PUT" && fate.is_applied) {
          server.ApplyPut(name, request.body, base,
                          fate.until_applied > fate.until_answered);
        }
        *response =
            fate.status == 200 ? server.Carry(request) : Refusal(fate.status);
        if (response->status == 429 || response->status == 503) {
          response->retry_after = absl::Seconds(server.dice_.Pick(8));
        }
        if (request.method == "GET" && response->status == 200) {
          look->text = response->body;
          look->serial = server.nodes_.at(name).serial;
          if (server.on_get_ != nullptr) server.on_get_(name);
        }
        if (fate.is_raced && fate.is_applied && response->status == 200) {
          // Another writer was at it at the same moment.
          std::string other =
              With(request.body, "automatic",
                   Without(*Find(request.body, {"automatic"}), "rehai"));
          server.Save(name, other, Writer::kHand);
          response->body = std::move(other);
          if (server.on_race_ != nullptr && fate.is_answered) {
            server.on_race_(name, server.scheduler_.now());
          }
        }
        if (fate.is_truncated) {
          response->body.resize(response->body.size() / 2);
        }
      });
  server.scheduler_.After(
      fate.until_answered, [this, id, name, fate, begun, response, look] {
        if (!pending_.contains(id)) return;
        if (!fate.is_answered) {
          return Answer(id, absl::Status(fate.lost_as, "sim: no answer"));
        }
        response->took = server_.scheduler_.now() - begun;
        response->date = server_.scheduler_.clock().Now();
        if (look->serial != 0) {
          *look = Look{look->text, look->serial, server_.scheduler_.now(),
                       /*is_used=*/false};
          looks_[name] = *look;
        }
        Answer(id, std::move(*response));
      });
}

void ChefServer::Client::Answer(int64_t id,
                                absl::StatusOr<chef::Response> answer) {
  const auto it = pending_.find(id);
  Pending pending = std::move(it->second);
  pending_.erase(it);
  --under_way_[pending.node];
  if (!is_dead_) {
    server_.trace_.Add("rehai: answered ", pending.node, " ",
                       answer.ok()
                           ? absl::StrCat(answer->status)
                           : absl::StatusCodeToString(answer.status().code()));
  }
  pending.done(std::move(answer));
}

void ChefServer::Client::Abandon() {
  is_dead_ = true;
  while (!pending_.empty()) {
    Answer(pending_.begin()->first,
           absl::CancelledError("the client has gone"));
  }
}

void ChefServer::Client::JudgeLoad(const chef::Request& request) {
  Trace& trace = server_.trace_;
  const absl::Duration now = server_.scheduler_.now();
  const std::string name = NodeOf(request);
  if (!name.empty()) {
    trace.Expect(under_way_[name] == 0, 8, name,
                 ": a second request of this node is begun");
    int nodes = 1;
    for (const auto& [node, requests] : under_way_) {
      if (!node.empty()) nodes += requests;
    }
    trace.Expect(nodes <= limits_.max_in_flight, 8, nodes,
                 " nodes are under way, ", limits_.max_in_flight, " may be");
  }
  allowance_ = std::min<double>(
      limits_.request_burst,
      allowance_ + limits_.requests_per_second *
                       absl::ToDoubleSeconds(now - allowance_at_));
  allowance_at_ = now;
  allowance_ -= 1;
  // Searches are paid for when they are answered.
  trace.Expect(allowance_ > -4, 8, "more requests than ",
               limits_.requests_per_second, " a second");
}

void ChefServer::Client::JudgePut(const std::string& name,
                                  const std::string& text) {
  Trace& trace = server_.trace_;
  Node& node = server_.nodes_.at(name);
  Look& look = looks_[name];
  trace.Expect(!look.is_used && look.answered_at == server_.scheduler_.now(), 4,
               name, ": a PUT does not follow its GET at once");
  look.is_used = true;
  const bool keeps_foreign = KeepsForeign(look.text, text, node.saves);
  trace.Expect(keeps_foreign, 2, name, ": a PUT changes what is not ours: ",
               keeps_foreign ? "" : ForeignPart(look.text), " became ",
               keeps_foreign ? "" : ForeignPart(text));
  trace.Expect(OursOf(look.text) != OursOf(text) ||
                   ForeignPart(look.text) != ForeignPart(text),
               5, name, ": a PUT changes nothing");

  const absl::string_view rehai =
      Find(text, {"automatic", "rehai"}).value_or("{}");
  const int64_t revision = NumberAt(rehai, {"revision"});
  trace.Expect(revision >= node.sent_revision, 3, name, ": revision ", revision,
               " is sent after ", node.sent_revision);
  node.sent_revision = std::max(node.sent_revision, revision);
  const absl::string_view guests = Find(rehai, {"guests"}).value_or("{}");
  for (const auto& [uuid, guest] : MembersOf(guests)) {
    const int64_t version = VersionIn(Find(guest, {"title"}).value_or(""));
    int64_t& sent = node.sent_versions[std::string(uuid)];
    // 0: it could not be read, and is only known to be there.
    trace.Expect(
        version >= sent || version == 0 ||
            (server_.may_send_older_ != nullptr &&
             server_.may_send_older_(
                 name, std::string(uuid.substr(1, uuid.size() - 2)), version)),
        3, name, ": guest ", uuid, " is sent as v", version, " after v", sent);
    sent = std::max(sent, version);
  }
}

}  // namespace rehai::sim
