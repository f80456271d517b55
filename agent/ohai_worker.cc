// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/ohai_worker.h"

#include <pthread.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"

namespace rehai::agent {
namespace {

v1::OhaiResult ErrorResult(const v1::RunOhai& asked, absl::string_view error) {
  v1::OhaiResult result;
  result.set_request_id(asked.request_id());
  result.set_error(error.data(), error.size());
  return result;
}

}  // namespace

OhaiWorker::OhaiWorker(OhaiRunner::Request base, const Clock& clock)
    : base_(std::move(base)),
      runner_(clock),
      thread_(&OhaiWorker::Loop, this) {}

OhaiWorker::~OhaiWorker() { Stop(); }

void OhaiWorker::Start(const v1::RunOhai& request, Done done) {
  const char* refusal = nullptr;
  {
    MutexLock lock(mu_);
    if (is_stopped_) {
      refusal = "ohai: the agent is ending; ask again when it is back";
    } else if (is_busy_) {
      refusal = "ohai: runs already; ask again when it has ended";
    } else {
      is_busy_ = true;
      job_ = Job{request, std::move(done)};
      changed_.NotifyAll();
      return;
    }
  }
  done(ErrorResult(request, refusal));
}

void OhaiWorker::Stop() {
  runner_.Stop();
  {
    MutexLock lock(mu_);
    if (std::exchange(is_stopped_, true)) return;
    changed_.NotifyAll();
  }
  thread_.join();
}

void OhaiWorker::Loop() {
  pthread_setname_np(pthread_self(), "ohai");
  while (true) {
    std::optional<Job> job;
    {
      MutexLock lock(mu_);
      // What was taken on is told how it ended, even then.
      while (!job_.has_value() && !is_stopped_) changed_.Wait(mu_);
      job = std::exchange(job_, std::nullopt);
    }
    if (!job.has_value()) return;
    v1::OhaiResult result = Run(job->request);
    {
      // Before it is told: who is told may ask for the next at once.
      MutexLock lock(mu_);
      is_busy_ = false;
    }
    job->done(std::move(result));
  }
}

OhaiRunner::Request OhaiWorker::RequestFor(const v1::RunOhai& asked) const {
  OhaiRunner::Request request = base_;
  if (asked.plugins_size() > 0) {
    request.attributes = {asked.plugins().begin(), asked.plugins().end()};
  }
  if (const absl::Duration timeout = FromProto(asked.timeout());
      timeout > absl::ZeroDuration()) {
    request.timeout = std::min(timeout, kMaxTimeout);
  }
  return request;
}

v1::OhaiResult OhaiWorker::Run(const v1::RunOhai& asked) {
  absl::StatusOr<OhaiRunner::Output> output = runner_.Run(RequestFor(asked));
  if (!output.ok()) return ErrorResult(asked, output.status().message());
  v1::OhaiResult result;
  result.set_request_id(asked.request_id());
  result.set_whole(output->whole);
  result.set_json(std::move(output->json));
  return result;
}

}  // namespace rehai::agent
