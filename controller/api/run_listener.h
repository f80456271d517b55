// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_RUN_LISTENER_H_
#define CONTROLLER_API_RUN_LISTENER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/run_message.h"

namespace rehai {

// What has become of the messages that came, counted since the start.
struct RunListenerCounts {
  int64_t received =
      0;  // with the right token; all below but refused are of these
  int64_t run_starts = 0;   // told on
  int64_t run_ends = 0;     // told on
  int64_t passed_over = 0;  // well-formed, and not about a run
  int64_t malformed = 0;
  int64_t too_large = 0;
  int64_t dropped = 0;  // the queue was full: the oldest went
  int64_t refused = 0;  // no token, or a wrong one
  // Waiting now, and for how long the oldest has been.
  int64_t queued = 0;
  int64_t queued_bytes = 0;
  absl::Duration oldest = absl::ZeroDuration();
};

// RunListener is the data collector that chef-client reports its runs to,
// behind its HTTP route.
//
// - chef-client waits for the answer, so Take() only queues: a message is read
//   and told on later, one at a time, in the order they came.
// - The queue is bounded in messages and bytes. When it is full the oldest
//   messages go, as the newest say most about how things are.
// - What is wrong with messages is counted, and logged at most once a minute
//   for each way of being wrong.
//
// Thread-safe. Owns one thread, between Start() and Stop().
class RunListener {
 public:
  struct Options {
    // What chef-client is configured to send (data_collector.token). Not empty.
    std::string token;
    size_t max_messages = 1000;
    size_t max_bytes = 64 << 20;
  };
  // Called by one thread at a time.
  using OnRun = absl::AnyInvocable<void(const chef::RunMessage&)>;

  // `clock` must outlive this.
  RunListener(Options options, OnRun on_run, const Clock& clock);
  ~RunListener();

  void Start();
  // Waits for the message under way; those that wait are forgotten. Once or
  // more.
  void Stop();

  // True if `token` is the one that messages must carry; otherwise counts a
  // refusal. Takes as long for a token that is nearly right as for any other.
  bool Admits(absl::string_view token);

  // Queues a message. Never waits.
  void Take(std::string body);

  // A message was not taken in, because it is larger than any should be.
  void CountTooLarge();

  RunListenerCounts Counts() const;

 private:
  // Ways in which a message can be wrong.
  enum Trouble { kRefused, kMalformed, kTooLarge, kDropped, kTroubles };

  struct Message {
    std::string body;
    absl::Duration came_at;
  };

  // What the log has yet to say about one kind of trouble.
  struct Unsaid {
    int64_t count = 0;
    absl::Duration next_at = absl::ZeroDuration();
  };

  void Run();
  void Handle(const std::string& body);
  // Counts the trouble, and logs it if its kind has been silent for a minute.
  void Note(Trouble trouble, absl::string_view what);

  // Set at construction.
  const Options options_;
  const std::string token_digest_;
  const Clock& clock_;

  OnRun on_run_;  // used by the thread only

  mutable Mutex mu_;
  CondVar news_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Message> queue_ ABSL_GUARDED_BY(mu_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  RunListenerCounts counts_ ABSL_GUARDED_BY(mu_);  // without the queue
  std::array<Unsaid, kTroubles> unsaid_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

// The first line of a token file, without spaces around it. kNotFound and
// kPermissionDenied name the file; kInvalidArgument: its first line is empty.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

}  // namespace rehai

#endif  // CONTROLLER_API_RUN_LISTENER_H_
