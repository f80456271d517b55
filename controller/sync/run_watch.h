// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RUN_WATCH_H_
#define CONTROLLER_SYNC_RUN_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "chef/node_writer.h"
#include "chef/run_message.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// RunWatch knows the chef-client runs that report to us: which nodes have one
// in flight, and which have just been saved by one.
//
// - A host has one run in flight: chef-client sees to that with a lock. A run
//   without an end is forgotten after Options::max_run.
// - While a run is in flight a write that shows nothing new is better held: the
//   run's save will undo it, and its end brings the next. Not for longer than
//   kLongestHold, as its end may never be told.
// - The document that a run saved is kept if a PUT of ours may have rolled the
//   save back, that is if our GET and our PUT lie around it, until a write of
//   the host has dealt with it. Documents are few, and not kept for long.
//
// Bounded: by the hosts that the caller lets in, and by Options. Times are
// Clock::Uptime() values, or wall times, passed in. Not thread-safe.
class RunWatch {
 public:
  // A save is heard of at most so long after it happened: chef-client tells of
  // it at once, but tries again where the network fails it.
  static constexpr absl::Duration kHeardOfAfter = absl::Seconds(10);
  // A PUT that was given up may be carried out so long after it.
  static constexpr absl::Duration kLateWrite = absl::Seconds(30);
  // The PUTs of a host that are remembered, and for how long.
  static constexpr size_t kWindows = 8;
  static constexpr absl::Duration kWindowAge = absl::Minutes(1);
  // A document waits for its write no longer than this.
  static constexpr absl::Duration kSavedAge = absl::Minutes(1);

  // A run without an end holds a write back no longer than this.
  static constexpr absl::Duration kLongestHold = absl::Minutes(15);

  struct Options {
    absl::Duration max_run = absl::Hours(2);
    // Saved documents that are kept at once; the oldest go.
    size_t max_documents = 256;
    size_t max_document_bytes = 64 << 20;
  };

  explicit RunWatch(Options options) : options_(options) {}

  // What a message asks for.
  struct Event {
    // The node was saved: what is ours is to be written again at once.
    bool saved = false;
    // A run ended, saved or not: what was held for it need not wait longer.
    bool ended = false;
  };

  // A message of one of our hosts has come. `writing`: a write of the host is
  // under way, so its PUT may yet turn out to have rolled the save back.
  Event OnMessage(const HostId& host, const chef::RunMessage& message,
                  bool writing, absl::Duration now, absl::Time wall_now);

  // Until when a write that shows nothing new is better held for the host's run
  // in flight, if its end is not told before; nullopt if there is no reason.
  std::optional<absl::Duration> HeldUntil(const HostId& host,
                                          absl::Duration now) const;
  // When it began, as heard.
  std::optional<absl::Time> StartedAt(const HostId& host,
                                      absl::Duration now) const;

  // A write of the host begins: the document that it is to bring back if the
  // server lacks it. Usually null.
  std::shared_ptr<const std::string> SavedFor(const HostId& host,
                                              absl::Duration now);

  // A write of the host ended, with or without a document. `again`: it failed
  // and will be tried again.
  void OnWritten(const HostId& host, const chef::WriteResult& result,
                 bool again);

  void Forget(const HostId& host);

  void FillStatus(absl::Duration now, v1::RunsStatus& status) const;

 private:
  struct Run {
    std::string id;
    absl::Duration since;
    absl::Time started_at;
  };

  // From a GET to the end of its PUT.
  struct Window {
    absl::Time begin;
    absl::Time end;
  };

  // A document that a run saved, at some time between the two.
  struct Saved {
    std::shared_ptr<const std::string> document;
    std::string ohai_time;
    absl::Time earliest;
    absl::Time latest;
    absl::Duration kept_since;
    int64_t order = 0;         // its key in saved_order_
    bool handed_over = false;  // to the write under way
    bool counted = false;      // as rolled back
  };

  struct Host {
    std::optional<Run> run;
    std::string last_ended;  // a message may come twice
    std::deque<Window> windows;
    std::optional<Saved> saved;
  };

  // The host's run in flight; null if there is none, or it is to be forgotten.
  const Run* FindRun(const HostId& id, absl::Duration now) const;
  // True if a PUT of ours lies around the save.
  static bool MayHaveUndone(const Host& host, const Saved& saved);
  static void AddWindow(Host& host, const chef::WriteResult& result,
                        bool again);

  void Keep(const HostId& id, Host& host, Saved saved);
  void Drop(Host& host);
  void DropOldest();

  const Options options_;

  absl::flat_hash_map<HostId, Host> hosts_;
  // The hosts with a document, oldest first.
  std::map<int64_t, HostId> saved_order_;
  int64_t next_order_ = 0;
  size_t document_bytes_ = 0;

  int64_t started_ = 0;
  int64_t succeeded_ = 0;
  int64_t failed_ = 0;
  int64_t rolled_back_ = 0;
  int64_t restored_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RUN_WATCH_H_
