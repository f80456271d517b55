// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_TEST_CONTROLLER_H_
#define TESTS_FAKES_TEST_CONTROLLER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/api/chef_service.h"
#include "controller/api/server.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "tests/fakes/fake_sink.h"
#include "tests/fakes/fake_source_answers.h"

namespace rehai {

// A controller for tests of its API: real but for the two edges of the world.
// Chef is a FakeSink, what is said of it and of the sources is what a test
// sets, and sources are whoever calls Observe(). A reread ends well at once
// unless a test says otherwise. Serves on a free loopback port unless options
// say otherwise.
class TestController {
 public:
  enum Serving { kServeNow, kServeLater };

  explicit TestController(ApiServer::Options options = AnyPort(),
                          Serving serving = kServeNow);
  ~TestController();

  static ApiServer::Options AnyPort();
  // A unix socket of this test's own, right below /tmp: a socket's name must
  // fit into 107 bytes, and TEST_TMPDIR alone may be longer.
  static ApiServer::Options AnySocket();

  // For who said kServeLater: once.
  void Serve();

  Inventory& inventory() { return inventory_; }
  FakeSink& sink() { return sink_; }
  FakeSourceAnswers& source() { return source_; }
  ApiServer& server() { return *server_; }
  // "127.0.0.1:PORT"
  std::string address() const;

  // Adds the host, or sets its labels, and reports all its guests.
  void Observe(const std::string& node, const std::vector<v1::Guest>& guests,
               const std::map<std::string, std::string>& labels = {});

  // How the rereads of a host end from here on.
  void SetReread(const std::string& node, absl::Status result);
  // Rereads from here on wait for ReleaseRereads(), but for hosts whose end is
  // set.
  void HoldRereads();
  void ReleaseRereads();
  // Gives the host an agent, whose Ohai ends so. Others have none.
  void SetOhai(const std::string& node, absl::StatusOr<v1::OhaiResult> result);
  // The plugins that an agent was last asked for.
  std::vector<std::string> ohai_plugins();

  // What the Chef service says. Its limits are changed by SetLimits, which
  // refuses a negative rate.
  void SetChefStatus(v1::ChefStatus status);
  // What a host's node costs. Hosts not set are not found.
  void SetChefCost(const v1::ChefCostResponse& cost);
  // Questions about costs from here on wait for ReleaseChefCosts(), or for
  // ever.
  void HoldChefCosts();
  void AwaitHeldChefCost();
  void ReleaseChefCosts();

 private:
  void Reread(const HostId& host, absl::AnyInvocable<void(absl::Status)> done);
  absl::StatusOr<v1::OhaiResult> RunOhai(
      const HostId& host, const std::vector<std::string>& plugins);
  ChefAnswers MakeChefAnswers();
  absl::StatusOr<v1::ChefLimits> SetLimits(const v1::ChefLimits& limits);
  void Cost(const HostId& host, ChefAnswers::CostDone done);

  Clock& clock_ = Clock::Real();
  Inventory inventory_{clock_};
  FakeSink sink_{clock_};
  FakeSourceAnswers source_;
  Syncer syncer_;
  ResyncOperations operations_;
  std::unique_ptr<ApiServer> server_;
  int64_t sequence_ = 0;

  Mutex mu_;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<absl::AnyInvocable<void(absl::Status)>> held_
      ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::Status> rereads_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, absl::StatusOr<v1::OhaiResult>> ohais_
      ABSL_GUARDED_BY(mu_);
  std::vector<std::string> ohai_plugins_ ABSL_GUARDED_BY(mu_);
  v1::ChefStatus chef_status_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::ChefCostResponse> chef_costs_ ABSL_GUARDED_BY(mu_);
  bool holding_costs_ ABSL_GUARDED_BY(mu_) = false;
  CondVar cost_held_;
  std::vector<std::pair<HostId, ChefAnswers::CostDone>> held_costs_
      ABSL_GUARDED_BY(mu_);
};

// A guest of this name, and a UUID that ends in the number.
v1::Guest MakeGuest(int number, const std::string& name,
                    v1::GuestState state = v1::GUEST_STATE_RUNNING);

}  // namespace rehai

#endif  // TESTS_FAKES_TEST_CONTROLLER_H_
