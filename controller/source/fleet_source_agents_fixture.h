// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_FLEET_SOURCE_AGENTS_FIXTURE_H_
#define CONTROLLER_SOURCE_FLEET_SOURCE_AGENTS_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "controller/discovery/found_host.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai {

// Remembers what it was asked.
class RecordingAgent final : public Agent {
 public:
  void AskReread(int64_t request_id) override {
    MutexLock lock(mu_);
    requests_.push_back(request_id);
    changed_.NotifyAll();
  }
  void Dismiss(const absl::Status& why) override {
    MutexLock lock(mu_);
    dismissed_ = why;
    changed_.NotifyAll();
  }

  // The first `count` requests.
  std::vector<int64_t> AwaitRequests(size_t count) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (requests_.size() < count && Clock::Real().Uptime() < deadline) {
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    return requests_;
  }
  absl::Status dismissed() {
    MutexLock lock(mu_);
    return dismissed_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<int64_t> requests_ ABSL_GUARDED_BY(mu_);
  absl::Status dismissed_ ABSL_GUARDED_BY(mu_);
};

inline FoundHost WithoutUri(int i) {
  FoundHost found = FoundAs(i);
  found.uri.clear();
  return found;
}

class FleetSourceAgentsTest : public FleetSourceTest {
 protected:
  FleetSourceAgentsTest() { options_.fallback_after = absl::Seconds(30); }

  // A source of one host that only an agent can tell of.
  void StartWithoutUri() {
    Create(0);
    source_->SetHosts({WithoutUri(0)});
    source_->Start();
  }

  // The host's agent comes. 0 if it is not let in.
  int64_t Come(int i = 0, int64_t last_session = 0) {
    agents_.push_back(std::make_shared<RecordingAgent>());
    const auto admission =
        source_->Came({NodeOf(i)}, last_session, agents_.back());
    EXPECT_THAT(admission, IsOk());
    if (!admission.ok()) return 0;
    last_admission_ = *admission;
    return admission->session;
  }

  v1::Observation Report(std::vector<v1::Guest> guests,
                         const std::string& host_uuid = "") {
    v1::Observation seen;
    seen.set_full(true);
    seen.mutable_provenance()->set_kind(v1::SOURCE_KIND_PUSH);
    seen.mutable_provenance()->set_origin("agent hv");
    *seen.mutable_provenance()->mutable_observed_at() = ToProto(clock_.Now());
    seen.mutable_facts()->set_hostname("hv");
    seen.mutable_facts()->set_uuid(host_uuid);
    for (v1::Guest& guest : guests) *seen.add_guests() = std::move(guest);
    return seen;
  }
  v1::Observation Removal(const std::string& uuid) {
    v1::Observation seen = Report({});
    seen.set_full(false);
    seen.clear_facts();
    seen.add_removed_uuids(uuid);
    return seen;
  }
  v1::Observation Partial(v1::Guest guest) {
    v1::Observation seen = Report({std::move(guest)});
    seen.set_full(false);
    seen.clear_facts();
    return seen;
  }

  absl::Status See(int64_t session, v1::Observation seen,
                   std::vector<int64_t> answers = {}, int i = 0) {
    return source_->Saw({NodeOf(i)}, session, std::move(seen), answers);
  }

  std::string MessageOf(const std::string& type, int i = 0) {
    for (const v1::Condition& condition : Record(i)->conditions()) {
      if (condition.type() == type) return condition.message();
    }
    return "";
  }

  std::vector<std::shared_ptr<RecordingAgent>> agents_;
  AgentHosts::Admission last_admission_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_FLEET_SOURCE_AGENTS_FIXTURE_H_
