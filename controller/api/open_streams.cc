// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/open_streams.h"

#include <utility>
#include <vector>

namespace rehai {

size_t OpenStreams::EndUnless(
    absl::FunctionRef<absl::Status(const Admitted& admitted)> check) {
  std::vector<std::pair<grpc_call*, absl::Status>> ended;
  {
    MutexLock lock(mu_);
    for (const Entry& entry : streams_) {
      absl::Status refusal = check(entry.admitted);
      if (refusal.ok()) continue;
      grpc_call_ref(entry.call);
      ended.emplace_back(entry.call, std::move(refusal));
    }
  }
  // May run the handlers' cancellation, so under no lock.
  for (const auto& [call, refusal] : ended) {
    grpc_call_cancel_with_status(
        call, static_cast<grpc_status_code>(refusal.code()),
        std::string(refusal.message()).c_str(), nullptr);
    grpc_call_unref(call);
  }
  return ended.size();
}

std::list<OpenStreams::Entry>::iterator OpenStreams::Add(grpc_call* call,
                                                         Admitted admitted) {
  MutexLock lock(mu_);
  return streams_.insert(streams_.end(),
                         {.call = call, .admitted = std::move(admitted)});
}

void OpenStreams::Remove(std::list<Entry>::iterator entry) {
  MutexLock lock(mu_);
  streams_.erase(entry);
}

}  // namespace rehai
