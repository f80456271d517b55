// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_CHEF_WORLD_H_
#define TESTS_SIM_CHEF_WORLD_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/client.h"
#include "controller/sync/server_limits.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// A Chef server with its nodes as text, whose answers come late, wrong or not
// at all, and which judges every request of the controller's by promises 2, 3,
// 4, 5 and 8. chef-clients and people save nodes beside the controller.
class ChefServer {
 public:
  enum class Storm {
    kNone,
    kErrors,  // all kinds of refusals and losses
    kOutage,  // nothing is answered
    kSlow,    // everything takes seconds
    kLag,     // the search index is far behind
  };
  enum class Writer { kController, kChefClient, kHand };

  // A save of chef-client's.
  struct Saved {
    std::string text;
    std::string ohai_time;
    int64_t serial = 0;
    absl::Duration at;
    // When its message reached the controller; infinite: it has not.
    absl::Duration told_at = absl::InfiniteDuration();
  };

  struct Node {
    std::string text;
    int64_t serial = 0;  // grows with each save
    bool is_indexed = false;
    std::string row;  // what a search finds of this text; empty: not made yet
    // Rehai's part has been taken out, or made older, since then.
    std::optional<absl::Duration> overwritten_at;
    std::deque<Saved> saves;
    absl::Duration last_hand_at = -absl::InfiniteDuration();
    // A PUT that its client had given up was carried out.
    absl::Duration last_late_put_at = -absl::InfiniteDuration();
    // What the controller has sent.
    int64_t sent_revision = 0;
    std::map<std::string, int64_t> sent_versions;
  };

  struct Counts {
    int64_t gets = 0;
    int64_t puts = 0;
    int64_t searches = 0;
    int64_t rolled_back = 0;
  };

  ChefServer(Dice& dice, Scheduler& scheduler, Trace& trace);

  void AddNode(const std::string& name, std::string text);
  Node& node(const std::string& name) { return nodes_.at(name); }
  std::map<std::string, Node>& nodes() { return nodes_; }

  void SetStorm(Storm storm);
  Storm storm() const { return storm_; }

  // This share of PUTs is overtaken by another's save before it is answered.
  void SetRaced(double share) { raced_ = share; }
  // Now and then, outside storms too, a request is refused, which goes well
  // when it is made again.
  void SetStumbles(bool stumbles) { stumbles_ = stumbles; }

  // A save by another writer than the controller.
  void Save(const std::string& name, std::string text, Writer writer);
  // A run's message with this save has reached the controller.
  void Told(const std::string& name, const std::string& ohai_time);
  // Called when Rehai's part of a node was saved over, and when a PUT has
  // rolled a save of chef-client's back.
  void SetOnOverwrite(
      absl::AnyInvocable<void(const std::string&, absl::Duration)> call) {
    on_overwrite_ = std::move(call);
  }
  void SetOnRollback(
      absl::AnyInvocable<void(const std::string&, const Saved&)> call) {
    on_rollback_ = std::move(call);
  }

  // Called when a PUT's answer has shown another writer's save over it.
  void SetOnRace(
      absl::AnyInvocable<void(const std::string&, absl::Duration)> call) {
    on_race_ = std::move(call);
  }
  // Asked whether a PUT may show a guest as it was before; no by default.
  void SetMaySendOlder(
      absl::AnyInvocable<bool(const std::string& node, const std::string& uuid,
                              int64_t version)>
          ask) {
    may_send_older_ = std::move(ask);
  }
  // Called when the controller has read a node.
  void SetOnGet(absl::AnyInvocable<void(const std::string&)> call) {
    on_get_ = std::move(call);
  }

  // A controller with nothing behind it may number anew.
  void ForgetRevisions();

  const Counts& counts() const { return counts_; }

  // One controller's client. Until Abandon(), which answers what is under way;
  // the server may carry that out all the same.
  class Client;
  std::unique_ptr<Client> Connect(const ServerLimits& limits);

 private:
  friend class Client;

  struct Fate {
    bool is_applied = true;
    bool is_answered = true;
    int status = 200;
    bool is_truncated = false;
    bool is_raced = false;
    absl::StatusCode lost_as = absl::StatusCode::kDeadlineExceeded;
    absl::Duration until_applied;
    absl::Duration until_answered;
  };
  Fate Draw(const chef::Request& request);
  void Stumble(Fate& fate);

  void Store(const std::string& name, std::string text, Writer writer);
  chef::Response Carry(const chef::Request& request);
  chef::Response Search(const chef::Request& request);
  // A PUT that began from `base` takes effect.
  void ApplyPut(const std::string& name, const std::string& text, int64_t base,
                bool is_late);

  Dice& dice_;
  Scheduler& scheduler_;
  Trace& trace_;
  std::map<std::string, Node> nodes_;
  Storm storm_ = Storm::kNone;
  double raced_ = 0;
  bool stumbles_ = false;
  absl::Duration stumbled_at_ = -absl::InfiniteDuration();
  int64_t last_serial_ = 0;
  Counts counts_;
  absl::AnyInvocable<void(const std::string&, absl::Duration)> on_overwrite_;
  absl::AnyInvocable<void(const std::string&, const Saved&)> on_rollback_;
  absl::AnyInvocable<void(const std::string&, absl::Duration)> on_race_;
  absl::AnyInvocable<void(const std::string&)> on_get_;
  absl::AnyInvocable<bool(const std::string&, const std::string&, int64_t)>
      may_send_older_;
};

class ChefServer::Client final : public chef::Client {
 public:
  Client(ChefServer& server, const ServerLimits& limits);

  void Send(
      chef::Request request,
      absl::AnyInvocable<void(absl::StatusOr<chef::Response>)> done) override;
  const std::string& server_url() const override { return server_url_; }
  const std::string& client_name() const override { return client_name_; }

  // The controller dies: it hears of nothing any more.
  void Abandon();

 private:
  using Done = absl::AnyInvocable<void(absl::StatusOr<chef::Response>)>;
  // The last GET of a node.
  struct Look {
    std::string text;
    int64_t serial = 0;
    absl::Duration answered_at = -absl::InfiniteDuration();
    bool is_used = true;
  };

  void JudgeLoad(const chef::Request& request);
  void JudgePut(const std::string& name, const std::string& text);
  void Answer(int64_t id, absl::StatusOr<chef::Response> answer);

  ChefServer& server_;
  const ServerLimits limits_;
  const std::string server_url_ = "https://chef.sim";
  const std::string client_name_ = "rehai";
  bool is_dead_ = false;
  int64_t last_id_ = 0;
  struct Pending {
    std::string node;  // empty: a search
    Done done;
  };
  std::map<int64_t, Pending> pending_;
  std::map<std::string, int> under_way_;  // by node
  std::map<std::string, Look> looks_;
  // What the limits allow at this moment.
  double allowance_;
  absl::Duration allowance_at_;
};

// The value of automatic.ohai_time, as a number.
double OhaiTimeOf(const std::string& node);

}  // namespace rehai::sim

#endif  // TESTS_SIM_CHEF_WORLD_H_
