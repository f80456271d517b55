// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_FAKE_SINK_H_
#define TESTS_FAKES_FAKE_SINK_H_

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/node_marks.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "controller/sync/sink.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// A Chef server made of memory. It holds the marks of each node: a write of
// another digest is WRITTEN, or CLOBBERED_AND_REPAIRED if somebody had saved
// over the node, of the same one UNCHANGED, unless a test scripts another end.
// What Ohai found is WRITTEN too where it is new, and left out where it is
// older than the node's ohai_time. A search finds the nodes with a digest.
// Calls end at once, inside the call, unless they are held.
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
  // Answers what SetDocument() said; kNotFound without it.
  void Read(
      std::string node,
      absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override;
  void Search(int expected,
              absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)>
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
  void SetDocument(const std::string& node, std::string document);
  // A chef-client run saves the node: without our attributes, and with a later
  // ohai_time.
  void Clobber(const std::string& node);
  // Somebody else saves the node so.
  void SetMarks(const std::string& node, chef::NodeMarks marks);
  // Every search ends like this, until it is OK.
  void SetSearch(absl::Status status);
  // No search finds the node, whatever it holds.
  void HideFromSearch(const std::string& node);

  // From now on, calls wait for Release(), which ends all of them and lets the
  // later ones through.
  void Hold();
  void Release();

  // Of the searches: how many calls, how many requests they took, and what the
  // last one was told to expect.
  size_t search_count() const;
  int search_requests() const;
  int searched_for() const;

  // Waits until so many writes in all have begun. For tests with threads.
  void WaitForWrites(size_t count) const;

  // Every write that has begun, in that order, and their number.
  size_t write_count() const;
  std::vector<chef::NodeUpdate> updates() const;
  std::vector<chef::NodeUpdate> updates(const std::string& node) const;
  // Empty if the server has nothing of ours there.
  std::string digest(const std::string& node) const;
  chef::NodeMarks marks(const std::string& node) const;
  // What was last written of Ohai's, by key.
  std::map<std::string, std::string> ohai(const std::string& node) const;
  int in_flight() const;
  // The most calls ever under way at once, over all and of one node.
  int max_in_flight() const;
  int max_in_flight_of_a_node() const;

 private:
  // Ends one call.
  using End = absl::AnyInvocable<void()>;

  void Begin(const std::string& node, End end);
  chef::WriteResult EndWrite(const chef::NodeUpdate& update);
  // The result of a write that has no script. Takes in what Ohai found.
  chef::WriteResult Unscripted(const chef::NodeUpdate& update,
                               const chef::NodeMarks& found)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<chef::NodeSearch::Answer> EndSearch(int expected)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // True if the node was changed.
  bool TakeOhai(const chef::NodeUpdate& update)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // At first, as chef-client saved it.
  chef::NodeMarks& MarksOf(const std::string& node)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
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
  std::map<std::string, chef::NodeMarks> marks_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::map<std::string, std::string>> ohai_
      ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> documents_ ABSL_GUARDED_BY(mu_);
  int saves_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status search_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> hidden_ ABSL_GUARDED_BY(mu_);
  size_t search_count_ ABSL_GUARDED_BY(mu_) = 0;
  int search_requests_ ABSL_GUARDED_BY(mu_) = 0;
  int searched_for_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, int> in_flight_ ABSL_GUARDED_BY(mu_);
  int all_in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  int max_in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  int max_in_flight_of_a_node_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // TESTS_FAKES_FAKE_SINK_H_
