// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/background_ohai.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/proto_time.h"

namespace rehai::agent {
namespace {

// What a controller may ask for.
constexpr absl::Duration kLongestRun = absl::Hours(1);

v1::OhaiResult Refusal(const std::string& node, absl::string_view why) {
  v1::OhaiResult result;
  result.set_error(absl::StrCat(node, ": ", why));
  return result;
}

}  // namespace

BackgroundOhai::BackgroundOhai(std::string node, OhaiRunner::Request defaults,
                               const Clock& clock)
    : node_(std::move(node)), defaults_(std::move(defaults)), runner_(clock) {}

BackgroundOhai::~BackgroundOhai() { Stop(); }

void BackgroundOhai::Start(const v1::RunOhai& request, Done done) {
  OhaiRunner::Request run = defaults_;
  if (request.plugins_size() > 0) {
    run.attributes.assign(request.plugins().begin(), request.plugins().end());
  }
  if (const absl::Duration timeout = FromProto(request.timeout());
      timeout > absl::ZeroDuration()) {
    run.timeout = std::min(timeout, kLongestRun);
  }
  absl::string_view refusal;
  {
    MutexLock lock(mu_);
    if (stopped_) {
      refusal = "the agent is stopping; ask again later";
    } else if (running_) {
      refusal = "Ohai runs already; ask again when it has ended";
    } else {
      running_ = true;
      // It has said that it is done, so this takes no time.
      if (thread_.joinable()) thread_.join();
      thread_ = std::thread(
          [this, run = std::move(run), done = std::move(done)]() mutable {
            pthread_setname_np(pthread_self(), "ohai");
            v1::OhaiResult result = Run(run);
            {
              MutexLock lock(mu_);
              running_ = false;
            }
            done(std::move(result));
          });
      return;
    }
  }
  done(Refusal(node_, refusal));
}

v1::OhaiResult BackgroundOhai::Run(const OhaiRunner::Request& request) {
  absl::StatusOr<OhaiRunner::Output> output = runner_.Run(request);
  if (!output.ok()) return Refusal(node_, output.status().message());
  v1::OhaiResult result;
  result.set_json(std::move(output->json));
  result.set_whole(output->whole);
  return result;
}

void BackgroundOhai::Stop() {
  std::thread thread;
  {
    MutexLock lock(mu_);
    stopped_ = true;
    thread.swap(thread_);
  }
  runner_.Stop();
  if (thread.joinable()) thread.join();
}

}  // namespace rehai::agent
