// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_BELIEFS_H_
#define TESTS_SIM_BELIEFS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace rehai::sim {

// What the controller that runs believes of its hosts; judges each change by
// promises 1, 3, 6 and 7. Not thread-safe.
class Beliefs {
 public:
  using Host = Hypervisors::Host;

  // Outlived by the world.
  explicit Beliefs(World& world);

  // To be called with every change of its inventory.
  void OnChange(const Change& change);
  // It has ended, and the next one is to believe at first what it had kept.
  void Forget();
  // The next one has nothing of it, and so may number anew.
  void ForgetRevisions() { newest_revision_ = 0; }
  // The newest of a host; null if it is not known.
  RecordPtr Find(const std::string& node) const;
  // The guest's newest version may have been lost in a crash, and this is what
  // was kept: its host was read since, and did not tell of the guest.
  bool MaySendOlder(const std::string& node, const std::string& uuid,
                    int64_t version) const;
  // At some moment since then, whoever answered may have been another host.
  bool WasInDoubtSince(const std::string& node, absl::Duration since) const;
  // Called when a guest is believed in a newer version than before.
  void SetOnVersion(
      absl::AnyInvocable<void(const std::string& node, const std::string& uuid,
                              int64_t version)>
          call) {
    on_version_ = std::move(call);
  }

  // Something has just happened to the guest: if its host is well it has to be
  // believed soon.
  void ExpectShown(Host& host, const std::string& uuid);
  // The guest begins to move: until it has, it must be believed somewhere.
  void ExpectMove(Host& from, Host& to, const std::string& uuid);

 private:
  struct Moving {
    std::string uuid;
    Host* from;
    Host* to;
    absl::Duration at;
  };

  void JudgeGone(const Host& host, const v1::Record& before,
                 const v1::Record& after);
  void JudgeAges(const Host& host, const v1::Record& record);
  void JudgeMoves();
  void NoteDoubt(const v1::Record& record, const RecordPtr& before);

  World& world_;
  Scheduler& scheduler_;
  Trace& trace_;
  Hypervisors& fleet_;
  std::map<std::string, RecordPtr> beliefs_;  // by node
  // By node and UUID.
  std::map<std::pair<std::string, std::string>, int64_t> shown_versions_;
  // Of the state that the last crash left.
  std::map<std::pair<std::string, std::string>, int64_t> kept_versions_;
  std::set<std::string> read_;                        // by node, since then
  std::map<std::string, absl::Duration> doubted_at_;  // the last moment
  std::vector<Moving> moving_;
  int64_t newest_revision_ = 0;  // of all hosts, over restarts too
  absl::AnyInvocable<void(const std::string&, const std::string&, int64_t)>
      on_version_;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_BELIEFS_H_
