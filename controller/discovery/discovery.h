// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_DISCOVERY_H_
#define CONTROLLER_DISCOVERY_DISCOVERY_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/node_query.h"
#include "controller/discovery/discovery_options.h"
#include "controller/discovery/discovery_state.h"
#include "controller/discovery/folder_watch.h"
#include "controller/discovery/found_host.h"
#include "controller/discovery/host_files.h"
#include "controller/discovery/provider.h"
#include "controller/discovery/search_turns.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// Knows which hosts there are: the configuration's, those of files, and those
// that Chef searches find, as one fleet.
//
// 1. AN ERROR TAKES NOBODY AWAY. A file that is bad or cannot be read, and a
//    search that fails, keep the hosts that they had.
// 2. SILENCE TAKES NOBODY AWAY. Until every search has answered once, a host
//    that is found no more stays, since a search may still find it.
// 3. NOT ALL AT ONCE. If many hosts are found no more, the brake holds them
//    until they are found again or an operator confirms.
// 4. FIRST COME, FIRST SERVED. A second URI for a node does not take it over.
//
// A change of a file is seen at once where the system tells of it, and at the
// next look everywhere; one that takes hosts away, a second_look later.
//
// Thread-safe. Owns one thread, and one more that watches the files' folders.
class Discovery {
 public:
  using AskDone =
      absl::AnyInvocable<void(absl::StatusOr<chef::NodeQuery::Answer>)>;
  // Asks the Chef server, as NodeQuery::Ask() does. Called on discovery's
  // thread; must not block. The answer may come on any thread, late or never,
  // also when discovery is gone.
  using AskChef =
      std::function<void(chef::NodeQuery::Question question, AskDone done)>;
  // Takes the whole fleet, sorted by node.
  using Listener = std::function<void(std::vector<FoundHost>)>;

  // `listener` is called by Start() and then, whenever the fleet has changed,
  // on discovery's thread: never twice at a time, without a lock, and the last
  // call has the fleet of now. `ask_chef` may be empty without searches.
  // `clock` must outlive this.
  Discovery(DiscoveryOptions options, AskChef ask_chef, Listener listener,
            const Clock& clock);
  ~Discovery();

  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // Reads the files and calls the listener with what the configuration and they
  // hold, however little, before it returns. A bad file is in the status and in
  // the log. The searches follow. Call once.
  void Start();

  // Waits for the thread, and so for a listener's call under way; none comes
  // after. Call it before what the listener and `ask_chef` need goes.
  // Idempotent.
  void Stop();

  v1::DiscoveryStatus Status() const;

  // Lets the hosts go that the brake holds, and returns their nodes; the
  // listener hears of it soon. kFailedPrecondition if not exactly
  // `expected_held` are held: what the operator has seen is not what is so.
  absl::StatusOr<std::vector<std::string>> Confirm(int expected_held);

 private:
  struct Reply {
    size_t search;
    int64_t number;
    absl::StatusOr<chef::NodeQuery::Answer> answer;
  };

  // What wakes the thread. Shared with answers that may come when all else is
  // gone.
  struct Inbox {
    Mutex mu;
    CondVar filled;
    bool stopping ABSL_GUARDED_BY(mu) = false;
    bool files_changed ABSL_GUARDED_BY(mu) = false;
    bool confirmed ABSL_GUARDED_BY(mu) = false;
    std::vector<Reply> replies ABSL_GUARDED_BY(mu);
  };

  // What there is to do, apart from what is due.
  struct Work {
    bool files_changed = false;
    std::vector<Reply> replies;
  };

  void Run();
  // Waits until something came or is due; nullopt: stop.
  std::optional<Work> AwaitWork();
  void LookAtFiles();
  void AskSearches();
  std::vector<Provider> GatherProviders() const;
  // Makes the fleet of what the providers have now, and tells the listener.
  void Settle();

  const DiscoveryOptions options_;
  const AskChef ask_chef_;
  const Listener listener_;
  const Clock& clock_;
  const std::shared_ptr<Inbox> inbox_;

  // The thread's alone, and Start()'s before it.
  Provider config_;
  HostFiles files_;
  std::unique_ptr<FolderWatch> watch_;  // null without files
  SearchTurns turns_;
  absl::BitGen random_;
  absl::Duration next_look_ = absl::InfiniteDuration();  // uptime
  // True while a file is to be looked at twice: not before next_look_.
  bool in_doubt_ = false;
  // The fleet that the listener has; nullopt before its first.
  std::optional<std::vector<FoundHost>> told_;

  mutable Mutex mu_;
  DiscoveryState state_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_DISCOVERY_H_
