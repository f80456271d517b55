// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_FORWARDING_SINK_H_
#define TESTS_BENCH_FORWARDING_SINK_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/sink.h"

namespace rehai::bench {

// Chef, for who measures some of what is asked of it and overrides that.
// Thread-safe.
class ForwardingSink : public Sink {
 public:
  // Both must outlive this. Null: nothing can be searched for.
  explicit ForwardingSink(chef::NodeWriter& writer,
                          chef::NodeSearch* search = nullptr)
      : chef_(writer, search) {}

  void Write(chef::NodeUpdate update,
             absl::AnyInvocable<void(chef::WriteResult)> done) override {
    chef_.Write(std::move(update), std::move(done));
  }
  void Diff(chef::NodeUpdate update,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done) override {
    chef_.Diff(std::move(update), std::move(done));
  }
  void Read(
      std::string node,
      absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) override {
    chef_.Read(std::move(node), std::move(done));
  }
  void Search(int expected,
              absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)>
                  done) override {
    chef_.Search(expected, std::move(done));
  }

 private:
  ChefSink chef_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_FORWARDING_SINK_H_
