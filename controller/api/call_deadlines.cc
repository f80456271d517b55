// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/call_deadlines.h"

#include <pthread.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace rehai {

void CallDeadlines::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "call-deadlines");
    Run();
  });
}

void CallDeadlines::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool CallDeadlines::Watched::overdue() const {
  MutexLock lock(deadlines_.mu_);
  return entry_->overdue;
}

std::list<CallDeadlines::Entry>::iterator CallDeadlines::Add(grpc_call* call) {
  const absl::Duration due = clock_.Uptime() + most_;
  MutexLock lock(mu_);
  return waiting_.insert(waiting_.end(), {.call = call, .due = due});
}

void CallDeadlines::Remove(std::list<Entry>::iterator entry) {
  MutexLock lock(mu_);
  (entry->overdue ? overdue_ : waiting_).erase(entry);
}

void CallDeadlines::Run() {
  const std::string message =
      absl::StrCat("the call has taken ", absl::FormatDuration(most_),
                   ", longer than any may; what it waits for does not answer: "
                   "see rehaictl status, and try again");
  while (true) {
    grpc_call* due = nullptr;
    {
      MutexLock lock(mu_);
      while (!stopping_ && (due = TakeDue()) == nullptr) {
        // What comes meanwhile is due after that.
        clock_.WaitUntil(
            waiting_.empty() ? clock_.Uptime() + most_ : waiting_.front().due,
            mu_, stopped_);
      }
      if (due == nullptr) return;  // stopping
    }
    // May run the handler's cancellation, so under no lock.
    grpc_call_cancel_with_status(due, GRPC_STATUS_DEADLINE_EXCEEDED,
                                 message.c_str(), nullptr);
    grpc_call_unref(due);
  }
}

grpc_call* CallDeadlines::TakeDue() {
  if (waiting_.empty() || waiting_.front().due > clock_.Uptime()) {
    return nullptr;
  }
  overdue_.splice(overdue_.end(), waiting_, waiting_.begin());
  overdue_.back().overdue = true;
  grpc_call_ref(overdue_.back().call);
  return overdue_.back().call;
}

}  // namespace rehai
