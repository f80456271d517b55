// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_SINK_H_
#define TESTS_FAKES_FAKE_SINK_H_

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/node_writer.h"
#include "controller/sync/sink.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// A Chef server made of memory. It holds a digest per node: a write of another
// one is WRITTEN, of the same one UNCHANGED, unless a test scripts another end.
// Writes end at once, inside Write(), unless they are held.
//
// Thread-safe. Held writes must be released before the fake is destroyed.
class FakeSink final : public Sink {
 public:
  // `clock` says when writes end.
  explicit FakeSink(const Clock& clock) : clock_(clock) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override;
  void Diff(chef::NodeUpdate update,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done) override;

  // The next write of `node` that has no script yet ends like this. An outcome
  // other than WRITTEN leaves what the server holds.
  void Script(const std::string& node, v1::WriteOutcome outcome);
  void Script(const std::string& node, chef::WriteResult result);
  // Every write without a script ends like this; UNSPECIFIED: as a server that
  // works.
  void SetAll(v1::WriteOutcome outcome);
  // Diff() answers this, once the writes before it are released.
  void SetDifferences(std::vector<chef::PathDifference> differences);
  // Somebody else saves the node without our attributes.
  void Clobber(const std::string& node);

  // From now on, calls wait for Release(), which ends all of them and lets the
  // later ones through.
  void Hold();
  void Release();

  // Waits until so many writes in all have begun. For tests with threads.
  void WaitForWrites(size_t count) const;

  // Every write that has begun, in that order, and their number.
  size_t write_count() const;
  std::vector<chef::NodeUpdate> updates() const;
  std::vector<chef::NodeUpdate> updates(const std::string& node) const;
  // Empty if the server has nothing of ours there.
  std::string digest(const std::string& node) const;
  int in_flight() const;
  // The most calls ever under way at once, over all and of one node.
  int max_in_flight() const;
  int max_in_flight_of_a_node() const;

 private:
  // Ends one call.
  using End = absl::AnyInvocable<void()>;

  void Begin(const std::string& node, End end);
  chef::WriteResult EndWrite(const chef::NodeUpdate& update);
  void Left(const std::string& node);

  // Set at construction.
  const Clock& clock_;

  mutable Mutex mu_;
  mutable CondVar cv_;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<End> held_ ABSL_GUARDED_BY(mu_);
  v1::WriteOutcome all_ ABSL_GUARDED_BY(mu_) = v1::WRITE_OUTCOME_UNSPECIFIED;
  std::map<std::string, std::deque<chef::WriteResult>> scripts_
      ABSL_GUARDED_BY(mu_);
  std::vector<chef::PathDifference> differences_ ABSL_GUARDED_BY(mu_);
  std::vector<chef::NodeUpdate> updates_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> digests_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> in_flight_ ABSL_GUARDED_BY(mu_);
  int all_in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  int max_in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  int max_in_flight_of_a_node_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // TESTS_FAKES_FAKE_SINK_H_
