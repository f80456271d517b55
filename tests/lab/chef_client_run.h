// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_CHEF_CLIENT_RUN_H_
#define TESTS_LAB_CHEF_CLIENT_RUN_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/lab/knife.h"

namespace rehai::lab {

// One run of chef-client on one host, as the Chef server and a data collector
// see it; nothing converges. Ohai looks, the node is read, and at the very end,
// if the run was good, it is saved whole: `automatic` is what Ohai found,
// `default` and `override` are made anew, `normal` and the run list are as they
// were read. Whatever anybody else wrote meanwhile is gone.
//
// Its steps are taken by the caller, in order and each once: Begin(), Save(),
// Report(). Each blocks for its answers. Not thread-safe.
class ChefClientRun {
 public:
  enum class Kind {
    kGood,      // saves and reports success
    kFailed,    // reports failure, with the node it would have saved
    kOverride,  // chef-client -o: reports success, saves nothing
  };

  struct Host {
    std::string node = {};
    // Its own API client; on goiardi an administrator's does as well.
    Knife::Options account = {};
    // What Ohai finds, a JSON object, but for ohai_time and what Rehai keeps.
    std::string automatic = "{}";
    // What an Ohai plugin for KVM finds when it looks: a JSON object for
    // automatic.virtualization.kvm. Null: there is no such plugin.
    std::function<std::string()> kvm = nullptr;
    // Where it reports; empty: it does not.
    std::string data_collector_url = {};
    std::string data_collector_token = {};
  };

  struct Plan {
    Kind kind = Kind::kGood;
    std::string run_id = {};
    // A cookbook makes a secret of this name in normal.secrets, once for all.
    std::string new_secret = {};
  };

  // What happened, as the client knows it. Times are this machine's; infinite
  // past for what did not happen.
  struct Log {
    std::string node;
    Plan plan;
    std::string ohai_time;  // as it is spelled in the node
    absl::Time got_at = absl::InfinitePast();
    absl::Time put_begin = absl::InfinitePast();
    absl::Time put_end = absl::InfinitePast();
    // The very bytes; empty if it was not saved.
    std::string saved;
    // Accepted by the data collector.
    bool start_reported = false;
    bool end_reported = false;
    // The first request that failed.
    absl::Status status;
  };

  // `host` must outlive the run.
  ChefClientRun(const Host& host, Plan plan);
  ~ChefClientRun();

  ChefClientRun(const ChefClientRun&) = delete;
  ChefClientRun& operator=(const ChefClientRun&) = delete;

  // Ohai, the node's GET, and run_start. After an error, which the log keeps,
  // the other steps do nothing.
  void Begin();
  // The node's PUT, of a run that saves.
  void Save();
  // run_converge, with the node exactly as it was saved. A client whose
  // run_start was not accepted sends none.
  void Report();

  const Log& log() const { return log_; }

 private:
  absl::Status ReadNode();
  // The message's fields that both kinds have.
  nlohmann::json Message(absl::string_view type,
                         absl::string_view version) const;
  bool Send(const std::string& message) const;

  const Host& host_;
  Log log_;
  std::unique_ptr<Knife> server_;
  absl::Time started_at_;
  std::string view_;  // what it saves, or would
  nlohmann::json run_list_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_CHEF_CLIENT_RUN_H_
